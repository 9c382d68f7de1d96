// Writes Kafka's wire types into a list of chunks. Small values go into blocks of our own; big byte fields
// (record sets) are appended by reference and never copied: they must not change until the bytes are sent.

import { ProtocolError } from './protocol-error.ts';
import { stringBytesMax } from './wire-reader.ts';

/** Byte fields from this size on are appended by reference. */
export const referenceBytesMin = 1024;

const firstBlockBytes = 256;
const blockBytesMax = 64 * 1024;
const twoTo32 = 0x1_0000_0000;

/** Bytes to write: one view, or several that stand one after another (a fetch over several segments). */
export type Bytes = Uint8Array | readonly Uint8Array[];

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function bytesLength(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return bytes.length;
  let total = 0;
  for (const part of bytes) total += part.length;
  return total;
}

export class WireWriter {
  readonly #chunks: Buffer[] = [];
  #chunksBytes = 0;
  #block: Buffer;
  /** Start of the part of the block that no chunk holds yet. */
  #start = 0;
  #position = 0;

  constructor(bytesHint: number = firstBlockBytes) {
    this.#block = Buffer.allocUnsafe(bytesHint);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#chunksBytes + this.#position - this.#start;
  }

  /** All chunks in order; the writer may be written to further afterwards. */
  chunks(): readonly Buffer[] {
    this.#flush();
    return this.#chunks;
  }

  /** All bytes in one buffer: a view when there is one chunk, else a copy. */
  toBuffer(): Buffer {
    this.#flush();
    const [only] = this.#chunks;
    if (only === undefined) return Buffer.alloc(0);
    return this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks, this.#chunksBytes);
  }

  /** Overwrites the 4 bytes at the very start, which must have been written as one int32: the frame's length. */
  patchFirstInt32(value: number): void {
    (this.#chunks[0] ?? this.#block).writeInt32BE(value, 0);
  }

  #flush(): void {
    if (this.#position === this.#start) return;
    this.#chunks.push(this.#block.subarray(this.#start, this.#position));
    this.#chunksBytes += this.#position - this.#start;
    this.#start = this.#position;
  }

  /** Makes room for `count` bytes in one piece and returns where they start in the block. */
  #reserve(count: number): number {
    if (this.#position + count > this.#block.length) {
      this.#flush();
      this.#block = Buffer.allocUnsafe(Math.max(count, Math.min(this.#block.length * 2, blockBytesMax)));
      this.#start = 0;
      this.#position = 0;
    }
    const start = this.#position;
    this.#position = start + count;
    return start;
  }

  bool(value: boolean): void {
    const at = this.#reserve(1);
    this.#block[at] = value ? 1 : 0;
  }

  int8(value: number): void {
    const at = this.#reserve(1);
    this.#block.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.#reserve(2);
    this.#block.writeInt16BE(value, at);
  }

  uint16(value: number): void {
    const at = this.#reserve(2);
    this.#block.writeUInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#reserve(4);
    this.#block.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    const at = this.#reserve(4);
    this.#block.writeUInt32BE(value, at);
  }

  float64(value: number): void {
    const at = this.#reserve(8);
    this.#block.writeDoubleBE(value, at);
  }

  int64(value: number | bigint): void {
    const at = this.#reserve(8);
    if (typeof value === 'bigint') {
      this.#block.writeBigInt64BE(value, at);
      return;
    }
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`${value} is no 64-bit integer that a number can hold`);
    const high = Math.floor(value / twoTo32);
    this.#block.writeInt32BE(high, at);
    this.#block.writeUInt32BE(value - high * twoTo32, at + 4);
  }

  unsignedVarint(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      const at = this.#reserve(1);
      this.#block[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    const at = this.#reserve(1);
    this.#block[at] = rest;
  }

  varint(value: number): void {
    this.unsignedVarint((value << 1) ^ (value >> 31));
  }

  unsignedVarlong(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      const at = this.#reserve(1);
      this.#block[at] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    const at = this.#reserve(1);
    this.#block[at] = Number(rest);
  }

  varlong(value: number | bigint): void {
    const wide = BigInt(value);
    this.unsignedVarlong((wide << 1n) ^ (wide >> 63n));
  }

  uuid(value: string): void {
    const at = this.#reserve(16);
    if (value.length !== 22 || this.#block.write(value, at, 16, 'base64url') !== 16) {
      throw new ProtocolError(`uuid must be 22 characters of url-safe base64: ${JSON.stringify(value)}`);
    }
  }

  string(value: string | null): void {
    if (value === null) {
      this.int16(-1);
      return;
    }
    const length = this.#textBytes(value);
    this.int16(length);
    this.#text(value, length);
  }

  compactString(value: string | null): void {
    if (value === null) {
      this.unsignedVarint(0);
      return;
    }
    const length = this.#textBytes(value);
    this.unsignedVarint(length + 1);
    this.#text(value, length);
  }

  #textBytes(value: string): number {
    const length = Buffer.byteLength(value, 'utf8');
    if (length > stringBytesMax)
      throw new ProtocolError(`string of ${length} bytes, at most ${stringBytesMax} allowed`);
    return length;
  }

  #text(value: string, length: number): void {
    const at = this.#reserve(length);
    this.#block.write(value, at, length, 'utf8');
  }

  bytes(value: Bytes | null): void {
    if (value === null) {
      this.int32(-1);
      return;
    }
    this.int32(bytesLength(value));
    this.raw(value);
  }

  compactBytes(value: Bytes | null): void {
    if (value === null) {
      this.unsignedVarint(0);
      return;
    }
    this.unsignedVarint(bytesLength(value) + 1);
    this.raw(value);
  }

  /** Bytes without a length: copied when small, else by reference. */
  raw(value: Bytes): void {
    if (value instanceof Uint8Array) this.#part(value);
    else for (const part of value) this.#part(part);
  }

  #part(part: Uint8Array): void {
    if (part.length < referenceBytesMin) {
      const at = this.#reserve(part.length);
      this.#block.set(part, at);
      return;
    }
    this.#flush();
    this.#chunks.push(asBuffer(part));
    this.#chunksBytes += part.length;
  }

  /** Appends all that another writer holds. */
  append(other: WireWriter): void {
    for (const chunk of other.chunks()) this.#part(chunk);
  }
}
