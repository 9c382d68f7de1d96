import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/messages/embedded-messages.ts';
import { GroupHarness, subscription } from '../coordinators.test-kit.ts';

describe('joining', () => {
  it('a new member gets an id first, and joins with it', async () => {
    const harness = await GroupHarness.create();
    const first = await harness.settle(harness.join());
    expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(first.memberId).toMatch(/^client-[0-9a-f]{8}-[0-9a-f]{4}-4/);
    const joined = await harness.settle(harness.join({ memberId: first.memberId ?? '' }));
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, protocolName: 'range' });
    expect(joined.members).toHaveLength(1);
  });

  it('before version 4 a member joins at once', async () => {
    const harness = await GroupHarness.create();
    const joined = await harness.settle(harness.join({}, 3));
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1 });
  });

  it('a pending member that does not come back is forgotten', async () => {
    const harness = await GroupHarness.create();
    const { memberId = '' } = await harness.settle(harness.join());
    await harness.world.runFor(10_001);
    const late = await harness.settle(harness.join({ memberId }));
    expect(late.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('the first rebalance waits for more members, as long as they come, up to the rebalance timeout', async () => {
    const harness = await GroupHarness.create({ 'group.initial.rebalance.delay.ms': '3000' });
    const a = await harness.joinAsNew({ rebalanceTimeoutMs: 8000 });
    const startMs = harness.world.nowMs;
    await harness.world.runFor(2000);
    const b = await harness.joinAsNew({ rebalanceTimeoutMs: 8000 });
    await harness.world.runFor(2000);
    const c = await harness.joinAsNew({ rebalanceTimeoutMs: 8000 });
    const answers = await harness.settle(Promise.all([a.joined, b.joined, c.joined]));
    expect(answers.map(({ generationId }) => generationId)).toEqual([1, 1, 1]);
    expect(harness.world.nowMs - startMs).toBeGreaterThan(5000);
    expect(harness.world.nowMs - startMs).toBeLessThanOrEqual(8001);
  });

  it('the protocol with the most votes among those all know wins', async () => {
    const harness = await GroupHarness.create({ 'group.initial.rebalance.delay.ms': '100' });
    const metadata = subscription('orders');
    const named = (...names: string[]) => ({ protocols: names.map((name) => ({ name, metadata })) });
    const joins = [
      await harness.joinAsNew(named('roundrobin', 'range')),
      await harness.joinAsNew(named('range', 'roundrobin', 'sticky')),
      await harness.joinAsNew(named('roundrobin', 'sticky', 'range')),
    ];
    const answers = await harness.settle(Promise.all(joins.map(({ joined }) => joined)));
    expect(answers.map(({ protocolName }) => protocolName)).toEqual(['roundrobin', 'roundrobin', 'roundrobin']);
  });

  it('a member without a common protocol is refused', async () => {
    const harness = await GroupHarness.create();
    await harness.stableGroup();
    const protocols = [{ name: 'sticky', metadata: subscription('orders') }];
    const refused = await harness.settle(harness.join({ protocols }));
    expect(refused.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const connect = await harness.settle(harness.join({ protocolType: 'connect' }));
    expect(connect.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  it('bad requests have their errors', async () => {
    const harness = await GroupHarness.create();
    const code = async (request: Parameters<GroupHarness['join']>[0]): Promise<number | undefined> =>
      (await harness.settle(harness.join(request))).errorCode;
    expect(await code({ groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID);
    expect(await code({ sessionTimeoutMs: 1 })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(await code({ sessionTimeoutMs: 2_000_000 })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(await code({ memberId: 'nobody' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await code({ protocols: [] })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  it('no more members than group.max.size are let in', async () => {
    const harness = await GroupHarness.create({ 'group.max.size': '2' });
    await harness.stableGroup();
    const third = await harness.settle(harness.join());
    expect(third.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
  });
});

describe('rebalancing', () => {
  it('assignments reach every member and are in the log', async () => {
    const harness = await GroupHarness.create();
    const first = await harness.joinAsNew();
    const { generationId = -1 } = await harness.settle(first.joined);
    const assignments = [{ memberId: first.memberId, assignment: Buffer.from('mine') }];
    const synced = await harness.settle(harness.sync({ memberId: first.memberId, generationId, assignments }));
    expect(synced).toMatchObject({ errorCode: 0, protocolName: 'range', protocolType: 'consumer' });
    expect(synced.assignment).toEqual(Buffer.from('mine'));
    expect(await harness.state()).toBe('Stable');
    const stored = harness.log.records().at(-1);
    expect(stored).toMatchObject({
      name: 'GroupMetadata',
      valueVersion: 3,
      value: { generation: 1, protocol: 'range' },
    });
  });

  it('is eager: a second member makes the first rejoin', async () => {
    const harness = await GroupHarness.create();
    const { a, b, generationId } = await harness.stableGroup();
    expect(generationId).toBe(2);
    expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.NONE);
    const third = await harness.joinAsNew();
    expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const rejoins = [harness.join({ memberId: a }), harness.join({ memberId: b }), third.joined];
    const answers = await harness.settle(Promise.all(rejoins));
    expect(answers.map((answer) => answer.generationId)).toEqual([3, 3, 3]);
    expect(answers.map((answer) => answer.members?.length)).toEqual([3, 0, 0]);
  });

  it('whoever does not rejoin in time is out, and another leads', async () => {
    const harness = await GroupHarness.create();
    const { a, b } = await harness.stableGroup();
    const rejoined = await harness.settle(
      harness.join({ memberId: b, protocols: [{ name: 'range', metadata: subscription('orders', 'bills') }] }),
    );
    expect(rejoined).toMatchObject({ errorCode: 0, leader: b });
    expect(rejoined.members).toHaveLength(1);
    expect(await harness.settle(harness.heartbeat(a, 3))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.kinds()).toContain('group.memberRemoved');
  });

  it('a leader that never syncs is removed after the rebalance timeout', async () => {
    const harness = await GroupHarness.create();
    const a = await harness.joinAsNew({ rebalanceTimeoutMs: 5000, sessionTimeoutMs: 100_000 });
    await harness.settle(a.joined);
    await harness.world.runFor(5001);
    expect(await harness.state()).toBe('Empty');
    const { generationId = -1 } = await harness.settle((await harness.joinAsNew()).joined);
    expect(generationId).toBe(3);
  });

  it('a leader that joins a stable group makes it rebalance; a follower with nothing new does not', async () => {
    const harness = await GroupHarness.create();
    const { a, b, generationId } = await harness.stableGroup();
    const follower = await harness.settle(harness.join({ memberId: b }));
    expect(follower).toMatchObject({ errorCode: 0, generationId, leader: a });
    expect(await harness.state()).toBe('Stable');
    const again = harness.join({ memberId: a });
    expect(await harness.state()).toBe('PreparingRebalance');
    const answers = await harness.settle(Promise.all([again, harness.join({ memberId: b })]));
    expect(answers[0]).toMatchObject({ generationId: generationId + 1 });
  });

  it('a member without heartbeats is removed when its session is over', async () => {
    const harness = await GroupHarness.create();
    const { a, b, generationId } = await harness.stableGroup();
    await harness.world.runFor(6000);
    expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.NONE);
    await harness.world.runFor(6000);
    expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(await harness.settle(harness.heartbeat(b, generationId))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('members that leave are gone at once; the last one leaves an empty group', async () => {
    const harness = await GroupHarness.create();
    const { a, b } = await harness.stableGroup();
    expect(await harness.leave(b)).toBe(ErrorCode.NONE);
    expect(await harness.state()).toBe('PreparingRebalance');
    expect(await harness.leave(a)).toBe(ErrorCode.NONE);
    expect(await harness.state()).toBe('Empty');
    expect(await harness.leave(a)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.log.records().at(-1)).toMatchObject({
      name: 'GroupMetadata',
      value: { members: [], generation: 3 },
    });
  });

  it('heartbeats and syncs of another generation or member are refused', async () => {
    const harness = await GroupHarness.create();
    const { a, generationId } = await harness.stableGroup();
    expect(await harness.settle(harness.heartbeat(a, generationId - 1))).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await harness.settle(harness.heartbeat('nobody', generationId))).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const sync = async (request: Parameters<GroupHarness['sync']>[0]): Promise<number | undefined> =>
      (await harness.settle(harness.sync(request))).errorCode;
    expect(await sync({ memberId: a, generationId: 1 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await sync({ memberId: 'nobody', generationId })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await sync({ memberId: a, generationId, protocolName: 'sticky' })).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    );
    expect(await sync({ memberId: a, generationId, groupId: 'other' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await sync({ memberId: a, generationId })).toBe(ErrorCode.NONE);
  });

  it('who waits for the assignment when someone joins has to rejoin', async () => {
    const harness = await GroupHarness.create();
    const { a, b } = await harness.stableGroup();
    const [first] = await harness.settle(Promise.all([harness.join({ memberId: a }), harness.join({ memberId: b })]));
    const waiting = harness.sync({ memberId: b, generationId: first.generationId ?? -1 });
    await harness.joinAsNew();
    expect((await harness.settle(waiting)).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });
});

describe('static members', () => {
  const asStatic = { groupInstanceId: 'till-1' };

  it('come back under a new id without a rebalance, and their old id is fenced', async () => {
    const harness = await GroupHarness.create();
    const first = await harness.settle(harness.join(asStatic));
    const memberId = first.memberId ?? '';
    expect(memberId).toMatch(/^till-1-/);
    const assignments = [{ memberId, assignment: Buffer.from('kept') }];
    await harness.settle(harness.sync({ memberId, ...asStatic, assignments }));
    const again = await harness.settle(harness.join(asStatic));
    expect(again).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true, leader: again.memberId });
    expect(again.memberId).not.toBe(memberId);
    expect(await harness.state()).toBe('Stable');
    const synced = await harness.settle(harness.sync({ memberId: again.memberId ?? '', ...asStatic }));
    expect(synced.assignment).toEqual(Buffer.from('kept'));
    expect(await harness.settle(harness.heartbeat(memberId, 1, 'till-1'))).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(await harness.commit(5, { memberId, generationIdOrMemberEpoch: 1, ...asStatic })).toBe(
      ErrorCode.FENCED_INSTANCE_ID,
    );
  });

  it('before version 9 a returning leader hears its old id, so that it does not assign anew', async () => {
    const harness = await GroupHarness.create();
    const first = await harness.settle(harness.join(asStatic, 5));
    const memberId = first.memberId ?? '';
    await harness.settle(harness.sync({ memberId, ...asStatic }));
    const again = await harness.settle(harness.join(asStatic, 5));
    expect(again).toMatchObject({ leader: memberId, members: [], skipAssignment: false });
  });

  it('keep their place while they are away, until their session is over', async () => {
    const harness = await GroupHarness.create();
    const first = await harness.settle(harness.join({ ...asStatic, sessionTimeoutMs: 30_000 }));
    await harness.settle(harness.sync({ memberId: first.memberId ?? '', ...asStatic }));
    await harness.world.runFor(20_000);
    expect(await harness.state()).toBe('Stable');
    await harness.world.runFor(20_000);
    expect(await harness.state()).toBe('Empty');
  });

  it('can be removed by instance id alone', async () => {
    const harness = await GroupHarness.create();
    const first = await harness.settle(harness.join(asStatic));
    await harness.settle(harness.sync({ memberId: first.memberId ?? '', ...asStatic }));
    expect(await harness.leave('', 'till-2')).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await harness.leave('', 'till-1')).toBe(ErrorCode.NONE);
    expect(await harness.state()).toBe('Empty');
  });

  it('a duplicate instance fences the one that waits to join', async () => {
    const harness = await GroupHarness.create({ 'group.initial.rebalance.delay.ms': '1000' });
    const first = harness.join(asStatic);
    const second = harness.join(asStatic);
    expect((await harness.settle(first)).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect((await harness.settle(second)).errorCode).toBe(ErrorCode.NONE);
  });
});

describe('the journal', () => {
  it('tells each rebalance with its reason, and who was removed why', async () => {
    const harness = await GroupHarness.create();
    const { b } = await harness.stableGroup();
    await harness.leave(b);
    const events = harness.events.filter(({ kind }) => kind.startsWith('group.'));
    expect(events.map(({ kind }) => kind)).toEqual([
      'group.memberJoined',
      'group.rebalancing',
      'group.memberJoined',
      'group.rebalancing',
      'group.stable',
      'group.memberRemoved',
      'group.rebalancing',
    ]);
    expect(events[4]).toMatchObject({ members: 2, generation: 2, protocol: 'range' });
    expect(events[5]).toMatchObject({ memberId: b, reason: 'left the group: not provided' });
  });

  it('tells what each member holds: assigned at SyncGroup, kept or given up at its next JoinGroup', async () => {
    const harness = await GroupHarness.create();
    const { a, b } = await harness.stableGroup((index) => assignmentOf('orders', index === 0 ? [0, 1] : [2]));
    void harness.join({ memberId: a, protocols: [{ name: 'range', metadata: owning('orders', [1]) }] });
    void harness.join({ memberId: b, protocols: [{ name: 'range', metadata: subscription('orders') }] });
    await harness.world.runFor(10);
    const told = harness.events.flatMap((event) => (event.kind === 'group.memberHolds' ? [event] : []));
    expect(told.map(({ memberId, told: how, partitions }) => [memberId, how, partitions])).toEqual([
      [a, 'assigned', [{ topic: 'orders', partitions: [0, 1] }]],
      [b, 'assigned', [{ topic: 'orders', partitions: [2] }]],
      [a, 'rejoined', [{ topic: 'orders', partitions: [1] }]],
      [b, 'rejoined', []],
    ]);
  });

  it('says that a group is empty, so that nobody waits for the end of its last rebalance', async () => {
    const harness = await GroupHarness.create();
    const { a, b } = await harness.stableGroup();
    await harness.leave(a);
    await harness.leave(b);
    expect(
      harness
        .kinds()
        .filter((kind) => kind.startsWith('group.'))
        .at(-1),
    ).toBe('group.empty');
  });
});

function assignmentOf(topic: string, partitions: readonly number[]): Buffer {
  const assignedPartitions = [{ topic, partitions: [...partitions] }];
  return Buffer.concat([Buffer.alloc(2), consumerProtocolAssignment.encodeToBuffer(0, { assignedPartitions })]);
}

/** A subscription of version 1, which says what the member keeps (KIP-429). */
function owning(topic: string, partitions: readonly number[]): Buffer {
  const ownedPartitions = [{ topic, partitions: [...partitions] }];
  const body = consumerProtocolSubscription.encodeToBuffer(1, { topics: [topic], ownedPartitions });
  return Buffer.concat([Buffer.from([0, 1]), body]);
}
