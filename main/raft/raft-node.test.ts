// RaftNodes in a simulated world: elections, replication, restarts, snapshots.

import { describe, expect, it } from 'vitest';
import { NodeStopped } from '../runtime/simulated/node-life.ts';
import { BatchTooLargeError, NotLeaderError } from './contract.ts';
import { snapshotFooterBatch, snapshotHeaderBatch } from './control-batches.ts';
import { parseElection } from './election-state-file.ts';
import { RaftGroup } from './raft-group.test-kit.ts';

describe('a quorum of one', () => {
  it('elects itself at once and commits what it has synced', async () => {
    const group = new RaftGroup({ seed: 1, voterCount: 1 });
    group.startAll();
    const leader = await group.waitForLeader(100);
    const offset = group.append(leader, 'a', 'b');
    expect(offset).toBe(2);
    await group.world.runUntil(() => leader.witness.nextOffset === 3, 100);
    expect([...leader.witness.records.values()]).toEqual(['a', 'b']);
  });

  it('takes the next epochs after a restart and keeps everything', async () => {
    const group = new RaftGroup({ seed: 2, voterCount: 1 });
    group.startAll();
    await group.appendAndCommit('a');
    const { epoch } = group.member(1).node.report();
    group.crash(1);
    group.start(1);
    await group.appendAndCommit('b');
    expect(group.member(1).node.report().epoch).toBeGreaterThan(epoch);
    await group.converge();
    expect([...group.member(1).witness.records.values()]).toEqual(['a', 'b']);
  });
});

describe('a quorum of three', () => {
  it('elects one leader, whom the others follow', async () => {
    const group = new RaftGroup({ seed: 3, voterCount: 3 });
    group.startAll();
    const leader = await group.waitForLeader();
    expect(leader.node.report().role).toBe('leader');
    expect([...group.members.values()].filter(({ node }) => node.report().role === 'follower')).toHaveLength(2);
  });

  it('commits an append within a few message delays', async () => {
    const group = new RaftGroup({ seed: 4, voterCount: 3, delayMaxMs: 1 });
    group.startAll();
    await group.appendAndCommit('warm');
    await group.converge();
    const startMs = group.world.nowMs;
    await group.appendAndCommit('quick');
    expect(group.world.nowMs - startMs).toBeLessThan(6);
    await group.converge();
    expect(group.world.nowMs - startMs).toBeLessThan(12);
  });

  it('sends little while nothing happens', async () => {
    const group = new RaftGroup({ seed: 5, voterCount: 3, delayMaxMs: 1 });
    group.startAll();
    await group.appendAndCommit('a');
    await group.converge();
    const before = group.sentCount;
    const events = group.world.eventCount;
    await group.world.runFor(10_000);
    // Two followers, a long poll of 500 ms each.
    expect(group.sentCount - before).toBeLessThanOrEqual(42);
    expect(group.world.eventCount - events).toBeLessThan(600);
  });

  it('replaces a leader that died, and loses nothing', async () => {
    const group = new RaftGroup({ seed: 6, voterCount: 3 });
    group.startAll();
    await group.appendAndCommit('a');
    const first = (await group.waitForLeader()).node.nodeId;
    group.crash(first);
    await group.appendAndCommit('b');
    const second = (await group.waitForLeader()).node.nodeId;
    expect(second).not.toBe(first);
    group.start(first);
    await group.converge();
    for (const { witness } of group.members.values()) expect([...witness.records.values()]).toEqual(['a', 'b']);
  });

  it('refuses appends at a node that does not lead, and at a stale epoch', async () => {
    const group = new RaftGroup({ seed: 7, voterCount: 3 });
    group.startAll();
    const leader = await group.waitForLeader();
    const { epoch } = leader.node.leaderAndEpoch();
    const follower = [...group.members.values()].find(({ node }) => !node.isLeader);
    expect(() => follower?.node.append(epoch, ['x'])).toThrow(NotLeaderError);
    group.isolate(leader.node.nodeId);
    await group.world.runFor(10_000);
    expect(() => leader.node.append(epoch, ['x'])).toThrow(NotLeaderError);
  });

  it('a cut-off leader resigns, and what only it had written is dropped', async () => {
    const group = new RaftGroup({ seed: 8, voterCount: 3 });
    group.startAll();
    await group.appendAndCommit('a');
    const old = await group.waitForLeader();
    group.isolate(old.node.nodeId);
    group.append(old, 'never committed');
    await group.world.runUntil(() => group.leader !== null && group.leader !== old, 20_000);
    const leader = group.leader ?? old;
    group.append(leader, 'b');
    await group.world.runFor(1000);
    expect(old.node.isLeader).toBe(false);
    group.heal();
    await group.converge();
    for (const { witness } of group.members.values()) expect([...witness.records.values()]).toEqual(['a', 'b']);
  });

  it('a node that was cut off and comes back does not disturb the leader', async () => {
    const group = new RaftGroup({ seed: 9, voterCount: 3 });
    group.startAll();
    await group.appendAndCommit('a');
    const leader = await group.waitForLeader();
    const { epoch } = leader.node.report();
    const follower = group.nodeIds.find((id) => id !== leader.node.nodeId) ?? 0;
    group.isolate(follower);
    await group.world.runFor(30_000);
    expect(group.member(follower).node.report().epoch).toBe(epoch);
    group.heal();
    await group.converge();
    expect(leader.node.report()).toMatchObject({ role: 'leader', epoch });
  });

  it('an orderly shutdown hands leadership on within a few messages', async () => {
    const group = new RaftGroup({ seed: 10, voterCount: 3, delayMaxMs: 1 });
    group.startAll();
    await group.appendAndCommit('a');
    const leader = await group.waitForLeader();
    const startMs = group.world.nowMs;
    await group.world.settle(leader.node.shutdown(5000));
    expect(leader.witness.isShutDown).toBe(true);
    group.kill(leader.node.nodeId);
    await group.waitForLeader();
    expect(group.world.nowMs - startMs).toBeLessThan(100);
  });

  it('followers find a leader again that resigned on request', async () => {
    const group = new RaftGroup({ seed: 11, voterCount: 3, delayMaxMs: 1 });
    group.startAll();
    const leader = await group.waitForLeader();
    const { epoch } = leader.node.leaderAndEpoch();
    leader.node.resign(epoch, 'a test');
    const startMs = group.world.nowMs;
    const next = await group.waitForLeader();
    expect(next.node.report().epoch).toBe(epoch + 1);
    expect(group.world.nowMs - startMs).toBeLessThan(200);
  });

  it('the new leader takes office only after its listener has seen all earlier batches', async () => {
    const group = new RaftGroup({ seed: 12, voterCount: 3 });
    group.startAll();
    for (let index = 0; index < 20; index++) await group.appendAndCommit(`r${index}`);
    const old = await group.waitForLeader();
    group.crash(old.node.nodeId);
    const leader = await group.waitForLeader();
    expect(leader.witness.leaderKnewUpTo).toBeGreaterThanOrEqual(21);
  });
});

