// The spans in which no write was acknowledged, for the chart and its sums. They come from the journal, so that the
// chart, the events and the narrator give the same figure; only the gap that still lasts comes from the workload. Pure.

import type { JournalEvent, WorkloadView } from '../../main/api/views.ts';
import { FaultFinder, timeOf } from './bursts.ts';

/** `untilMs` null: it lasts. */
export type Gap = { readonly fromMs: number; readonly untilMs: number | null };

export function gapsSince(
  events: readonly JournalEvent[],
  workload: WorkloadView,
  reportedAtMs: number,
  sinceMs: number,
): readonly Gap[] {
  const gaps: Gap[] = [];
  for (const event of events) {
    if (event.entry.kind !== 'client.recovered' || timeOf(event) < sinceMs) continue;
    gaps.push({ fromMs: timeOf(event) - event.entry.unavailableMs, untilMs: timeOf(event) });
  }
  if (workload.unavailableForMs !== null)
    gaps.push({ fromMs: reportedAtMs - workload.unavailableForMs, untilMs: null });
  return gaps;
}

export type Mark = { readonly atMs: number; readonly tone: 'bad' | 'good' };

/** Elections closer together than this are one mark. */
const electionGapMs = 200;

/** Faults and elections to mark on the chart. */
export function marksSince(events: readonly JournalEvent[], sinceMs: number): readonly Mark[] {
  const finder = new FaultFinder();
  const marks: Mark[] = [];
  for (const event of events) {
    const fault = finder.isFault(event.entry);
    if (timeOf(event) < sinceMs) continue;
    if (fault) marks.push({ atMs: timeOf(event), tone: 'bad' });
    else if (event.entry.kind === 'controller.active' || event.entry.kind === 'partition.leaderElected') {
      const last = marks.findLast((mark) => mark.tone === 'good');
      if (!last || timeOf(event) - last.atMs > electionGapMs) marks.push({ atMs: timeOf(event), tone: 'good' });
    }
  }
  return marks;
}
