// A batch in the form in which the vectors write it down: header fields and records, exact even beyond 2^53.

import { createHash } from 'node:crypto';
import { controlRecordTypeOf, readControlRecord } from '../../../main/records/control-records.ts';
import { readLegacyMessages } from '../../../main/records/legacy.ts';
import { incrementSequence, type RecordBatch } from '../../../main/records/record-batch.ts';
import { RecordCursor, type StoredRecord } from '../../../main/records/record.ts';
import type { Json, JsonObject } from '../suite.ts';

const hexBytesMax = 600;

export function describeBatch(batch: RecordBatch): JsonObject {
  const position = batch.position;
  const common = {
    position,
    sizeInBytes: batch.sizeInBytes,
    magic: batch.magic,
    crc: batch.crc,
    compression: batch.compression,
    timestampType: batch.timestampType,
    maxTimestamp: batch.maxTimestamp,
  };
  if (batch.isLegacy) {
    const records = readLegacyMessages(batch.buffer, position).map((message) =>
      describeRecord(message, message.offset, null),
    );
    return {
      ...common,
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      nextOffset: batch.nextOffset,
      records,
    };
  }
  const base = batch.buffer.readBigInt64BE(position);
  const last = base + BigInt(batch.lastOffsetDelta);
  return {
    ...common,
    baseOffset: exact(base),
    lastOffset: exact(last),
    nextOffset: exact(last + 1n),
    attributes: batch.attributes,
    baseTimestamp: batch.baseTimestamp,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    producerId: exact(batch.buffer.readBigInt64BE(position + 43)),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    transactional: batch.isTransactional,
    control: batch.isControl,
    deleteHorizonMs: batch.deleteHorizonMs,
    count: batch.recordCount,
    records: describeRecords(batch, base),
  };
}

function describeRecords(batch: RecordBatch, base: bigint): Json[] {
  const records: Json[] = [];
  const cursor = new RecordCursor(batch);
  while (cursor.next()) {
    const sequence = batch.baseSequence < 0 ? -1 : incrementSequence(batch.baseSequence, cursor.offsetDelta);
    const record = describeRecord(cursor.toRecord(), exact(base + BigInt(cursor.offsetDelta)), sequence);
    records.push(batch.isControl ? { ...record, control: describeControl(cursor.toRecord()) } : record);
  }
  return records;
}

type Contents = Pick<StoredRecord, 'timestamp' | 'key' | 'value'> & Partial<Pick<StoredRecord, 'headers'>>;

function describeRecord(record: Contents, offset: Json, sequence: number | null): JsonObject {
  const headers = record.headers ?? [];
  return {
    offset,
    timestamp: record.timestamp,
    ...(sequence === null ? {} : { sequence }),
    ...describeBytes('key', record.key),
    ...describeBytes('value', record.value),
    ...(headers.length === 0
      ? {}
      : { headers: headers.map((header) => ({ key: header.key, ...describeBytes('value', header.value) })) }),
  };
}

function describeBytes(name: string, bytes: Buffer | null): JsonObject {
  if (bytes === null) return { [name]: null };
  if (bytes.length <= hexBytesMax) return { [name]: bytes.toString('hex') };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { [`${name}Size`]: bytes.length, [`${name}Sha256`]: sha256 };
}

function describeControl(record: StoredRecord): JsonObject {
  const id = controlRecordTypeOf(record.key);
  const control = readControlRecord(record);
  switch (control.type) {
    case 'ABORT':
    case 'COMMIT':
      return { type: control.type, id, coordinatorEpoch: control.coordinatorEpoch };
    case 'UNKNOWN':
      return { type: control.type, id };
    default:
      return { type: control.type, id, value: withoutAbsentIds(control.body as unknown as Json) };
  }
}

/** A field that the body's version lacks decodes to its default; Kafka's JSON leaves it out. */
function withoutAbsentIds(value: Json): Json {
  if (Array.isArray(value)) return value.map((part: Json) => withoutAbsentIds(part));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value as JsonObject)
    .filter(([name, part]) => !(name === 'voterDirectoryId' && part === 'AAAAAAAAAAAAAAAAAAAAAA'))
    .map(([name, part]) => [name, withoutAbsentIds(part)] as const);
  return Object.fromEntries(entries);
}

function exact(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