describe('observers', () => {
  it('follow without voting and survive a change of leader', async () => {
    const group = new RaftGroup({ seed: 13, voterCount: 3, observerCount: 2 });
    group.startAll();
    await group.appendAndCommit('a');
    await group.converge();
    expect(group.member(4).node.report().role).toBe('observer');
    group.crash((await group.waitForLeader()).node.nodeId);
    await group.appendAndCommit('b');
    await group.converge();
    expect([...group.member(5).witness.records.values()]).toEqual(['a', 'b']);
  });
});

describe('snapshots', () => {
  const config = { fetchSnapshotBytesMax: 100, retentionBytes: 1000 };

  it('stand for the log that was let go: a new follower fetches them piece by piece', async () => {
    const group = new RaftGroup({ seed: 14, voterCount: 3, observerCount: 1, config });
    for (const id of [1, 2, 3]) group.start(id);
    for (let index = 0; index < 30; index++) {
      await group.appendAndCommit(`record number ${index}`);
      if (index % 10 !== 9) continue;
      await group.converge();
      for (const { node, witness } of group.members.values()) {
        node.createSnapshot({ offset: witness.nextOffset, epoch: node.report().epoch }, 1, witness.snapshotRecords());
      }
    }
    group.start(4);
    await group.converge();
    expect(group.member(4).witness.snapshotsSeen).toBe(1);
    expect(group.member(4).witness.records.size).toBe(30);
    group.crash(4);
    group.start(4);
    await group.converge();
    expect(group.member(4).witness.records.size).toBe(30);
  });

  it('are what a restarted node begins with', async () => {
    const group = new RaftGroup({ seed: 15, voterCount: 1 });
    group.startAll();
    for (const record of ['a', 'b', 'c']) await group.appendAndCommit(record);
    const { node, witness } = group.member(1);
    node.createSnapshot({ offset: witness.nextOffset, epoch: node.report().epoch }, 1, witness.snapshotRecords());
    await group.appendAndCommit('d');
    group.kill(1);
    group.start(1);
    await group.converge();
    expect(group.member(1).witness.snapshotsSeen).toBe(1);
    expect([...group.member(1).witness.records.values()]).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a crash between the vote on the disk and the vote on its way', () => {
  it('leaves a node that knows whom it voted for', async () => {
    const group = new RaftGroup({ seed: 16, voterCount: 3, delayMaxMs: 1 });
    let crashed = 0;
    group.beforeSend = (from, _to, api, request) => {
      const isVote = api === 'vote' && JSON.stringify(request).includes('"preVote":false');
      if (!isVote || crashed !== 0) return;
      // The candidate has written its vote for itself, and the power goes before anybody is asked.
      crashed = from;
      group.crash(from);
      throw new NodeStopped('power loss');
    };
    group.startAll();
    await group.world.runUntil(() => crashed !== 0);
    const path = '/data/__cluster_metadata-0/quorum-state';
    const stored = parseElection(Buffer.from(group.world.runtimeFor(crashed).disk.readFile(path)).toString());
    expect(stored).toMatchObject({ epoch: 1, leader: null, votedFor: crashed });
    group.start(crashed);
    expect(group.member(crashed).node.report().votedFor).toBe(crashed);
    await group.appendAndCommit('a');
    await group.converge();
  });
});

describe('appends', () => {
  it('of one turn share a flush and reach followers in one fetch', async () => {
    const group = new RaftGroup({ seed: 17, voterCount: 3, delayMaxMs: 1 });
    group.startAll();
    await group.appendAndCommit('warm');
    await group.converge();
    const leader = await group.waitForLeader();
    const before = group.sentCount;
    for (let index = 0; index < 50; index++) group.append(leader, `r${index}`);
    await group.converge();
    expect(group.sentCount - before).toBeLessThan(10);
  });

  it('that do not fit one batch are refused whole', async () => {
    const group = new RaftGroup({ seed: 18, voterCount: 1, config: { batchBytesMax: 1000 } });
    group.startAll();
    const leader = await group.waitForLeader();
    const end = leader.node.logEndOffset;
    expect(() => group.append(leader, 'x'.repeat(600), 'y'.repeat(600))).toThrow(BatchTooLargeError);
    expect(leader.node.logEndOffset).toBe(end);
  });
});

describe('a directory at kraft.version 1', () => {
  it('brings its own voters, says its own endpoint of them, and keeps quorum-state at data version 1 and the voters in its snapshots', async () => {
    const place = { baseOffset: 0, epoch: 0, timestampMs: 1 };
    const directory = '/data/__cluster_metadata-0';
    const group: RaftGroup = new RaftGroup({
      seed: 19,
      voterCount: 3,
      prepareDisk: (disk, nodeId) => {
        const voterDirectoryId = group.directoryIdOf(nodeId);
        const endpoints = [{ name: 'CONTROLLER', host: 'elsewhere', port: 1 }];
        const kRaftVersionFeature = { minSupportedVersion: 0, maxSupportedVersion: 1 };
        const voters = [{ voterId: 1, voterDirectoryId, endpoints, kRaftVersionFeature }];
        const header = snapshotHeaderBatch(place, 0, { kraftVersion: 1, voters: { version: 0, voters } });
        const bytes = Buffer.concat([header, snapshotFooterBatch({ ...place, baseOffset: 3 })]);
        disk.makeDirectory(directory);
        disk.writeFileAtomic(`${directory}/00000000000000000000-0000000000.checkpoint`, bytes);
      },
    });
    group.start(1);
    await group.appendAndCommit('a');
    const { node, witness } = group.member(1);
    expect(node.kraftVersion).toBe(1);
    expect(node.voters).toEqual([group.voterOf(1)]);
    node.createSnapshot({ offset: witness.nextOffset, epoch: witness.lastEpoch }, 1, witness.snapshotRecords());
    const { disk } = group.world.runtimeFor(1);
    const stored = Buffer.from(disk.readFile(`${directory}/quorum-state`)).toString();
    expect(stored).toContain('"data_version":1');
    disk.remove(`${directory}/00000000000000000000-0000000000.checkpoint`);
    group.kill(1);
    group.start(1);
    expect(group.member(1).node.kraftVersion).toBe(1);
    await group.appendAndCommit('b');
  });
});

describe('the journal', () => {
  it('tells a vote that nobody answers once, however often it is asked for', async () => {
    const group = new RaftGroup({ seed: 21, voterCount: 3 });
    group.startAll();
    await group.world.runUntil(() => group.leader !== null);
    for (const id of [2, 3]) group.kill(id);
    const before = group.journal.length;
    await group.world.runFor(10_000);
    const entries = group.journal.slice(before).map(({ entry }) => entry);
    const elections = entries.filter(({ kind }) => kind === 'quorum.prospective').length;
    const asked = entries.filter(({ kind }) => kind === 'quorum.voteAsked').length;
    expect(elections).toBeGreaterThan(0);
    expect(asked).toBe(2 * elections);
  });
});

describe('a disk that fails', () => {
  it('ends the node before it promises a vote that it could not keep', async () => {
    const failed: number[] = [];
    const group = new RaftGroup({ seed: 20, voterCount: 3, onFailure: (nodeId) => failed.push(nodeId) });
    group.startAll();
    group.world.disk(2).fault = 'io';
    group.kill(3);
    await group.world.runFor(10_000);
    expect(failed).toEqual([2]);
    const votes = group.journal.filter(({ nodeId, entry }) => nodeId === 2 && entry.kind === 'quorum.leaderElected');
    expect(votes).toEqual([]);
    expect(group.leader).toBeNull();
  });
});
