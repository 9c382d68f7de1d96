// Reads Kafka's wire types from one frame. The only place, with wire-writer.ts, that sees 64-bit integers:
// they become numbers, and what a number cannot hold is refused, clamped (saturating) or, in wide mode, a bigint.

import { ProtocolError } from './protocol-error.ts';

/** Kafka's own limit for strings, compact ones too. */
export const stringBytesMax = 0x7fff;

const highMax = 0x1fffff;
const highMin = -0x200000;
const twoTo32 = 0x1_0000_0000;

export type WireReaderOptions = {
  /** 64-bit integers beyond ±(2^53−1) become bigint instead of an error. For the conformance runner. */
  readonly wide?: boolean;
};

export class WireReader {
  readonly buffer: Buffer;
  readonly wide: boolean;
  position = 0;

  constructor(buffer: Buffer, options?: WireReaderOptions) {
    this.buffer = buffer;
    this.wide = options?.wide ?? false;
  }

  get remaining(): number {
    return this.buffer.length - this.position;
  }

  /** Claims `count` bytes and returns where they start. */
  take(count: number): number {
    const start = this.position;
    const end = start + count;
    if (end > this.buffer.length) {
      throw new ProtocolError(`needs ${count} bytes, ${this.buffer.length - start} are left`);
    }
    this.position = end;
    return start;
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0;
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2));
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  int64(): number {
    const start = this.take(8);
    const high = this.buffer.readInt32BE(start);
    if (high <= highMax && high > highMin) return high * twoTo32 + this.buffer.readUInt32BE(start + 4);
    return this.#int64BeyondHigh(start);
  }

  /** As int64, but what does not fit becomes ±(2^53−1): a fetch offset of 2^63−1 is out of range, not a broken frame. */
  int64Saturating(): number {
    const start = this.take(8);
    if (this.wide) return this.#wideSaturating(start);
    const high = this.buffer.readInt32BE(start);
    if (high > highMax) return Number.MAX_SAFE_INTEGER;
    if (high < highMin) return Number.MIN_SAFE_INTEGER;
    const value = high * twoTo32 + this.buffer.readUInt32BE(start + 4);
    return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value;
  }

  /** All 64 bits, for hashes and other values that are no quantity. */
  int64Exact(): bigint {
    return this.buffer.readBigInt64BE(this.take(8));
  }

  #int64BeyondHigh(start: number): number {
    const value = this.buffer.readBigInt64BE(start);
    const narrow = Number(value);
    if (Number.isSafeInteger(narrow)) return narrow;
    if (this.wide) return value as unknown as number;
    throw new ProtocolError(`64-bit integer ${value} is outside ±(2^53−1)`);
  }

  // In wide mode ±(2^53−1) itself becomes a bigint too, so that the default of a saturating field (which the
  // engine writes as 2^53−1) stays apart from a value that really was sent.
  #wideSaturating(start: number): number {
    const value = this.buffer.readBigInt64BE(start);
    const narrow = Number(value);
    return Math.abs(narrow) < Number.MAX_SAFE_INTEGER ? narrow : (value as unknown as number);
  }

  /** Unsigned LEB128 of at most 5 bytes, as 0 … 2^32−1. */
  unsignedVarint(): number {
    const buffer = this.buffer;
    let position = this.position;
    let result = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = buffer[position++];
      if (byte === undefined) throw new ProtocolError('varint ends early');
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = position;
        return result >>> 0;
      }
    }
    throw new ProtocolError('varint is longer than 5 bytes');
  }

  /** Zigzag varint. */
  varint(): number {
    const value = this.unsignedVarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Unsigned LEB128 of at most 10 bytes. */
  unsignedVarlong(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.position];
      if (byte === undefined) throw new ProtocolError('varlong ends early');
      this.position++;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, result);
    }
    throw new ProtocolError('varlong is longer than 10 bytes');
  }

  /** Zigzag varlong; range as int64. */
  varlong(): number {
    const raw = this.unsignedVarlong();
    const value = (raw >> 1n) ^ -(raw & 1n);
    const narrow = Number(value);
    if (Number.isSafeInteger(narrow)) return narrow;
    if (this.wide) return value as unknown as number;
    throw new ProtocolError(`varlong ${value} is outside ±(2^53−1)`);
  }

  /** 22 characters of url-safe base64, as Kafka prints a uuid. */
  uuid(): string {
    const start = this.take(16);
    return this.buffer.toString('base64url', start, start + 16);
  }

  /** Two-byte length; below 0 is null. */
  string(): string | null {
    return this.#text(this.int16());
  }

  /** Varint length + 1; 0 is null. */
  compactString(): string | null {
    return this.#text(this.unsignedVarint() - 1);
  }

  #text(length: number): string | null {
    if (length < 0) return null;
    if (length > stringBytesMax)
      throw new ProtocolError(`string of ${length} bytes, at most ${stringBytesMax} allowed`);
    const start = this.take(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** Four-byte length; below 0 is null. A view on the frame, never a copy. */
  bytes(): Buffer | null {
    return this.#view(this.int32());
  }

  /** Varint length + 1; 0 is null. A view on the frame, never a copy. */
  compactBytes(): Buffer | null {
    return this.#view(this.unsignedVarint() - 1);
  }

  #view(length: number): Buffer | null {
    return length < 0 ? null : this.raw(length);
  }

  /** The next `length` bytes as a view. */
  raw(length: number): Buffer {
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  /** Number of elements of an array, or −1 for null; never more than the bytes left can hold. */
  arrayCount(elementBytesMin: number): number {
    return this.#count(this.int32(), elementBytesMin);
  }

  compactArrayCount(elementBytesMin: number): number {
    return this.#count(this.unsignedVarint() - 1, elementBytesMin);
  }

  #count(count: number, elementBytesMin: number): number {
    if (count < 0) return -1;
    if (count * elementBytesMin > this.remaining) {
      throw new ProtocolError(`array of ${count} elements does not fit in the ${this.remaining} bytes left`);
    }
    return count;
  }
}
