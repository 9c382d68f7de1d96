import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { GroupHarness } from '../coordinators.test-kit.ts';

const dayMs = 24 * 60 * 60_000;

describe('committed offsets', () => {
  it('are answered when they are committed, and shown from then on', async () => {
    const harness = await GroupHarness.create();
    harness.log.commitsAtOnce = false;
    let answered: number | null = null;
    void harness.commit(7).then((code) => {
      answered = code;
    });
    await harness.world.runFor(10);
    expect(answered).toBeNull();
    expect(await harness.committedOffset()).toBe(-1);
    harness.log.commit();
    await harness.world.runFor(1);
    expect(answered).toBe(ErrorCode.NONE);
    expect(await harness.committedOffset()).toBe(7);
  });

  it('of one event share one batch', async () => {
    const harness = await GroupHarness.create();
    const commits = [1, 2, 3].map((offset) => harness.commit(offset, { groupId: `group-${offset}` }));
    expect(await harness.settle(Promise.all(commits))).toEqual([0, 0, 0]);
    expect(harness.log.batches).toHaveLength(1);
    expect(harness.log.records()).toHaveLength(3);
  });

  it('that do not fit one batch go into several, in order', async () => {
    const harness = await GroupHarness.create({ 'message.max.bytes': '1000' });
    const commits = Array.from({ length: 50 }, (_, offset) => harness.commit(offset));
    expect(await harness.settle(Promise.all(commits))).toEqual(commits.map(() => ErrorCode.NONE));
    expect(harness.log.batches.length).toBeGreaterThan(2);
    expect(Math.max(...harness.log.batches.map(({ length }) => length))).toBeLessThanOrEqual(1000);
    expect(await harness.committedOffset()).toBe(49);
  });

  it('larger than the topic takes are refused, and leave nothing behind', async () => {
    const harness = await GroupHarness.create({ 'message.max.bytes': '1000' });
    const partition = { committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: 'x'.repeat(100) };
    const partitions = Array.from({ length: 20 }, (_, partitionIndex) => ({ ...partition, partitionIndex }));
    const topics = [{ name: 'orders', topicId: zeroUuid, partitions }];
    const before = harness.commit(5, { groupId: 'other' });
    expect(await harness.settle(harness.commit(1, { topics }))).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(await harness.settle(before)).toBe(ErrorCode.NONE);
    expect(await harness.state()).toBe('Dead');
    expect(await harness.settle(harness.commit(2))).toBe(ErrorCode.NONE);
  });

  it('stable ones are asked for with a wait for what is on its way', async () => {
    const harness = await GroupHarness.create();
    harness.log.commitsAtOnce = false;
    const commit = harness.commit(7);
    const stable = harness.fetch(true);
    await harness.world.runFor(10);
    harness.log.commit();
    expect(await harness.settle(commit)).toBe(ErrorCode.NONE);
    expect((await harness.settle(stable)).topics[0]?.partitions[0]?.committedOffset).toBe(7);
  });

  it('that find no commit in time are answered COORDINATOR_NOT_AVAILABLE, and may still come', async () => {
    const harness = await GroupHarness.create();
    harness.log.commitsAtOnce = false;
    const startMs = harness.world.nowMs;
    expect(await harness.settle(harness.commit(7))).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.world.nowMs - startMs).toBeGreaterThanOrEqual(5000);
    expect(await harness.committedOffset()).toBe(-1);
    harness.log.commit();
    expect(await harness.committedOffset()).toBe(7);
  });

  it('that could not be appended leave nothing behind', async () => {
    const harness = await GroupHarness.create();
    expect(await harness.settle(harness.commit(7))).toBe(ErrorCode.NONE);
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect(await harness.settle(harness.commit(8))).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await harness.settle(harness.commit(1, { groupId: 'fresh' }))).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    harness.log.appendError = null;
    expect(await harness.committedOffset(true)).toBe(7);
    expect(harness.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toHaveLength(1);
    expect(await harness.settle(harness.commit(9))).toBe(ErrorCode.NONE);
    expect(await harness.committedOffset()).toBe(9);
  });

  it('with too much metadata are refused, the others taken', async () => {
    const harness = await GroupHarness.create();
    const partition = { committedOffset: 1, committedLeaderEpoch: -1 };
    const topics = [
      {
        name: 'orders',
        topicId: zeroUuid,
        partitions: [
          { ...partition, partitionIndex: 0, committedMetadata: 'x'.repeat(4097) },
          { ...partition, partitionIndex: 1, committedMetadata: null },
        ],
      },
    ];
    const request = { groupId: 'group', generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null };
    const whole = { ...request, retentionTimeMs: -1, topics };
    const answer = await harness.settle(harness.coordinator.commitOffsets(whole, topics, 9));
    expect(answer.topics?.[0]?.partitions?.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
      ErrorCode.NONE,
    ]);
  });

  it('need membership and generation while the group has members', async () => {
    const harness = await GroupHarness.create();
    const { a, generationId } = await harness.stableGroup();
    const code = (request: Parameters<GroupHarness['commit']>[1], version = 9): Promise<number> =>
      harness.settle(harness.commit(1, request, version));
    expect(await code({ memberId: a, generationIdOrMemberEpoch: generationId })).toBe(ErrorCode.NONE);
    expect(await code({})).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await code({ memberId: a, generationIdOrMemberEpoch: 1 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await code({ memberId: 'x', generationIdOrMemberEpoch: generationId })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await code({ groupId: 'none', generationIdOrMemberEpoch: 1 })).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(await code({ groupId: 'none', generationIdOrMemberEpoch: 1 }, 8)).toBe(ErrorCode.ILLEGAL_GENERATION);
  });

  it('are refused between JoinGroup and SyncGroup', async () => {
    const harness = await GroupHarness.create();
    const { memberId, joined } = await harness.joinAsNew();
    await harness.settle(joined);
    const code = await harness.settle(harness.commit(1, { memberId, generationIdOrMemberEpoch: 1 }));
    expect(code).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it('keep a session alive', async () => {
    const harness = await GroupHarness.create();
    const { a, b, generationId } = await harness.stableGroup();
    for (let round = 0; round < 5; round++) {
      await harness.world.runFor(6000);
      for (const memberId of [a, b]) {
        expect(await harness.settle(harness.commit(round, { memberId, generationIdOrMemberEpoch: generationId }))).toBe(
          0,
        );
      }
    }
  });

  it('can be deleted where nobody is subscribed', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(7));
    const request = { groupId: 'group', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] };
    const deleted = await harness.settle(harness.coordinator.deleteOffsets(request));
    expect(deleted.topics?.[0]?.partitions?.[0]?.errorCode).toBe(ErrorCode.NONE);
    expect(await harness.committedOffset()).toBe(-1);
    expect(harness.log.records().at(-1)).toMatchObject({ name: 'OffsetCommit', value: null });
    await harness.stableGroup();
    const refused = await harness.settle(harness.coordinator.deleteOffsets(request));
    expect(refused.topics?.[0]?.partitions?.[0]?.errorCode).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC);
    const none = await harness.settle(harness.coordinator.deleteOffsets({ ...request, groupId: 'none' }));
    expect(none.errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });

  it('go with their topic', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(7));
    harness.coordinator.onTopicsDeleted(new Set(['orders']));
    await harness.world.runFor(1);
    expect(await harness.committedOffset()).toBe(-1);
  });
});

