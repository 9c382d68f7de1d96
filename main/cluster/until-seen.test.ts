import { expect, test } from 'vitest';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { untilSeen } from './until-seen.ts';

test.each([
  ['seen at once', 0, 0],
  ['seen a moment later', 5, 100],
  ['never seen, and given up', Infinity, 2000],
])('%s', async (_name, lateLooks, tookMs) => {
  const world = new SimulatedWorld({ seed: 1 });
  const { clock } = world.runtimeFor(1);
  const startMs = clock.monotonicMs();
  let looks = 0;
  await world.settle(untilSeen(clock, () => Promise.resolve(looks++ >= lateLooks)));
  expect(Math.round(clock.monotonicMs() - startMs)).toBe(tookMs);
});
