import { expect, it } from 'vitest';
import { combineStateBatches, type StateBatch } from './state-batches.ts';

const batch = (firstOffset: number, lastOffset: number, deliveryState = 0, deliveryCount = 1): StateBatch => ({
  firstOffset,
  lastOffset,
  deliveryState,
  deliveryCount,
});

it('neighbours of one state become one batch', () => {
  expect(combineStateBatches([batch(0, 9)], [batch(10, 19)], -1)).toEqual([batch(0, 19)]);
  expect(combineStateBatches([batch(0, 9)], [batch(11, 19)], -1)).toEqual([batch(0, 9), batch(11, 19)]);
});

it('where batches overlap the one with more deliveries counts', () => {
  const before = [batch(100, 130, 0, 1)];
  expect(combineStateBatches(before, [batch(110, 119, 0, 2)], -1)).toEqual([
    batch(100, 109),
    batch(110, 119, 0, 2),
    batch(120, 130),
  ]);
  expect(combineStateBatches([batch(100, 130, 0, 3)], [batch(90, 140, 2, 1)], -1)).toEqual([
    batch(90, 99, 2, 1),
    batch(100, 130, 0, 3),
    batch(131, 140, 2, 1),
  ]);
});

it('of as many deliveries the later state counts', () => {
  expect(combineStateBatches([batch(0, 9, 2, 1)], [batch(0, 9, 0, 1)], -1)).toEqual([batch(0, 9, 2, 1)]);
  expect(combineStateBatches([batch(0, 9, 0, 1)], [batch(5, 9, 4, 1)], -1)).toEqual([
    batch(0, 4, 0, 1),
    batch(5, 9, 4, 1),
  ]);
});

it('what lies before the start offset is cut off', () => {
  expect(combineStateBatches([batch(0, 9), batch(20, 29, 2)], [], 5)).toEqual([batch(5, 9), batch(20, 29, 2)]);
  expect(combineStateBatches([batch(0, 9)], [batch(10, 19, 2)], 12)).toEqual([batch(12, 19, 2)]);
});

it('a batch over several others leaves none of them out', () => {
  const before = [batch(0, 4, 0, 2), batch(10, 14, 0, 2)];
  expect(combineStateBatches(before, [batch(2, 20, 0, 1)], -1)).toEqual([
    batch(0, 4, 0, 2),
    batch(5, 9, 0, 1),
    batch(10, 14, 0, 2),
    batch(15, 20, 0, 1),
  ]);
});
