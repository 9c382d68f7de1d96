// The records of streams groups (KIP-1071), at the versions that Apache Kafka 4.3.1 writes.

import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import { metadataOf, storedState, type StreamsGroupMember } from './streams-group-member.ts';
import { storedTasks, type TaskEpochs, type Tasks } from './tasks.ts';
import type { Topology } from './topology.ts';

const valueVersion = 0;
const tombstone = { valueVersion: -1, value: null } as const;

export type StreamsEpoch = {
  readonly epoch: number;
  readonly metadataHash: bigint;
  readonly validatedTopologyEpoch: number;
  readonly assignmentConfigs: ReadonlyMap<string, string>;
};

export function streamsEpochRecord(
  groupId: string,
  { epoch, metadataHash, validatedTopologyEpoch, assignmentConfigs }: StreamsEpoch,
): GroupCoordinatorRecord {
  const lastAssignmentConfigs = [...assignmentConfigs].map(([key, value]) => ({ key, value }));
  return {
    name: 'StreamsGroupMetadata',
    key: { groupId },
    valueVersion,
    value: { epoch, metadataHash, validatedTopologyEpoch, lastAssignmentConfigs },
  };
}

export function streamsMemberRecord(groupId: string, member: StreamsGroupMember): GroupCoordinatorRecord {
  return {
    name: 'StreamsGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    valueVersion,
    value: metadataOf(member),
  };
}

export function streamsTopologyRecord(groupId: string, value: Topology): GroupCoordinatorRecord {
  return { name: 'StreamsGroupTopology', key: { groupId }, valueVersion, value };
}

export function streamsTargetRecord(groupId: string, memberId: string, target: Tasks): GroupCoordinatorRecord {
  return {
    name: 'StreamsGroupTargetAssignmentMember',
    key: { groupId, memberId },
    valueVersion,
    value: {
      activeTasks: storedTasks(target.active),
      standbyTasks: storedTasks(target.standby),
      warmupTasks: storedTasks(target.warmup),
    },
  };
}

export function streamsTargetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): GroupCoordinatorRecord {
  return {
    name: 'StreamsGroupTargetAssignmentMetadata',
    key: { groupId },
    valueVersion,
    value: { assignmentEpoch, assignmentTimestamp },
  };
}

export function streamsAssignmentRecord(groupId: string, member: StreamsGroupMember): GroupCoordinatorRecord {
  const { memberId, memberEpoch, previousMemberEpoch, state, assigned, pendingRevocation } = member;
  const plain = (tasks: Tasks['standby']) => storedTasks(tasks).map((each) => ({ ...each, assignmentEpochs: null }));
  return {
    name: 'StreamsGroupCurrentMemberAssignment',
    key: { groupId, memberId },
    valueVersion,
    value: {
      memberEpoch,
      previousMemberEpoch,
      state: storedState(state),
      activeTasks: withEpochs(assigned.active),
      standbyTasks: plain(assigned.standby),
      warmupTasks: plain(assigned.warmup),
      activeTasksPendingRevocation: withEpochs(pendingRevocation.active),
      standbyTasksPendingRevocation: plain(pendingRevocation.standby),
      warmupTasksPendingRevocation: plain(pendingRevocation.warmup),
    },
  };
}

function withEpochs(tasks: TaskEpochs) {
  return storedTasks(tasks).map(({ subtopologyId, partitions }) => {
    const epochs = tasks.get(subtopologyId);
    return { subtopologyId, partitions, assignmentEpochs: partitions.map((partition) => epochs?.get(partition) ?? 0) };
  });
}

/** What the member has, what it was meant to have, who it is. */
export function streamsMemberTombstones(groupId: string, memberId: string): GroupCoordinatorRecord[] {
  const key = { groupId, memberId };
  return [
    { name: 'StreamsGroupCurrentMemberAssignment', key, ...tombstone },
    { name: 'StreamsGroupTargetAssignmentMember', key, ...tombstone },
    { name: 'StreamsGroupMemberMetadata', key, ...tombstone },
  ];
}

/** Removes a group with these members: its own record last, since with it the group is gone. */
export function streamsGroupTombstones(groupId: string, memberIds: readonly string[]): GroupCoordinatorRecord[] {
  const key = { groupId };
  const each = (name: 'CurrentMemberAssignment' | 'TargetAssignmentMember' | 'MemberMetadata') =>
    memberIds.map((memberId): GroupCoordinatorRecord => ({
      name: `StreamsGroup${name}`,
      key: { groupId, memberId },
      ...tombstone,
    }));
  return [
    ...each('CurrentMemberAssignment'),
    ...each('TargetAssignmentMember'),
    { name: 'StreamsGroupTargetAssignmentMetadata', key, ...tombstone },
    ...each('MemberMetadata'),
    { name: 'StreamsGroupTopology', key, ...tombstone },
    { name: 'StreamsGroupMetadata', key, ...tombstone },
  ];
}
