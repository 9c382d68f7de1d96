import { expect, test } from 'vitest';
import { modelOf } from './cluster-model.ts';
import { clusterStanding } from './cluster-standing.ts';
import { aPartition, aView } from './fixtures.test-data.ts';

test('a cluster that runs is ready only when it is whole', () => {
  expect(clusterStanding(modelOf(aView()))).toBe('ready');
  expect(clusterStanding(modelOf(aView({ partitions: [aPartition('orders', 0, { inSyncReplicas: [1] })] })))).toBe(
    'degraded',
  );
  expect(
    clusterStanding(modelOf(aView({ quorum: { leaderId: null, epoch: 1, highWatermark: null, nodes: [] } }))),
  ).toBe('degraded');
});

test('what the engine says about starting and failing stands', () => {
  expect(
    clusterStanding(
      modelOf(aView({ state: 'starting', partitions: [aPartition('orders', 0, { inSyncReplicas: [1] })] })),
    ),
  ).toBe('starting');
});
