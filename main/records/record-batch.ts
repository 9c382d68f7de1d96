// A view of one record batch inside a buffer: reads header fields and patches them in place, without copies.
// Format 2 throughout; of the old formats 0 and 1 the fields they have (what they lack reads as Kafka's "none").

import { compressionTypeOf, type CompressionType } from './compression-type.ts';
import { crc32c } from './crc32c.ts';
import { corruptRecord } from './errors.ts';
import { readInt64, writeInt64 } from './int64.ts';
import { legacyBaseOffset, legacyChecksum, legacyOverhead } from './legacy.ts';

/** Base offset and batch length: what stands before the bytes that batchLength counts. */
export const logOverheadBytes = 12;
/** Header of a format 2 batch: an empty batch is this long. */
export const recordBatchOverheadBytes = 61;
/** From here on a batch tells its size and its format. */
export const headerUpToMagicBytes = 17;
const leastRecordBytes = 14;

const lengthAt = 8;
const leaderEpochAt = 12;
const legacyCrcAt = 12;
const magicAt = 16;
const crcAt = 17;
const legacyAttributesAt = 17;
const legacyTimestampAt = 18;
const attributesAt = 21;
const lastOffsetDeltaAt = 23;
const baseTimestampAt = 27;
const maxTimestampAt = 35;
const producerIdAt = 43;
const producerEpochAt = 51;
const baseSequenceAt = 53;
const recordCountAt = 57;

