// Consumer groups of KIP-848 through the coordinator's door: members, epochs, reconciliation, static members,
// fencing, expressions, migration, settings, and what the log and a new coordinator make of it.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { configKey, ConfigResourceType } from '../../metadata/settings-image.ts';
import { consumerProtocolAssignment } from '../../protocol/messages/embedded-messages.ts';
import { type Beaten, GroupHarness, subscription, topicIdOf } from '../coordinators.test-kit.ts';

const orders = topicIdOf('orders');
/** Members assigned at once, so that no test waits for the interval. */
const atOnce = { 'group.consumer.assignment.interval.ms': '0' };

async function withTopic(count: number, properties: Readonly<Record<string, string>> = {}): Promise<GroupHarness> {
  const harness = await GroupHarness.create({ ...atOnce, ...properties });
  harness.createTopics({ orders: count });
  return harness;
}

function assigned({ assignment }: Beaten, topicId = orders): readonly number[] | null {
  if (assignment === null || assignment === undefined) return null;
  return assignment.topicPartitions?.find((topic) => topic.topicId === topicId)?.partitions ?? [];
}

function owned(partitions: readonly number[], topicId = orders) {
  return partitions.length === 0 ? [] : [{ topicId, partitions: [...partitions] }];
}

async function stateOf(harness: GroupHarness): Promise<string | undefined> {
  return (await harness.settle(harness.coordinator.describeConsumerGroup('group'))).groupState;
}

/** `a` with all four partitions, `b` just arrived. */
async function twoMembers(): Promise<GroupHarness> {
  const harness = await withTopic(4);
  await harness.enter('a');
  await harness.enter('b');
  return harness;
}

