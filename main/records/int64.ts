// 64-bit integers of stored batches as numbers: exact within ±2^53, rounded beyond. A stored batch is never
// rewritten from a rounded value: what is not meant to change is not touched.

const two32 = 4294967296;

export function readInt64(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * two32 + buffer.readUInt32BE(position + 4);
}

export function writeInt64(buffer: Buffer, position: number, value: number): void {
  const high = Math.floor(value / two32);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * two32, position + 4);
}

/** How many bytes a signed varint takes. */
export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
}

function sizeOfUnsignedVarint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** How many bytes a signed varlong takes. */
export function sizeOfVarlong(value: number): number {
  // Zigzag doubles the magnitude; the halves are kept apart because 64 bits do not fit.
  const half = value < 0 ? -value - 1 : value;
  let size = 1;
  for (let limit = 64; half >= limit && size < 10; limit *= 128) size++;
  return size;
}

/** Writes a signed varint; returns the position after it. */
export function writeVarint(buffer: Uint8Array, position: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = position;
  while (rest >= 0x80) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Writes a signed varlong; returns the position after it. */
export function writeVarlong(buffer: Uint8Array, position: number, value: number): number {
  const negative = value < 0;
  const half = negative ? -value - 1 : value;
  // zigzag = half × 2 + sign: the first byte takes the sign and six bits, the others seven each.
  let at = position;
  let rest = Math.floor(half / 64);
  let bits = ((half % 64) << 1) | (negative ? 1 : 0);
  while (rest > 0) {
    buffer[at++] = bits | 0x80;
    bits = rest % 128;
    rest = Math.floor(rest / 128);
  }
  buffer[at++] = bits;
  return at;
}
