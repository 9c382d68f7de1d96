// The records of share groups (KIP-932), at the versions that Apache Kafka 4.3.1 writes.

import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { TopicPartitions } from '../consumer-group-member.ts';
import type { ShareGroupMember } from './share-group-member.ts';

const valueVersion = 0;
const tombstone = { valueVersion: -1, value: null } as const;
/** `MemberState` of Kafka's records: stable, the only one here. */
const stable = 0;

export function shareMemberRecord(groupId: string, member: ShareGroupMember): GroupCoordinatorRecord {
  const { memberId, rackId, clientId, clientHost, subscribedTopicNames } = member;
  return {
    name: 'ShareGroupMemberMetadata',
    key: { groupId, memberId },
    valueVersion,
    value: { rackId, clientId, clientHost, subscribedTopicNames },
  };
}

export function shareEpochRecord(groupId: string, epoch: number, metadataHash: bigint): GroupCoordinatorRecord {
  return { name: 'ShareGroupMetadata', key: { groupId }, valueVersion, value: { epoch, metadataHash } };
}

export function shareTargetRecord(groupId: string, memberId: string, target: TopicPartitions): GroupCoordinatorRecord {
  return {
    name: 'ShareGroupTargetAssignmentMember',
    key: { groupId, memberId },
    valueVersion,
    value: { topicPartitions: stored(target) },
  };
}

export function shareTargetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): GroupCoordinatorRecord {
  return {
    name: 'ShareGroupTargetAssignmentMetadata',
    key: { groupId },
    valueVersion,
    value: { assignmentEpoch, assignmentTimestamp },
  };
}

export function shareAssignmentRecord(groupId: string, member: ShareGroupMember): GroupCoordinatorRecord {
  const { memberId, memberEpoch, previousMemberEpoch, assigned } = member;
  return {
    name: 'ShareGroupCurrentMemberAssignment',
    key: { groupId, memberId },
    valueVersion,
    value: { memberEpoch, previousMemberEpoch, state: stable, assignedPartitions: stored(assigned) },
  };
}

export function stored(target: TopicPartitions): { topicId: string; partitions: number[] }[] {
  return [...target].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions].sort((a, b) => a - b) }));
}

/** What the member holds, what it was meant to hold, who it is. */
export function shareMemberTombstones(groupId: string, memberId: string): GroupCoordinatorRecord[] {
  const key = { groupId, memberId };
  return [
    { name: 'ShareGroupCurrentMemberAssignment', key, ...tombstone },
    { name: 'ShareGroupTargetAssignmentMember', key, ...tombstone },
    { name: 'ShareGroupMemberMetadata', key, ...tombstone },
  ];
}

/** Removes a group with these members: its own record last, since with it the group is gone. */
export function shareGroupTombstones(groupId: string, memberIds: readonly string[]): GroupCoordinatorRecord[] {
  const key = { groupId };
  const each = (name: 'CurrentMemberAssignment' | 'TargetAssignmentMember' | 'MemberMetadata') =>
    memberIds.map((memberId): GroupCoordinatorRecord => ({
      name: `ShareGroup${name}`,
      key: { groupId, memberId },
      ...tombstone,
    }));
  return [
    ...each('CurrentMemberAssignment'),
    ...each('TargetAssignmentMember'),
    { name: 'ShareGroupTargetAssignmentMetadata', key, ...tombstone },
    ...each('MemberMetadata'),
    { name: 'ShareGroupStatePartitionMetadata', key, ...tombstone },
    { name: 'ShareGroupMetadata', key, ...tombstone },
  ];
}
