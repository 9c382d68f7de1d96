// Values of a message made from its schema: every field that a version has, each at its edges now and then.

import { defaultOf } from '../../main/protocol/codec.ts';
import type { Field, Fields } from '../../main/protocol/fields.ts';
import type { Random } from '../../main/runtime/runtime.ts';
import { includesVersion, parseVersions } from '../../main/protocol/versions.ts';
import { oneOf } from './fuzz-target.ts';

const arrayLengthMax = 3;
const deepestArrays = 4;
const texts = ['', 'a', 'größe', 'x'.repeat(200), '\u0000', '🙂', '__proto__'];

function existsIn(versions: string | null, version: number): boolean {
  return versions !== null && includesVersion(parseVersions(versions), version);
}

function integer(random: Random, least: number, most: number): number {
  return oneOf(random, [0, 1, least, most, least + random.below(100), Math.floor(random.next() * most)]);
}

const primitives: Readonly<Record<string, (random: Random) => unknown>> = {
  bool: (random) => random.below(2) === 0,
  int8: (random) => integer(random, -128, 127),
  int16: (random) => integer(random, -32_768, 32_767),
  uint16: (random) => integer(random, 0, 65_535),
  int32: (random) => integer(random, -2_147_483_648, 2_147_483_647),
  uint32: (random) => integer(random, 0, 4_294_967_295),
  int64: (random) => integer(random, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  int64Saturating: (random) => integer(random, -(2 ** 50), 2 ** 50),
  int64Exact: (random) => oneOf(random, [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]),
  float64: (random) => oneOf(random, [0, 1.5, -2.25, 1e300]),
  uuid: (random) => Buffer.from(random.bytes(16)).toString('base64url'),
  string: (random) => oneOf(random, texts),
  bytes: (random) => Buffer.from(random.bytes(random.below(40))),
  records: (random) => Buffer.from(random.bytes(random.below(90))),
};

/** Words that lead a request past the first check: names that exist. */
export type Vocabulary = {
  readonly texts: readonly string[];
  readonly uuids: readonly string[];
  /** For fields of bytes and of records. */
  readonly blobs: readonly Buffer[];
};

const noWords: Vocabulary = { texts: [], uuids: [], blobs: [] };

export function randomStruct(
  fields: Fields,
  version: number,
  random: Random,
  words: Vocabulary = noWords,
  depth = 0,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    values[name] = existsIn(field.versions, version)
      ? randomValue(field, version, random, words, depth)
      : defaultOf(field);
  }
  return values;
}

function randomValue(field: Field, version: number, random: Random, words: Vocabulary, depth: number): unknown {
  const mayBeNull = existsIn(field.nullable, version);
  if (mayBeNull && random.below(4) === 0) return null;
  if (random.below(5) === 0 && (field.default !== null || mayBeNull)) return defaultOf(field);
  if (field.kind === 'array') {
    const count = depth > deepestArrays ? random.below(2) : random.below(arrayLengthMax + 1);
    return Array.from({ length: count }, () => randomElement(field, version, random, words, depth + 1));
  }
  return randomElement(field, version, random, words, depth);
}

function randomElement(field: Field, version: number, random: Random, words: Vocabulary, depth: number): unknown {
  const { element, kind } = field;
  if (element !== null && typeof element !== 'string') return randomStruct(element, version, random, words, depth);
  const wanted = element ?? kind;
  if (words.texts.length > 0 && random.below(3) > 0) {
    if (wanted === 'string') return oneOf(random, words.texts);
    if (wanted === 'uuid' && words.uuids.length > 0) return oneOf(random, words.uuids);
    if ((wanted === 'bytes' || wanted === 'records') && words.blobs.length > 0) return oneOf(random, words.blobs);
    if (wanted === 'int32' || wanted === 'int8' || wanted === 'int16') return random.below(4) - 1;
  }
  return primitives[wanted]?.(random);
}
