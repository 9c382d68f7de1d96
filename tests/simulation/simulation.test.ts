// Whole clusters under trouble from seeds: the short form of `npm run simulate`, and what makes it trustworthy: the same
// seed tells the same story, and a shrunk plan still fails.

import { describe, expect, it } from 'vitest';
import { planFaults, type Plan } from './fault-plan.ts';
import { foundSeeds } from './found-seeds.ts';
import { runSeed } from './run-seed.ts';
import { shrink } from './shrink.ts';

const seedCount = 60;
const seedsPerTest = 10;
/** A second a seed on an idle machine; several test processes may share this one. */
const timeoutMs = 300_000;

describe('seeds', () => {
  const starts = Array.from({ length: seedCount / seedsPerTest }, (_, index) => 1 + index * seedsPerTest);
  it.each(starts)(
    `%i and the ${seedsPerTest - 1} after it`,
    async (start) => {
      for (let seed = start; seed < start + seedsPerTest; seed++) {
        const { violations } = await runSeed({ seed });
        expect(violations, `npm run simulate -- --seed ${seed} --trace`).toEqual([]);
      }
    },
    timeoutMs,
  );
});

describe('seeds that found something', () => {
  it.each(foundSeeds)(
    '$seed: $found',
    async ({ seed }) => {
      expect((await runSeed({ seed })).violations).toEqual([]);
    },
    timeoutMs,
  );
});

it(
  'two runs of a seed are the same, event by event',
  async () => {
    const [first, second] = [await runSeed({ seed: 3, isTraced: true }), await runSeed({ seed: 3, isTraced: true })];
    expect(second.journal.lines).toEqual(first.journal.lines);
    expect(second.eventCount).toBe(first.eventCount);
    expect(first.journal.lineCount).toBeGreaterThan(1000);
  },
  timeoutMs,
);

it('a failing plan is cut down to the faults that matter', async () => {
  const plan = planFaults(5);
  const fault = { atMs: 1, forMs: 1, kind: 'kill', broker: 1, other: 2, on: null } as const;
  const noisy: Plan = {
    ...plan,
    episodes: [[fault, { ...fault, kind: 'freeze' }, { ...fault, kind: 'cut' }], [fault]],
  };
  const kinds = (each: Plan): string[] => each.episodes.flat().map(({ kind }) => kind);
  let tries = 0;
  const least = await shrink(noisy, (each) => {
    tries++;
    return Promise.resolve(kinds(each).includes('freeze'));
  });
  expect(kinds(least)).toEqual(['freeze']);
  expect(least.episodes).toHaveLength(1);
  expect(tries).toBeLessThan(15);
});
