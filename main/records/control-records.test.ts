import { expect, test } from 'vitest';
import { buildBatch } from './batch-builder.ts';
import { buildEndTransactionMarker, readControlRecord, readEndTransactionMarker } from './control-records.ts';
import { RecordsError } from './errors.ts';
import { RecordBatch } from './record-batch.ts';

const marker = { baseOffset: 4, partitionLeaderEpoch: 2, timestampMs: 9, producerId: 77, producerEpoch: 3 };

test('a transaction marker tells its producer, its kind and its coordinator', () => {
  const batch = new RecordBatch(buildEndTransactionMarker({ ...marker, type: 'ABORT', coordinatorEpoch: 5 }));
  expect([batch.isControl, batch.isTransactional, batch.producerId, batch.baseSequence]).toEqual([true, true, 77, -1]);
  expect(readEndTransactionMarker(batch)).toEqual({ type: 'ABORT', coordinatorEpoch: 5 });
});

test('a batch of data holds no marker', () => {
  const batch = new RecordBatch(buildBatch({ isTransactional: true }, [{ key: null, value: null, timestamp: 0 }]));
  expect(readEndTransactionMarker(batch)).toBeNull();
});

test('a control type of a later Kafka is told apart, not refused', () => {
  expect(readControlRecord({ key: Buffer.from('00000063', 'hex'), value: null })).toEqual({ type: 'UNKNOWN', id: 99 });
});

test('a later version of a transaction marker may be longer', () => {
  const value = Buffer.from('00010000000dffff', 'hex');
  expect(readControlRecord({ key: Buffer.from('00000001', 'hex'), value })).toMatchObject({ coordinatorEpoch: 13 });
});

test.each([
  ['', '00000000000d'],
  ['0000', '00000000000d'],
  ['ffff0001', '00000000000d'],
  ['00000001', '0000'],
  ['00000001', 'ffff0000000d'],
  ['00000002', ''],
  ['00000002', '000000'],
  ['00000003', 'ffff'],
  ['00000006', '0000ff'],
])('broken control record %s %s is a RecordsError', (key, value) => {
  const record = { key: Buffer.from(key, 'hex'), value: Buffer.from(value, 'hex') };
  expect(() => readControlRecord(record)).toThrow(RecordsError);
});
