// Decoder of one bare Snappy block. Ours because the input is hostile: snappyjs checks neither that the output is
// filled nor that a length is sane (a literal of −2^31 bytes sends it round for minutes).

/** `declared` is the block's own first word, already bounded by the caller. */
export function decodeSnappyBlock(block: Buffer, start: number, declared: number): Buffer {
  const output = Buffer.allocUnsafe(declared);
  const end = block.length;
  let at = start;
  let filled = 0;
  while (at < end) {
    const tag = byteAt(block, at++);
    const kind = tag & 3;
    let length: number;
    if (kind === 0) {
      length = (tag >>> 2) + 1;
      if (length > 60) {
        const lengthBytes = length - 60;
        if (at + lengthBytes > end) throw new Error('FAILED_TO_UNCOMPRESS: cut inside a length');
        length = block.readUIntLE(at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (at + length > end || filled + length > declared) throw new Error('FAILED_TO_UNCOMPRESS: literal too long');
      copyLiteral(block, at, length, output, filled);
      at += length;
    } else {
      const offsetBytes = kind === 3 ? 4 : kind;
      if (at + offsetBytes > end) throw new Error('FAILED_TO_UNCOMPRESS: cut inside an offset');
      const low = block.readUIntLE(at, offsetBytes);
      at += offsetBytes;
      const offset = kind === 1 ? ((tag >>> 5) << 8) | low : low;
      length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
      if (offset === 0 || offset > filled) throw new Error('FAILED_TO_UNCOMPRESS: copy from before the start');
      if (filled + length > declared) throw new Error('FAILED_TO_UNCOMPRESS: more than declared');
      // Source and target may overlap: that is how a run is written. At most 64 bytes, so byte by byte.
      for (let from = filled - offset, to = filled, last = filled + length; to < last;) {
        output[to++] = byteAt(output, from++);
      }
    }
    filled += length;
  }
  if (filled !== declared) throw new Error('FAILED_TO_UNCOMPRESS: less than declared');
  return output;
}

function copyLiteral(block: Buffer, at: number, length: number, output: Buffer, filled: number): void {
  if (length > 32) {
    block.copy(output, filled, at, at + length);
    return;
  }
  for (let index = 0; index < length; index++) output[filled + index] = byteAt(block, at + index);
}

function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}
