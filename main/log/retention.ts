// Which segments have outlived their topic's retention. Pure but for the segments' timestamps, which may be read.

import type { Offset } from '../core/ids.ts';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';

export type RetentionOptions = {
  readonly config: LogConfig;
  readonly logStartOffset: Offset;
  readonly highWatermark: Offset;
  readonly logEndOffset: Offset;
};

/** How many segments, counted from the oldest, may go. Never beyond the high watermark, never an empty last one. */
export function segmentsToDelete(segments: readonly Segment[], nowMs: number, options: RetentionOptions): number {
  const { config } = options;
  let count = countWhile(
    segments,
    options,
    (_, next) => next !== undefined && next.baseOffset <= options.logStartOffset,
  );
  if (!config.isDeleted) return count;
  if (config.retentionMs >= 0) {
    const isExpired = (segment: Segment): boolean => nowMs - segment.largestTimestamp > config.retentionMs;
    count = Math.max(count, countWhile(segments, options, isExpired));
  }
  if (config.retentionBytes >= 0) {
    let excess = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0) - config.retentionBytes;
    const isExcess = (segment: Segment): boolean => {
      if (excess - segment.sizeBytes < 0) return false;
      excess -= segment.sizeBytes;
      return true;
    };
    count = Math.max(count, countWhile(segments, options, isExcess));
  }
  return count;
}

function countWhile(
  segments: readonly Segment[],
  options: RetentionOptions,
  mayGo: (segment: Segment, next: Segment | undefined) => boolean,
): number {
  let count = 0;
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    const endOffset = next?.baseOffset ?? options.logEndOffset;
    if (endOffset > options.highWatermark || (next === undefined && segment.sizeBytes === 0)) break;
    if (!mayGo(segment, next)) break;
    count++;
  }
  return count;
}
