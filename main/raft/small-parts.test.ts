// Facts about raft's small parts: majorities, voter lists, the election file, when a snapshot is due.

import { describe, expect, it } from 'vitest';
import { toBrokerId } from '../core/ids.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { formatElection, parseElection, readElectionFile } from './election-state-file.ts';
import { isLost, majorityEndOffset, majorityOf } from './majority.ts';
import { SnapshotPolicy } from './snapshot-policy.ts';
import { parseQuorumVoters, VoterSet } from './voter-set.ts';

describe('majority', () => {
  it('two majorities of the same voters always share one', () => {
    for (let voters = 1; voters <= 9; voters++) expect(2 * majorityOf(voters)).toBeGreaterThan(voters);
  });

  it('an election is lost exactly when the refusals leave no majority', () => {
    for (let voters = 1; voters <= 9; voters++) {
      for (let refusals = 0; refusals <= voters; refusals++) {
        expect(isLost(voters, refusals)).toBe(voters - refusals < majorityOf(voters));
      }
    }
  });

  it('the end offset of a majority is the largest that enough voters have reached, for all of up to five voters', () => {
    const check = (ends: number[]): void => {
      const reached = majorityEndOffset(ends);
      expect(ends.filter((end) => end >= reached).length).toBeGreaterThanOrEqual(majorityOf(ends.length));
      expect(ends.filter((end) => end > reached).length).toBeLessThan(majorityOf(ends.length));
    };
    for (let code = 0; code < 4 ** 5; code++) {
      const ends = [0, 1, 2, 3, 4].map((place) => Math.floor(code / 4 ** place) % 4);
      for (let count = 1; count <= 5; count++) check(ends.slice(0, count));
    }
  });
});

describe('voters', () => {
  const toVoter = (id: number, host: string, port: number) => ({ id: toBrokerId(id), host, port });

  it('are read from controller.quorum.voters, with IPv6 in brackets', () => {
    expect(parseQuorumVoters('1@localhost:9093, 2@[::1]:9094', toVoter)).toEqual([
      { id: 1, host: 'localhost', port: 9093 },
      { id: 2, host: '::1', port: 9094 },
    ]);
  });

  it('that are not id@host:port are refused by name', () => {
    expect(() => parseQuorumVoters('1@a:1,b:2', toVoter)).toThrow('"b:2"');
  });

  it('may not stand twice', () => {
    expect(() => new VoterSet([toVoter(1, 'a', 1), toVoter(1, 'b', 2)])).toThrow('twice');
  });
});

describe('the election file', () => {
  it('keeps the directory id of the vote at data version 1', () => {
    const election = { epoch: 7, leader: null, votedFor: 2, votedDirectory: '6PA8LtVONMDIGoxaW_Y9TQ' };
    const text = formatElection(election, 1, [1, 2, 3]);
    expect(text).toBe(
      '{"leaderId":-1,"leaderEpoch":7,"votedId":2,"votedDirectoryId":"6PA8LtVONMDIGoxaW_Y9TQ","data_version":1}',
    );
    expect(parseElection(text)).toEqual(election);
    expect(parseElection(formatElection(election, 0, [1])).votedDirectory).toBeNull();
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"data_version":2}',
    '{"data_version":0,"leaderEpoch":-1,"leaderId":-1,"votedId":-1}',
  ])('that reads %j is refused: a forgotten vote could be given twice', (text) => {
    const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
    disk.makeDirectory('/d');
    disk.writeFileAtomic('/d/quorum-state', Buffer.from(text));
    expect(() => readElectionFile(disk, '/d')).toThrow('/d/quorum-state');
  });
});

describe('the snapshot policy', () => {
  const limits = { recordBytesBetweenSnapshotsMax: 100, snapshotIntervalMaxMs: 1000 };

  it('asks for one by bytes or by time, never without new records', () => {
    const policy = new SnapshotPolicy(limits, 0);
    expect(policy.dueReason(5000)).toBeNull();
    policy.committed(99);
    expect(policy.dueReason(999)).toBeNull();
    expect(policy.dueReason(1000)).toContain('time');
    policy.committed(1);
    expect(policy.dueReason(0)).toContain('bytes');
    policy.snapshotMade(1000);
    expect(policy.dueReason(9000)).toBeNull();
  });
});
