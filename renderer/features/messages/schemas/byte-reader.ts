// Bytes read one after another, for the decoders of Avro and Protobuf. Every refusal says where in the bytes and where in
// the message it was. Pure.

/** Why bytes and schema don't go together, or why a schema can't be used. */
export class SchemaProblem extends Error {
  override readonly name = 'SchemaProblem';
}

const varintBytesMax = 10;

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  /** Names of the fields that lead to where the reader is. */
  readonly path: string[] = [];
  at: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = from;
    this.#end = to;
  }

  get left(): number {
    return this.#end - this.at;
  }

  fail(message: string): never {
    const where = this.path.length === 0 ? '' : ` in ${this.path.join('.').replaceAll('.[', '[')}`;
    throw new SchemaProblem(`at byte ${this.at}${where}: ${message}`);
  }

  byte(what: string): number {
    this.#need(1, what);
    return this.#bytes[this.at++] ?? 0;
  }

  take(length: number, what: string): Uint8Array {
    if (length < 0) this.fail(`${what} has a length of ${length}`);
    this.#need(length, what);
    const taken = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  float(): number {
    this.#need(4, 'a float');
    this.at += 4;
    return this.#view.getFloat32(this.at - 4, true);
  }

  double(): number {
    this.#need(8, 'a double');
    this.at += 8;
    return this.#view.getFloat64(this.at - 8, true);
  }

  fixed32(): number {
    this.#need(4, '4 bytes');
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  fixed64(): bigint {
    this.#need(8, '8 bytes');
    this.at += 8;
    return this.#view.getBigUint64(this.at - 8, true);
  }

  /** Base 128, lowest first; 64 bits. */
  varint(what: string): bigint {
    let value = 0n;
    for (let count = 0; count < varintBytesMax; count++) {
      const next = this.byte(what);
      value |= BigInt(next & 0x7f) << BigInt(7 * count);
      if (next < 0x80) return BigInt.asUintN(64, value);
    }
    return this.fail(`${what} is longer than ${varintBytesMax} bytes`);
  }

  zigzag(what: string): bigint {
    const value = this.varint(what);
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }

  text(bytes: Uint8Array, what: string): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return this.fail(`${what} is no UTF-8 text`);
    }
  }

  within<Result>(name: string, read: () => Result): Result {
    this.path.push(name);
    const result = read();
    // Not in `finally`: a problem names the place where it was met.
    this.path.pop();
    return result;
  }

  #need(count: number, what: string): void {
    if (this.left < count) this.fail(`${what} needs ${count} bytes, ${this.left} are left`);
  }
}

/** A number where it is exact, else its digits as text: JSON has no other way. */
export function exact(value: bigint): number | string {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();
}

export function hexText(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
