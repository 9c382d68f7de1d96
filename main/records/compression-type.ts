// The compression ids that stand in the attributes of a batch.

import { ErrorCode } from '../protocol/errors.ts';
import { RecordsError } from './errors.ts';

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

const types: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Ids 5 to 7 fit in the attribute bits and mean nothing: RecordsError UNSUPPORTED_COMPRESSION_TYPE. */
export function compressionTypeOf(id: number): CompressionType {
  const type = types[id];
  if (type === undefined) {
    throw new RecordsError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `Unknown compression type id: ${id}`);
  }
  return type;
}

export function compressionIdOf(type: CompressionType): number {
  return types.indexOf(type);
}
