// The records inside a batch. RecordCursor walks without allocating anything per record; recordsOf gives objects.

import { decompress, type DecompressOptions } from './compression/compression.ts';
import { corruptRecord, invalidRecord, type RecordsError } from './errors.ts';
import { readLegacyMessages } from './legacy.ts';
import { incrementSequence, type RecordBatch, recordBatchOverheadBytes } from './record-batch.ts';

export type RecordHeader = { readonly key: string; readonly value: Buffer | null };

export type StoredRecord = {
  readonly offset: number;
  readonly timestamp: number;
  /** −1 without an idempotent producer. */
  readonly sequence: number;
  /** Slices of the batch (or of its decompressed form). */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly sizeInBytes: number;
};

const noHeaders: readonly RecordHeader[] = [];

/**
 * Walks the records of a format 2 batch. After `next()` returned true the fields describe that record and
 * `key()`, `value()`, `headers()` cut it out on demand. Throws RecordsError as soon as a record doesn't hold
 * together; every record is checked in full whether or not it is asked for.
 */
export class RecordCursor {
  private bytes: Buffer;
  private startAt = 0;
  private at = 0;
  private end = 0;
  private count = 0;
  private remaining = 0;
  private baseOffset = 0;
  private baseTimestamp = 0;
  private baseSequence = -1;
  private logAppendTime: number | null = null;

  offset = 0;
  offsetDelta = 0;
  timestamp = 0;
  timestampDelta = 0;
  attributes = 0;
  /** With its length prefix. */
  sizeInBytes = 0;
  /** −1 for null. */
  keyLength = -1;
  valueLength = -1;
  headerCount = 0;
  private keyAt = 0;
  private valueAt = 0;
  private headersAt = 0;
  /** Position of the record's first byte (its length prefix) in `recordBytes`. */
  position = 0;
  /** Where key, value and headers begin in `recordBytes`, length prefixes included; they run to `endPosition`. */
  payloadPosition = 0;

  constructor(batch: RecordBatch, options: DecompressOptions = {}) {
    this.bytes = batch.buffer;
    this.open(batch, options);
  }

  /** Starts over on another batch. */
  open(batch: RecordBatch, options: DecompressOptions = {}): this {
    const size = batch.sizeInBytes;
    if (size < recordBatchOverheadBytes) {
      throw corruptRecord(
        `Record batch is corrupt (the size ${size} is smaller than the minimum allowed overhead ${recordBatchOverheadBytes})`,
      );
    }
    const count = batch.recordCount ?? 0;
    if (count < 0) throw invalidRecord(`Found invalid record count ${count} in magic v${batch.magic} batch`);
    if (batch.isCompressed) {
      const packed = batch.buffer.subarray(batch.recordsPosition, batch.endPosition);
      // Nobody looks into an empty batch.
      this.bytes = count === 0 ? packed : decompress(batch.compression, packed, options);
      this.startAt = 0;
      this.end = this.bytes.length;
    } else {
      this.bytes = batch.buffer;
      this.startAt = batch.recordsPosition;
      this.end = batch.endPosition;
    }
    this.count = count;
    this.baseOffset = batch.baseOffset;
    this.baseTimestamp = batch.baseTimestamp;
    this.baseSequence = batch.baseSequence;
    this.logAppendTime = batch.isLogAppendTime ? batch.maxTimestamp : null;
    return this.rewind();
  }

  /** Back before the first record, without decompressing again. */
  rewind(): this {
    this.at = this.startAt;
    this.remaining = this.count;
    return this;
  }

  /** What the records were read from: the batch's own buffer, or what came out of decompressing it. */
  get recordBytes(): Buffer {
    return this.bytes;
  }

  get endPosition(): number {
    return this.at;
  }

  get sequence(): number {
    return this.baseSequence < 0 ? -1 : incrementSequence(this.baseSequence, this.offsetDelta);
  }

  next(): boolean {
    if (this.remaining === 0) return false;
    if (this.at >= this.end) throw invalidRecord('Incorrect declared batch size, premature EOF reached');
    this.position = this.at;
    const size = this.readSize();
    const bodyAt = this.at;
    if (this.end - bodyAt < size) {
      throw invalidRecord(
        `Invalid record size: expected ${size} bytes in record payload, but instead the buffer has only ` +
          `${this.end - bodyAt} remaining bytes.`,
      );
    }
    this.readBody();
    if (this.at - bodyAt !== size) {
      throw invalidRecord(
        `Invalid record size: expected to read ${size} bytes in record payload, but instead read ${this.at - bodyAt}`,
      );
    }
    this.sizeInBytes = this.at - this.position;
    if (--this.remaining === 0 && this.at !== this.end) {
      throw invalidRecord('Incorrect declared batch size, records still remaining in file');
    }
    return true;
  }

