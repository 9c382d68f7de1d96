import { expect, test } from 'vitest';
import { figuresOf } from '../../main/api/partition-figures.ts';
import { eventsMax } from '../../main/api/views.ts';
import { modelOf, reduce } from './cluster-model.ts';
import { anEvent, aPartition, aTopic, aView } from './fixtures.test-data.ts';

test('a snapshot is put in order: partitions by number, internal topics last', () => {
  const model = modelOf(aView({ topics: [aTopic('__consumer_offsets', 1, true), aTopic('b', 1), aTopic('a', 1)] }));
  expect(model.topics.map((topic) => topic.topic)).toEqual(['a', 'b', '__consumer_offsets']);
  expect(model.partitions.get('orders')?.map((partition) => partition.partition)).toEqual([0, 1]);
});

test('what a delta does not touch keeps its identity', () => {
  const before = modelOf(
    aView({
      topics: [aTopic('orders', 2), aTopic('payments', 1)],
      partitions: [aPartition('orders', 0), aPartition('orders', 1), aPartition('payments', 0)],
    }),
  );
  const after = reduce(before, { number: 1, partitions: [aPartition('orders', 1, { leader: 2, leaderEpoch: 1 })] });
  expect(after.partitions.get('orders')?.[1]?.leader).toBe(2);
  expect(after.partitions.get('orders')?.[0]).toBe(before.partitions.get('orders')?.[0]);
  expect(after.partitions.get('payments')).toBe(before.partitions.get('payments'));
  expect(after.topics).toBe(before.topics);
  expect(after.events).toBe(before.events);
});

test('figures move the numbers of a partition and nothing else', () => {
  const before = modelOf(aView());
  const moved = aPartition('orders', 1, { logEndOffset: 120, highWatermark: 110, messagesInPerSecond: 4.26 });
  const after = reduce(before, {
    number: 1,
    figures: [
      { topic: 'orders', partitions: [[1, figuresOf(moved)]] },
      { topic: 'gone', partitions: [[0, []]] },
    ],
  });
  expect(after.partitions.get('orders')?.[1]).toEqual({ ...moved, messagesInPerSecond: 4.3 });
  expect(after.partitions.get('orders')?.[0]).toBe(before.partitions.get('orders')?.[0]);
  expect(after.partitions.has('gone')).toBe(false);
});

test('the model before a delta stays as it was, so a paused view does not move', () => {
  const before = modelOf(aView());
  reduce(before, { number: 1, partitions: [aPartition('orders', 0, { leader: 3 })], cluster: { state: 'degraded' } });
  expect(before.partitions.get('orders')?.[0]?.leader).toBe(1);
  expect(before.facts.state).toBe('ready');
});

test('a removed topic takes its partitions along', () => {
  const model = reduce(modelOf(aView()), { number: 1, removedTopics: ['orders'] });
  expect(model.topics).toEqual([]);
  expect(model.partitions.has('orders')).toBe(false);
});

test('a topic deleted and made anew in one delta shows only the new partitions', () => {
  const model = reduce(modelOf(aView()), {
    number: 1,
    removedTopics: ['orders'],
    topics: [aTopic('orders', 1)],
    partitions: [aPartition('orders', 0, { leader: 3 })],
  });
  expect(model.topics.map((topic) => topic.partitionCount)).toEqual([1]);
  expect(model.partitions.get('orders')?.map((partition) => partition.leader)).toEqual([3]);
});

test('a removed partition is found by the last dash of its key', () => {
  const model = reduce(
    modelOf(aView({ topics: [aTopic('a-1', 2)], partitions: [aPartition('a-1', 0), aPartition('a-1', 1)] })),
    { number: 1, removedPartitions: ['a-1-0'] },
  );
  expect(model.partitions.get('a-1')?.map((partition) => partition.partition)).toEqual([1]);
});

test('partitions that arrive out of order are sorted', () => {
  const model = reduce(modelOf(aView({ topics: [], partitions: [] })), {
    number: 1,
    partitions: [aPartition('x', 2), aPartition('x', 0), aPartition('x', 1)],
  });
  expect(model.partitions.get('x')?.map((partition) => partition.partition)).toEqual([0, 1, 2]);
});

test('events are kept up to their limit, the newest ones', () => {
  const events = Array.from({ length: eventsMax }, (_, index) =>
    anEvent(index, index, { kind: 'cluster.ready', readyMs: 1 }),
  );
  const model = reduce(modelOf(aView({ events })), {
    number: 1,
    events: [anEvent(eventsMax, eventsMax, { kind: 'cluster.ready', readyMs: 2 })],
  });
  expect(model.events).toHaveLength(eventsMax);
  expect(model.events[0]?.sequence).toBe(1);
  expect(model.events.at(-1)?.sequence).toBe(eventsMax);
});

test('events of several processes stand in the order in which they happened', () => {
  const ready = { kind: 'cluster.ready', readyMs: 1 } as const;
  const model = modelOf(aView({ events: [anEvent(1, 100, ready, 'broker-1'), anEvent(2, 300, ready, 'broker-1')] }));
  const after = reduce(model, {
    number: 1,
    events: [anEvent(1, 200, ready, 'broker-2'), anEvent(2, 400, ready, 'broker-2')],
  });
  expect(after.events.map((event) => event.wallMs)).toEqual([100, 200, 300, 400]);
});
