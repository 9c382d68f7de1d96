import { beforeAll, expect, test } from 'vitest';
import { buildBatch } from './batch-builder.ts';
import type { CompressionType } from './compression-type.ts';
import { prepareCompression } from './compression/compression.ts';
import { RecordsError } from './errors.ts';
import { forEachBatch, RecordBatch } from './record-batch.ts';
import { RecordCursor, recordsOf } from './record.ts';

beforeAll(() => prepareCompression());

const types: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

function sample(compression: CompressionType): Buffer {
  const records = Array.from({ length: 5 }, (_, index) => ({
    key: Buffer.from(`key-${index}`),
    value: Buffer.from('value '.repeat(index)),
    headers: [{ key: 'h', value: Buffer.from('x') }],
    timestamp: 1_700_000_000_000 + index,
  }));
  return buildBatch({ compression }, records);
}

/** Reads all there is; anything but a RecordsError escapes. */
function readAll(buffer: Buffer): void {
  try {
    forEachBatch(buffer, (batch) => {
      for (const record of recordsOf(batch, { outputBytesMax: 1 << 20 })) void record;
    });
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
  }
}

/** Numbers from a seed: the same bytes in every run. */
function* numbers(seed: number): Generator<number, never, undefined> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

test.each(types)('changed bytes in a %s batch give records or a RecordsError, nothing else', (compression) => {
  const good = sample(compression);
  const random = numbers(7);
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(good);
    const changes = 1 + (random.next().value % 3);
    for (let change = 0; change < changes; change++) {
      bytes[random.next().value % bytes.length] = random.next().value & 0xff;
    }
    readAll(bytes);
  }
});

test.each(types)('a %s batch whose length was cut gives a RecordsError', (compression) => {
  const good = sample(compression);
  for (let size = 61; size < good.length; size++) {
    const bytes = Buffer.from(good.subarray(0, size));
    bytes.writeInt32BE(size - 12, 8);
    expect(() => [...recordsOf(new RecordBatch(bytes))]).toThrow(RecordsError);
  }
});

test.each([0, 1])('changed bytes in message format %d give messages or a RecordsError', (magic) => {
  const random = numbers(11);
  const message = Buffer.alloc(60);
  message.writeInt32BE(message.length - 12, 8);
  message.writeInt8(magic, 16);
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(message);
    for (let at = 17; at < bytes.length; at++)
      if (random.next().value % 4 === 0) bytes[at] = random.next().value & 0xff;
    readAll(bytes);
  }
});

test('one cursor walks many batches', () => {
  const first = new RecordBatch(sample('none'));
  const second = new RecordBatch(sample('lz4'));
  const cursor = new RecordCursor(first);
  const offsets: number[] = [];
  while (cursor.next()) offsets.push(cursor.offset);
  cursor.open(second);
  while (cursor.next()) offsets.push(cursor.offset);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
});

test('reading the headers does not move the cursor', () => {
  const cursor = new RecordCursor(new RecordBatch(sample('none')));
  let count = 0;
  while (cursor.next()) {
    expect(cursor.headers()).toEqual([{ key: 'h', value: Buffer.from('x') }]);
    expect(cursor.headers()).toHaveLength(1);
    count++;
  }
  expect(count).toBe(5);
});
