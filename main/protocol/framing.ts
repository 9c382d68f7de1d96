// Cuts a stream of bytes into frames (int32 length, then that many bytes). The length is checked before anything
// is kept, so a hostile prefix costs its connection and no memory.

import { FrameSizeError } from './protocol-error.ts';

const prefixBytes = 4;
/** A frame announced larger than this gets its memory as its bytes arrive, not when it is announced. */
const eagerFrameBytesMax = 1024 * 1024;

export class FrameSplitter {
  /** May change: holds for the frames that begin from then on. */
  frameBytesMax: number;
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixFilled = 0;
  /** The frame being collected; null between frames and while its prefix is incomplete. */
  #frame: Buffer | null = null;
  #frameBytes = 0;
  #frameFilled = 0;

  /** `frameBytesMax` is `socket.request.max.bytes` on a server. */
  constructor(options: { readonly frameBytesMax: number }) {
    this.frameBytesMax = options.frameBytesMax;
  }

  /** Bytes held of a frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#frame === null ? this.#prefixFilled : prefixBytes + this.#frameFilled;
  }

  /** Size of the frame that has begun and is not complete; 0 between frames. */
  get announcedBytes(): number {
    return this.#frame === null ? 0 : this.#frameBytes;
  }

  /**
   * Takes one chunk and hands out each frame it completes, without the prefix: a view on the chunk where the
   * frame lies in it whole. Throws FrameSizeError at a bad length, after the frames before it; then the stream is lost.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#frame !== null) {
        position += this.#fill(this.#frame, chunk, position, onFrame);
        continue;
      }
      if (this.#prefixFilled === 0 && chunk.length - position >= prefixBytes) {
        this.#frameBytes = this.#checked(chunk.readInt32BE(position));
        position += prefixBytes;
      } else {
        const copied = chunk.copy(this.#prefix, this.#prefixFilled, position);
        position += copied;
        this.#prefixFilled += copied;
        if (this.#prefixFilled < prefixBytes) return;
        this.#prefixFilled = 0;
        this.#frameBytes = this.#checked(this.#prefix.readInt32BE(0));
      }
      const end = position + this.#frameBytes;
      if (end <= chunk.length) {
        onFrame(chunk.subarray(position, end));
        position = end;
      } else {
        this.#frame = Buffer.allocUnsafe(Math.min(this.#frameBytes, eagerFrameBytesMax));
        this.#frameFilled = 0;
      }
    }
  }

  #checked(size: number): number {
    if (size < 0 || size > this.frameBytesMax) throw new FrameSizeError(size, this.frameBytesMax);
    return size;
  }

  #fill(frame: Buffer, chunk: Buffer, position: number, onFrame: (frame: Buffer) => void): number {
    const wanted = Math.min(this.#frameBytes - this.#frameFilled, chunk.length - position);
    let target = frame;
    if (this.#frameFilled + wanted > frame.length) {
      target = Buffer.allocUnsafe(Math.min(this.#frameBytes, Math.max(frame.length * 2, this.#frameFilled + wanted)));
      frame.copy(target, 0, 0, this.#frameFilled);
      this.#frame = target;
    }
    chunk.copy(target, this.#frameFilled, position, position + wanted);
    this.#frameFilled += wanted;
    if (this.#frameFilled === this.#frameBytes) {
      this.#frame = null;
      onFrame(target);
    }
    return wanted;
  }
}
