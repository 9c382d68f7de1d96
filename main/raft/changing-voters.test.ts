// KIP-853 in a simulated world: voters are added, removed, replaced and updated while the quorum works; what is
// refused, in Kafka's words; and seeds of trouble all the while.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { addRaftVoterApi, type AddRaftVoterResponse } from '../protocol/messages/add-raft-voter.ts';
import { removeRaftVoterApi } from '../protocol/messages/remove-raft-voter.ts';
import { updateRaftVoterApi } from '../protocol/messages/update-raft-voter.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { RaftGroup, type GroupOptions, type Member } from './raft-group.test-kit.ts';

const seedCount = Number(process.env['RAFT_SEEDS'] ?? 12);
const firstSeed = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

type Answer = Writable<AddRaftVoterResponse>;

function request<Q, P>(api: Api<Q, P>, body: Writable<Q>): Q {
  const version = api.versions.max;
  return api.request.decodeFrom(api.request.encodeToBuffer(version, body), version);
}

function dynamicGroup(options: Partial<GroupOptions> & { readonly seed: number | string }): RaftGroup {
  return new RaftGroup({ voterCount: 3, observerCount: 1, delayMaxMs: 2, dynamic: {}, ...options });
}

async function settled(options: Parameters<typeof dynamicGroup>[0]): Promise<{ group: RaftGroup; leader: Member }> {
  const group = dynamicGroup(options);
  group.startAll();
  await group.appendAndCommit('a');
  await group.converge();
  return { group, leader: await group.waitForLeader() };
}

const listenersOf = (id: number, name = 'CONTROLLER') => [{ name, host: `node-${id}`, port: 9093 }];

function add(group: RaftGroup, to: Member, voterId: number, more: object = {}): Answer | Promise<Answer> {
  const voter = { voterId, voterDirectoryId: group.directoryIdOf(voterId), listeners: listenersOf(voterId) };
  return to.node.requests.addRaftVoter(request(addRaftVoterApi, { clusterId: 'test-cluster', ...voter, ...more }));
}

function remove(group: RaftGroup, to: Member, voterId: number, more: object = {}): Answer | Promise<Answer> {
  const voter = { voterId, voterDirectoryId: group.directoryIdOf(voterId) };
  return to.node.requests.removeRaftVoter(
    request(removeRaftVoterApi, { clusterId: 'test-cluster', ...voter, ...more }),
  );
}

/** The world goes on until the answer is there. */
async function answered(group: RaftGroup, answer: Answer | Promise<Answer>): Promise<Answer> {
  let result: Answer | null = null;
  void Promise.resolve(answer).then((value) => (result = value));
  await group.world.runUntil(() => result !== null, 30_000);
  return result ?? {};
}

const votersOf = (member: Member) => member.node.voters.map(({ id }) => Number(id));
const done = { errorCode: ErrorCode.NONE };

