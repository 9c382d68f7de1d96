// Many seeds of trouble: messages late and lost, links cut one way and both, nodes killed and powered off (with
// torn writes), slow disks, appends all the while. The group's invariants (raft-group.test-kit.ts) hold throughout,
// and once it is quiet the quorum agrees and has lost nothing that it had committed.

import { describe, expect, it } from 'vitest';
import { RaftGroup, type GroupOptions, type Member } from './raft-group.test-kit.ts';

const seedCount = Number(process.env['RAFT_SEEDS'] ?? 12);
const firstSeed = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

async function trouble(options: GroupOptions, rounds: number): Promise<RaftGroup> {
  const group = new RaftGroup(options);
  const { random } = group.world;
  group.startAll();
  let appended = 0;
  let sparkRate = 0;
  // A crash in the very moment of an election or an acknowledgement, and back at once: what was promised must be known.
  group.beforeSend = (from, to) => {
    if (random.next() >= sparkRate) return;
    const victim = random.below(2) === 0 ? from : to;
    group.world.at(group.world.nowMs + random.next() * 3 * group.delayMaxMs, () => {
      if (!group.members.has(victim)) return;
      group.crash(victim, random.below(2) === 0);
      group.world.at(group.world.nowMs + random.next() * 20, () => {
        if (!group.members.has(victim)) group.start(victim);
      });
    });
  };
  for (let round = 0; round < rounds; round++) {
    group.lossRate = random.below(3) === 0 ? random.next() * 0.3 : 0;
    group.delayMaxMs = random.below(4) === 0 ? 50 + random.below(400) : 1 + random.below(20);
    sparkRate = random.below(3) === 0 ? 0.02 + random.next() * 0.1 : 0;
    for (const id of group.nodeIds) act(group, id, random);
    const steps = 1 + random.below(8);
    for (let step = 0; step < steps; step++) {
      await group.world.runFor(random.below(600));
      for (const member of group.members.values()) {
        if (member.node.isLeader) group.append(member, `${options.seed}-${appended++}`, `second of ${appended}`);
        if (random.below(10) === 0) snapshot(member);
      }
    }
  }
  group.beforeSend = null;
  group.lossRate = 0;
  group.delayMaxMs = 5;
  group.heal();
  for (const id of group.nodeIds) {
    group.world.resume(id);
    group.world.disk(id).syncDelayMs = 0;
    if (!group.members.has(id)) group.start(id);
  }
  await group.converge();
  return group;
}

function act(group: RaftGroup, id: number, random: RaftGroup['world']['random']): void {
  const isRunning = group.members.has(id);
  switch (random.below(12)) {
    case 0:
      if (isRunning) group.crash(id, random.below(2) === 0);
      return;
    case 1:
      if (isRunning) group.kill(id);
      return;
    case 2:
      group.isolate(id);
      return;
    case 3:
      for (const other of group.nodeIds) if (random.below(2) === 0) group.cut(id, other);
      return;
    case 4:
      group.heal();
      return;
    case 5:
      group.world.disk(id).syncDelayMs = random.below(100);
      return;
    case 6:
      group.world.pause(id);
      group.world.at(group.world.nowMs + random.below(6000), () => group.world.resume(id));
      return;
    default:
      if (!isRunning) {
        group.world.resume(id);
        group.start(id);
      }
  }
}

function snapshot(member: Member): void {
  const { node, witness } = member;
  if (witness.nextOffset === 0) return;
  node.createSnapshot({ offset: witness.nextOffset, epoch: witness.lastEpoch }, 1, witness.snapshotRecords());
}

const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);

describe('committed records survive trouble', () => {
  it.each(seeds)('three nodes, seed %i', async (seed) => {
    const group = await trouble({ seed: `three-${seed}`, voterCount: 3 }, 30);
    expect(group.committed.size).toBeGreaterThan(0);
  });

  it.each(seeds)('five nodes, an observer and small retention, seed %i', async (seed) => {
    const config = { retentionBytes: 2000, fetchSnapshotBytesMax: 300, fetchBytesMax: 500 };
    const group = await trouble({ seed: `five-${seed}`, voterCount: 5, observerCount: 1, config }, 20);
    expect(group.committed.size).toBeGreaterThan(0);
  });

  // Time-outs as short as the messages take: elections all the time, and several candidates in the same epoch.
  it.each(seeds)('hasty nodes, seed %i', async (seed) => {
    const config = { electionTimeoutMs: 30, fetchTimeoutMs: 90, electionBackoffMaxMs: 20, requestTimeoutMs: 200 };
    const group = await trouble({ seed: `hasty-${seed}`, voterCount: seed % 2 === 0 ? 3 : 5, config }, 30);
    expect(group.committed.size).toBeGreaterThan(0);
  });

  it.each(seeds)('two nodes, seed %i', async (seed) => {
    const group = await trouble({ seed: `two-${seed}`, voterCount: 2 }, 20);
    expect(group.committed.size).toBeGreaterThan(0);
  });
});
