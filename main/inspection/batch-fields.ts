// What each byte of a batch and of a record means, for the view that sets hex beside meaning. Pure.

import type { FieldView } from '../api/endpoints/segments.ts';
import { readInt64 } from '../records/int64.ts';
import { attributeBits, type RecordBatch, recordBatchOverheadBytes } from '../records/record-batch.ts';

const textShownMax = 120;

/** Header fields of a format 2 batch; of the old formats only what they share with it. */
export function batchFields(batch: RecordBatch): readonly FieldView[] {
  const { buffer, position } = batch;
  const field = (name: string, from: number, to: number, value: string | number, meaning: string): FieldView => ({
    name,
    from,
    to,
    value: String(value),
    meaning,
  });
  const shared = [
    field('baseOffset', 0, 8, readInt64(buffer, position), 'Offset of the first record; the leader assigns it'),
    field('batchLength', 8, 12, buffer.readInt32BE(position + 8), 'Bytes that follow this field'),
  ];
  if (batch.isLegacy) return [...shared, field('message', 12, batch.sizeInBytes, '', `Message format ${batch.magic}`)];
  const size = batch.sizeInBytes;
  const holds = batch.isValid;
  return [
    ...shared,
    field(
      'partitionLeaderEpoch',
      12,
      16,
      batch.partitionLeaderEpoch,
      'Epoch of the leader that appended it; not under the checksum',
    ),
    field('magic', 16, 17, batch.magic, 'Version of the batch format'),
    field(
      'crc',
      17,
      21,
      `0x${batch.crc.toString(16).padStart(8, '0')}`,
      holds
        ? 'CRC-32C of all that follows; it holds'
        : `CRC-32C does not hold: computed 0x${batch.computeChecksum().toString(16)}`,
    ),
    field('attributes', 21, 23, `0x${batch.attributes.toString(16).padStart(4, '0')}`, attributeWords(batch)),
    field('lastOffsetDelta', 23, 27, batch.lastOffsetDelta, `The last record has offset ${batch.lastOffset}`),
    field('baseTimestamp', 27, 35, readInt64(buffer, position + 27), timeWords(readInt64(buffer, position + 27))),
    field('maxTimestamp', 35, 43, batch.maxTimestamp, timeWords(batch.maxTimestamp)),
    field(
      'producerId',
      43,
      51,
      batch.producerId,
      batch.hasProducerId ? 'Who wrote it, for idempotence' : 'Not an idempotent producer',
    ),
    field('producerEpoch', 51, 53, batch.producerEpoch, 'Rises when a producer is fenced or starts again'),
    field(
      'baseSequence',
      53,
      57,
      batch.baseSequence,
      batch.baseSequence < 0 ? 'No sequence' : `The last record has sequence ${batch.lastSequence}`,
    ),
    field('recordsCount', 57, recordBatchOverheadBytes, batch.recordCount ?? 0, 'Records in this batch'),
    field(
      'records',
      recordBatchOverheadBytes,
      size,
      `${size - recordBatchOverheadBytes} bytes`,
      batch.isCompressed ? 'All records together, compressed' : 'The records, one after another',
    ),
  ];
}

function attributeWords(batch: RecordBatch): string {
  const words = [
    batch.compressionId === 0 ? 'not compressed' : `compressed (codec ${batch.compressionId})`,
    batch.isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
    ...(batch.isTransactional ? ['transactional'] : []),
    ...(batch.isControl ? ['control'] : []),
    ...((batch.attributes & attributeBits.deleteHorizon) !== 0 ? ['has a delete horizon'] : []),
  ];
  return words.join(', ');
}

/** The fields of one record, whose first byte (of its length) is at `start`. Throws RangeError when it does not hold together. */
export function recordFields(
  bytes: Buffer,
  start: number,
  baseOffset: number,
  baseTimestamp: number,
): readonly FieldView[] {
  const fields: FieldView[] = [];
  let at = start;
  const add = (name: string, from: number, value: string | number, meaning: string): void => {
    fields.push({ name, from, to: at, value: String(value), meaning });
  };
  const varint = (): number => {
    const { value, next } = readVarint(bytes, at);
    at = next;
    return Number(value);
  };
  const blob = (name: string, length: number): void => {
    const from = at;
    if (length < 0) return;
    if (at + length > bytes.length) throw new RangeError(`${name} ends behind the batch`);
    at += length;
    add(name, from, preview(bytes.subarray(from, at)), `${length} bytes`);
  };
  let from = at;
  const length = varint();
  add('length', from, length, 'Bytes of this record behind this field (zigzag varint)');
  from = at;
  at += 1;
  add('attributes', from, bytes.readInt8(from), 'Unused in format 2');
  from = at;
  const timestampDelta = varint();
  add('timestampDelta', from, timestampDelta, timeWords(baseTimestamp + timestampDelta));
  from = at;
  const offsetDelta = varint();
  add('offsetDelta', from, offsetDelta, `Offset ${baseOffset + offsetDelta}`);
  from = at;
  const keyLength = varint();
  add('keyLength', from, keyLength, keyLength < 0 ? 'No key' : 'Bytes of the key');
  blob('key', keyLength);
  from = at;
  const valueLength = varint();
  add('valueLength', from, valueLength, valueLength < 0 ? 'null: a tombstone' : 'Bytes of the value');
  blob('value', valueLength);
  from = at;
  const headerCount = varint();
  add('headersCount', from, headerCount, headerCount === 0 ? 'No headers' : 'Headers');
  for (let index = 0; index < headerCount; index++) {
    from = at;
    const nameLength = varint();
    add(`header ${index}: keyLength`, from, nameLength, 'Bytes of the name');
    blob(`header ${index}: key`, nameLength);
    from = at;
    const headerLength = varint();
    add(`header ${index}: valueLength`, from, headerLength, headerLength < 0 ? 'null' : 'Bytes of the value');
    blob(`header ${index}: value`, headerLength);
  }
  return fields;
}

/** 64 bits, since a timestamp delta may need them. */
function readVarint(bytes: Buffer, start: number): { readonly value: bigint; readonly next: number } {
  let raw = 0n;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new RangeError('a varint ends behind the batch');
    raw |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: (raw >> 1n) ^ -(raw & 1n), next: start + index + 1 };
  }
  throw new RangeError('a varint is longer than ten bytes');
}

/** Text where it is text, else hex; cut with the number of bytes left out. */
export function preview(bytes: Buffer): string {
  const cut = bytes.subarray(0, textShownMax);
  const text = cut.toString('utf8');
  const more = bytes.length > cut.length ? `… (${bytes.length} bytes)` : '';
  return isText(text) ? `${text}${more}` : `0x${cut.toString('hex')}${more}`;
}

function isText(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0xfffd || (code < 0x20 && code !== 9 && code !== 10 && code !== 13)) return false;
  }
  return true;
}

function timeWords(ms: number): string {
  return Number.isSafeInteger(ms) && ms >= 0 && ms < 8.64e15 ? new Date(ms).toISOString().replace('T', ' ') : 'no time';
}
