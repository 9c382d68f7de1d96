// Message formats 0 and 1, read-only: Kafka writes them no longer, old directories still hold them. A batch is
// one message there; a compressed batch is a message whose value holds the compressed messages.

import { crc32 } from '@node-rs/crc32';
import { compressionTypeOf } from './compression-type.ts';
import { decompress } from './compression/compression.ts';
import { corruptRecord, invalidRecord } from './errors.ts';
import { readInt64 } from './int64.ts';

const logOverheadBytes = 12;
const crcAt = 12;
const magicAt = 16;
const attributesAt = 17;
const timestampAt = 18;
const leastMessageBytes = 14;

export type LegacyMessage = {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly sizeInBytes: number;
};

/** What a message of that format takes without key and value, after offset and size. */
export function legacyOverhead(magic: number): number {
  return magic === 0 ? 14 : 22;
}

/** CRC-32 (not CRC-32C) over everything behind the checksum. */
export function legacyChecksum(buffer: Buffer, position: number): number {
  const end = position + logOverheadBytes + buffer.readInt32BE(position + 8);
  return crc32(buffer.subarray(position + magicAt, end));
}

/** Offset of the first message: known without reading the value only when nothing is compressed. */
export function legacyBaseOffset(buffer: Buffer, position: number): number {
  const first = readLegacyMessages(buffer, position)[0];
  return first === undefined ? readInt64(buffer, position) : first.offset;
}

/** All messages of the batch at `position`. Throws RecordsError where the bytes do not hold together. */
export function readLegacyMessages(buffer: Buffer, position: number): LegacyMessage[] {
  const wrapper = readMessage(buffer, position);
  const attributes = buffer.readUInt8(position + attributesAt);
  const compression = compressionTypeOf(attributes & 7);
  if (compression === 'none') return [wrapper];

  const magic = buffer.readInt8(position + magicAt);
  if (compression === 'zstd') {
    throw invalidRecord(`Invalid wrapper compressionType found in legacy deep record iterator ${magic}`);
  }
  if (wrapper.value === null) {
    throw invalidRecord(`Found invalid compressed record set with null value (magic = ${magic})`);
  }
  const inner = decompress(compression, wrapper.value, { legacyLz4: magic === 0 });
  const messages = readInnerMessages(inner, magic, (attributes & 8) !== 0 ? wrapper.timestamp : null);
  return magic === 1 ? withAbsoluteOffsets(messages, wrapper.offset) : messages;
}

function readInnerMessages(inner: Buffer, wrapperMagic: number, logAppendTime: number | null): LegacyMessage[] {
  const messages: LegacyMessage[] = [];
  let position = 0;
  // A cut message at the end is left out, as in Kafka.
  while (inner.length - position >= logOverheadBytes) {
    const size = inner.readInt32BE(position + 8);
    if (size < leastMessageBytes) {
      throw corruptRecord(`Record size ${size} is less than the minimum record overhead (${leastMessageBytes})`);
    }
    if (inner.length - position - logOverheadBytes < size) break;
    const magic = inner.readInt8(position + magicAt);
    if (magic !== wrapperMagic) {
      throw invalidRecord(`Compressed message magic ${magic} does not match wrapper magic ${wrapperMagic}`);
    }
    if ((inner.readUInt8(position + attributesAt) & 7) !== 0) {
      throw invalidRecord('Inner messages must not be compressed');
    }
    ensureValidMessage(inner, position, size, magic);
    const message = readMessage(inner, position);
    messages.push(logAppendTime === null ? message : { ...message, timestamp: logAppendTime });
    position += logOverheadBytes + size;
  }
  if (messages.length === 0) throw invalidRecord('Found invalid compressed record set with no inner records');
  return messages;
}

/** Format 1 counts inner offsets from 0 and stores the last one's absolute offset in the wrapper. */
function withAbsoluteOffsets(messages: LegacyMessage[], wrapperOffset: number): LegacyMessage[] {
  const lastInner = messages[messages.length - 1]?.offset ?? 0;
  // Some versions of librdkafka left the wrapper's offset at 0.
  if (wrapperOffset === 0) return messages;
  if (wrapperOffset < lastInner) {
    throw invalidRecord(
      `Found invalid wrapper offset in compressed v1 message set, wrapper offset '${wrapperOffset}' is less than the ` +
        `last inner message offset '${lastInner}' and it is not zero.`,
    );
  }
  const base = wrapperOffset - lastInner;
  return messages.map((message) => ({ ...message, offset: message.offset + base }));
}

function ensureValidMessage(buffer: Buffer, position: number, size: number, magic: number): void {
  if (size < legacyOverhead(magic)) {
    throw corruptRecord(`Record is corrupt (crc could not be retrieved as the record is too small, size = ${size})`);
  }
  const stored = buffer.readUInt32BE(position + crcAt);
  const computed = legacyChecksum(buffer, position);
  if (stored !== computed) {
    throw corruptRecord(`Record is corrupt (stored crc = ${stored}, computed crc = ${computed})`);
  }
}

function readMessage(buffer: Buffer, position: number): LegacyMessage {
  const sizeInBytes = logOverheadBytes + buffer.readInt32BE(position + 8);
  const end = position + sizeInBytes;
  const magic = buffer.readInt8(position + magicAt);
  if (sizeInBytes < logOverheadBytes + legacyOverhead(magic)) throw invalidRecord('Found invalid record structure');
  const keyAt = position + (magic === 0 ? timestampAt : timestampAt + 8);
  const keyEnd = endOfField(buffer, keyAt, end);
  const valueEnd = endOfField(buffer, keyEnd, end);
  return {
    offset: readInt64(buffer, position),
    timestamp: magic === 0 ? -1 : readInt64(buffer, position + timestampAt),
    key: fieldAt(buffer, keyAt, keyEnd),
    value: fieldAt(buffer, keyEnd, valueEnd),
    sizeInBytes,
  };
}

function endOfField(buffer: Buffer, at: number, end: number): number {
  if (end - at < 4) throw invalidRecord('Found invalid record structure');
  const fieldEnd = at + 4 + Math.max(0, buffer.readInt32BE(at));
  if (fieldEnd > end) throw invalidRecord('Found invalid record structure');
  return fieldEnd;
}

function fieldAt(buffer: Buffer, at: number, fieldEnd: number): Buffer | null {
  return buffer.readInt32BE(at) < 0 ? null : buffer.subarray(at + 4, fieldEnd);
}
