// Partitions of `__consumer_offsets` that Apache Kafka wrote: classic, consumer and share groups, and offsets inside
// transactions.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTarGz } from '../../../tests/conformance/log/tar.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { coordinatorPartition } from '../../protocol/partitioning.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { GroupHarness } from '../coordinators.test-kit.ts';
import type { FetchedOffsets } from './group-coordinator.ts';

async function load(groupId: string): Promise<GroupHarness> {
  const archive = 'tests/conformance/vectors/datadir/clean-node-1.tar.gz';
  const directory = `__consumer_offsets-${coordinatorPartition(groupId, 50)}/`;
  const harness = new GroupHarness();
  for (const { name, bytes } of readTarGz(readFileSync(archive))) {
    if (name.includes(directory) && name.endsWith('.log')) harness.log.restore(bytes);
  }
  expect(harness.log.batches.length).toBeGreaterThan(0);
  harness.elect();
  await harness.world.runFor(1);
  expect(harness.loadErrors).toEqual([]);
  return harness;
}

function fetchAll(harness: GroupHarness, groupId: string): Promise<FetchedOffsets> {
  const query = { groupId, memberId: null, memberEpoch: -1, topics: null };
  return harness.settle(harness.coordinator.fetchOffsets(query, true));
}

function offsetsOf({ topics }: FetchedOffsets): string[] {
  return topics
    .flatMap(({ name, partitions }) =>
      partitions.map(
        ({ partitionIndex, committedOffset, metadata }) => `${name}-${partitionIndex} ${committedOffset} ${metadata}`,
      ),
    )
    .sort();
}

const all = { statesFilter: [], typesFilter: [] };

describe('a log that Kafka wrote', () => {
  it('holds a classic group with the newest offsets', async () => {
    const harness = await load('billing');
    expect(harness.coordinator.listGroups(all).groups).toEqual([
      { groupId: 'billing', protocolType: 'consumer', groupState: 'Empty', groupType: 'classic' },
    ]);
    expect(offsetsOf(await fetchAll(harness, 'billing'))).toEqual([
      'plain-0 290 ',
      'plain-1 411 ',
      'plain-2 135 ',
      'stamped-0 60 noted by hand',
      'stamped-1 0 noted by hand',
    ]);
  });

  it('holds offsets of transactions that were committed, and not of those that were aborted', async () => {
    const harness = await load('till-group');
    expect(offsetsOf(await fetchAll(harness, 'till-group'))).toEqual(['plain-0 11 from a transaction']);
  });

  it('holds a consumer group that a classic member may take over', async () => {
    const harness = await load('analytics');
    expect(harness.coordinator.listGroups(all).groups).toEqual([
      { groupId: 'analytics', protocolType: 'consumer', groupState: 'Empty', groupType: 'consumer' },
    ]);
    const described = await harness.settle(harness.coordinator.describeGroup('analytics', 6));
    expect(described).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage: 'Group analytics is not a classic group.',
    });
    expect(offsetsOf(await fetchAll(harness, 'analytics'))).toEqual(['codecs-0 150 ', 'txn-0 62 ', 'txn-1 66 ']);
    const before = harness.log.records().length;
    const joined = await harness.settle(harness.join({ groupId: 'analytics', groupInstanceId: 'till-1' }));
    expect(joined.errorCode).toBe(ErrorCode.NONE);
    await harness.world.runFor(1);
    const written = harness.log.records().slice(before);
    expect(written.map(({ name, value }) => `${name}${value === null ? ' gone' : ''}`)).toEqual([
      'ConsumerGroupTargetAssignmentMetadata gone',
      'ConsumerGroupMetadata gone',
      'GroupMetadata',
    ]);
    await harness.failOver();
    expect(harness.coordinator.listGroups(all).groups).toMatchObject([{ groupId: 'analytics', groupType: 'classic' }]);
    expect(offsetsOf(await fetchAll(harness, 'analytics'))).toHaveLength(3);
  });

  it('holds a share group, which no classic member may join', async () => {
    const harness = await load('workers');
    expect(harness.coordinator.listGroups(all).groups).toEqual([
      { groupId: 'workers', protocolType: 'share', groupState: 'Empty', groupType: 'share' },
    ]);
    const refused = await harness.settle(harness.join({ groupId: 'workers' }));
    expect(refused.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(await harness.settle(harness.commit(1, { groupId: 'workers' }))).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    const deleted = await harness.settle(harness.coordinator.deleteGroups(['workers']));
    expect(deleted.results?.[0]?.errorCode).toBe(ErrorCode.NONE);
    await harness.failOver();
    expect(harness.coordinator.listGroups(all).groups).toEqual([]);
  });

  it('keeps topic ids: an offset of another topic of the same name is not shown', async () => {
    const harness = await load('billing');
    const ask = async (topicId: string): Promise<number | undefined> => {
      const topics = [{ name: 'plain', topicId, partitionIndexes: [0] }];
      const query = { groupId: 'billing', memberId: null, memberEpoch: -1, topics };
      const { topics: answered } = await harness.settle(harness.coordinator.fetchOffsets(query, false));
      return answered[0]?.partitions[0]?.committedOffset;
    };
    expect(await ask('9s2TR477Rue951-uql9d_g')).toBe(290);
    expect(await ask(zeroUuid)).toBe(290);
    expect(await ask('w4rW4epcRP-l5PpXeeaNhA')).toBe(-1);
  });
});

describe('members of a consumer group that Kafka wrote', () => {
  it('are let go after the session timeout, and the group is empty', async () => {
    const harness = await load('analytics');
    const log = harness.log;
    const stored = log.records();
    const memberRecords = stored.filter(({ name }) => name.startsWith('ConsumerGroup')).slice(0, 5);
    expect(memberRecords.map(({ name }) => name)).toContain('ConsumerGroupCurrentMemberAssignment');
    // The log as it was while its member lived: its first batch.
    const fresh = new GroupHarness({ 'group.consumer.session.timeout.ms': '45000' });
    fresh.log.restore(Buffer.concat(log.batches.slice(0, 1)));
    fresh.elect();
    await fresh.world.runFor(1);
    expect(fresh.coordinator.listGroups(all).groups).toMatchObject([{ groupState: 'Stable', groupType: 'consumer' }]);
    // A classic member may come in beside it: the group migrates.
    expect((await fresh.settle(fresh.join({ groupId: 'analytics' }))).errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    await fresh.world.runFor(46_000);
    expect(fresh.coordinator.listGroups(all).groups).toMatchObject([{ groupState: 'Empty', groupType: 'consumer' }]);
    expect(fresh.log.records().at(-1)).toMatchObject({ name: 'ConsumerGroupMetadata', value: { epoch: 3 } });
  });
});