  key(): Buffer | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyLength);
  }

  value(): Buffer | null {
    return this.valueLength < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  headers(): readonly RecordHeader[] {
    if (this.headerCount === 0) return noHeaders;
    const resumeAt = this.at;
    this.at = this.headersAt;
    const headers: RecordHeader[] = [];
    for (let index = 0; index < this.headerCount; index++) {
      const keyLength = this.readVarint();
      const key = this.bytes.toString('utf8', this.at, this.at + keyLength);
      this.at += keyLength;
      const valueLength = this.readVarint();
      const value = valueLength < 0 ? null : this.bytes.subarray(this.at, this.at + valueLength);
      this.at += Math.max(0, valueLength);
      headers.push({ key, value });
    }
    this.at = resumeAt;
    return headers;
  }

  /** The record as an object of its own. */
  toRecord(): StoredRecord {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      sequence: this.sequence,
      key: this.key(),
      value: this.value(),
      headers: this.headers(),
      sizeInBytes: this.sizeInBytes,
    };
  }

  private readBody(): void {
    if (this.at >= this.end) throw brokenStructure();
    this.attributes = this.bytes[this.at++] ?? 0;
    this.timestampDelta = this.readVarlong();
    this.timestamp = this.logAppendTime ?? this.baseTimestamp + this.timestampDelta;
    this.offsetDelta = this.readVarint();
    this.offset = this.baseOffset + this.offsetDelta;
    this.payloadPosition = this.at;
    this.keyLength = this.readLength();
    this.keyAt = this.at;
    this.at += Math.max(0, this.keyLength);
    this.valueLength = this.readLength();
    this.valueAt = this.at;
    this.at += Math.max(0, this.valueLength);
    const headerCount = this.readVarint();
    this.headerCount = headerCount;
    this.headersAt = this.at;
    if (headerCount !== 0) this.skipHeaders(headerCount);
  }

  private skipHeaders(headerCount: number): void {
    if (headerCount < 0) throw invalidRecord(`Found invalid number of record headers ${headerCount}`);
    if (headerCount > this.end - this.at) {
      throw invalidRecord(
        `Found invalid number of record headers. ${headerCount} is larger than the remaining size of the buffer`,
      );
    }
    for (let index = 0; index < headerCount; index++) {
      const keyLength = this.readVarint();
      if (keyLength < 0) throw invalidRecord(`Invalid negative header key size ${keyLength}`);
      if (keyLength > this.end - this.at) throw brokenStructure();
      this.at += keyLength;
      const valueLength = this.readLength();
      if (valueLength > 0) this.at += valueLength;
    }
  }

  /** A length prefix that is followed by that many bytes; any negative one means null, as in Kafka. */
  private readLength(): number {
    const length = this.readVarint();
    if (length > this.end - this.at) throw brokenStructure();
    return length;
  }

  private readVarint(): number {
    if (this.at >= this.end) throw brokenStructure();
    const first = this.bytes[this.at] ?? 0;
    if (first < 0x80) {
      this.at++;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.readLongVarint();
  }

  private readLongVarint(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.end) throw brokenStructure();
      const byte = this.bytes[this.at++] ?? 0;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw brokenStructure();
  }

  /** The record's own length: here running out means that the batch promised more records than it holds. */
  private readSize(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.end) throw invalidRecord('Incorrect declared batch size, premature EOF reached');
      const byte = this.bytes[this.at++] ?? 0;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw invalidRecord('Varint is too long, the most significant bit in the 5th byte is set');
  }

  private readVarlong(): number {
    if (this.at >= this.end) throw brokenStructure();
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.at >= this.end) throw brokenStructure();
      const byte = this.bytes[this.at++] ?? 0;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    // Beyond 28 bits: keep the 64 bits as 28 low and 36 high ones.
    let high = 0;
    let scale = 1;
    for (let index = 4; index < 10; index++) {
      if (this.at >= this.end) throw brokenStructure();
      const byte = this.bytes[this.at++] ?? 0;
      high += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        const half = (high % 0x10_0000_0000) * 0x800_0000 + (low >>> 1);
        return (low & 1) === 0 ? half : -half - 1;
      }
    }
    throw brokenStructure();
  }
}

function brokenStructure(): RecordsError {
  return invalidRecord('Found invalid record structure');
}

/** The records of a batch of any format, one object each. Decompresses when needed; throws RecordsError. */
export function* recordsOf(
  batch: RecordBatch,
  options: DecompressOptions = {},
): Generator<StoredRecord, void, undefined> {
  if (batch.isLegacy) {
    for (const message of readLegacyMessages(batch.buffer, batch.position)) {
      yield { ...message, sequence: -1, headers: noHeaders };
    }
    return;
  }
  const cursor = new RecordCursor(batch, options);
  while (cursor.next()) yield cursor.toRecord();
}
