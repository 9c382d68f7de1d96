import { expect, test } from 'vitest';
import type { ReplicaLog } from '../../../main/api/endpoints/segments.ts';
import { epochRows, spansOf } from './lineage.ts';

const replica = (brokerId: number, ...epochs: readonly (readonly [number, number])[]): ReplicaLog => ({
  brokerId,
  directory: '',
  problem: null,
  files: [],
  logBytes: 0,
  segmentCount: 1,
  epochs: epochs.map(([epoch, startOffset]) => ({ epoch, startOffset })),
  checkpoints: { logStartOffset: null, recoveryPoint: null, highWatermark: null },
});

test('a log is cut where leaders changed, within what is still there', () => {
  expect(spansOf(replica(1, [0, 0], [2, 40], [3, 90]), 20, 80)).toEqual([
    { epoch: 0, from: 20, to: 40 },
    { epoch: 2, from: 40, to: 80 },
  ]);
  expect(spansOf(replica(1), 5, 9)).toEqual([{ epoch: -1, from: 5, to: 9 }]);
});

test('replicas that begin an epoch elsewhere disagree; one that lacks it does not', () => {
  const rows = epochRows([replica(1, [0, 0], [2, 40]), replica(2, [0, 0], [2, 44]), replica(3, [0, 0])]);
  expect(rows.map(({ epoch, disagrees }) => [epoch, disagrees])).toEqual([
    [2, true],
    [0, false],
  ]);
  expect(rows[0]?.starts.get(3)).toBeNull();
});
