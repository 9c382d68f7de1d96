// A slice of `npm run fuzz` that takes a few seconds. A finding names its target and seed, which repeat it:
// `npm run fuzz -- --target NAME --seeds SEED`.

import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';
import { targets } from './targets.ts';

/** The more a seed of it costs, the fewer. */
const seedsOf: Readonly<Record<string, number>> = {
  'decode:messages': 3,
  'decode:every-version': 5,
  'decode:raw-bytes': 5,
  'records:bombs': 1,
  'recovery:log-directory': 60,
  'wire:broker': 10,
};
const seedsDefault = 4;

describe('fuzzing', () => {
  for (const target of targets) {
    const seeds = seedsOf[target.name] ?? seedsDefault;
    test(`${target.name}: ${seeds} seeds`, async () => {
      let cases = 0;
      for (let seed = 1; seed <= seeds; seed++) cases += await target.run(seededRandom(seed, target.name));
      expect(cases).toBeGreaterThanOrEqual(seeds);
    });
  }
});
