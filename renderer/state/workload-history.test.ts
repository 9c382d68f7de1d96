import { expect, test } from 'vitest';
import { aView } from './fixtures.test-data.ts';
import { extendGaps, WorkloadHistory } from './workload-history.ts';

const { workload } = aView();

test('the ring forgets the oldest samples and keeps their order', () => {
  const history = new WorkloadHistory();
  for (let index = 0; index < 1_500; index++) history.add(index * 50, { ...workload, acknowledgedPerSecond: index });
  expect(history.count).toBe(1_200);
  expect(history.acknowledged(0)).toBe(300);
  expect(history.atMs(history.count - 1)).toBe(1_499 * 50);
});

test('samples that are not newer are ignored', () => {
  const history = new WorkloadHistory();
  history.add(100, workload);
  history.add(100, workload);
  history.add(90, workload);
  expect(history.count).toBe(1);
});

test('unavailability becomes one gap that begins when the first write went unanswered', () => {
  let gaps = extendGaps([], 1_000, null);
  gaps = extendGaps(gaps, 1_300, 200);
  gaps = extendGaps(gaps, 1_350, 250);
  expect(gaps).toEqual([{ fromMs: 1_100, untilMs: null }]);
  gaps = extendGaps(gaps, 2_000, null);
  expect(gaps).toEqual([{ fromMs: 1_100, untilMs: 2_000 }]);
});

test('gaps that left the chart are dropped when the next one begins', () => {
  const gaps = extendGaps([{ fromMs: 0, untilMs: 1_000 }], 200_000, 10);
  expect(gaps).toEqual([{ fromMs: 199_990, untilMs: null }]);
});