describe('a quorum at kraft.version 1', () => {
  it('starts with the voters of its bootstrap checkpoints, which the first leader writes into the log', async () => {
    const { group } = await settled({ seed: 1 });
    for (const member of group.members.values()) {
      expect(member.node.kraftVersion).toBe(1);
      expect(votersOf(member)).toEqual([1, 2, 3]);
    }
    expect(group.member(4).node.report().role).toBe('observer');
  });

  it('adds a voter that has caught up; from then on it counts', async () => {
    const { group, leader } = await settled({ seed: 2 });
    expect(await answered(group, add(group, leader, 4))).toMatchObject(done);
    await group.appendAndCommit('b');
    await group.converge();
    for (const member of group.members.values()) expect(votersOf(member)).toEqual([1, 2, 3, 4]);
    // Of four voters three are needed: with two gone nothing is committed, with one gone it is.
    const others = group.nodeIds.filter((id) => id !== leader.node.nodeId);
    group.kill(others[0] ?? 0);
    await group.appendAndCommit('c');
    group.kill(others[1] ?? 0);
    const offset = group.append(await group.waitForLeader(), 'd');
    await group.world.runFor(1000);
    for (const { witness } of group.members.values()) expect(witness.nextOffset).toBeLessThanOrEqual(offset);
  });

  it('removes a follower, which may be gone for good', async () => {
    const { group, leader } = await settled({ seed: 3 });
    const [first = 0, second = 0] = [1, 2, 3].filter((id) => id !== leader.node.nodeId);
    group.kill(first);
    expect(await answered(group, remove(group, leader, first))).toMatchObject(done);
    await group.appendAndCommit('b');
    await group.converge();
    expect(votersOf(leader)).not.toContain(first);
    group.kill(second);
    const offset = group.append(leader, 'c');
    await group.world.runFor(1000);
    expect(leader.witness.nextOffset).toBeLessThanOrEqual(offset);
  });

  it('removes its leader, which leads until that is committed and then resigns for another', async () => {
    const { group, leader } = await settled({ seed: 4 });
    const { nodeId } = leader.node;
    expect(await answered(group, remove(group, leader, nodeId))).toMatchObject(done);
    expect(leader.node.isLeader).toBe(false);
    await group.appendAndCommit('b');
    await group.converge();
    expect(group.leader?.node.nodeId).not.toBe(nodeId);
    expect(leader.node.report().role).toBe('observer');
    expect([...leader.witness.records.values()]).toEqual(['a', 'b']);
  });

  it('goes down to one voter and up again', async () => {
    const { group } = await settled({ seed: 5 });
    for (const id of [1, 2]) {
      const leader = await group.waitForLeader();
      expect(await answered(group, remove(group, leader, id))).toMatchObject(done);
    }
    const last = await group.waitForLeader();
    expect(votersOf(last)).toEqual([3]);
    expect(await answered(group, remove(group, last, 3))).toMatchObject({ errorCode: ErrorCode.VOTER_NOT_FOUND });
    await group.converge();
    expect(await answered(group, add(group, last, 1))).toMatchObject(done);
    await group.appendAndCommit('b');
    await group.converge();
    for (const member of group.members.values()) expect(votersOf(member)).toEqual([1, 3]);
  });

  it('keeps its voters over restarts, in the log and in snapshots', async () => {
    const { group, leader } = await settled({ seed: 6 });
    expect(await answered(group, add(group, leader, 4))).toMatchObject(done);
    await group.converge();
    for (const { node, witness } of group.members.values()) {
      const id = { offset: witness.nextOffset, epoch: witness.lastEpoch };
      node.createSnapshot(id, 1, witness.snapshotRecords());
    }
    for (const id of group.nodeIds) group.crash(id);
    group.startAll();
    await group.appendAndCommit('b');
    await group.converge();
    for (const member of group.members.values()) expect(votersOf(member)).toEqual([1, 2, 3, 4]);
  });

  it('takes a node with a new disk for another replica: it votes again once the old one is removed', async () => {
    const { group, leader } = await settled({ seed: 7 });
    const lost = leader.node.nodeId === 1 ? 2 : 1;
    const oldDirectoryId = group.directoryIdOf(lost);
    group.crash(lost);
    group.replaceDisk(lost);
    group.start(lost);
    await group.appendAndCommit('b');
    await group.converge();
    expect(group.member(lost).node.report().role).toBe('observer');
    const taken = await answered(group, add(group, leader, lost));
    expect(taken.errorCode).toBe(ErrorCode.DUPLICATE_VOTER);
    expect(await answered(group, remove(group, leader, lost))).toMatchObject({ errorCode: ErrorCode.VOTER_NOT_FOUND });
    const old = { voterDirectoryId: oldDirectoryId };
    expect(await answered(group, remove(group, leader, lost, old))).toMatchObject(done);
    expect(await answered(group, add(group, leader, lost))).toMatchObject(done);
    await group.converge();
    expect(group.member(lost).node.report().role).toBe('follower');
  });
});

describe('nodes that join by themselves', () => {
  it('become voters once they have caught up', async () => {
    const { group } = await settled({ seed: 8, dynamic: { autoJoins: true } });
    await group.world.runUntil(() => votersOf(group.member(4)).length === 4, 30_000);
    await group.converge();
    for (const member of group.members.values()) expect(votersOf(member)).toEqual([1, 2, 3, 4]);
  });

  it('replace the voter that they were on a disk that is gone', async () => {
    const { group, leader } = await settled({ seed: 9, observerCount: 0, dynamic: { autoJoins: true } });
    const lost = leader.node.nodeId === 3 ? 2 : 3;
    group.crash(lost);
    group.replaceDisk(lost);
    group.start(lost);
    const isBack = () => leader.node.voters.some((voter) => voter.directoryId === group.directoryIdOf(lost));
    await group.world.runUntil(isBack, 30_000);
    await group.converge();
    expect(votersOf(leader)).toEqual([1, 2, 3]);
    expect(group.member(lost).node.report().role).toBe('follower');
  });
});

