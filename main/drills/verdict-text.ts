// A verdict, and the story of a run, as text for a terminal. Pure.

import type { DrillRunRecord, DrillVerdict, ElectionRecord } from '../api/drill-views.ts';
import { measureText } from './measures.ts';
import { narrate } from './narrate.ts';

const ms = (value: number | null) => (value === null ? '–' : `${value} ms`);

export function verdictText(verdict: DrillVerdict): string {
  const lines = [`${verdict.passed ? 'PASSED' : 'FAILED'}  ${verdict.summary}`, ''];
  for (const each of verdict.producers) {
    lines.push(
      `producer ${each.producer} (${each.preset}, acks=${each.acks}): ${each.sent} sent, ${each.acknowledged} acknowledged, ` +
        `${each.failed} failed, ${each.lost} lost, ${each.duplicated} duplicated, ${each.reordered} reordered; ` +
        `no answer for ${ms(each.unavailableMs)}; latency p50 ${ms(each.latencyP50Ms)}, p99 ${ms(each.latencyP99Ms)}`,
    );
  }
  for (const each of verdict.groups) {
    lines.push(
      `group ${each.group} (${each.assignor}): ${each.consumed} read, ${each.deliveredAgain} delivered again; ` +
        `highest lag ${each.maxLag}, drained in ${ms(each.drainMs)}; nothing to read for ${ms(each.unavailableMs)}; ` +
        `${each.rebalances} rebalances, ${each.partitionsMoved} partitions moved, unowned for ${ms(each.unownedMs)}`,
    );
  }
  for (const each of verdict.elections) lines.push(electionText(each));
  const { isrRecoveryMs, truncatedRecords } = verdict.measures;
  lines.push(`ISR whole again after ${ms(isrRecoveryMs ?? null)}; ${truncatedRecords ?? 0} records truncated`);
  lines.push('');
  for (const { measure, expected, actual, passed } of verdict.expectations) {
    lines.push(`  ${passed ? '✓' : '✗'} ${measure}: ${measureText(measure, actual)} (expected ${expected})`);
  }
  for (const { ask, actual, because, predicted } of verdict.questions) {
    const said = predicted === null ? '' : ` You said: ${predicted}.`;
    lines.push(`  ? ${ask} ${actual} (${because}).${said}`);
  }
  for (const violation of verdict.violations.slice(0, 10)) lines.push(`  ! ${violation}`);
  return lines.join('\n');
}

function electionText(each: ElectionRecord): string {
  const who = each.leader < 0 ? 'nobody' : `${each.of === 'quorum' ? 'node' : 'broker'} ${each.leader}`;
  const parts = [
    `noticed ${ms(each.detectionMs)}`,
    ...(each.voteMs === null ? [] : [`vote ${ms(each.voteMs)}`]),
    `metadata ${ms(each.metadataMs)}`,
    ...(each.of === 'quorum' ? [] : [`clients ${ms(each.discoveryMs)}`]),
  ];
  const what = each.of === 'quorum' ? 'controller election' : `election of ${each.of}`;
  return `${what}: ${who}, epoch ${each.epoch}${each.isUnclean ? ', UNCLEAN' : ''}; ${ms(each.totalMs)} after the fault (${parts.join(', ')})`;
}

/** The run told in order of time: steps, what the cluster did, what clients were told. */
export function storyText(run: DrillRunRecord): string {
  const lines: { atMs: number; text: string }[] = [];
  for (const { startMs, text, outcome, detail } of run.steps) {
    const tail = outcome === 'failed' ? `  ✗ ${detail}` : detail === '' ? '' : `  (${detail})`;
    lines.push({ atMs: startMs, text: `▶ ${text}${tail}` });
  }
  for (const { atMs, entry } of run.events) {
    const sentence = narrate(entry);
    if (sentence !== null && atMs >= 0) lines.push({ atMs, text: `  ${sentence}` });
  }
  for (const { atMs, client, text, count, untilMs } of run.marks) {
    const often = count === 1 ? '' : ` (${count} times until ${seconds(untilMs)})`;
    lines.push({ atMs, text: `    ${client}: ${text}${often}` });
  }
  lines.sort((a, b) => a.atMs - b.atMs);
  const head = `${run.title}  ·  seed ${run.seed}  ·  profile ${run.profile}  ·  ${seconds(run.elapsedMs)}`;
  const body = lines.map(({ atMs, text }) => `${seconds(atMs).padStart(9)}  ${text}`);
  return [head, '', ...body, '', run.verdict === null ? 'no verdict' : verdictText(run.verdict)].join('\n');
}

function seconds(valueMs: number): string {
  return `${(valueMs / 1000).toFixed(3)} s`;
}
