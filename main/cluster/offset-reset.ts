// Where an offset reset leads, partition by partition, and what it skips or reads again. Pure.

import type { OffsetTarget } from '../api/endpoints/groups.ts';
import type { OffsetResetPlan, OffsetResetRow } from '../api/group-views.ts';

export type PartitionOffsets = {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** First offset at or after the asked time; null: there is none. Only for targets by time. */
  readonly atTime: number | null;
};

/** Like kafka-consumer-groups: what lies outside the log is moved to its nearest end. */
export function planOffsetReset(
  partitions: readonly PartitionOffsets[],
  target: OffsetTarget,
  blocked: string | null,
): OffsetResetPlan {
  const rows = partitions.map((each) => planRow(each, target));
  return {
    rows,
    skipped: rows.reduce((sum, row) => sum + row.skipped, 0),
    readAgain: rows.reduce((sum, row) => sum + row.readAgain, 0),
    blocked,
  };
}

function planRow(offsets: PartitionOffsets, target: OffsetTarget): OffsetResetRow {
  const { topic, partition, committed, logStartOffset, logEndOffset } = offsets;
  const after = Math.min(Math.max(wanted(offsets, target), logStartOffset), logEndOffset);
  // What retention has deleted can neither be skipped nor read again.
  const from = Math.max(committed ?? after, logStartOffset);
  return {
    topic,
    partition,
    before: committed,
    after,
    logStartOffset,
    logEndOffset,
    skipped: Math.max(0, after - from),
    readAgain: Math.max(0, from - after),
  };
}

function wanted(offsets: PartitionOffsets, target: OffsetTarget): number {
  switch (target.to) {
    case 'earliest':
      return offsets.logStartOffset;
    case 'latest':
      return offsets.logEndOffset;
    case 'offset':
      return target.offset;
    case 'shift':
      return (offsets.committed ?? offsets.logStartOffset) + target.by;
    case 'timestamp':
    case 'duration':
      return offsets.atTime ?? offsets.logEndOffset;
  }
}
