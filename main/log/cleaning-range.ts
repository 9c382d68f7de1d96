// Which part of a compacted log may be cleaned now, and whether it is worth it. Pure but for timestamps of segments.

import { maxOffset, minOffset, toOffset, type Offset } from '../core/ids.ts';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';

export type CleaningRange = {
  /** Where the last cleaning ended. */
  readonly firstDirtyOffset: Offset;
  /** Base of the first segment that may not be cleaned. */
  readonly firstUncleanableOffset: Offset;
  readonly cleanableBytes: number;
  /** Of all that is clean or may be cleaned, the part that is dirty. */
  readonly dirtyRatio: number;
  /** `max.compaction.lag.ms` is over: to be cleaned whatever the ratio. */
  readonly isOverdue: boolean;
};

export type CleaningRangeOptions = {
  readonly config: LogConfig;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly lastStableOffset: Offset;
};

/** Null when there is nothing to clean. Never the active segment, nothing above the last stable offset, nothing too young. */
export function cleaningRange(
  segments: readonly Segment[],
  cleanedTo: number | null,
  nowMs: number,
  options: CleaningRangeOptions,
): CleaningRange | null {
  const active = segments.at(-1);
  if (active === undefined || segments.length < 2) return null;
  const { logStartOffset, logEndOffset, config } = options;
  const isUsable = cleanedTo !== null && cleanedTo >= logStartOffset && cleanedTo <= logEndOffset;
  const firstDirtyOffset = isUsable ? toOffset(cleanedTo) : logStartOffset;
  const dirty = segments.slice(floorIndex(segments, firstDirtyOffset), -1);
  const young =
    config.minCompactionLagMs > 0
      ? dirty.find((segment) => segment.largestTimestamp > nowMs - config.minCompactionLagMs)
      : undefined;
  const limit = minOffset(
    minOffset(options.lastStableOffset, active.baseOffset),
    young?.baseOffset ?? active.baseOffset,
  );
  // Segments are cleaned whole: the one that holds the limit stays out.
  const firstUncleanable = segments[floorIndex(segments, maxOffset(firstDirtyOffset, limit))] ?? active;
  const firstUncleanableOffset = firstUncleanable.baseOffset;
  const cleanableBytes = bytesOf(dirty.filter((segment) => segment.baseOffset < firstUncleanableOffset));
  if (cleanableBytes === 0) return null;
  const cleanBytes = bytesOf(segments.filter((segment) => segment.baseOffset < firstDirtyOffset));
  const oldest = Math.min(...dirty.map((segment) => segment.firstBatchTimestamp));
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanableBytes,
    dirtyRatio: cleanableBytes / (cleanBytes + cleanableBytes),
    isOverdue: oldest < nowMs - Math.max(0, config.maxCompactionLagMs),
  };
}

function floorIndex(segments: readonly Segment[], offset: number): number {
  return Math.max(
    0,
    segments.findLastIndex((segment) => segment.baseOffset <= offset),
  );
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
}