export const attributeBits = {
  compression: 0x07,
  legacyLogAppendTime: 0x08,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

export type TimestampType = 'CreateTime' | 'LogAppendTime' | 'NoTimestampType';

/** The sequence `by` records after `sequence`; wraps from 2^31 − 1 to 0. */
export function incrementSequence(sequence: number, by: number): number {
  const sum = sequence + by;
  return sum > 0x7fff_ffff ? sum - 0x8000_0000 : sum;
}

export class RecordBatch {
  buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  /** Points this same view elsewhere: for loops that must not allocate. */
  moveTo(buffer: Buffer, position: number): this {
    this.buffer = buffer;
    this.position = position;
    return this;
  }

  /** The batch's bytes as a slice of the buffer. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.position, this.position + this.sizeInBytes);
  }

  get sizeInBytes(): number {
    return this.buffer.readInt32BE(this.position + lengthAt) + logOverheadBytes;
  }

  get magic(): number {
    return this.buffer.readInt8(this.position + magicAt);
  }

  get isLegacy(): boolean {
    return this.magic < 2;
  }

  /** Offset of the first record. Of a compressed batch in an old format it takes decompressing to know. */
  get baseOffset(): number {
    if (this.isLegacy && this.compressionId !== 0) return legacyBaseOffset(this.buffer, this.position);
    return readInt64(this.buffer, this.position);
  }

  get lastOffsetDelta(): number {
    return this.isLegacy ? 0 : this.buffer.readInt32BE(this.position + lastOffsetDeltaAt);
  }

  get lastOffset(): number {
    // Old formats store the last offset in the place of the first.
    return readInt64(this.buffer, this.position) + this.lastOffsetDelta;
  }

  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  /** −1 when not set yet, and in old formats. */
  get partitionLeaderEpoch(): number {
    return this.isLegacy ? -1 : this.buffer.readInt32BE(this.position + leaderEpochAt);
  }

  /** The stored checksum. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + (this.isLegacy ? legacyCrcAt : crcAt));
  }

  get attributes(): number {
    return this.isLegacy
      ? this.buffer.readUInt8(this.position + legacyAttributesAt)
      : this.buffer.readInt16BE(this.position + attributesAt);
  }

  get compressionId(): number {
    return this.attributes & attributeBits.compression;
  }

  /** Throws on the ids that mean nothing. */
  get compression(): CompressionType {
    return compressionTypeOf(this.compressionId);
  }

  get isCompressed(): boolean {
    return this.compressionId !== 0;
  }

  get timestampType(): TimestampType {
    if (this.magic === 0) return 'NoTimestampType';
    return (this.attributes & attributeBits.logAppendTime) !== 0 ? 'LogAppendTime' : 'CreateTime';
  }

  get isLogAppendTime(): boolean {
    return this.timestampType === 'LogAppendTime';
  }

  get isTransactional(): boolean {
    return !this.isLegacy && (this.attributes & attributeBits.transactional) !== 0;
  }

  get isControl(): boolean {
    return !this.isLegacy && (this.attributes & attributeBits.control) !== 0;
  }

  get hasDeleteHorizon(): boolean {
    return !this.isLegacy && (this.attributes & attributeBits.deleteHorizon) !== 0;
  }

  /** When the cleaner may drop this batch's tombstones and markers; null when not set. */
  get deleteHorizonMs(): number | null {
    return this.hasDeleteHorizon ? this.baseTimestamp : null;
  }

  /** What the records' timestamp deltas count from. */
  get baseTimestamp(): number {
    return this.isLegacy ? this.maxTimestamp : readInt64(this.buffer, this.position + baseTimestampAt);
  }

  get maxTimestamp(): number {
    const magic = this.magic;
    if (magic === 0) return -1;
    return readInt64(this.buffer, this.position + (magic === 1 ? legacyTimestampAt : maxTimestampAt));
  }

  get producerId(): number {
    return this.isLegacy ? -1 : readInt64(this.buffer, this.position + producerIdAt);
  }

  get hasProducerId(): boolean {
    return this.producerId > -1;
  }

  get producerEpoch(): number {
    return this.isLegacy ? -1 : this.buffer.readInt16BE(this.position + producerEpochAt);
  }

  get baseSequence(): number {
    return this.isLegacy ? -1 : this.buffer.readInt32BE(this.position + baseSequenceAt);
  }

  get lastSequence(): number {
    const baseSequence = this.baseSequence;
    return baseSequence === -1 ? -1 : incrementSequence(baseSequence, this.lastOffsetDelta);
  }

  /** How many records the header declares; null in old formats, which don't say. */
  get recordCount(): number | null {
    return this.isLegacy ? null : this.buffer.readInt32BE(this.position + recordCountAt);
  }

  /** Where the records (possibly compressed) of a format 2 batch begin in the buffer. */
  get recordsPosition(): number {
    return this.position + recordBatchOverheadBytes;
  }

  get endPosition(): number {
    return this.position + this.sizeInBytes;
  }

  computeChecksum(): number {
    if (this.isLegacy) return legacyChecksum(this.buffer, this.position);
    return crc32c(this.buffer, this.position + attributesAt, this.endPosition);
  }

  get isValid(): boolean {
    const least = this.isLegacy ? logOverheadBytes + legacyOverhead(this.magic) : recordBatchOverheadBytes;
    return this.sizeInBytes >= least && this.computeChecksum() === this.crc;
  }

  /** Throws RecordsError CORRUPT_MESSAGE unless the checksum holds. */
  ensureValid(): void {
    const size = this.sizeInBytes;
    const least = this.isLegacy ? logOverheadBytes + legacyOverhead(this.magic) : recordBatchOverheadBytes;
    if (size < least) {
      throw corruptRecord(
        this.isLegacy
          ? `Record is corrupt (crc could not be retrieved as the record is too small, size = ${size - logOverheadBytes})`
          : `Record batch is corrupt (the size ${size} is smaller than the minimum allowed overhead ${least})`,
      );
    }
    const computed = this.computeChecksum();
    if (computed !== this.crc) {
      throw corruptRecord(`Record is corrupt (stored crc = ${this.crc}, computed crc = ${computed})`);
    }
  }

  /** In place; outside the checksum of format 2. */
  setBaseOffset(offset: number): void {
    writeInt64(this.buffer, this.position, offset);
  }

  /** In place: moves the whole batch so that its last record stands at `offset`. */
  setLastOffset(offset: number): void {
    writeInt64(this.buffer, this.position, offset - this.lastOffsetDelta);
  }

  /** In place; outside the checksum. */
  setPartitionLeaderEpoch(leaderEpoch: number): void {
    this.buffer.writeInt32BE(leaderEpoch, this.position + leaderEpochAt);
  }

  /** In place, with a new checksum; nothing is touched when both already stand. Format 2 only. */
  setMaxTimestamp(type: 'CreateTime' | 'LogAppendTime', maxTimestamp: number): void {
    if (this.timestampType === type && this.maxTimestamp === maxTimestamp) return;
    // Kafka builds the attributes anew here: bits that no reader knows are dropped.
    const kept = this.attributes & (attributeBits.compression | 0x70);
    this.buffer.writeInt16BE(
      kept | (type === 'LogAppendTime' ? attributeBits.logAppendTime : 0),
      this.position + attributesAt,
    );
    writeInt64(this.buffer, this.position + maxTimestampAt, maxTimestamp);
    this.updateChecksum();
  }

  /** In place, with a new checksum. */
  setProducerState(producerId: number, producerEpoch: number, baseSequence: number): void {
    writeInt64(this.buffer, this.position + producerIdAt, producerId);
    this.buffer.writeInt16BE(producerEpoch, this.position + producerEpochAt);
    this.buffer.writeInt32BE(baseSequence, this.position + baseSequenceAt);
    this.updateChecksum();
  }

  updateChecksum(): void {
    this.buffer.writeUInt32BE(this.computeChecksum(), this.position + crcAt);
  }
}

/**
 * Size of the batch at `position`, or 0 when `end` comes before the batch's own end: a cut tail, which is no
 * error. Throws RecordsError CORRUPT_MESSAGE when the bytes cannot be a batch at all.
 */
export function wholeBatchSize(buffer: Buffer, position: number, end = buffer.length): number {
  const remaining = end - position;
  if (remaining < logOverheadBytes) return 0;
  const length = buffer.readInt32BE(position + lengthAt);
  if (length < leastRecordBytes) {
    throw corruptRecord(`Record size ${length} is less than the minimum record overhead (${leastRecordBytes})`);
  }
  if (remaining < headerUpToMagicBytes) return 0;
  const magic = buffer.readInt8(position + magicAt);
  if (magic < 0 || magic > 2) throw corruptRecord(`Invalid magic found in record: ${magic}`);
  return remaining < length + logOverheadBytes ? 0 : length + logOverheadBytes;
}

/**
 * Visits the whole batches of `buffer[start, end)` in order and returns where they end (a cut tail is left out).
 * The view is one and the same each time. `visit` may return false to stop after the batch it was shown.
 * Throws RecordsError where the bytes are no batch.
 */
export function forEachBatch(
  buffer: Buffer,
  visit: (batch: RecordBatch) => boolean | void,
  start = 0,
  end = buffer.length,
): number {
  const batch = new RecordBatch(buffer, start);
  let position = start;
  for (;;) {
    const size = wholeBatchSize(buffer, position, end);
    if (size === 0) return position;
    batch.moveTo(buffer, position);
    position += size;
    if (visit(batch) === false) return position;
  }
}

/** The whole batches of `buffer[start, end)`, a view each. */
export function* batchesIn(buffer: Buffer, start = 0, end = buffer.length): Generator<RecordBatch, void, undefined> {
  for (let position = start; ;) {
    const size = wholeBatchSize(buffer, position, end);
    if (size === 0) return;
    yield new RecordBatch(buffer, position);
    position += size;
  }
}
