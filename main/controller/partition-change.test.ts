// Who leads, who is in sync and who is eligible after a change of one partition.

import { describe, expect, it } from 'vitest';
import { toLeaderEpoch } from '../core/ids.ts';
import { mergePartition, type PartitionRegistration } from '../metadata/topics-image.ts';
import { partitionChange, type PartitionChangeOptions } from './partition-change.ts';

function partition(fields: Partial<PartitionRegistration> = {}): PartitionRegistration {
  const replicas = fields.replicas ?? [1, 2, 3];
  return {
    replicas,
    directories: replicas.map((id) => `directory-of-broker-0${id}-`),
    inSyncReplicas: replicas,
    eligibleLeaderReplicas: [],
    lastKnownEligibleLeaders: [],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderRecoveryState: 0,
    leaderEpoch: toLeaderEpoch(5),
    partitionEpoch: 7,
    ...fields,
  };
}

/** The partition after the change, or null when nothing changes. */
function after(before: PartitionRegistration, alive: readonly number[], options: Partial<PartitionChangeOptions> = {}) {
  const record = partitionChange({
    topicId: 'abcdefghijklmnopqrstug',
    partitionId: 0,
    partition: before,
    isAcceptableLeader: (id) => alive.includes(id),
    minInSyncReplicas: 2,
    isElrEnabled: true,
    defaultDirectory: (id) => `directory-of-broker-0${id}-`,
    ...options,
  });
  return record?.name === 'PartitionChangeRecord' ? mergePartition(before, record.value) : null;
}

describe('an election', () => {
  it('keeps a leader that is alive and in sync', () => {
    expect(after(partition(), [1, 2, 3])).toBeNull();
  });

  it('takes the first replica in order that is in sync', () => {
    const now = after(partition({ inSyncReplicas: [1, 3] }), [2, 3], { inSyncReplicas: [3] });
    expect(now).toMatchObject({ leader: 3, leaderEpoch: 6, partitionEpoch: 8, inSyncReplicas: [3] });
  });

  it('goes back to the preferred leader only when asked', () => {
    expect(after(partition({ leader: 2 }), [1, 2, 3])).toBeNull();
    expect(after(partition({ leader: 2 }), [1, 2, 3], { election: 'preferred' })).toMatchObject({ leader: 1 });
    const lagging = partition({ leader: 2, inSyncReplicas: [2, 3] });
    expect(after(lagging, [1, 2, 3], { election: 'preferred' })).toBeNull();
  });

  it('leaves the partition offline rather than lose what was acknowledged', () => {
    const now = after(partition({ inSyncReplicas: [1] }), [2, 3], { inSyncReplicas: [], isElrEnabled: false });
    expect(now).toMatchObject({ leader: -1, inSyncReplicas: [1] });
  });

  it('takes whoever is alive when it may be unclean, and says that the leader has to recover', () => {
    const now = after(partition({ inSyncReplicas: [1] }), [2, 3], {
      inSyncReplicas: [],
      isElrEnabled: false,
      election: 'unclean',
    });
    expect(now).toMatchObject({ leader: 2, inSyncReplicas: [2], leaderRecoveryState: 1 });
  });
});

describe('eligible leader replicas', () => {
  it('are those that drop out of the ISR below min.insync.replicas', () => {
    expect(after(partition(), [1, 2], { inSyncReplicas: [1, 2] })).toMatchObject({ eligibleLeaderReplicas: [] });
    const now = after(partition({ inSyncReplicas: [1, 2] }), [1], { inSyncReplicas: [1] });
    expect(now).toMatchObject({ leader: 1, inSyncReplicas: [1], eligibleLeaderReplicas: [2] });
  });

  it('lead when the ISR is empty, without loss', () => {
    const down = after(partition({ inSyncReplicas: [1], eligibleLeaderReplicas: [2] }), [], { inSyncReplicas: [] });
    expect(down).toMatchObject({
      leader: -1,
      inSyncReplicas: [],
      eligibleLeaderReplicas: [1, 2],
      lastKnownEligibleLeaders: [1],
    });
    const up = down === null ? null : after(down, [2]);
    expect(up).toMatchObject({ leader: 2, inSyncReplicas: [2], eligibleLeaderReplicas: [1], leaderRecoveryState: 0 });
    expect(up?.lastKnownEligibleLeaders).toEqual([]);
  });

  it('do not include a replica that may have lost its disk', () => {
    const options = { inSyncReplicas: [1], uncleanShutdownReplicas: [2] };
    const now = after(partition({ inSyncReplicas: [1, 2] }), [1], options);
    expect(now).toMatchObject({ inSyncReplicas: [1], eligibleLeaderReplicas: [] });
  });

  it('leave the last known leader as the last resort', () => {
    const lost = partition({ leader: -1, inSyncReplicas: [], lastKnownEligibleLeaders: [3] });
    expect(after(lost, [1, 2])).toBeNull();
    expect(after(lost, [1, 2, 3])).toMatchObject({ leader: 3, inSyncReplicas: [3], leaderRecoveryState: 1 });
  });

  it('end when enough are in sync again', () => {
    const before = partition({ inSyncReplicas: [1], eligibleLeaderReplicas: [2] });
    expect(after(before, [1, 2, 3], { inSyncReplicas: [1, 2] })).toMatchObject({ eligibleLeaderReplicas: [] });
  });
});

describe('a reassignment', () => {
  it('adds first, and removes when all that stay are in sync', () => {
    const started = after(partition(), [1, 2, 3, 4], {
      replicas: [2, 3, 4, 1],
      addingReplicas: [4],
      removingReplicas: [1],
    });
    expect(started).toMatchObject({ replicas: [2, 3, 4, 1], leader: 1, leaderEpoch: 5, inSyncReplicas: [1, 2, 3] });
    const done = started === null ? null : after(started, [1, 2, 3, 4], { inSyncReplicas: [1, 2, 3, 4] });
    expect(done).toMatchObject({
      replicas: [2, 3, 4],
      inSyncReplicas: [2, 3, 4],
      addingReplicas: [],
      removingReplicas: [],
      leader: 2,
      leaderEpoch: 6,
    });
    expect(done?.directories).toHaveLength(3);
  });

  it('that only reorders is done at once, in the same leader epoch', () => {
    const now = after(partition(), [1, 2, 3], { replicas: [3, 2, 1] });
    expect(now).toMatchObject({ replicas: [3, 2, 1], leader: 1, leaderEpoch: 5 });
  });

  it('that drops a replica raises the leader epoch even when the leader stays', () => {
    const now = after(partition({ removingReplicas: [3], inSyncReplicas: [1, 2] }), [1, 2, 3]);
    expect(now).toMatchObject({ replicas: [1, 2], leader: 1, leaderEpoch: 6 });
  });
});
