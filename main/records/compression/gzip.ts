// gzip by node:zlib. Levels as Kafka's compression.gzip.level: −1 (zlib's default) or 1 to 9.

import { constants, gunzipSync, gzipSync } from 'node:zlib';

export function gunzip(source: Buffer, outputBytesMax: number): Buffer {
  return gunzipSync(source, { maxOutputLength: outputBytesMax });
}

export function gzip(source: Buffer, level = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(source, { level });
}
