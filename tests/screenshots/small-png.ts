// Makes a screenshot small enough for the tree: 256 colours instead of 16 million, which the flat colours of a page
// don't miss. Reads what Chromium writes (8 bits a channel, RGB or RGBA, not interlaced).

import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const coloursMax = 256;

type Pixels = { readonly width: number; readonly height: number; readonly rgb: Uint8Array };

export function smallPng(png: Buffer): Buffer {
  const pixels = decode(png);
  const palette = choosePalette(pixels.rgb);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(pixels.width, 0);
  header.writeUInt32BE(pixels.height, 4);
  // 8 bits an index, colour type 3: a palette.
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.colours.flat())),
    chunk('IDAT', deflateSync(indexed(pixels, palette.nearest), { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function decode(png: Buffer): Pixels {
  let width = 0;
  let height = 0;
  let channels = 0;
  const data: Buffer[] = [];
  for (let at = signature.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const kind = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      const colourType = body.readUInt8(9);
      channels = colourType === 6 ? 4 : colourType === 2 ? 3 : 0;
      if (body.readUInt8(8) !== 8 || channels === 0 || body.readUInt8(12) !== 0) {
        throw new Error(`this PNG is not as Chromium writes them (colour type ${colourType})`);
      }
    } else if (kind === 'IDAT') data.push(body);
    at += 12 + length;
  }
  return { width, height, rgb: unfiltered(inflateSync(Buffer.concat(data)), width, height, channels) };
}

/** Undoes the line filters of PNG and drops the alpha, which a screenshot does not use. */
function unfiltered(raw: Buffer, width: number, height: number, channels: number): Uint8Array {
  const stride = width * channels;
  const rgb = new Uint8Array(width * height * 3);
  let above: Uint8Array = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const begin = y * (stride + 1);
    const filter = raw[begin];
    const line = new Uint8Array(raw.subarray(begin + 1, begin + 1 + stride));
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? (line[x - channels] ?? 0) : 0;
      const up = above[x] ?? 0;
      const corner = x >= channels ? (above[x - channels] ?? 0) : 0;
      line[x] = (line[x] ?? 0) + predicted(filter, left, up, corner);
    }
    for (let x = 0; x < width; x++) {
      rgb.set(line.subarray(x * channels, x * channels + 3), (y * width + x) * 3);
    }
    above = line;
  }
  return rgb;
}

function predicted(filter: number | undefined, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const guess = left + up - corner;
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      return 0;
  }
}

type Colour = readonly [number, number, number];

/** The most used colours; every other one takes the nearest of them. */
function choosePalette(rgb: Uint8Array): { colours: Colour[]; nearest: Map<number, number> } {
  const counts = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) {
    const key = keyAt(rgb, at);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const byUse = [...counts].sort((a, b) => b[1] - a[1]).map(([key]) => key);
  const colours: Colour[] = [];
  const nearest = new Map<number, number>();
  for (const key of byUse) {
    const colour: Colour = [key >> 16, (key >> 8) & 255, key & 255];
    const [index, distance] = closest(colours, colour);
    // Shades that nobody tells apart share a place, so that rare ones find room.
    if (colours.length < coloursMax && distance > 40) nearest.set(key, colours.push(colour) - 1);
    else nearest.set(key, index);
  }
  return { colours, nearest };
}

function closest(colours: readonly Colour[], [red, green, blue]: Colour): readonly [number, number] {
  let best = 0;
  let least = Infinity;
  for (const [index, one] of colours.entries()) {
    const distance = 2 * (one[0] - red) ** 2 + 4 * (one[1] - green) ** 2 + 3 * (one[2] - blue) ** 2;
    if (distance < least) [best, least] = [index, distance];
  }
  return [best, least];
}

function keyAt(rgb: Uint8Array, at: number): number {
  return ((rgb[at] ?? 0) << 16) | ((rgb[at + 1] ?? 0) << 8) | (rgb[at + 2] ?? 0);
}

function indexed({ width, height, rgb }: Pixels, nearest: ReadonlyMap<number, number>): Buffer {
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      lines[y * (width + 1) + 1 + x] = nearest.get(keyAt(rgb, (y * width + x) * 3)) ?? 0;
    }
  }
  return lines;
}

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named) >>> 0);
  return Buffer.concat([length, named, sum]);
}
