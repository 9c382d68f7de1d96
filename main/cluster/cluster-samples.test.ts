import { expect, it } from 'vitest';
import { samplesMax } from '../api/sample-views.ts';
import type { GroupView } from '../api/views.ts';
import { ClusterSamples } from './cluster-samples.ts';

const group = (committedOffset: number, logEndOffset: number): GroupView => ({
  groupId: 'billing',
  protocolType: 'consumer',
  state: 'Stable',
  generation: 1,
  coordinator: 1,
  members: [],
  partitions: [
    {
      topic: 'orders',
      partition: 0,
      committedOffset,
      logEndOffset,
      lag: logEndOffset - committedOffset,
      memberId: null,
    },
  ],
  totalLag: logEndOffset - committedOffset,
});
const add = (samples: ClusterSamples, second: number, view: GroupView) =>
  samples.add({ brokers: [], groups: [view] }, second * 1000, second * 1000).groups['billing'];

it('time to drain is lag by what is gained; a group that falls behind never drains', () => {
  const catching = new ClusterSamples();
  add(catching, 0, group(0, 1000));
  expect(add(catching, 1, group(300, 1100))).toMatchObject({
    lag: 800,
    consumedPerSecond: 300,
    producedPerSecond: 100,
    timeToDrainMs: 4000,
  });
  const losing = new ClusterSamples();
  add(losing, 0, group(0, 100));
  expect(add(losing, 1, group(50, 200))?.timeToDrainMs).toBeNull();
});

it('of a group that commits no offsets no rate is known', () => {
  const samples = new ClusterSamples();
  const sharing: GroupView = {
    ...group(0, 0),
    protocolType: 'share',
    partitions: [
      { topic: 'orders', partition: 0, committedOffset: null, logEndOffset: 500, lag: null, memberId: 'member-1' },
    ],
    totalLag: null,
  };
  add(samples, 0, sharing);
  expect(add(samples, 1, sharing)).toMatchObject({
    lag: null,
    consumedPerSecond: null,
    producedPerSecond: null,
    timeToDrainMs: null,
  });
});

it('a first commit is no growth: a rate is known a sample later', () => {
  const samples = new ClusterSamples();
  const [before] = group(0, 9000).partitions;
  add(samples, 0, {
    ...group(0, 9000),
    partitions: before === undefined ? [] : [{ ...before, committedOffset: null }],
  });
  expect(add(samples, 1, group(9000, 9000))?.consumedPerSecond).toBeNull();
  expect(add(samples, 2, group(9100, 9150))).toMatchObject({ consumedPerSecond: 100, producedPerSecond: 150 });
});

it('history is bounded, and goes with its group', () => {
  const samples = new ClusterSamples();
  for (let second = 0; second < samplesMax + 5; second++) add(samples, second, group(second, second));
  expect(samples.groupHistory('billing')).toHaveLength(samplesMax);
  expect(samples.groupHistory('billing')[0]?.wallMs).toBe(5000);
  samples.add({ brokers: [], groups: [] }, 0, 0);
  expect(samples.groupHistory('billing')).toEqual([]);
});
