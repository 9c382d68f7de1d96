import { expect, test } from 'vitest';
import { aView } from './fixtures.test-data.ts';
import { WorkloadHistory } from './workload-history.ts';

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
