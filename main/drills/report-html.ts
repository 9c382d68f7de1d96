// One HTML file that a colleague opens without the app: verdict, timeline, charts, story. Nothing in it is loaded
// from elsewhere and no script runs. Pure.

import type { DrillRunRecord, DrillVerdict } from '../api/drill-views.ts';
import { escapeMarkup as text } from './escape-markup.ts';
import { measureText } from './measures.ts';
import { chartSvg, laneSvg } from './report-charts.ts';
import { storyText } from './verdict-text.ts';

const style = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1b2430;--soft:#5b6878;--line:#d5dbe3;--panel:#f5f7fa;--ok:#00695c;--bad:#b3261e;--warn:#8a5a00;--accent:#0b63c5}
@media(prefers-color-scheme:dark){:root{--bg:#10151c;--fg:#dfe6ee;--soft:#93a1b1;--line:#2c3643;--panel:#18202a;--ok:#4ecdb4;--bad:#ff8a70;--warn:#e6b450;--accent:#6bb6ff}}
body{font:14px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--fg);max-width:1080px;margin:32px auto;padding:0 24px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:15px;margin:32px 0 8px}.soft{color:var(--soft)}
.verdict{border-left:4px solid var(--ok);background:var(--panel);padding:12px 16px;border-radius:4px;margin:16px 0}
.verdict.failed{border-color:var(--bad)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:500}th:first-child,td:first-child{text-align:left}td.text,th.text{text-align:left}
.ok{color:var(--ok)}.bad{color:var(--bad)}svg{display:block;width:100%;height:auto;margin:4px 0}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}pre{background:var(--panel);padding:12px;overflow:auto;font-size:12px;border-radius:4px}`;

export function htmlReport(run: DrillRunRecord): string {
  const { verdict } = run;
  const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(run.title)} – drill report</title><style>${style}</style></head><body>
<h1>${text(run.title)}</h1>
<p class="soft">${text(run.drill)} · ${when.format(run.startedWallMs)} UTC · ${run.brokers} brokers · profile ${text(run.profile)} · seed ${run.seed} · ${(run.elapsedMs / 1000).toFixed(1)} s · recorded by Highwater</p>
${verdict === null ? '<p>No verdict.</p>' : verdictHtml(verdict)}
<h2>Timeline</h2>${laneSvg(run)}
<h2>Rate, latency, lag</h2>${chartSvg(run)}
<h2>Steps</h2>${stepsTable(run)}
<h2>Story</h2><pre>${text(storyText(run))}</pre>
<h2>The drill</h2><pre>${text(run.source)}</pre>
</body></html>
`;
}

function verdictHtml(verdict: DrillVerdict): string {
  const cells = (values: readonly (string | number | null)[]) =>
    values.map((value) => `<td>${value === null ? '–' : text(String(value))}</td>`).join('');
  const producers = verdict.producers.map(
    (each) =>
      `<tr>${cells([each.producer, each.preset, each.acks, each.sent, each.acknowledged, each.failed, each.lost, each.duplicated, each.reordered, each.unavailableMs, each.latencyP99Ms])}</tr>`,
  );
  const groups = verdict.groups.map(
    (each) =>
      `<tr>${cells([each.group, each.assignor, each.consumed, each.deliveredAgain, each.maxLag, each.drainMs, each.unavailableMs, each.rebalances, each.unownedMs])}</tr>`,
  );
  const elections = verdict.elections.map(
    (each) =>
      `<tr>${cells([each.of, each.epoch, each.leader, each.isUnclean ? 'unclean' : 'clean', each.detectionMs, each.voteMs, each.metadataMs, each.discoveryMs, each.totalMs])}</tr>`,
  );
  const expectations = verdict.expectations.map(
    ({ measure, expected, actual, passed }) =>
      `<tr><td>${passed ? '<span class="ok">✓ held</span>' : '<span class="bad">✗ broken</span>'}</td><td class="text">${text(measure)}</td><td>${text(measureText(measure, actual))}</td><td>${text(expected)}</td></tr>`,
  );
  const questions = verdict.questions.map(
    ({ ask, actual, because, predicted }) =>
      `<tr><td>${text(ask)}</td><td class="text">${text(predicted ?? '–')}</td><td class="text">${text(actual)}</td><td class="text soft">${text(because)}</td></tr>`,
  );
  const table = (head: readonly string[], rows: readonly string[]) =>
    rows.length === 0
      ? ''
      : `<table><tr>${head.map((each) => `<th>${each}</th>`).join('')}</tr>${rows.join('')}</table>`;
  return `<div class="verdict ${verdict.passed ? '' : 'failed'}"><b class="${verdict.passed ? 'ok' : 'bad'}">${verdict.passed ? 'Passed' : 'Failed'}</b> ${text(verdict.summary)}</div>
<h2>Expectations</h2>${table(['', 'measure', 'seen', 'expected'], expectations)}
${questions.length === 0 ? '' : `<h2>Predictions</h2>${table(['question', 'predicted', 'happened', 'because'], questions)}`}
<h2>Producers</h2>${table(['producer', 'preset', 'acks', 'sent', 'acknowledged', 'failed', 'lost', 'duplicated', 'reordered', 'no answer, ms', 'p99, ms'], producers)}
${groups.length === 0 ? '' : `<h2>Groups</h2>${table(['group', 'assignor', 'read', 'again', 'highest lag', 'drained, ms', 'nothing read, ms', 'rebalances', 'unowned, ms'], groups)}`}
${elections.length === 0 ? '' : `<h2>Elections</h2>${table(['of', 'epoch', 'leader', 'kind', 'detection, ms', 'vote, ms', 'metadata, ms', 'clients, ms', 'total, ms'], elections)}`}
${verdict.violations.length === 0 ? '' : `<h2>Broken promises</h2><pre>${text(verdict.violations.join('\n'))}</pre>`}`;
}

function stepsTable(run: DrillRunRecord): string {
  const rows = run.steps.map(({ index, text: what, startMs, endMs, outcome, detail }) => {
    const took = endMs === null ? '–' : `${Math.round(endMs - startMs)}`;
    return `<tr><td>${index + 1}. ${text(what)}</td><td class="text soft">${text(detail)}</td><td>${(startMs / 1000).toFixed(2)}</td><td>${took}</td><td class="${outcome === 'failed' ? 'bad' : ''}">${outcome}</td></tr>`;
  });
  return `<table><tr><th>step</th><th class="text">what it came to</th><th>at, s</th><th>took, ms</th><th>outcome</th></tr>${rows.join('')}</table>`;
}
