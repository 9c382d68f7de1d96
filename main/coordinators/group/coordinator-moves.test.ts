import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { GroupHarness } from '../coordinators.test-kit.ts';

describe('when the coordinator moves', () => {
  it('members, assignments and offsets are kept', async () => {
    const harness = await GroupHarness.create();
    const { a, b, generationId } = await harness.stableGroup();
    await harness.settle(harness.commit(7, { memberId: a, generationIdOrMemberEpoch: generationId }));
    await harness.failOver();
    expect(await harness.state()).toBe('Stable');
    expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.NONE);
    const synced = await harness.settle(harness.sync({ memberId: b, generationId }));
    expect(synced.assignment).toEqual(Buffer.from('for b'));
    expect(await harness.committedOffset()).toBe(7);
    expect(harness.kinds()).toContain('coordinator.loaded');
  });

  it('members that do not find the new one are let go after a session', async () => {
    const harness = await GroupHarness.create();
    await harness.stableGroup();
    await harness.failOver();
    await harness.world.runFor(30_000);
    expect(await harness.state()).toBe('Empty');
  });

  it('whoever waits is sent away, and nobody is served until the log is read', async () => {
    const harness = await GroupHarness.create({ 'group.initial.rebalance.delay.ms': '3000' });
    const { joined } = await harness.joinAsNew();
    harness.log.commitsAtOnce = false;
    const commit = harness.commit(1, { groupId: 'other' });
    await harness.world.runFor(1);
    harness.resign();
    expect((await harness.settle(joined)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await harness.settle(commit)).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await harness.settle(harness.commit(2))).toBe(ErrorCode.NOT_COORDINATOR);
    harness.elect();
    expect((await harness.fetch()).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(await harness.heartbeat('anyone', 1)).toBe(ErrorCode.NONE);
  });

  it('an acknowledged commit never regresses, though the new high watermark trails', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(5));
    await harness.settle(harness.commit(7));
    // The new leader has both records; it only hasn't heard yet that the second is committed.
    harness.log.highWatermark = 1;
    harness.log.commitsAtOnce = false;
    await harness.failOver();
    let shown: number | undefined;
    void harness.fetch().then(({ topics }) => {
      shown = topics[0]?.partitions[0]?.committedOffset;
    });
    await harness.world.runFor(100);
    expect(shown).toBeUndefined();
    harness.log.commit();
    await harness.world.runFor(1);
    expect(shown).toBe(7);
  });

  it('a read that waits too long for the high watermark is sent to look again', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(5));
    harness.log.highWatermark = 0;
    harness.log.commitsAtOnce = false;
    await harness.failOver();
    expect((await harness.settle(harness.fetch())).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('an unacknowledged commit that the new leader lacks is gone', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(5));
    harness.log.commitsAtOnce = false;
    const lost = harness.commit(9);
    await harness.world.runFor(1);
    harness.resign(1);
    harness.log.commitsAtOnce = true;
    harness.elect();
    await harness.world.runFor(1);
    expect(await harness.settle(lost)).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await harness.committedOffset()).toBe(5);
    expect(await harness.settle(harness.commit(6))).toBe(ErrorCode.NONE);
  });

  it('a coordinator in doubt whether it still leads shows offsets only with the replicas behind it', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(5));
    harness.isLeadershipCertain = false;
    expect(await harness.committedOffset()).toBe(5);
    expect(harness.log.records().at(-1)).toMatchObject({ key: { topic: '' }, value: null });
    // Nobody follows it any more.
    harness.log.commitsAtOnce = false;
    expect((await harness.settle(harness.fetch())).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await harness.settle(harness.fetch(true))).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    harness.isLeadershipCertain = true;
    expect(await harness.committedOffset()).toBe(5);
    harness.log.commitsAtOnce = true;
    harness.log.commit();
    await harness.failOver();
    expect(await harness.committedOffset()).toBe(5);
  });

  it('staying leader in a later epoch keeps everything', async () => {
    const harness = await GroupHarness.create();
    const { a, generationId } = await harness.stableGroup();
    harness.elect();
    expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.NONE);
    expect(await harness.settle(harness.commit(1, { memberId: a, generationIdOrMemberEpoch: generationId }))).toBe(0);
  });

  it('a big partition is read in chunks', async () => {
    const harness = await GroupHarness.create({ 'offsets.load.buffer.size': '200' });
    for (let offset = 0; offset < 50; offset++) await harness.settle(harness.commit(offset));
    await harness.failOver();
    await harness.world.runFor(100);
    expect(await harness.committedOffset()).toBe(49);
  });

  it('bytes that do not hold together fail the load and are reported', async () => {
    const harness = new GroupHarness();
    harness.elect();
    await harness.world.runFor(1);
    await harness.settle(harness.commit(1));
    harness.log.batches[0]?.fill(0xff, 61);
    await harness.failOver();
    expect(harness.loadErrors).toHaveLength(1);
    expect(await harness.settle(harness.commit(2))).toBe(ErrorCode.NOT_COORDINATOR);
  });
});

