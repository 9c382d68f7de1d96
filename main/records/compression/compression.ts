// The door of this folder: whole buffers in, whole buffers out, synchronous, with a bound on what comes out.
// Only zstd on Node before 22.15 has to be loaded first: await prepareCompression('zstd') at the edge.

import { ErrorCode } from '../../protocol/errors.ts';
import type { CompressionType } from '../compression-type.ts';
import { invalidRecord, RecordsError } from '../errors.ts';
import { CodecNotLoaded } from './codec-not-loaded.ts';
import { gunzip, gzip } from './gzip.ts';
import { lz4Compress, lz4Decompress } from './lz4.ts';
import { OutputTooLarge } from './output-too-large.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';
import { isZstdReady, prepareZstd, zstdCompress, zstdDecompress } from './zstd.ts';

/** What one batch may grow to when it is decompressed, unless the caller says otherwise. */
export const decompressedBytesMax = 128 * 1024 * 1024;

export type DecompressOptions = {
  readonly outputBytesMax?: number;
  /** Format 0 wrote LZ4 frames with a wrong header checksum: don't look at it. */
  readonly legacyLz4?: boolean;
};

/** False while a codec must still be loaded with prepareCompression. */
export function isCompressionReady(type: CompressionType): boolean {
  return type !== 'zstd' || isZstdReady();
}

/** Loads what a codec needs; cheap to call again. */
export async function prepareCompression(type: CompressionType = 'zstd'): Promise<void> {
  if (!isCompressionReady(type)) await prepareZstd();
}

/**
 * Throws RecordsError: INVALID_RECORD for a broken stream, MESSAGE_TOO_LARGE beyond the bound. (Kafka answers
 * UNKNOWN_SERVER_ERROR to the first and has no second.)
 */
export function decompress(type: CompressionType, source: Buffer, options: DecompressOptions = {}): Buffer {
  const outputBytesMax = options.outputBytesMax ?? decompressedBytesMax;
  if (type === 'zstd' && !isZstdReady()) throw new CodecNotLoaded('zstd');
  try {
    switch (type) {
      case 'none':
        return source;
      case 'gzip':
        return gunzip(source, outputBytesMax);
      case 'snappy':
        return snappyDecompress(source, outputBytesMax);
      case 'lz4':
        return lz4Decompress(source, outputBytesMax, options.legacyLz4 ?? false);
      case 'zstd':
        return zstdDecompress(source, outputBytesMax);
    }
  } catch (cause) {
    if (isTooLarge(cause)) {
      throw new RecordsError(
        ErrorCode.MESSAGE_TOO_LARGE,
        `Record batch of ${source.length} bytes decompresses (${type}) to more than ${outputBytesMax} bytes`,
        [],
        cause,
      );
    }
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw invalidRecord(`Failed to decompress record stream (${type}): ${detail}`, cause);
  }
}

/** `level` as in Kafka's compression.<type>.level; gzip and zstd have levels here, the others ignore it. */
export function compress(type: CompressionType, source: Buffer, level?: number): Buffer {
  switch (type) {
    case 'none':
      return source;
    case 'gzip':
      return gzip(source, level);
    case 'snappy':
      return snappyCompress(source);
    case 'lz4':
      return lz4Compress(source);
    case 'zstd':
      if (!isZstdReady()) throw new CodecNotLoaded('zstd');
      return zstdCompress(source, level);
  }
}

function isTooLarge(error: unknown): boolean {
  if (error instanceof OutputTooLarge) return true;
  // node:zlib's own word for maxOutputLength.
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
