// What compaction leaves of a batch: the records that a filter keeps, in a batch that still covers the same offsets
// and sequences. Pure. Which records those are is the cleaner's decision.

import { assert } from '../core/assert.ts';
import { BatchBuilder } from '../records/batch-builder.ts';
import { writeInt64 } from '../records/int64.ts';
import { attributeBits, RecordBatch, recordBatchOverheadBytes } from '../records/record-batch.ts';
import { RecordCursor } from '../records/record.ts';

/** Of a batch as a whole: gone; gone if no record is kept; kept even without records. */
export type BatchRetention = 'delete' | 'delete-empty' | 'retain-empty';

export type BatchDecision = {
  readonly retention: BatchRetention;
  /** The end marker of a transaction of which nothing is left: it goes after delete.retention.ms. */
  readonly isMarkerOfEmptyTransaction: boolean;
};

export type RecordFilter = {
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  decide(batch: RecordBatch): BatchDecision;
  /** Called after `decide` for each record; the cursor stands on it. */
  keeps(batch: RecordBatch, record: RecordCursor): boolean;
};

export type FilteredBatch = {
  /** The batch itself where nothing changes; null when nothing is left. */
  readonly bytes: Buffer | null;
  readonly recordsRead: number;
  readonly recordsKept: number;
};

const gone: FilteredBatch = { bytes: null, recordsRead: 0, recordsKept: 0 };
const lengthAt = 8;
const attributesAt = 21;
const baseTimestampAt = 27;
const recordCountAt = 57;
const lengthPrefixBytes = 12;

/** Format 2 only: batches of the old formats are kept as they are, since no producer can write new ones. */
export function filterBatch(batch: RecordBatch, filter: RecordFilter): FilteredBatch {
  const { retention, isMarkerOfEmptyTransaction } = filter.decide(batch);
  if (retention === 'delete') return gone;
  const kept: boolean[] = [];
  let keptCount = 0;
  let hasTombstone = false;
  const cursor = new RecordCursor(batch);
  while (cursor.next()) {
    const keep = filter.keeps(batch, cursor);
    kept.push(keep);
    if (!keep) continue;
    keptCount++;
    if (cursor.valueLength < 0) hasTombstone = true;
  }
  const counts = { recordsRead: kept.length, recordsKept: keptCount };
  if (keptCount === 0) return { ...counts, bytes: retention === 'retain-empty' ? emptied(batch) : null };
  const needsHorizon = (hasTombstone || isMarkerOfEmptyTransaction) && !batch.hasDeleteHorizon;
  if (keptCount === kept.length && !needsHorizon) return { ...counts, bytes: batch.bytes };
  const horizonMs = needsHorizon ? filter.nowMs + filter.deleteRetentionMs : batch.deleteHorizonMs;
  return { ...counts, bytes: rebuilt(batch, cursor.rewind(), kept, horizonMs) };
}

function rebuilt(batch: RecordBatch, cursor: RecordCursor, kept: readonly boolean[], horizonMs: number | null): Buffer {
  const builder = new BatchBuilder({
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression: batch.compression,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    ...(batch.isLogAppendTime ? { logAppendTimeMs: batch.maxTimestamp } : {}),
    ...(horizonMs === null ? {} : { deleteHorizonMs: horizonMs }),
    initialBytes: batch.sizeInBytes + 64,
  });
  for (let index = 0; cursor.next(); index++) if (kept[index] === true) builder.appendFrom(cursor);
  // The last offset stays, and with it the last sequence: the producer's next batch must still follow.
  return builder.build(batch.lastOffset);
}

/** The header alone. */
function emptied(batch: RecordBatch): Buffer {
  assert(!batch.isLegacy, 'a batch of an old format cannot be empty');
  const bytes = Buffer.from(batch.buffer.subarray(batch.position, batch.position + recordBatchOverheadBytes));
  bytes.writeInt32BE(recordBatchOverheadBytes - lengthPrefixBytes, lengthAt);
  const keptBits = attributeBits.logAppendTime | attributeBits.transactional | attributeBits.control;
  bytes.writeInt16BE(batch.attributes & keptBits, attributesAt);
  writeInt64(bytes, baseTimestampAt, -1);
  bytes.writeInt32BE(0, recordCountAt);
  new RecordBatch(bytes).updateChecksum();
  return bytes;
}
