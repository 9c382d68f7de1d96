// Bytes as rows of sixteen, for the hex view. Pure.

export const bytesPerRow = 16;

/** Half-open range of bytes. */
export type ByteRange = { readonly from: number; readonly to: number };

export type HexByte = { readonly at: number; readonly hex: string; readonly text: string };

export function hexRow(bytes: Uint8Array, row: number): readonly HexByte[] {
  const start = row * bytesPerRow;
  return Array.from(bytes.subarray(start, start + bytesPerRow), (byte, index) => ({
    at: start + index,
    hex: byte.toString(16).padStart(2, '0'),
    text: byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
  }));
}

export function hexRowCount(bytes: Uint8Array): number {
  return Math.ceil(bytes.length / bytesPerRow);
}

export function holds(range: ByteRange | null, at: number): boolean {
  return range !== null && at >= range.from && at < range.to;
}

export function bytesOfBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