describe('when the log refuses', () => {
  it('a new group is taken back', async () => {
    const harness = await GroupHarness.create({ 'group.initial.rebalance.delay.ms': '3000' });
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    const refused = await harness.settle(harness.join({ groupInstanceId: 'till-1' }));
    expect(refused.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await harness.state()).toBe('Dead');
  });

  it('assignments that can not be stored make everyone rejoin', async () => {
    const harness = await GroupHarness.create();
    const { memberId, joined } = await harness.joinAsNew();
    await harness.settle(joined);
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    const synced = await harness.settle(harness.sync({ memberId }));
    expect(synced.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await harness.state()).toBe('PreparingRebalance');
  });

  it('a static member keeps its old id', async () => {
    const harness = await GroupHarness.create();
    const { memberId = '' } = await harness.settle(harness.join({ groupInstanceId: 'till-1' }));
    await harness.settle(harness.sync({ memberId, groupInstanceId: 'till-1' }));
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    const again = await harness.settle(harness.join({ groupInstanceId: 'till-1' }));
    expect(again.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await harness.settle(harness.heartbeat(memberId, 1, 'till-1'))).toBe(ErrorCode.NONE);
  });
});

describe('administration', () => {
  it('lists by state and type, describes, and deletes only empty groups', async () => {
    const harness = await GroupHarness.create();
    const { a, b } = await harness.stableGroup();
    await harness.settle(harness.commit(1, { groupId: 'simple' }));
    const list = (statesFilter: string[], typesFilter: string[] = []) =>
      (harness.coordinator.listGroups({ statesFilter, typesFilter }).groups ?? []).map(({ groupId }) => groupId);
    expect(list([])).toEqual(['group', 'simple']);
    expect(list(['stable'])).toEqual(['group']);
    expect(list(['Empty', 'Dead'], ['Classic'])).toEqual(['simple']);
    expect(list([], ['consumer'])).toEqual([]);
    const described = await harness.settle(harness.coordinator.describeGroup('group', 5));
    expect(described).toMatchObject({ groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' });
    expect(described.members?.map(({ memberId }) => memberId)).toEqual([a, b]);
    const missing = await harness.settle(harness.coordinator.describeGroup('none', 6));
    expect(missing).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: 'Group none not found.' });
    const deleted = await harness.settle(harness.coordinator.deleteGroups(['group', 'simple', 'none']));
    expect(deleted.results).toEqual([
      { groupId: 'group', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'simple', errorCode: ErrorCode.NONE },
      { groupId: 'none', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ]);
    await harness.failOver();
    expect(list([])).toEqual(['group']);
  });

  it('reports changed groups once, and those that are gone', async () => {
    const harness = await GroupHarness.create();
    await harness.settle(harness.commit(7));
    const { changed } = harness.coordinator.takeReports();
    expect(changed).toMatchObject([{ groupId: 'group', state: 'Empty', offsets: [{ committedOffset: 7 }] }]);
    expect(harness.coordinator.takeReports()).toEqual({ changed: [], removed: [] });
    harness.resign();
    expect(harness.coordinator.takeReports()).toEqual({ changed: [], removed: ['group'] });
  });
});
