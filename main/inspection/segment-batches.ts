// Batches of a `.log` file, by position. Reads headers alone where that is enough: a segment may hold a gigabyte.

import type { BatchView } from '../api/endpoints/segments.ts';
import {
  headerUpToMagicBytes,
  logOverheadBytes,
  RecordBatch,
  recordBatchOverheadBytes,
} from '../records/record-batch.ts';
import type { Disk, File } from '../runtime/runtime.ts';

/** Beyond this many bytes a page's checksums are not computed any more. */
const checkedBytesMax = 16 * 1_048_576;
const batchBytesMax = 128 * 1_048_576;

export type BatchPage = {
  readonly batches: readonly BatchView[];
  readonly nextPosition: number | null;
  readonly problem: string | null;
};

export function readBatches(disk: Disk, path: string, position: number, limit: number): BatchPage {
  return reading(disk, path, (file) => {
    const fileBytes = file.size();
    const batches: BatchView[] = [];
    let at = position;
    let checkedBytes = 0;
    while (batches.length < limit && at < fileBytes) {
      const header = headerAt(file, at, fileBytes);
      if (typeof header === 'string') return { batches, nextPosition: null, problem: header };
      const size = header.sizeInBytes;
      checkedBytes += size;
      const whole = checkedBytes <= checkedBytesMax ? new RecordBatch(readBytes(file, at, size)) : null;
      batches.push(viewOf(whole ?? header, at, whole === null ? null : whole.isValid));
      at += size;
    }
    return { batches, nextPosition: at < fileBytes ? at : null, problem: null };
  });
}

/** The batch that holds an offset, scanning from a position on. */
export function scanForOffset(
  disk: Disk,
  path: string,
  from: number,
  offset: number,
): { readonly position: number | null; readonly batchesScanned: number; readonly bytesScanned: number } {
  return reading(disk, path, (file) => {
    const fileBytes = file.size();
    let batchesScanned = 0;
    for (let at = from; at < fileBytes;) {
      const header = headerAt(file, at, fileBytes);
      if (typeof header === 'string') break;
      batchesScanned += 1;
      if (header.lastOffset >= offset)
        return { position: at, batchesScanned, bytesScanned: at - from + header.sizeInBytes };
      at += header.sizeInBytes;
    }
    return { position: null, batchesScanned, bytesScanned: Math.max(0, fileBytes - from) };
  });
}

/** One whole batch, or why there is none at that position. */
export function readBatch(disk: Disk, path: string, position: number): RecordBatch | string {
  return reading(disk, path, (file) => {
    const header = headerAt(file, position, file.size());
    if (typeof header === 'string') return header;
    return new RecordBatch(readBytes(file, position, header.sizeInBytes));
  });
}

export function viewOf(batch: RecordBatch, position: number, crcHolds: boolean | null): BatchView {
  return {
    position,
    bytes: batch.sizeInBytes,
    magic: batch.magic,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    recordCount: batch.recordCount ?? 1,
    leaderEpoch: batch.partitionLeaderEpoch,
    compression: nameOfCompression(batch),
    timestampType: batch.timestampType,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    crcHolds,
  };
}

function nameOfCompression(batch: RecordBatch): string {
  try {
    return batch.compression;
  } catch {
    return `unknown (${batch.compressionId})`;
  }
}

/** A view of the header, whose fields may be asked for; or what stands there instead of a batch. */
function headerAt(file: File, position: number, fileBytes: number): RecordBatch | string {
  const remaining = fileBytes - position;
  if (remaining < headerUpToMagicBytes) return `${remaining} bytes at ${position} are too few for a batch`;
  const bytes = readBytes(file, position, Math.min(remaining, recordBatchOverheadBytes));
  const magic = bytes.readInt8(16);
  const size = bytes.readInt32BE(8) + logOverheadBytes;
  if (magic < 0 || magic > 2 || size < headerUpToMagicBytes || size > batchBytesMax)
    return `no batch begins at ${position}: size ${size}, magic ${magic}`;
  if (size > remaining) return `the batch at ${position} ends ${size - remaining} bytes behind the end of the file`;
  if (magic === 2 && bytes.length < recordBatchOverheadBytes) return `the batch at ${position} is cut off`;
  return new RecordBatch(magic === 2 ? bytes : readBytes(file, position, size));
}

function readBytes(file: File, position: number, length: number): Buffer {
  const target = Buffer.alloc(length);
  return target.subarray(0, file.read(target, 0, length, position));
}

function reading<Result>(disk: Disk, path: string, act: (file: File) => Result): Result {
  const file = disk.open(path, 'read');
  try {
    return act(file);
  } finally {
    file.close();
  }
}
