import { expect, it } from 'vitest';
import { planOffsetReset, type PartitionOffsets } from './offset-reset.ts';

const partition: PartitionOffsets = {
  topic: 'orders',
  partition: 0,
  committed: 50,
  logStartOffset: 10,
  logEndOffset: 80,
  atTime: 60,
};
const plan = (target: Parameters<typeof planOffsetReset>[1], offsets: Partial<PartitionOffsets> = {}) => {
  const [row] = planOffsetReset([{ ...partition, ...offsets }], target, null).rows;
  return [row?.after, row?.skipped, row?.readAgain];
};

it('each target counts what is skipped and what is read again', () => {
  expect(plan({ to: 'earliest' })).toEqual([10, 0, 40]);
  expect(plan({ to: 'latest' })).toEqual([80, 30, 0]);
  expect(plan({ to: 'offset', offset: 55 })).toEqual([55, 5, 0]);
  expect(plan({ to: 'shift', by: -7 })).toEqual([43, 0, 7]);
  expect(plan({ to: 'timestamp', timestampMs: 1 })).toEqual([60, 10, 0]);
});

it('what lies outside the log is moved to its nearest end, as Kafka’s tool does', () => {
  expect(plan({ to: 'offset', offset: 3 })).toEqual([10, 0, 40]);
  expect(plan({ to: 'shift', by: 1000 })).toEqual([80, 30, 0]);
  expect(plan({ to: 'duration', durationMs: 5 }, { atTime: null })).toEqual([80, 30, 0]);
});

it('records that retention has deleted are neither skipped nor read again', () => {
  expect(plan({ to: 'latest' }, { committed: 4 })).toEqual([80, 70, 0]);
  expect(plan({ to: 'earliest' }, { committed: 4 })).toEqual([10, 0, 0]);
});

it('a partition without a commit skips nothing and reads nothing again', () => {
  expect(plan({ to: 'latest' }, { committed: null })).toEqual([80, 0, 0]);
});
