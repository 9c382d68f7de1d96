// The drawings of a report, as SVG: lanes of brokers and clients, and curves on the same time axis. Pure.

import type { DrillRunRecord, DrillSample } from '../api/drill-views.ts';
import { escapeMarkup as text } from './escape-markup.ts';

const width = 1040;
const labelWidth = 130;
const laneHeight = 22;
const chartHeight = 90;

export function laneSvg(run: DrillRunRecord): string {
  const x = scale(run);
  const brokers = run.snapshot.brokers.map((broker) => broker.id);
  const clients = [
    ...new Set([
      ...Object.keys(run.samples[0]?.producers ?? {}),
      ...(run.verdict?.gaps ?? []).map((gap) => gap.client),
    ]),
  ];
  const lanes = ['steps', ...brokers.map((id) => `broker ${id}`), ...clients];
  const y = (lane: string) => Math.max(0, lanes.indexOf(lane)) * laneHeight;
  const parts: string[] = lanes.map(
    (lane) =>
      `<text x="0" y="${y(lane) + 15}">${text(lane)}</text><line x1="${labelWidth}" x2="${width}" y1="${y(lane) + 11}" y2="${y(lane) + 11}" stroke="var(--line)"/>`,
  );
  for (const span of downSpans(run)) {
    const lane = y(`broker ${span.brokerId}`);
    parts.push(
      `<rect x="${x(span.fromMs)}" y="${lane + 5}" width="${Math.max(2, x(span.toMs) - x(span.fromMs))}" height="12" fill="var(--bad)" opacity=".35"><title>${text(span.what)}</title></rect>`,
    );
  }
  for (const { startMs, text: what, kind } of run.steps) {
    if (kind === 'wait' || kind === 'hold') continue;
    const colour = kind === 'fault' ? 'var(--bad)' : kind === 'repair' ? 'var(--ok)' : 'var(--accent)';
    parts.push(
      `<g><title>${text(what)}</title><line x1="${x(startMs)}" x2="${x(startMs)}" y1="0" y2="${lanes.length * laneHeight}" stroke="${colour}" stroke-dasharray="3 3"/><circle cx="${x(startMs)}" cy="11" r="5" fill="${colour}"/></g>`,
    );
  }
  for (const { atMs, entry } of run.events) {
    if (entry.kind !== 'partition.leaderElected' || !run.topics.includes(entry.topic) || entry.leader < 0) continue;
    const title = `${entry.topic}-${entry.partition}: broker ${entry.leader} leads, epoch ${entry.leaderEpoch}`;
    const at = x(atMs);
    const top = y(`broker ${entry.leader}`) + 5;
    parts.push(`<path d="M${at} ${top}l6 6-6 6-6-6z" fill="var(--accent)"><title>${text(title)}</title></path>`);
  }
  for (const gap of run.verdict?.gaps ?? []) {
    parts.push(
      `<rect x="${x(gap.fromMs)}" y="${y(gap.client) + 6}" width="${Math.max(2, x(gap.toMs) - x(gap.fromMs))}" height="10" fill="var(--warn)"><title>${text(`${gap.client}: no ${gap.kind} on ${gap.partition} for ${gap.toMs - gap.fromMs} ms`)}</title></rect>`,
    );
  }
  const height = lanes.length * laneHeight + 20;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Timeline of the run">${parts.join('')}${axis(run, height)}</svg>`;
}

export function chartSvg(run: DrillRunRecord): string {
  const producers = Object.keys(run.samples[0]?.producers ?? {});
  const groups = [...new Set(run.samples.flatMap((sample) => Object.keys(sample.groups)))];
  const charts = [
    chart(run, 'acknowledged/s', producers, (sample, name) => sample.producers[name]?.acknowledgedPerSecond ?? null),
    chart(run, 'latency p99, ms', producers, (sample, name) => sample.producers[name]?.latencyP99Ms ?? null),
    ...(groups.length === 0 ? [] : [chart(run, 'lag', groups, (sample, name) => sample.groups[name]?.lag ?? null)]),
  ];
  return charts.join('');
}

const strokes = ['var(--accent)', 'var(--warn)', 'var(--ok)', 'var(--bad)'];
const dashes = ['', '6 3', '2 3', '8 3 2 3'];

function chart(
  run: DrillRunRecord,
  title: string,
  names: readonly string[],
  value: (sample: DrillSample, name: string) => number | null,
): string {
  const x = scale(run);
  const most = Math.max(1, ...run.samples.flatMap((sample) => names.map((name) => value(sample, name) ?? 0)));
  const y = (amount: number) => chartHeight - 18 - (amount / most) * (chartHeight - 32);
  const lines = names.map((name, index) => {
    const points = run.samples.flatMap((sample) => {
      const amount = value(sample, name);
      return amount === null ? [] : [`${x(sample.atMs).toFixed(1)},${y(amount).toFixed(1)}`];
    });
    const colour = strokes[index % strokes.length] ?? '';
    const dash = dashes[index % dashes.length] ?? '';
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dash}"/><text x="${labelWidth + 8 + index * 120}" y="10" style="fill:${colour}">${text(name)}</text>`;
  });
  const scaleText = `<text x="0" y="24">${text(title)}</text><text x="0" y="40">max ${Math.round(most)}</text>`;
  return `<svg viewBox="0 0 ${width} ${chartHeight}" role="img" aria-label="${text(title)}">${scaleText}<line x1="${labelWidth}" x2="${width}" y1="${y(0)}" y2="${y(0)}" stroke="var(--line)"/>${lines.join('')}${axis(run, chartHeight)}</svg>`;
}

function scale(run: DrillRunRecord): (atMs: number) => number {
  const lengthMs = Math.max(1, run.elapsedMs);
  return (atMs) => labelWidth + (Math.min(Math.max(atMs, 0), lengthMs) / lengthMs) * (width - labelWidth - 10);
}

function axis(run: DrillRunRecord, bottom: number): string {
  const x = scale(run);
  const seconds = Math.max(1, Math.ceil(run.elapsedMs / 1000 / 12));
  const marks: string[] = [];
  for (let second = 0; second * 1000 <= run.elapsedMs; second += seconds) {
    marks.push(`<text x="${x(second * 1000)}" y="${bottom - 4}" text-anchor="middle">${second} s</text>`);
  }
  return marks.join('');
}

type DownSpan = { readonly brokerId: number; readonly fromMs: number; readonly toMs: number; readonly what: string };

/** When each broker was dead, frozen or down. */
function downSpans(run: DrillRunRecord): DownSpan[] {
  const since = new Map<number, { fromMs: number; what: string }>();
  const spans: DownSpan[] = [];
  const downKinds: Readonly<Record<string, string>> = {
    'process.killed': 'killed',
    'process.powerLost': 'without power',
    'process.paused': 'frozen',
    'process.exited': 'gone',
  };
  for (const { atMs, entry } of run.events) {
    const what = downKinds[entry.kind];
    if (what !== undefined && 'brokerId' in entry && !since.has(entry.brokerId)) {
      since.set(entry.brokerId, { fromMs: atMs, what });
    } else if (entry.kind === 'process.started' || entry.kind === 'process.resumed') {
      const down = since.get(entry.brokerId);
      if (down !== undefined) spans.push({ brokerId: entry.brokerId, toMs: atMs, ...down });
      since.delete(entry.brokerId);
    }
  }
  for (const [brokerId, down] of since) spans.push({ brokerId, toMs: run.elapsedMs, ...down });
  return spans;
}
