// Where a follower cuts its log when the leader says that they diverge. Pure: asks the log, changes nothing.

import type { PartitionLog } from '../log/partition-log.ts';

/** The leader's answer: its largest epoch not above ours, and where that ends. −1: it knows none. */
export type DivergingEpoch = { readonly epoch: number; readonly endOffset: number };

/**
 * The largest offset up to which both logs may agree. It may still be too large where our log lacks the leader's
 * epoch; then the next fetch, with an older last epoch, finds the next point of divergence.
 */
export function truncationOffset(
  log: Pick<PartitionLog, 'logEndOffset' | 'highWatermark' | 'endOffsetForEpoch'>,
  diverging: DivergingEpoch,
): number {
  if (diverging.endOffset < 0) return log.highWatermark;
  const ours = diverging.epoch < 0 ? null : log.endOffsetForEpoch(diverging.epoch);
  if (ours === null) return Math.min(diverging.endOffset, log.logEndOffset);
  if (ours.epoch !== diverging.epoch) return Math.min(ours.endOffset, log.logEndOffset);
  return Math.min(ours.endOffset, diverging.endOffset, log.logEndOffset);
}
