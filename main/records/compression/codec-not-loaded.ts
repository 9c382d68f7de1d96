import type { CompressionType } from '../compression-type.ts';

/** Only zstd, on Node versions that lack it: to be tried again after `await prepareCompression(error.codec)`. */
export class CodecNotLoaded extends Error {
  override readonly name = 'CodecNotLoaded';
  readonly codec: CompressionType;
  constructor(codec: CompressionType) {
    super(`${codec} is not loaded yet`);
    this.codec = codec;
  }
}
