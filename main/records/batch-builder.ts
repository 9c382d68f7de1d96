// Writes format 2 batches: byte for byte what Kafka's own builder writes when nothing is compressed.

import { assert } from '../core/assert.ts';
import { compress } from './compression/compression.ts';
import { compressionIdOf, type CompressionType } from './compression-type.ts';
import { sizeOfVarint, sizeOfVarlong, writeInt64, writeVarint, writeVarlong } from './int64.ts';
import type { RecordCursor } from './record.ts';
import { attributeBits, logOverheadBytes, RecordBatch, recordBatchOverheadBytes } from './record-batch.ts';

export type NewRecordHeader = { readonly key: string | Uint8Array; readonly value: Uint8Array | null };

export type NewRecord = {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly NewRecordHeader[];
  readonly timestamp: number;
  /** Absolute; the one after the last record's when left out. */
  readonly offset?: number;
};

export type BatchOptions = {
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly compression?: CompressionType;
  readonly compressionLevel?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  /** Makes it a LogAppendTime batch: every record takes this time instead of its own. */
  readonly logAppendTimeMs?: number;
  /** Stands in the place of the base timestamp (set by the cleaner). */
  readonly deleteHorizonMs?: number;
  /** How much room to begin with; it grows as needed. */
  readonly initialBytes?: number;
};

const leastGrownBytes = 512;
/** Length, attributes, timestamp delta and offset delta of a record at their longest. */
const recordPrefixBytesMax = 5 + 1 + 10 + 5;

export class BatchBuilder {
  private readonly options: BatchOptions;
  private buffer: Buffer;
  private end = recordBatchOverheadBytes;
  private records = 0;
  private baseTimestamp: number | null;
  private maxTimestamp = -1;
  private lastOffsetWritten: number;
  readonly baseOffset: number;

  constructor(options: BatchOptions = {}) {
    this.options = options;
    this.baseOffset = options.baseOffset ?? 0;
    this.lastOffsetWritten = this.baseOffset - 1;
    this.baseTimestamp = options.deleteHorizonMs ?? null;
    this.buffer = Buffer.allocUnsafe(Math.max(leastGrownBytes, options.initialBytes ?? 0));
  }

  get recordCount(): number {
    return this.records;
  }

  /** What the batch would take now, before compression. */
  get sizeInBytes(): number {
    return this.end;
  }

  get nextOffset(): number {
    return this.lastOffsetWritten + 1;
  }

  /** What `append` would add at most. */
  static sizeOfRecordMax(record: NewRecord): number {
    return recordPrefixBytesMax + sizeOfPayload(record);
  }

  append(record: NewRecord): void {
    const payloadBytes = sizeOfPayload(record);
    this.begin(record.offset ?? this.nextOffset, record.timestamp, payloadBytes);
    this.end = writePayload(this.buffer, this.end, record);
  }

  /** Takes over the record under a cursor: key, value and headers as the bytes they are. */
  appendFrom(cursor: RecordCursor, offset = cursor.offset, timestamp = cursor.timestamp): void {
    const payloadBytes = cursor.endPosition - cursor.payloadPosition;
    this.begin(offset, timestamp, payloadBytes);
    cursor.recordBytes.copy(this.buffer, this.end, cursor.payloadPosition, cursor.endPosition);
    this.end += payloadBytes;
  }

  /** Writes what stands before key, value and headers, and makes room for those. */
  private begin(offset: number, recordTimestamp: number, payloadBytes: number): void {
    const offsetDelta = offset - this.baseOffset;
    assert(
      offsetDelta >= 0 && offsetDelta <= 0x7fff_ffff,
      `record offset ${offset} does not fit a batch at ${this.baseOffset}`,
    );
    const timestamp = this.options.logAppendTimeMs ?? recordTimestamp;
    this.baseTimestamp ??= timestamp;
    const timestampDelta = timestamp - this.baseTimestamp;
    const bodyBytes = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + payloadBytes;
    this.reserve(5 + bodyBytes);
    this.end = writeVarint(this.buffer, this.end, bodyBytes);
    this.buffer[this.end++] = 0;
    this.end = writeVarlong(this.buffer, this.end, timestampDelta);
    this.end = writeVarint(this.buffer, this.end, offsetDelta);
    this.records++;
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp;
    this.lastOffsetWritten = Math.max(this.lastOffsetWritten, offset);
  }

