// LZ4 frames. The frame is read here and only blocks go to the native code: so the output stays bounded, the
// wrong header checksum of message format 0 can be passed over, and blocks are twice as fast as its own frames.

import { compressSync, uncompressSync } from 'lz4-napi';
import { OutputTooLarge } from './output-too-large.ts';
import { xxhash32 } from './xxhash32.ts';

const frameMagic = 0x184d2204;
const uncompressedBlockBit = 0x8000_0000;
/** Block size 64 KB, independent blocks, no checksums: what Kafka's own producer writes. */
const writtenFlags = 0x60;
const writtenBlockSize = 0x40;
const writtenBlockBytes = 64 * 1024;

type FrameHeader = {
  readonly blockBytesMax: number;
  readonly hasBlockChecksum: boolean;
  readonly hasContentChecksum: boolean;
  readonly endPosition: number;
};

export function lz4Decompress(source: Buffer, outputBytesMax: number, ignoreHeaderChecksum: boolean): Buffer {
  const header = readHeader(source, ignoreHeaderChecksum);
  const blocks: Buffer[] = [];
  let total = 0;
  let at = header.endPosition;
  for (;;) {
    if (source.length - at < 4) throw new Error('stream ended prematurely');
    const word = source.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const isCompressed = word < uncompressedBlockBit;
    const length = isCompressed ? word : word - uncompressedBlockBit;
    if (length > header.blockBytesMax) throw new Error(`block size ${length} exceeded max: ${header.blockBytesMax}`);
    if (source.length - at < length + (header.hasBlockChecksum ? 4 : 0)) throw new Error('stream ended prematurely');
    const stored = source.subarray(at, at + length);
    at += length;
    if (header.hasBlockChecksum) {
      if (source.readUInt32LE(at) !== xxhash32(stored)) throw new Error('block checksum mismatch');
      at += 4;
    }
    const block = isCompressed ? decompressBlock(stored, header.blockBytesMax) : stored;
    total += block.length;
    if (total > outputBytesMax) throw new OutputTooLarge(outputBytesMax);
    blocks.push(block);
  }
  const only = blocks[0];
  return blocks.length === 1 && only !== undefined ? only : Buffer.concat(blocks, total);
}

function readHeader(source: Buffer, ignoreChecksum: boolean): FrameHeader {
  if (source.length < 7) throw new Error('stream ended prematurely');
  if (source.readUInt32LE(0) !== frameMagic) throw new Error('stream unsupported (invalid magic bytes)');
  const flags = source.readUInt8(4);
  if (flags >>> 6 !== 1) throw new Error(`stream unsupported (version ${flags >>> 6})`);
  if ((flags & 0x20) === 0) throw new Error('dependent block stream is unsupported');
  if ((flags & 0x03) !== 0) throw new Error('reserved bits must be 0');
  const sizeId = (source.readUInt8(5) >>> 4) & 7;
  if (sizeId < 4) throw new Error('block size value must be between 4 and 7');
  const checksumAt = (flags & 0x08) !== 0 ? 14 : 6;
  if (source.length <= checksumAt) throw new Error('stream ended prematurely');
  if (!ignoreChecksum && source[checksumAt] !== ((xxhash32(source.subarray(4, checksumAt)) >>> 8) & 0xff)) {
    throw new Error('stream frame descriptor corrupted');
  }
  return {
    blockBytesMax: 1 << (2 * sizeId + 8),
    hasBlockChecksum: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 0x04) !== 0,
    endPosition: checksumAt + 1,
  };
}

/** The native call wants the size in front and takes it as an upper bound. */
function decompressBlock(block: Buffer, blockBytesMax: number): Buffer {
  // LZ4 makes at most 255 bytes of one: a tighter bound than the frame's spares small blocks a big allocation.
  const bound = Math.min(blockBytesMax, block.length * 255);
  const sized = Buffer.allocUnsafe(block.length + 4);
  sized.writeUInt32LE(bound, 0);
  block.copy(sized, 4);
  return uncompressSync(sized);
}

export function lz4Compress(source: Buffer): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt32LE(frameMagic, 0);
  header.writeUInt8(writtenFlags, 4);
  header.writeUInt8(writtenBlockSize, 5);
  header.writeUInt8((xxhash32(header.subarray(4, 6)) >>> 8) & 0xff, 6);
  const parts: Buffer[] = [header];
  for (let at = 0; at < source.length; at += writtenBlockBytes) {
    const plain = source.subarray(at, at + writtenBlockBytes);
    const packed = compressSync(plain).subarray(4);
    const isSmaller = packed.length < plain.length;
    const block = isSmaller ? packed : plain;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(isSmaller ? block.length : block.length + uncompressedBlockBit, 0);
    parts.push(length, block);
  }
  parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}
