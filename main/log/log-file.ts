// `.log`: batches back to back. Walks headers without reading bodies, and whole batches where checksums count.

import type { File } from '../runtime/runtime.ts';
import { RecordBatch, wholeBatchSize } from '../records/record-batch.ts';
import type { PooledFile } from './file-pool.ts';

/** Enough of a batch to read every field of its header, in any format. */
const headerBytes = 61;
const overheadBytes = 12;
const headerChunkBytes = 4096;
const wholeChunkBytes = 256 * 1024;

/**
 * Visits the headers of whole batches in [start, end) of the file. Stops at a cut tail, at bytes that are no batch,
 * and when `visit` says false; returns the position where it stopped, `end` when all is whole. Only header fields of
 * the view may be read; `position` is the place in the file.
 */
export function forEachHeader(
  log: PooledFile,
  start: number,
  end: number,
  visit: (header: RecordBatch, position: number) => boolean | void,
): number {
  const chunk = Buffer.alloc(Math.min(headerChunkBytes, Math.max(headerBytes, end - start)));
  const header = new RecordBatch(chunk);
  let chunkStart = 0;
  let chunkLength = 0;
  let position = start;
  while (end - position >= overheadBytes + 14) {
    const needed = Math.min(headerBytes, end - position);
    if (position < chunkStart || position + needed > chunkStart + chunkLength) {
      chunkStart = position;
      chunkLength = log.get().read(chunk, 0, Math.min(chunk.length, end - position), position);
      if (chunkLength < needed) return position;
    }
    header.moveTo(chunk, position - chunkStart);
    const size = header.sizeInBytes;
    if (!isHeaderSound(header) || position + size > end) return position;
    if (visit(header, position) === false) return position;
    position += size;
  }
  return position;
}

/** Whether a batch can begin like this. Beyond it only the checksum tells, which takes the body. */
export function isHeaderSound(header: RecordBatch): boolean {
  const { magic } = header;
  if (magic < 0 || magic > 2) return false;
  return header.sizeInBytes >= (magic === 2 ? headerBytes : overheadBytes + 14);
}

/**
 * Visits the whole batches in [start, end) with all their bytes; they are valid only during the visit. Returns where
 * the last visited one ends. Throws RecordsError where bytes are no batch.
 */
export function forEachStoredBatch(
  log: PooledFile,
  start: number,
  end: number,
  visit: (batch: RecordBatch, position: number) => boolean | void,
): number {
  let chunk = Buffer.allocUnsafe(Math.min(wholeChunkBytes, Math.max(0, end - start)));
  const batch = new RecordBatch(chunk);
  let position = start;
  while (position < end) {
    const length = log.get().read(chunk, 0, Math.min(chunk.length, end - position), position);
    let at = 0;
    for (;;) {
      const size = wholeBatchSize(chunk, at, length);
      if (size === 0) break;
      batch.moveTo(chunk, at);
      const goOn = visit(batch, position + at);
      at += size;
      if (goOn === false) return position + at;
    }
    position += at;
    if (at > 0) continue;
    const size = sizeAt(chunk, length);
    if (size === 0 || size > end - position || size <= chunk.length) return position;
    chunk = Buffer.allocUnsafe(size);
  }
  return position;
}

/** Bytes [position, position + length) of the file, fewer only at its end. */
export function readRange(file: File, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const read = file.read(buffer, 0, length, position);
  return read === length ? buffer : buffer.subarray(0, read);
}

function sizeAt(chunk: Buffer, length: number): number {
  return length < overheadBytes ? 0 : chunk.readInt32BE(8) + overheadBytes;
}
