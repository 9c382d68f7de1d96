import { expect, test } from 'vitest';
import { nodeClock } from './node-clock.ts';

test('the monotonic clock is the machine’s own, so that times of several processes compare', () => {
  const machineMs = () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  };
  const before = machineMs();
  const read = nodeClock().monotonicMs();
  const after = machineMs();
  // performance.now() is rounded to a few microseconds.
  expect(read).toBeGreaterThan(before - 0.1);
  expect(read).toBeLessThan(after + 0.1);
});
