// Spoils bytes: flips, lengths at their extremes, cuts, repeats, splices and zeroed pages.

import type { Random } from '../../main/runtime/runtime.ts';
import { oneOf } from './fuzz-target.ts';

const telling = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
const tellingInts = [0, 1, -1, 0x7fffffff, -0x80000000, 0x7ffffff0, 0x10000, 0xffff];
const pageBytes = 4096;

type Mutation = (bytes: Buffer, random: Random, donor: Buffer) => Buffer;

function at(bytes: Buffer, random: Random): number {
  return random.below(Math.max(1, bytes.length));
}

const mutations: Readonly<Record<string, Mutation>> = {
  flip: (bytes, random) => {
    const copy = Buffer.from(bytes);
    const index = at(bytes, random);
    if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  byte: (bytes, random) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at(bytes, random)] = oneOf(random, telling);
    return copy;
  },
  int: (bytes, random) => {
    if (bytes.length < 4) return bytes;
    const copy = Buffer.from(bytes);
    copy.writeInt32BE(oneOf(random, tellingInts), random.below(bytes.length - 3));
    return copy;
  },
  cut: (bytes, random) => Buffer.from(bytes.subarray(0, random.below(bytes.length + 1))),
  drop: (bytes, random) => {
    const start = at(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(8))]);
  },
  repeat: (bytes, random) => {
    const start = at(bytes, random);
    const end = start + random.below(bytes.length - start + 1);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  splice: (bytes, random, donor) =>
    Buffer.concat([bytes.subarray(0, at(bytes, random)), donor.subarray(at(donor, random))]),
  zeroPage: (bytes, random) => {
    const copy = Buffer.from(bytes);
    const start = Math.floor(at(bytes, random) / pageBytes) * pageBytes;
    copy.fill(0, start, Math.min(copy.length, start + pageBytes));
    return copy;
  },
  garbage: (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(200))]),
  zeros: (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + random.below(5000))]),
};

const names = Object.keys(mutations);

/** One to three changes; `donor` lends bytes for splices. */
export function mutate(bytes: Buffer, random: Random, donor: Buffer = bytes): Buffer {
  let result = bytes;
  for (let count = 1 + random.below(3); count > 0; count--) {
    result = mutations[oneOf(random, names)]?.(result, random, donor) ?? result;
  }
  return result;
}

/** One change, with its name for the report. */
export function mutateOnce(bytes: Buffer, random: Random): { readonly how: string; readonly bytes: Buffer } {
  const how = oneOf(random, names);
  return { how, bytes: mutations[how]?.(bytes, random, bytes) ?? bytes };
}
