import { expect, test } from 'vitest';
import { aPartition } from '../../state/fixtures.test-data.ts';
import { type Plan, preferLeader, progressOf, toggleReplica, wantedOf, weightOf } from './reassignment-plan.ts';

const sized = (brokerId: number, sizeBytes: number) => ({
  brokerId,
  state: brokerId === 1 ? ('leader' as const) : ('in-sync' as const),
  logEndOffset: 1,
  highWatermark: 1,
  sizeBytes,
});
const partition = aPartition('orders', 0, { replicas: [sized(1, 100), sized(2, 100)], inSyncReplicas: [1, 2] });
const none: Plan = new Map();

test('replicas come and go, the last one stays, and what is as it was is no change', () => {
  const added = toggleReplica(none, partition, 3);
  expect(wantedOf(added, partition)).toEqual([1, 2, 3]);
  expect(toggleReplica(added, partition, 3).size).toBe(0);
  const one = toggleReplica(none, partition, 1);
  expect(wantedOf(one, partition)).toEqual([2]);
  expect(toggleReplica(one, partition, 2)).toBe(one);
  expect(wantedOf(preferLeader(none, partition, 2), partition)).toEqual([2, 1]);
});

test('only new replicas cost a copy', () => {
  const moved = toggleReplica(toggleReplica(none, partition, 3), partition, 2);
  expect(weightOf(moved, [partition])).toEqual({ bytes: 100, byBroker: new Map([[3, 100]]), isPartial: false });
  expect(weightOf(preferLeader(none, partition, 2), [partition]).bytes).toBe(0);
});

test('progress is what has arrived of what is copied', () => {
  const now = aPartition('orders', 0, { replicas: [sized(1, 100), sized(2, 100), sized(3, 25)] });
  expect(progressOf([{ partition: 0, adding: [3] }], [now])).toBe(0.25);
  expect(progressOf([{ partition: 0, adding: [] }], [now])).toBeNull();
});
