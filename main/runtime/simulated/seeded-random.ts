// A small deterministic generator (sfc32): the same seed words give the same numbers on every machine.

import type { Random } from '../runtime.ts';

/** Spreads the words of a seed over 32 bits (FNV-1a with a final mix); order matters. */
function hashWords(words: readonly (string | number)[], salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (const character of words.join('\u0000')) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A generator for its own purpose: different words (seed, node, incarnation) give independent streams. */
export function seededRandom(...words: readonly (string | number)[]): Random {
  let a = hashWords(words, 1);
  let b = hashWords(words, 2);
  let c = hashWords(words, 3);
  let counter = 1;
  const nextWord = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) nextWord();
  return {
    next: () => nextWord() / 0x100000000,
    below: (limit) => Math.floor((nextWord() / 0x100000000) * limit),
    bytes: (count) => {
      const target = new Uint8Array(count);
      for (let index = 0; index < count; index++) target[index] = nextWord() & 0xff;
      return target;
    },
  };
}
