// zstd: node:zlib has it from Node 22.15 on; before that WebAssembly, which loads asynchronously and only when
// somebody asks. Frames are walked here first: how much they can become is known before memory is taken.

import * as zlib from 'node:zlib';
import { OutputTooLarge } from './output-too-large.ts';

type ZstdCodec = {
  decompress(frame: Buffer, outputBytesMax: number): Buffer;
  compress(source: Buffer, level: number): Buffer;
};

const frameMagic = 0xfd2fb528;
const blockBytesMax = 128 * 1024;
/** Kafka's default for compression.zstd.level. */
const defaultLevel = 3;

type Loading = { codec: ZstdCodec | null; promise: Promise<void> | null };

/** Memo of the loaded library: written once, the same for everybody. Not state in any other sense. */
const loaded: Loading = { codec: nativeCodec(), promise: null };

export function isZstdReady(): boolean {
  return loaded.codec !== null;
}

/** Everybody waits for one and the same load: a second would swap the memory under the first one's calls. */
export async function prepareZstd(): Promise<void> {
  if (loaded.codec !== null) return;
  loaded.promise ??= loadWasm();
  try {
    await loaded.promise;
  } catch (error) {
    loaded.promise = null;
    throw error;
  }
}

async function loadWasm(): Promise<void> {
  const wasm = await import('@bokuweb/zstd-wasm');
  await wasm.init();
  loaded.codec = {
    decompress: (frame, outputBytesMax) => toBuffer(wasm.decompress(frame, { defaultHeapSize: outputBytesMax })),
    compress: (source, level) => toBuffer(wasm.compress(source, level)),
  };
}

function codec(): ZstdCodec {
  if (loaded.codec === null) throw new Error('zstd is not loaded');
  return loaded.codec;
}

export function zstdDecompress(source: Buffer, outputBytesMax: number): Buffer {
  const outputs: Buffer[] = [];
  let total = 0;
  for (let at = 0; at < source.length;) {
    const frame = measureFrame(source, at);
    if (frame.outputBytesMax > 0) {
      const room = outputBytesMax - total;
      if (frame.declaredBytes !== null && frame.declaredBytes > room) throw new OutputTooLarge(outputBytesMax);
      const bytes = source.subarray(at, frame.endPosition);
      const output = decompressFrame(bytes, Math.min(frame.outputBytesMax, room), frame.outputBytesMax > room);
      total += output.length;
      outputs.push(output);
    }
    at = frame.endPosition;
  }
  const only = outputs[0];
  return outputs.length === 1 && only !== undefined ? only : Buffer.concat(outputs, total);
}

function decompressFrame(frame: Buffer, outputBytesMax: number, isTight: boolean): Buffer {
  try {
    return codec().decompress(frame, outputBytesMax);
  } catch (error) {
    // With all the room that the frame could need it is broken; with less it may just be too large.
    if (isTight) throw new OutputTooLarge(outputBytesMax);
    throw error;
  }
}

export function zstdCompress(source: Buffer, level = defaultLevel): Buffer {
  return codec().compress(source, level);
}

type FrameMeasure = {
  readonly endPosition: number;
  readonly outputBytesMax: number;
  readonly declaredBytes: number | null;
};

/** Where the frame at `start` ends and how much it can become at most, from its block headers alone. */
function measureFrame(source: Buffer, start: number): FrameMeasure {
  const magic = readLittleEndian(source, start, 4);
  if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
    const endPosition = start + 8 + readLittleEndian(source, start + 4, 4);
    if (endPosition > source.length) throw new Error('cut inside a skippable frame');
    return { endPosition, outputBytesMax: 0, declaredBytes: null };
  }
  if (magic !== frameMagic) throw new Error('not a zstd frame');
  const descriptor = readLittleEndian(source, start + 4, 1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  let at = start + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const declared = sizeBytes === 0 ? null : readLittleEndian(source, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  at += sizeBytes;
  let bound = 0;
  for (let isLast = false; !isLast;) {
    const header = readLittleEndian(source, at, 3);
    const size = header >>> 3;
    const kind = (header >>> 1) & 3;
    if (kind === 3) throw new Error('reserved block type');
    isLast = (header & 1) === 1;
    bound += kind === 2 ? blockBytesMax : size;
    at += 3 + (kind === 1 ? 1 : size);
    if (at > source.length) throw new Error('cut inside a block');
  }
  if ((descriptor & 0x04) !== 0) at += 4;
  if (at > source.length) throw new Error('cut inside a checksum');
  if (declared !== null && declared > bound) throw new Error('declares more than its blocks can hold');
  // Empty frames exist: one byte of room keeps "nothing to decompress" apart from a skippable frame.
  return { endPosition: at, outputBytesMax: Math.max(1, declared ?? bound), declaredBytes: declared };
}

function readLittleEndian(source: Buffer, at: number, bytes: number): number {
  if (at + bytes > source.length) throw new Error('stream ended prematurely');
  let value = 0;
  for (let index = bytes - 1; index >= 0; index--) value = value * 256 + (source[at + index] ?? 0);
  return value;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function nativeCodec(): ZstdCodec | null {
  // Typed for Node 20, where these are absent.
  const { zstdDecompressSync, zstdCompressSync, constants } = zlib as unknown as {
    zstdDecompressSync?: (source: Buffer, options: { maxOutputLength: number }) => Buffer;
    zstdCompressSync?: (source: Buffer, options: { params: Record<number, number> }) => Buffer;
    constants: { ZSTD_c_compressionLevel?: number };
  };
  const levelParameter = constants.ZSTD_c_compressionLevel;
  if (zstdDecompressSync === undefined || zstdCompressSync === undefined || levelParameter === undefined) return null;
  return {
    decompress: (frame, outputBytesMax) => zstdDecompressSync(frame, { maxOutputLength: outputBytesMax }),
    compress: (source, level) => zstdCompressSync(source, { params: { [levelParameter]: level } }),
  };
}
