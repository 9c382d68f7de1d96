import { beforeAll, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import type { CompressionType } from '../compression-type.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { RecordsError } from '../errors.ts';
import { compress, decompress, isCompressionReady, prepareCompression } from './compression.ts';
import { xxhash32 } from './xxhash32.ts';

// Several at once, as several connections would.
beforeAll(() => Promise.all([prepareCompression(), prepareCompression(), prepareCompression('zstd')]));

const types: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const packing = types.filter((type) => type !== 'none');

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0, state = 1; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

function codeOf(run: () => unknown): number | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof RecordsError) return error.errorCode;
    throw error;
  }
}

test.each(types)('%s gives back what it took, at every size', (type) => {
  for (const length of [0, 1, 60, 61, 1000, 32767, 32768, 32769, 65535, 65536, 65537, 300_000]) {
    const text = Buffer.from('a broker, a topic, a partition; '.repeat(length / 32 + 1)).subarray(0, length);
    for (const source of [text, noise(length)])
      expect(decompress(type, compress(type, source)).equals(source)).toBe(true);
  }
});

test.each(packing)('%s output is bounded: a bomb is MESSAGE_TOO_LARGE', (type) => {
  const bomb = compress(type, Buffer.alloc(4 << 20));
  expect(codeOf(() => decompress(type, bomb, { outputBytesMax: 1 << 20 }))).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  expect(decompress(type, bomb, { outputBytesMax: 4 << 20 }).length).toBe(4 << 20);
});

test.each(packing)('a %s stream that is cut anywhere is INVALID_RECORD', (type) => {
  const packed = compress(type, noise(700));
  for (let length = 1; length < packed.length; length++) {
    // Between two snappy blocks a cut cannot be told from the end; this stream has one block.
    if (type === 'snappy' && length === 16) continue;
    expect(codeOf(() => decompress(type, packed.subarray(0, length)))).toBe(ErrorCode.INVALID_RECORD);
  }
});

test('a snappy block that claims huge lengths is refused at once', () => {
  const hostile = [
    [0xff, 0xff, 0xff, 0xff, 0x0f],
    [0x0a, 0xfc, 0xff, 0xff, 0xff, 0xff],
    [0x0a, 0xfc, 0x00, 0x00, 0x00, 0x80],
    [0x05, 0x00, 0x61, 0x0e, 0x09, 0x00],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  ];
  for (const bytes of hostile) {
    const code = codeOf(() => decompress('snappy', Buffer.from(bytes)));
    expect([ErrorCode.INVALID_RECORD, ErrorCode.MESSAGE_TOO_LARGE]).toContain(code);
  }
});

test('snappy without the Java framing is one bare block', () => {
  expect(decompress('snappy', Buffer.from([0x05, 0x00, 0x61, 0x0e, 0x01, 0x00])).toString()).toBe('aaaaa');
});

test('LZ4 frames with checksums and content size are read, wrong checksums refused', () => {
  const text = Buffer.from('lz4 frame');
  const header = Buffer.alloc(15);
  header.writeUInt32LE(0x184d2204, 0);
  header.writeUInt8(0x60 | 0x10 | 0x08 | 0x04, 4);
  header.writeUInt8(0x40, 5);
  header.writeBigUInt64LE(BigInt(text.length), 6);
  header.writeUInt8((xxhash32(header.subarray(4, 14)) >>> 8) & 0xff, 14);
  const block = Buffer.alloc(8 + text.length);
  block.writeUInt32LE(text.length + 0x8000_0000, 0);
  text.copy(block, 4);
  block.writeUInt32LE(xxhash32(text), 4 + text.length);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(xxhash32(text), 4);
  const frame = Buffer.concat([header, block, trailer]);
  expect(decompress('lz4', frame).equals(text)).toBe(true);

  const badHeader = Buffer.from(frame);
  badHeader.writeUInt8(0x55, 14);
  expect(codeOf(() => decompress('lz4', badHeader))).toBe(ErrorCode.INVALID_RECORD);
  expect(decompress('lz4', badHeader, { legacyLz4: true }).equals(text)).toBe(true);
  const badBlock = Buffer.from(frame);
  badBlock.writeUInt8(0x00, 19);
  expect(codeOf(() => decompress('lz4', badBlock))).toBe(ErrorCode.INVALID_RECORD);
});

test('the check values of xxHash come out', () => {
  expect(xxhash32(Buffer.alloc(0))).toBe(0x02cc5d05);
  expect(xxhash32(Buffer.from('abc'))).toBe(0x32d153ff);
  expect(xxhash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
});

test('zstd reads several frames and passes over skippable ones', () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
  const stream = Buffer.concat([
    compress('zstd', Buffer.from('one ')),
    skippable,
    compress('zstd', Buffer.from('two')),
  ]);
  expect(decompress('zstd', stream).toString()).toBe('one two');
});

test('gzip reads several members', () => {
  expect(decompress('gzip', Buffer.concat([gzipSync('one '), gzipSync('two')])).toString()).toBe('one two');
});

test('levels of Kafka’s configuration are taken', () => {
  const text = Buffer.from('level '.repeat(1000));
  for (const level of [-1, 1, 9]) expect(decompress('gzip', compress('gzip', text, level)).equals(text)).toBe(true);
  for (const level of [-131072, 1, 3, 22])
    expect(decompress('zstd', compress('zstd', text, level)).equals(text)).toBe(true);
});

test('after preparation every codec is ready', () => {
  expect(types.every((type) => isCompressionReady(type))).toBe(true);
});
