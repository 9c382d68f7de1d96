import { expect, test } from 'vitest';
import { modelOf } from './cluster-model.ts';
import { aPartition, aTopic, aView } from './fixtures.test-data.ts';
import { behindBy, matrixRows, matrixShape, type RowChoice } from './matrix-rows.ts';

const { topics, partitions } = modelOf(
  aView({
    topics: [aTopic('orders', 2), aTopic('payments', 1), aTopic('__consumer_offsets', 1, true)],
    partitions: [
      aPartition('orders', 0),
      aPartition('orders', 1, { inSyncReplicas: [1, 3] }),
      aPartition('payments', 0, { leader: -1 }),
      aPartition('__consumer_offsets', 0),
    ],
  }),
);
const everything: RowChoice = { filter: '', condition: 'all', showInternal: false, folded: new Set() };
const keys = (choice: Partial<RowChoice>): string[] =>
  matrixRows(topics, partitions, { ...everything, ...choice }).map((row) => row.key);

test('topics stand above their partitions, internal ones are hidden', () => {
  expect(keys({})).toEqual(['orders', 'orders-0', 'orders-1', 'payments', 'payments-0']);
  expect(keys({ showInternal: true })).toContain('__consumer_offsets-0');
});

test('a folded topic hides its partitions, but not from a search', () => {
  const folded = new Set(['orders']);
  expect(keys({ folded })).toEqual(['orders', 'payments', 'payments-0']);
  expect(keys({ folded, filter: 'orders-1' })).toEqual(['orders', 'orders-1']);
});

test('every word of the filter must match', () => {
  expect(keys({ filter: 'ord 1' })).toEqual(['orders', 'orders-1']);
  expect(keys({ filter: 'nothing' })).toEqual([]);
});

test('a filter that names an internal topic finds it', () => {
  expect(keys({ filter: '__consumer' })).toEqual(['__consumer_offsets', '__consumer_offsets-0']);
});

test('conditions keep only the partitions in trouble', () => {
  expect(keys({ condition: 'under-replicated' })).toEqual(['orders', 'orders-1']);
  expect(keys({ condition: 'offline' })).toEqual(['payments', 'payments-0']);
});

test('the shape changes with the number of partitions, not with their state', () => {
  const moved = new Map(partitions).set('orders', [aPartition('orders', 0, { leader: 2 }), aPartition('orders', 1)]);
  expect(matrixShape(topics, moved)).toBe(matrixShape(topics, partitions));
  expect(matrixShape(topics, new Map(partitions).set('orders', [aPartition('orders', 0)]))).not.toBe(
    matrixShape(topics, partitions),
  );
});

test('a replica trails the leader by records, and by nothing known while one of both is silent', () => {
  const replica = { brokerId: 2, state: 'lagging', logEndOffset: 60, highWatermark: 60, sizeBytes: 0 } as const;
  expect(behindBy(aPartition('orders', 0), replica)).toBe(40);
  expect(behindBy(aPartition('orders', 0), { ...replica, logEndOffset: null })).toBeNull();
});
