// Chance of the real kind: bytes for ids and tokens are cryptographic, jitter is not.

import { randomBytes } from 'node:crypto';
import type { Random } from '../runtime.ts';

export function nodeRandom(): Random {
  return {
    next: () => Math.random(),
    below: (limit) => Math.floor(Math.random() * limit),
    bytes: (count) => randomBytes(count),
  };
}
