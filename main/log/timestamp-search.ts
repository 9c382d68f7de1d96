// Finds the first record that is not older than a timestamp, or the youngest record, by the time indexes.

import { toLeaderEpoch, toOffset, type Offset } from '../core/ids.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import { forEachStoredBatch } from './log-file.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { TimestampAndOffset, TimestampQuery } from './log-types.ts';
import type { Segment } from './segment.ts';

/** Null: no such record. Compressed batches are unpacked; zstd must have been prepared. */
export function findOffset(
  query: TimestampQuery,
  segments: readonly Segment[],
  epochs: LeaderEpochs,
  log: { readonly logStartOffset: Offset; readonly logEndOffset: Offset },
): TimestampAndOffset | null {
  const { logStartOffset, logEndOffset } = log;
  switch (query) {
    case 'earliest':
    case 'earliest-local':
      return { timestamp: -1, offset: logStartOffset, leaderEpoch: epochs.epochForOffset(logStartOffset) };
    case 'latest':
      return { timestamp: -1, offset: logEndOffset, leaderEpoch: epochs.latestEpoch };
    case 'max-timestamp':
      return searchYoungest(segments);
    default: {
      const segment = segments.find((candidate) => candidate.largestTimestamp >= query);
      return segment === undefined ? null : searchSegment(segment, query, logStartOffset);
    }
  }
}

function searchSegment(segment: Segment, timestamp: number, logStartOffset: Offset): TimestampAndOffset | null {
  const from = Math.max(segment.timeIndex.offsetBefore(timestamp), logStartOffset);
  let found: TimestampAndOffset | null = null;
  forEachStoredBatch(segment.log, segment.positionBefore(from), segment.sizeBytes, (batch) => {
    if (batch.maxTimestamp >= timestamp && batch.lastOffset >= logStartOffset) {
      found = firstRecordAt(batch, timestamp, logStartOffset);
    }
    return found === null;
  });
  return found;
}

function searchYoungest(segments: readonly Segment[]): TimestampAndOffset | null {
  let youngest: Segment | null = null;
  for (const segment of segments) {
    if (segment.maxTimestamp.timestamp > (youngest?.maxTimestamp.timestamp ?? -1)) youngest = segment;
  }
  if (youngest === null) return null;
  const segment = youngest;
  const { timestamp, offset } = segment.maxTimestamp;
  let found: TimestampAndOffset | null = null;
  forEachStoredBatch(segment.log, segment.positionBefore(offset), segment.sizeBytes, (batch) => {
    if (batch.maxTimestamp !== timestamp) return true;
    found = firstRecordAt(batch, timestamp, 0);
    return found === null;
  });
  return found;
}

function firstRecordAt(batch: RecordBatch, timestamp: number, leastOffset: number): TimestampAndOffset | null {
  const epoch = batch.partitionLeaderEpoch;
  for (const record of recordsOf(batch)) {
    if (record.timestamp < timestamp || record.offset < leastOffset) continue;
    return {
      timestamp: record.timestamp,
      offset: toOffset(record.offset),
      leaderEpoch: epoch < 0 ? null : toLeaderEpoch(epoch),
    };
  }
  return null;
}