it('a topic that grew while nothing could be written is seen later', async () => {
  const harness = await withTopic(2);
  await harness.enter('a');
  harness.createTopics({ orders: 5 });
  harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
  expect((await harness.beat({ memberId: 'a', memberEpoch: 2 })).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  harness.log.appendError = null;
  expect(assigned(await harness.beat({ memberId: 'a', memberEpoch: 2 }))).toEqual([0, 1, 2, 3, 4]);
});

describe('a member that joins', () => {
  it('begins the group at epoch 2 and gets all partitions at once', async () => {
    const harness = await withTopic(4);
    const first = await harness.enter('a');
    expect(first).toMatchObject({ memberId: 'a', memberEpoch: 2, heartbeatIntervalMs: 5000 });
    expect(assigned(first)).toEqual([0, 1, 2, 3]);
    expect(harness.log.records().map(({ name }) => name)).toEqual([
      'ConsumerGroupMemberMetadata',
      'ConsumerGroupMetadata',
      'ConsumerGroupTargetAssignmentMember',
      'ConsumerGroupTargetAssignmentMetadata',
      'ConsumerGroupCurrentMemberAssignment',
    ]);
    expect(await stateOf(harness)).toBe('Stable');
    expect(assigned(await harness.beat({ memberId: 'a', memberEpoch: 2 }))).toBeNull();
    expect(harness.log.records()).toHaveLength(5);
  });

  it('gets its share only when the others have given it up', async () => {
    const harness = await twoMembers();
    const waiting = await harness.beat({ memberId: 'b', memberEpoch: 3 });
    expect(waiting.memberEpoch).toBe(3);
    expect(assigned(waiting)).toBeNull();
    const told = await harness.beat({ memberId: 'a', memberEpoch: 2 });
    expect(told.memberEpoch).toBe(2);
    expect(assigned(told)).toEqual([0, 1]);
    expect(await stateOf(harness)).toBe('Reconciling');
    expect(assigned(await harness.beat({ memberId: 'b', memberEpoch: 3 }))).toBeNull();
    const released = await harness.beat({ memberId: 'a', memberEpoch: 2, topicPartitions: owned([0, 1]) });
    expect(released.memberEpoch).toBe(3);
    expect(assigned(await harness.beat({ memberId: 'b', memberEpoch: 3 }))).toEqual([2, 3]);
    expect(await stateOf(harness)).toBe('Stable');
    expect(harness.kinds().filter((kind) => kind === 'group.stable')).toHaveLength(2);
  });

  it('shows in the journal: each partition is its owner’s until that one has given it up', async () => {
    const harness = await twoMembers();
    await harness.beat({ memberId: 'a', memberEpoch: 2, topicPartitions: owned([0, 1, 2, 3]) });
    await harness.beat({ memberId: 'a', memberEpoch: 2, topicPartitions: owned([0, 1]) });
    await harness.beat({ memberId: 'b', memberEpoch: 3, topicPartitions: [] });
    const told = harness.events.flatMap((event) => {
      if (event.kind === 'group.memberJoined') return [`${event.memberId} joined`];
      if (event.kind === 'group.memberHolds') {
        return [`${event.memberId} holds ${event.partitions.flatMap(({ partitions }) => partitions).join(',')}`];
      }
      return event.kind === 'group.stable' ? [`stable at ${event.generation}`] : [];
    });
    expect(told).toEqual([
      'a joined',
      'a holds 0,1,2,3',
      'stable at 2',
      'b joined',
      'a holds 0,1',
      'b holds 2,3',
      'stable at 3',
    ]);
  });

  it('is assigned no sooner than the interval after the last assignment', async () => {
    const harness = await withTopic(2, { 'group.consumer.assignment.interval.ms': '1000' });
    await harness.enter('a');
    expect((await harness.enter('b')).memberEpoch).toBe(2);
    await harness.world.runFor(1100);
    expect((await harness.beat({ memberId: 'b', memberEpoch: 2 })).memberEpoch).toBe(3);
  });
});

describe('a member that is not what it says', () => {
  it.each([
    ['unknown', { memberId: 'x', memberEpoch: 2 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['ahead of its epoch', { memberId: 'a', memberEpoch: 9 }, ErrorCode.FENCED_MEMBER_EPOCH],
    ['behind it', { memberId: 'a', memberEpoch: 1 }, ErrorCode.FENCED_MEMBER_EPOCH],
    ['without a member id', { memberEpoch: 2 }, ErrorCode.INVALID_REQUEST],
    [
      'of an assignor nobody knows',
      { memberId: 'a', memberEpoch: 2, serverAssignor: 'mine' },
      ErrorCode.UNSUPPORTED_ASSIGNOR,
    ],
  ])('%s is refused', async (_what, request, errorCode) => {
    const harness = await withTopic(2);
    await harness.enter('a');
    expect((await harness.beat(request)).errorCode).toBe(errorCode);
  });

  it('may come with its last epoch when it holds only what it was given', async () => {
    const harness = await withTopic(2);
    await harness.enter('a');
    await harness.beat({ memberId: 'a', memberEpoch: 2, subscribedTopicNames: ['orders', 'other'] });
    const late = { memberId: 'a', memberEpoch: 2 };
    expect((await harness.beat({ ...late, topicPartitions: owned([0, 1]) })).memberEpoch).toBe(3);
    expect((await harness.beat(late)).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
  });

  it('finds a full group closed', async () => {
    const harness = await withTopic(2, { 'group.consumer.max.size': '1' });
    await harness.enter('a');
    expect((await harness.enter('b')).errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
  });
});

describe('a member that goes', () => {
  it('leaves its partitions to the others', async () => {
    const harness = await twoMembers();
    const left = await harness.beat({ memberId: 'a', memberEpoch: -1 });
    expect(left).toMatchObject({ memberId: 'a', memberEpoch: -1 });
    expect(assigned(await harness.beat({ memberId: 'b', memberEpoch: 3 }))).toEqual([0, 1, 2, 3]);
  });

  it('is fenced when its session is over, by the setting of its group', async () => {
    const harness = await withTopic(2, { 'group.consumer.min.session.timeout.ms': '1000' });
    const resource = { type: ConfigResourceType.GROUP, name: 'group' };
    const values = new Map([['consumer.session.timeout.ms', '2000']]);
    const configs = new Map([[configKey(resource.type, resource.name), { resource, values }]]);
    harness.image = { ...harness.image, configs };
    await harness.enter('a');
    await harness.world.runFor(1900);
    expect((await harness.beat({ memberId: 'a', memberEpoch: 2 })).memberEpoch).toBe(2);
    await harness.world.runFor(2100);
    expect((await harness.beat({ memberId: 'a', memberEpoch: 2 })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await stateOf(harness)).toBe('Empty');
  });

  it('is fenced when it does not give up its partitions in time', async () => {
    const harness = await twoMembers();
    await harness.beat({ memberId: 'a', memberEpoch: 2, rebalanceTimeoutMs: 3000 });
    for (let second = 0; second < 4; second++) {
      await harness.world.runFor(1000);
      await harness.beat({ memberId: 'a', memberEpoch: 2 });
    }
    expect((await harness.beat({ memberId: 'a', memberEpoch: 2 })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('is fenced later when that could not be written down', async () => {
    const harness = await withTopic(2);
    await harness.enter('a');
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    await harness.world.runFor(46_000);
    expect(await stateOf(harness)).toBe('Stable');
    harness.log.appendError = null;
    await harness.world.runFor(1000);
    expect(await stateOf(harness)).toBe('Empty');
  });
});

describe('a static member', () => {
  it('keeps its place while it is away, and takes it again under a new id', async () => {
    const harness = await withTopic(2);
    await harness.enter('a', { instanceId: 'one' });
    expect((await harness.enter('b', { instanceId: 'one' })).errorCode).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
    await harness.beat({ memberId: 'a', memberEpoch: -2, instanceId: 'one' });
    const back = await harness.enter('b', { instanceId: 'one' });
    expect(back.memberEpoch).toBe(2);
    expect(assigned(back)).toEqual([0, 1]);
    const late = await harness.beat({ memberId: 'a', memberEpoch: 2, instanceId: 'one' });
    expect(late.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it('loses it with its session', async () => {
    const harness = await withTopic(2);
    await harness.enter('a', { instanceId: 'one' });
    await harness.beat({ memberId: 'a', memberEpoch: -2, instanceId: 'one' });
    await harness.world.runFor(46_000);
    expect(await stateOf(harness)).toBe('Empty');
  });
});

describe('topics', () => {
  it('that grow are noticed at the next heartbeat', async () => {
    const harness = await withTopic(2);
    await harness.enter('a');
    await harness.beat({ memberId: 'a', memberEpoch: 2 });
    harness.createTopics({ orders: 3 });
    const next = await harness.beat({ memberId: 'a', memberEpoch: 2 });
    expect(next.memberEpoch).toBe(3);
    expect(assigned(next)).toEqual([0, 1, 2]);
    harness.deleteTopic('orders');
    expect(await harness.beat({ memberId: 'a', memberEpoch: 3 })).toMatchObject({
      assignment: { topicPartitions: [] },
    });
  });

  it('that match an expression are found, also those that come later', async () => {
    const harness = await GroupHarness.create(atOnce);
    harness.createTopics({ 'logs-eu': 1, 'logs-us': 1, orders: 1 });
    const first = await harness.enter('a', { subscribedTopicRegex: 'logs-(eu|us|asia)' });
    expect(first.memberEpoch).toBe(1);
    await harness.world.runFor(1);
    const second = await harness.beat({ memberId: 'a', memberEpoch: 1 });
    expect(second.assignment?.topicPartitions?.map(({ topicId }) => topicId)).toEqual([
      topicIdOf('logs-eu'),
      topicIdOf('logs-us'),
    ]);
    harness.createTopics({ 'logs-asia': 1 });
    await harness.world.runFor(11_000);
    await harness.beat({ memberId: 'a', memberEpoch: 2 });
    await harness.world.runFor(1);
    expect((await harness.beat({ memberId: 'a', memberEpoch: 2 })).assignment?.topicPartitions).toHaveLength(3);
    const wrong = await harness.enter('b', { subscribedTopicRegex: 'logs-(' });
    expect(wrong.errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
    expect(wrong.errorMessage).toBe(
      'SubscribedTopicRegex `logs-(` is not a valid regular expression: missing closing ).',
    );
  });

  it('that match an expression are not found by a member that may not describe them', async () => {
    const harness = await GroupHarness.create(atOnce);
    harness.mayDescribe = (topic) => topic !== 'logs-us';
    harness.createTopics({ 'logs-eu': 1, 'logs-us': 1 });
    await harness.enter('a', { subscribedTopicRegex: 'logs-.*' });
    await harness.world.runFor(1);
    const found = await harness.beat({ memberId: 'a', memberEpoch: 1 });
    expect(found.assignment?.topicPartitions?.map(({ topicId }) => topicId)).toEqual([topicIdOf('logs-eu')]);
  });
});

describe('offsets', () => {
  it('are taken at the epoch of the member, or since it holds the partition', async () => {
    const harness = await withTopic(1);
    await harness.enter('a');
    await harness.beat({ memberId: 'a', memberEpoch: 2, subscribedTopicNames: ['orders', 'other'] });
    const commit = (generationIdOrMemberEpoch: number, apiVersion = 9): Promise<number> =>
      harness.settle(harness.commit(7, { memberId: 'a', generationIdOrMemberEpoch }, apiVersion));
    expect(await commit(3)).toBe(ErrorCode.NONE);
    expect(await commit(4)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    // The topic of the harness's commits has no id: the member holds no such partition.
    expect(await commit(2)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(await commit(3, 8)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(await harness.settle(harness.commit(7))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});

describe('a coordinator that takes over', () => {
  it('knows members, epochs and who holds what', async () => {
    const harness = await twoMembers();
    await harness.beat({ memberId: 'a', memberEpoch: 2 });
    const before = await harness.settle(harness.coordinator.describeConsumerGroup('group'));
    await harness.failOver();
    expect(await harness.settle(harness.coordinator.describeConsumerGroup('group'))).toEqual(before);
    const released = await harness.beat({ memberId: 'a', memberEpoch: 2, topicPartitions: owned([0, 1]) });
    expect(released.memberEpoch).toBe(3);
    expect(assigned(await harness.beat({ memberId: 'b', memberEpoch: 3 }))).toEqual([2, 3]);
  });

  it('takes back what could not be written', async () => {
    const harness = await twoMembers();
    const before = await harness.settle(harness.coordinator.describeConsumerGroup('group'));
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect((await harness.enter('c')).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect((await harness.beat({ memberId: 'a', memberEpoch: -1 })).errorCode).toBe(
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
    );
    harness.log.appendError = null;
    expect(await harness.settle(harness.coordinator.describeConsumerGroup('group'))).toEqual(before);
    expect(harness.log.records().at(-1)?.name).toBe('ConsumerGroupCurrentMemberAssignment');
  });
});

describe('migration', () => {
  const assignment = (partitions: number[]): Buffer => {
    const assignedPartitions = [{ topic: 'orders', partitions }];
    return Buffer.concat([Buffer.alloc(2), consumerProtocolAssignment.encodeToBuffer(0, { assignedPartitions })]);
  };
  const protocols = [{ name: 'range', metadata: subscription('orders') }];

  async function classicGroup(): Promise<{ harness: GroupHarness; a: string; b: string }> {
    const harness = await withTopic(4);
    const { a, b, generationId } = await harness.stableGroup((index) => assignment([2 * index, 2 * index + 1]));
    expect(generationId).toBe(2);
    return { harness, a, b };
  }

  it('turns a classic group into a consumer group when such a member comes', async () => {
    const { harness, a } = await classicGroup();
    const joined = await harness.enter('new');
    expect(joined.errorCode ?? 0).toBe(0);
    expect(harness.coordinator.listGroups({ statesFilter: [], typesFilter: ['consumer'] }).groups).toHaveLength(1);
    expect(await harness.settle(harness.heartbeat(a, 2))).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const rejoined = await harness.settle(harness.join({ memberId: a, protocols }));
    expect(rejoined).toMatchObject({ memberId: a, protocolName: 'range', generationId: 3 });
    const synced = await harness.settle(harness.sync({ memberId: a, generationId: 3 }));
    expect(synced.errorCode ?? 0).toBe(0);
    expect((synced.assignment ?? Buffer.alloc(0)).length).toBeGreaterThan(6);
    expect(await harness.settle(harness.heartbeat(a, 3))).toBe(ErrorCode.NONE);
  });

  it('turns it back when the last of them goes, and its members rebalance', async () => {
    const { harness, a, b } = await classicGroup();
    await harness.enter('new');
    await harness.beat({ memberId: 'new', memberEpoch: -1 });
    expect(await harness.state()).toBe('PreparingRebalance');
    const both = [harness.join({ memberId: a, protocols }), harness.join({ memberId: b, protocols })];
    const [first] = await harness.settle(Promise.all(both));
    expect(first).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 4 });
    await harness.failOver();
    expect(harness.coordinator.listGroups({ statesFilter: [], typesFilter: ['classic'] }).groups).toHaveLength(1);
  });

  it('is refused by the policy, both ways', async () => {
    const harness = await withTopic(2, { 'group.consumer.migration.policy': 'disabled' });
    await harness.stableGroup();
    const refused = await harness.enter('new');
    expect(refused.errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(refused.errorMessage).toContain('online upgrade is disabled');
    await harness.enter('c', { groupId: 'other' });
    const classic = await harness.settle(harness.join({ groupId: 'other' }));
    expect(classic.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  it('that can not be written leaves the classic group as it was', async () => {
    const { harness, a } = await classicGroup();
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect((await harness.enter('new')).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    harness.log.appendError = null;
    expect(await harness.state()).toBe('Stable');
    expect(await harness.settle(harness.heartbeat(a, 2))).toBe(ErrorCode.NONE);
  });
});