  /** `lastOffset` when the batch covers more than its last record (after compaction). Build once, then discard. */
  build(lastOffset = this.lastOffsetWritten): Buffer {
    const { options } = this;
    const compression = options.compression ?? 'none';
    let batch = this.buffer.subarray(0, this.end);
    if (compression !== 'none') {
      const packed = compress(compression, batch.subarray(recordBatchOverheadBytes), options.compressionLevel);
      const header = Buffer.allocUnsafe(recordBatchOverheadBytes);
      batch = Buffer.concat([header, packed]);
    }
    const isLogAppendTime = options.logAppendTimeMs !== undefined;
    writeHeader(batch, options, {
      lastOffsetDelta: lastOffset - this.baseOffset,
      baseTimestamp: this.baseTimestamp ?? -1,
      maxTimestamp: isLogAppendTime ? (options.logAppendTimeMs ?? -1) : this.maxTimestamp,
      recordCount: this.records,
    });
    return batch;
  }

  private reserve(bytes: number): void {
    if (this.buffer.length - this.end >= bytes) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.end + bytes));
    this.buffer.copy(grown, 0, 0, this.end);
    this.buffer = grown;
  }
}

export function buildBatch(options: BatchOptions, records: Iterable<NewRecord>): Buffer {
  const builder = new BatchBuilder(options);
  for (const record of records) builder.append(record);
  return builder.build();
}

/** A batch without records: what compaction leaves to keep a producer's last sequence or an epoch's last offset. */
export function buildEmptyBatch(options: BatchOptions, lastOffset: number): Buffer {
  const batch = Buffer.allocUnsafe(recordBatchOverheadBytes);
  writeHeader(batch, options, {
    lastOffsetDelta: lastOffset - (options.baseOffset ?? 0),
    baseTimestamp: options.deleteHorizonMs ?? -1,
    maxTimestamp: options.logAppendTimeMs ?? -1,
    recordCount: 0,
  });
  return batch;
}

type HeaderTotals = {
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly recordCount: number;
};

function writeHeader(batch: Buffer, options: BatchOptions, totals: HeaderTotals): void {
  const attributes =
    compressionIdOf(options.compression ?? 'none') |
    (options.logAppendTimeMs === undefined ? 0 : attributeBits.logAppendTime) |
    (options.isTransactional === true ? attributeBits.transactional : 0) |
    (options.isControl === true ? attributeBits.control : 0) |
    (options.deleteHorizonMs === undefined ? 0 : attributeBits.deleteHorizon);
  writeInt64(batch, 0, options.baseOffset ?? 0);
  batch.writeInt32BE(batch.length - logOverheadBytes, 8);
  batch.writeInt32BE(options.partitionLeaderEpoch ?? -1, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(totals.lastOffsetDelta, 23);
  writeInt64(batch, 27, totals.baseTimestamp);
  writeInt64(batch, 35, totals.maxTimestamp);
  writeInt64(batch, 43, options.producerId ?? -1);
  batch.writeInt16BE(options.producerEpoch ?? -1, 51);
  batch.writeInt32BE(options.baseSequence ?? -1, 53);
  batch.writeInt32BE(totals.recordCount, 57);
  new RecordBatch(batch).updateChecksum();
}

function sizeOfPayload(record: NewRecord): number {
  const headers = record.headers ?? [];
  let size = sizeOfBytes(record.key) + sizeOfBytes(record.value) + sizeOfVarint(headers.length);
  for (const header of headers) {
    const keyBytes = typeof header.key === 'string' ? Buffer.byteLength(header.key) : header.key.length;
    size += sizeOfVarint(keyBytes) + keyBytes + sizeOfBytes(header.value);
  }
  return size;
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function writePayload(buffer: Buffer, start: number, record: NewRecord): number {
  let at = writeBytes(buffer, start, record.key);
  at = writeBytes(buffer, at, record.value);
  const headers = record.headers ?? [];
  at = writeVarint(buffer, at, headers.length);
  for (const header of headers) {
    at = writeBytes(buffer, at, typeof header.key === 'string' ? Buffer.from(header.key) : header.key);
    at = writeBytes(buffer, at, header.value);
  }
  return at;
}

function writeBytes(buffer: Buffer, start: number, bytes: Uint8Array | null): number {
  const at = writeVarint(buffer, start, bytes === null ? -1 : bytes.length);
  if (bytes === null) return at;
  buffer.set(bytes, at);
  return at + bytes.length;
}
