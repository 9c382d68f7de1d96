import { expect, test } from 'vitest';
import { buildBatch } from './batch-builder.ts';
import { RecordsError } from './errors.ts';
import { batchesIn, forEachBatch, incrementSequence, RecordBatch, wholeBatchSize } from './record-batch.ts';
import { recordsOf } from './record.ts';

const record = { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1000 };

function threeBatches(): Buffer {
  return Buffer.concat([0, 1, 2].map((baseOffset) => buildBatch({ baseOffset }, [record])));
}

test('a cut last batch is left out and its start is where the walk ends', () => {
  const buffer = threeBatches();
  const size = buffer.length / 3;
  for (let end = 2 * size; end < 3 * size; end++) {
    const offsets: number[] = [];
    expect(forEachBatch(buffer, (batch) => void offsets.push(batch.baseOffset), 0, end)).toBe(2 * size);
    expect(offsets).toEqual([0, 1]);
  }
  expect([...batchesIn(buffer)].map((batch) => batch.position)).toEqual([0, size, 2 * size]);
});

test('a visitor that returns false stops the walk behind its batch', () => {
  const buffer = threeBatches();
  expect(forEachBatch(buffer, (batch) => batch.baseOffset < 1)).toBe((buffer.length / 3) * 2);
});

test('bytes that cannot be a batch are corrupt, not a cut tail', () => {
  const buffer = threeBatches();
  buffer.writeInt8(3, 16);
  expect(() => wholeBatchSize(buffer, 0)).toThrow(RecordsError);
  buffer.writeInt8(2, 16);
  buffer.writeInt32BE(-7, 8);
  expect(() => wholeBatchSize(buffer, 0)).toThrow('Record size -7 is less than the minimum record overhead (14)');
});

test('base offset and leader epoch are patched outside the checksum', () => {
  const batch = new RecordBatch(buildBatch({}, [record, record]));
  batch.setLastOffset(2 ** 40 + 1);
  batch.setPartitionLeaderEpoch(7);
  expect([batch.baseOffset, batch.lastOffset, batch.partitionLeaderEpoch]).toEqual([2 ** 40, 2 ** 40 + 1, 7]);
  batch.ensureValid();
});

test('log append time is patched in with a new checksum and shows on every record', () => {
  const batch = new RecordBatch(buildBatch({}, [record, { ...record, timestamp: 2000 }]));
  batch.setMaxTimestamp('LogAppendTime', 5000);
  batch.ensureValid();
  expect([...recordsOf(batch)].map((each) => each.timestamp)).toEqual([5000, 5000]);
});

test('setting the timestamp that already stands touches nothing', () => {
  const bytes = buildBatch({}, [record]);
  bytes.writeInt16BE(0x4000, 21);
  const batch = new RecordBatch(bytes);
  batch.updateChecksum();
  const before = Buffer.from(bytes);
  batch.setMaxTimestamp('CreateTime', 1000);
  expect(bytes.equals(before)).toBe(true);
});

test('sequences wrap to 0 behind 2^31 − 1', () => {
  expect(incrementSequence(0x7fff_ffff, 1)).toBe(0);
  expect(incrementSequence(0x7fff_fffe, 1)).toBe(0x7fff_ffff);
  const batch = new RecordBatch(
    buildBatch({ producerId: 1, producerEpoch: 0, baseSequence: 0x7fff_ffff }, [record, record]),
  );
  expect(batch.lastSequence).toBe(0);
});