describe('expiry', () => {
  const properties = { 'offsets.retention.minutes': '1440', 'offsets.retention.check.interval.ms': '60000' };

  it('removes offsets of simple groups a retention after their commit, and then the group', async () => {
    const harness = await GroupHarness.create(properties);
    await harness.settle(harness.commit(7));
    await harness.world.runFor(dayMs - 120_000);
    expect(await harness.committedOffset()).toBe(7);
    await harness.world.runFor(240_000);
    expect(await harness.committedOffset()).toBe(-1);
    expect(await harness.state()).toBe('Dead');
    expect(harness.log.records().slice(-2)).toMatchObject([
      { name: 'OffsetCommit', value: null },
      { name: 'GroupMetadata', value: null },
    ]);
  });

  it('counts from when the last member left, not from the commit', async () => {
    const harness = await GroupHarness.create(properties);
    const { a, b, generationId } = await harness.stableGroup();
    await harness.settle(harness.commit(7, { memberId: a, generationIdOrMemberEpoch: generationId }));
    for (let elapsed = 0; elapsed < 2 * dayMs; elapsed += 9000) {
      await harness.world.runFor(9000);
      await harness.settle(Promise.all([harness.heartbeat(a, generationId), harness.heartbeat(b, generationId)]));
    }
    expect(await harness.committedOffset()).toBe(7);
    await harness.leave(a);
    await harness.leave(b);
    await harness.world.runFor(dayMs - 120_000);
    expect(await harness.committedOffset()).toBe(7);
    await harness.world.runFor(240_000);
    expect(await harness.committedOffset()).toBe(-1);
  });

  it('follows the retention time of a commit that names one', async () => {
    const harness = await GroupHarness.create(properties);
    await harness.settle(harness.commit(7, { retentionTimeMs: 100_000 }, 4));
    expect(harness.log.records().at(-1)).toMatchObject({ valueVersion: 1 });
    await harness.world.runFor(90_000);
    expect(await harness.committedOffset()).toBe(7);
    await harness.world.runFor(60_000);
    expect(await harness.committedOffset()).toBe(-1);
  });
});
