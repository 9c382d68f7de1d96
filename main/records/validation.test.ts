import { beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { type BatchOptions, buildBatch, type NewRecord } from './batch-builder.ts';
import { prepareCompression } from './compression/compression.ts';
import { RecordBatch } from './record-batch.ts';
import { recordsOf } from './record.ts';
import {
  type AppendValidation,
  checkProduceRecords,
  compressionNeededBy,
  type LeaderAppendSettings,
  validateForFollower,
  validateForLeader,
} from './validation.ts';

beforeAll(() => prepareCompression());

const settings: LeaderAppendSettings = {
  topicPartition: 'orders-3',
  origin: 'client',
  leaderEpoch: 4,
  nextOffset: 100,
  nowMs: 1_000_000,
  compressionType: 'producer',
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: 2 ** 63,
  timestampAfterMaxMs: 3_600_000,
  messageBytesMax: 1_048_588,
  segmentBytesMax: 1 << 30,
  isCompacted: false,
};

function batchOf(count: number, options: BatchOptions = {}, change: Partial<NewRecord> = {}): Buffer {
  return buildBatch(
    options,
    Array.from({ length: count }, (_, index) => ({
      key: Buffer.from(`k${index}`),
      value: Buffer.from('value'),
      timestamp: 999_000 + index,
      ...change,
    })),
  );
}

function refusal(result: AppendValidation): { errorCode: number; message: string } | null {
  return result.ok ? null : { errorCode: result.errorCode, message: result.message };
}

test('a good batch is patched in place: same buffer, offsets and epoch set', () => {
  const bytes = batchOf(3);
  const result = validateForLeader(bytes, settings);
  expect(result).toMatchObject({ ok: true, firstOffset: 100, lastOffset: 102, maxTimestamp: 999_002, recordCount: 3 });
  if (!result.ok) return;
  expect(result.records.buffer).toBe(bytes.buffer);
  const stored = new RecordBatch(result.records);
  stored.ensureValid();
  expect([stored.baseOffset, stored.partitionLeaderEpoch]).toEqual([100, 4]);
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a %s batch stays as it is, only its header is patched',
  (compression) => {
    const bytes = batchOf(3, { compression });
    const payload = Buffer.from(bytes.subarray(61));
    const result = validateForLeader(bytes, settings);
    expect(result).toMatchObject({ ok: true, lastOffset: 102, maxTimestamp: 999_002 });
    expect(result.ok && result.records.subarray(61).equals(payload)).toBe(true);
  },
);

test('compression.type rebuilds the batch, keeping records, producer and sequence', () => {
  const bytes = batchOf(5, {
    compression: 'gzip',
    producerId: 9,
    producerEpoch: 1,
    baseSequence: 20,
    isTransactional: true,
  });
  const result = validateForLeader(bytes, { ...settings, compressionType: 'zstd' });
  expect(result.ok).toBe(true);
  if (!result.ok) return;
  const stored = new RecordBatch(result.records);
  stored.ensureValid();
  expect([
    stored.compression,
    stored.baseOffset,
    stored.producerId,
    stored.baseSequence,
    stored.isTransactional,
  ]).toEqual(['zstd', 100, 9, 20, true]);
  expect([...recordsOf(stored)].map((record) => record.key?.toString())).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
});

test('a rebuilt batch that grew beyond max.message.bytes is refused', () => {
  const bytes = batchOf(400, { compression: 'gzip' });
  const result = validateForLeader(bytes, { ...settings, compressionType: 'none', messageBytesMax: 5000 });
  expect(refusal(result)?.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
});

test('log append time stands in the header, in place', () => {
  const result = validateForLeader(batchOf(2), { ...settings, timestampType: 'LogAppendTime' });
  expect(result).toMatchObject({
    ok: true,
    logAppendTimeMs: 1_000_000,
    maxTimestamp: 1_000_000,
    offsetOfMaxTimestamp: 101,
  });
});

test('every record without a key is reported for a compacted topic', () => {
  const result = validateForLeader(batchOf(5, {}, { key: null }), { ...settings, isCompacted: true });
  expect(result.ok ? [] : result.recordErrors.map((error) => error.batchIndex)).toEqual([0, 1, 2, 3, 4]);
});

test('coordinators and the raft leader may write control records, clients may not', () => {
  const options = { isControl: true, partitionLeaderEpoch: 4 };
  expect(refusal(validateForLeader(batchOf(1, options), settings))?.errorCode).toBe(ErrorCode.INVALID_RECORD);
  expect(validateForLeader(batchOf(1, options), { ...settings, origin: 'coordinator' }).ok).toBe(true);
  expect(validateForLeader(batchOf(1, options), { ...settings, origin: 'raft' }).ok).toBe(true);
});

test('a raft leader must have stamped its own epoch', () => {
  const result = validateForLeader(batchOf(1, { partitionLeaderEpoch: 3 }), { ...settings, origin: 'raft' });
  expect(refusal(result)?.message).toBe('Append from Raft leader did not set the batch epoch correctly');
});

test('a raft leader’s batches are not held to max.message.bytes', () => {
  const bytes = batchOf(100, { partitionLeaderEpoch: 4 });
  expect(validateForLeader(bytes, { ...settings, origin: 'raft', messageBytesMax: 100 }).ok).toBe(true);
});

test('a producer id that a number cannot hold is refused, not rounded', () => {
  const bytes = batchOf(1, { producerId: 5, producerEpoch: 0, baseSequence: 0 });
  bytes.writeBigInt64BE(2n ** 60n, 43);
  new RecordBatch(bytes).updateChecksum();
  expect(refusal(validateForLeader(bytes, settings))?.errorCode).toBe(ErrorCode.INVALID_RECORD);
});

test('a bomb is refused within the bound', () => {
  const bytes = batchOf(1, { compression: 'gzip' }, { value: Buffer.alloc(1 << 20) });
  const result = validateForLeader(bytes, { ...settings, decompressedBytesMax: 100_000 });
  expect(refusal(result)?.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
});

test('a compression id that means nothing is UNSUPPORTED_COMPRESSION_TYPE', () => {
  const bytes = batchOf(1);
  bytes.writeInt16BE(6, 21);
  new RecordBatch(bytes).updateChecksum();
  expect(refusal(validateForLeader(bytes, settings))?.errorCode).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
});

test('a follower takes several batches as they are and leaves out the cut one', () => {
  const batches = [0, 2, 4].map((baseOffset) => batchOf(2, { baseOffset, partitionLeaderEpoch: 1 + baseOffset }));
  const bytes = Buffer.concat(batches).subarray(0, -1);
  const before = Buffer.from(bytes);
  const result = validateForFollower(bytes, settings);
  expect(result).toMatchObject({
    ok: true,
    firstOffset: 0,
    lastOffset: 3,
    lastOffsetOfFirstBatch: 1,
    lastLeaderEpoch: 3,
  });
  expect(result).toMatchObject({ batchCount: 2, recordCount: 4 });
  expect(bytes.equals(before)).toBe(true);
});

test('a follower refuses offsets that fall', () => {
  const bytes = Buffer.concat([batchOf(2, { baseOffset: 5 }), batchOf(2, { baseOffset: 4 })]);
  expect(refusal(validateForFollower(bytes, settings))?.message).toContain('Out of order offsets');
});

test('a produce request without records is refused with Kafka’s words', () => {
  for (const records of [null, Buffer.alloc(0), batchOf(1).subarray(0, 40)]) {
    expect(checkProduceRecords(records, 9)).toMatchObject({
      errorCode: ErrorCode.INVALID_RECORD,
      message: 'Produce requests with version 9 must have at least one record batch per partition',
    });
  }
});

test('zstd needs Produce 7', () => {
  const bytes = batchOf(1, { compression: 'zstd' });
  expect(checkProduceRecords(bytes, 6)?.errorCode).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  expect(checkProduceRecords(bytes, 7)).toBeNull();
});

test('only zstd has to be prepared, for what comes in and for what is stored', () => {
  expect(compressionNeededBy(batchOf(1))).toBeNull();
  expect(compressionNeededBy(batchOf(1, { compression: 'zstd' }))).toBe('zstd');
  expect(compressionNeededBy(batchOf(1, { compression: 'lz4' }), 'zstd')).toBe('zstd');
  expect(compressionNeededBy(Buffer.alloc(3))).toBeNull();
});
