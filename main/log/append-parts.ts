// What a leader hands out may reach over the ends of its segments, and one append fills no more than one segment of the
// follower's. So it goes in parts of whole batches.

import { wholeBatchSize } from '../records/record-batch.ts';
import type { AppendResult } from './log-types.ts';

/** Appends parts that hold at most `bytesMax` each, unless one batch is larger, until one is not taken. */
export function appendInParts(
  records: Buffer,
  bytesMax: number,
  append: (part: Buffer) => AppendResult | null,
): AppendResult | null {
  if (records.length <= bytesMax) return append(records);
  let whole: AppendResult | null = null;
  for (let start = 0; start < records.length;) {
    const end = endOfPart(records, start, bytesMax);
    const result = append(records.subarray(start, end));
    if (result === null) break;
    whole = whole === null ? result : joined(whole, result);
    start = end;
  }
  return whole;
}

/** Throws RecordsError where the bytes are no batch. A cut tail belongs to the last part: validation judges it. */
function endOfPart(records: Buffer, start: number, bytesMax: number): number {
  let end = start;
  for (;;) {
    const size = wholeBatchSize(records, end);
    if (size === 0) return records.length;
    if (end > start && end + size - start > bytesMax) return end;
    end += size;
    if (end === records.length) return end;
  }
}

function joined(first: AppendResult, second: AppendResult): AppendResult {
  return {
    ...second,
    firstOffset: first.firstOffset,
    maxTimestamp: Math.max(first.maxTimestamp, second.maxTimestamp),
    recordCount: first.recordCount + second.recordCount,
    validBytes: first.validBytes + second.validBytes,
  };
}
