// Snappy in the framing of xerial's Java library, which is what Kafka means by "snappy": a 16-byte header, then
// blocks of at most 32 KB, each behind its compressed length. Input without that header is one bare block.

import snappy from 'snappyjs';
import { OutputTooLarge } from './output-too-large.ts';
import { decodeSnappyBlock } from './snappy-block.ts';

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const headerBytes = 16;
const blockBytesMax = 32 * 1024;

export function snappyDecompress(source: Buffer, outputBytesMax: number): Buffer {
  if (source.length < headerBytes || source.compare(magic, 0, magic.length, 0, magic.length) !== 0) {
    return decompressBlock(source, outputBytesMax);
  }
  const blocks: Buffer[] = [];
  let total = 0;
  for (let at = headerBytes; at < source.length;) {
    if (source.length - at < 4) throw new Error('cut before a block length');
    // Concatenated streams repeat the header.
    if (source.length - at >= headerBytes && source.compare(magic, 0, magic.length, at, at + magic.length) === 0) {
      at += headerBytes;
      continue;
    }
    const length = source.readInt32BE(at);
    at += 4;
    if (length < 0 || length > source.length - at) throw new Error('cut inside a block');
    const block = decompressBlock(source.subarray(at, at + length), outputBytesMax - total);
    total += block.length;
    blocks.push(block);
    at += length;
  }
  const only = blocks[0];
  return blocks.length === 1 && only !== undefined ? only : Buffer.concat(blocks, total);
}

function decompressBlock(block: Buffer, outputBytesMax: number): Buffer {
  let declared = 0;
  let at = 0;
  for (let shift = 1; ; shift *= 128) {
    const byte = block[at++];
    if (byte === undefined || at > 5) throw new Error('FAILED_TO_UNCOMPRESS: block header is broken');
    declared += (byte & 0x7f) * shift;
    if (byte < 0x80) break;
  }
  if (declared > outputBytesMax) throw new OutputTooLarge(outputBytesMax);
  // Three bytes make 64 at most: a block that declares far more can only be a lie, and would cost memory.
  if (declared > block.length * 64) throw new Error('FAILED_TO_UNCOMPRESS: declares more than it can hold');
  return decodeSnappyBlock(block, at, declared);
}

export function snappyCompress(source: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < source.length; at += blockBytesMax) {
    const block = snappy.compress(source.subarray(at, at + blockBytesMax));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length, 0);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}
