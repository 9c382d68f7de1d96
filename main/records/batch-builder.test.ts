import { expect, test } from 'vitest';
import { BatchBuilder, buildBatch, buildEmptyBatch } from './batch-builder.ts';
import { RecordBatch } from './record-batch.ts';
import { RecordCursor, recordsOf } from './record.ts';

test('timestamps over the whole range of a double come back', () => {
  const timestamps = [
    0,
    -1,
    1,
    63,
    64,
    -64,
    -65,
    8191,
    2 ** 27,
    -(2 ** 27),
    2 ** 28,
    2 ** 31,
    2 ** 34,
    2 ** 52,
    -(2 ** 52),
  ];
  const batch = new RecordBatch(
    buildBatch(
      {},
      timestamps.map((timestamp) => ({ key: null, value: null, timestamp })),
    ),
  );
  expect([...recordsOf(batch)].map((record) => record.timestamp)).toEqual(timestamps);
  expect(batch.maxTimestamp).toBe(2 ** 52);
});

test('a batch grows beyond its first buffer and keeps keys, values and headers', () => {
  const records = Array.from({ length: 300 }, (_, index) => ({
    key: index % 3 === 0 ? null : Buffer.from(`key-${index}`),
    value: index % 5 === 0 ? null : Buffer.alloc(index * 7, index),
    headers: [
      { key: 'größe', value: Buffer.from([index & 0xff]) },
      { key: Buffer.from('none'), value: null },
    ],
    timestamp: 1000 - index,
  }));
  const batch = new RecordBatch(buildBatch({ baseOffset: 40 }, records));
  batch.ensureValid();
  const read = [...recordsOf(batch)];
  expect(read.map((record) => record.offset)).toEqual(records.map((_, index) => 40 + index));
  expect(read.map((record) => record.value?.toString('hex'))).toEqual(
    records.map((record) => record.value?.toString('hex')),
  );
  expect(read.map((record) => record.key)).toEqual(records.map((record) => record.key));
  expect(read[7]?.headers).toEqual([
    { key: 'größe', value: Buffer.from([7]) },
    { key: 'none', value: null },
  ]);
});

test('the size bound of a record holds', () => {
  const record = { key: Buffer.alloc(200), value: Buffer.alloc(20_000), timestamp: 2 ** 45, headers: [] };
  const builder = new BatchBuilder();
  builder.append({ key: null, value: null, timestamp: 0 });
  const before = builder.sizeInBytes;
  builder.append(record);
  expect(builder.sizeInBytes - before).toBeLessThanOrEqual(BatchBuilder.sizeOfRecordMax(record));
});

test('a batch may cover offsets that no record has', () => {
  const builder = new BatchBuilder({ baseOffset: 10 });
  builder.append({ key: null, value: null, timestamp: 0, offset: 12 });
  const batch = new RecordBatch(builder.build(20));
  expect([batch.baseOffset, batch.lastOffset, batch.recordCount]).toEqual([10, 20, 1]);
  expect([...recordsOf(batch)].map((record) => record.offset)).toEqual([12]);
});

test('an empty batch is its header alone', () => {
  const batch = new RecordBatch(
    buildEmptyBatch({ baseOffset: 5, producerId: 9, producerEpoch: 1, baseSequence: 3 }, 7),
  );
  batch.ensureValid();
  expect([batch.sizeInBytes, batch.lastOffset, batch.recordCount, batch.lastSequence]).toEqual([61, 7, 0, 5]);
  expect([...recordsOf(batch)]).toEqual([]);
});

test('log append time replaces the records’ own times', () => {
  const batch = new RecordBatch(buildBatch({ logAppendTimeMs: 77 }, [{ key: null, value: null, timestamp: 5 }]));
  expect([batch.timestampType, batch.maxTimestamp, batch.baseTimestamp]).toEqual(['LogAppendTime', 77, 77]);
});

test('records taken over from a cursor keep the bytes of their headers', () => {
  const header = { key: Buffer.from([0xff, 0xfe]), value: Buffer.from('x') };
  const source = new RecordBatch(buildBatch({}, [{ key: null, value: null, timestamp: 1, headers: [header] }]));
  const builder = new BatchBuilder({ baseOffset: 9 });
  const cursor = new RecordCursor(source);
  while (cursor.next()) builder.appendFrom(cursor, builder.nextOffset);
  const copy = builder.build();
  expect(copy.subarray(61).equals(source.bytes.subarray(61))).toBe(true);
});