describe('a change of voters is refused', () => {
  it('by who does not lead, for another cluster, and without a directory or the right listener', async () => {
    const { group, leader } = await settled({ seed: 10 });
    const follower = group.member(leader.node.nodeId === 1 ? 2 : 1);
    expect(add(group, follower, 4)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    expect(remove(group, follower, 1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    expect(add(group, leader, 4, { clusterId: 'other' })).toEqual({
      errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID,
      errorMessage: 'The given id "other" doesn\'t match the cluster id "test-cluster"',
    });
    const noDirectory = { voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA' };
    expect(add(group, leader, 4, noDirectory)).toEqual({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: "Add voter request didn't include a valid voter",
    });
    expect(remove(group, leader, 1, noDirectory)).toEqual({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: "Remove voter request didn't include a valid voter",
    });
    expect(add(group, leader, 4, { listeners: listenersOf(4, 'OTHER') })).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
    });
  });

  it('when the id votes already, or nobody of that name does', async () => {
    const { group, leader } = await settled({ seed: 11 });
    const key = (id: number) => `ReplicaKey(id=${id}, directoryId=${group.directoryIdOf(id)})`;
    const keys = `[${[1, 2, 3].map(key).join(', ')}]`;
    expect(add(group, leader, 2)).toEqual({
      errorCode: ErrorCode.DUPLICATE_VOTER,
      errorMessage: `The voter id for ${key(2)} is already part of the set of voters ${keys}.`,
    });
    expect(remove(group, leader, 4)).toEqual({
      errorCode: ErrorCode.VOTER_NOT_FOUND,
      errorMessage: `Cannot remove voter ${key(4)} from the set of voters ${keys}`,
    });
  });

  it('while another one is under way', async () => {
    const { group, leader } = await settled({ seed: 12 });
    const first = add(group, leader, 4);
    for (const second of [add(group, leader, 4), remove(group, leader, 1)]) {
      expect(second).toEqual({
        errorCode: ErrorCode.REQUEST_TIMED_OUT,
        errorMessage: 'Request timed out waiting for leader to handle previous voter change request',
      });
    }
    expect(await answered(group, first)).toMatchObject(done);
  });

  it('when the new voter has never fetched, or is not there', async () => {
    const { group, leader } = await settled({ seed: 13 });
    const stranger = { voterDirectoryId: 'mBqxs8cdQJCZ9Yk5Gq6f2w' };
    const behind = await answered(group, add(group, leader, 4, stranger));
    expect(behind.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    expect(behind.errorMessage).toContain('since it is lagging behind');
    group.kill(4);
    const gone = await answered(group, add(group, leader, 4));
    expect(gone.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    expect(gone.errorMessage).toContain('API_VERSIONS returned an error');
    expect(votersOf(leader)).toEqual([1, 2, 3]);
  });

  it('when it is not committed in time; it may be later', async () => {
    const { group, leader } = await settled({ seed: 14 });
    const others = [1, 2, 3].filter((id) => id !== leader.node.nodeId);
    for (const id of others) group.kill(id);
    const answer = await answered(group, remove(group, leader, others[0] ?? 0));
    expect([ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_LEADER_OR_FOLLOWER]).toContain(answer.errorCode);
    for (const id of others) group.start(id);
    await group.appendAndCommit('b');
    await group.converge();
  });
});

describe('UpdateRaftVoter', () => {
  it('changes what the log says of the voter, and nothing for who is none', async () => {
    const { group, leader } = await settled({ seed: 15 });
    const id = leader.node.nodeId === 1 ? 2 : 1;
    const update = (voterId: number, directoryId: string) =>
      leader.node.requests.updateRaftVoter(
        request(updateRaftVoterApi, {
          clusterId: 'test-cluster',
          currentLeaderEpoch: leader.node.report().epoch,
          voterId,
          voterDirectoryId: directoryId,
          listeners: [{ name: 'CONTROLLER', host: `node-${voterId}`, port: 9099 }],
          kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
        }),
      );
    expect(update(id, 'mBqxs8cdQJCZ9Yk5Gq6f2w')).toMatchObject({ errorCode: ErrorCode.VOTER_NOT_FOUND });
    expect(update(id, group.directoryIdOf(id))).toMatchObject({ errorCode: ErrorCode.NONE });
    await group.converge();
    const follower = group.member([1, 2, 3].find((each) => each !== id && each !== leader.node.nodeId) ?? 0);
    expect(follower.node.voters.find((voter) => Number(voter.id) === id)?.port).toBe(9099);
    // The voter itself sees that this is wrong, and says so after a while.
    const isMended = () => follower.node.voters.find((voter) => Number(voter.id) === id)?.port === 9093;
    await group.world.runUntil(isMended, 30_000);
  });
});

/** Random additions and removals under loss, cuts, crashes and new disks. */
async function trouble(seed: number, autoJoins: boolean): Promise<RaftGroup> {
  const group = dynamicGroup({ seed: `voters-${seed}`, observerCount: 2, dynamic: { autoJoins } });
  const { random } = group.world;
  group.startAll();
  let appended = 0;
  for (let round = 0; round < 25; round++) {
    group.lossRate = random.below(3) === 0 ? random.next() * 0.2 : 0;
    group.delayMaxMs = random.below(4) === 0 ? 50 + random.below(200) : 1 + random.below(20);
    for (const id of group.nodeIds) act(group, id);
    for (let step = 0; step < 1 + random.below(6); step++) {
      await group.world.runFor(random.below(800));
      for (const member of group.members.values()) {
        if (member.node.isLeader) {
          group.append(member, `${seed}-${appended++}`);
          const id = 1 + random.below(group.nodeIds.length);
          const key = member.node.voters.find((voter) => Number(voter.id) === id);
          // Nobody waits for the answers: whether a change was made shows in the log.
          if (key === undefined) void add(group, member, id, { ackWhenCommitted: random.below(2) === 0 });
          else if (member.node.voters.length > 2) {
            void remove(group, member, id, { voterDirectoryId: key.directoryId });
          }
        }
        if (random.below(12) === 0) snapshot(member);
      }
    }
  }
  group.lossRate = 0;
  group.delayMaxMs = 5;
  group.heal();
  for (const id of group.nodeIds) if (!group.members.has(id)) group.start(id);
  await group.converge();
  await group.appendAndCommit('last');
  await group.converge();
  return group;
}

function act(group: RaftGroup, id: number): void {
  const { random } = group.world;
  const isRunning = group.members.has(id);
  switch (random.below(10)) {
    case 0:
      if (isRunning) group.crash(id, random.below(2) === 0);
      return;
    case 1:
      group.isolate(id);
      return;
    case 2:
      for (const other of group.nodeIds) if (random.below(2) === 0) group.cut(id, other);
      return;
    case 3:
      group.heal();
      return;
    default:
      if (!isRunning) group.start(id);
  }
}

function snapshot({ node, witness }: Member): void {
  if (witness.nextOffset === 0) return;
  node.createSnapshot({ offset: witness.nextOffset, epoch: witness.lastEpoch }, 1, witness.snapshotRecords());
}

describe('committed records survive changes of voters in trouble', () => {
  const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);

  it.each(seeds)('added and removed, seed %i', async (seed) => {
    const group = await trouble(seed, false);
    // And none of it keeps the next change from being made, once what was under way has ended or timed out.
    await group.world.runFor(group.config.requestTimeoutMs);
    const leader = await group.waitForLeader();
    const change = votersOf(leader).includes(5) ? remove(group, leader, 5) : add(group, leader, 5);
    expect(await answered(group, change)).toEqual({ ...done, errorMessage: null });
    await group.appendAndCommit('after the change');
    await group.converge();
    const [first, ...others] = [...group.members.values()].map((member) => votersOf(member));
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(seeds)('joining by themselves, seed %i', async (seed) => {
    const group = await trouble(seed, true);
    await group.world.runUntil(() => [...group.members.values()].every((each) => votersOf(each).length === 5), 60_000);
    await group.converge();
  });
});
