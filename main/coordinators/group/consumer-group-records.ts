// The records of consumer groups (KIP-848), at the versions that Apache Kafka 4.3.1 writes.

import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import {
  type ConsumerGroupMember,
  type OwnedPartitions,
  storedState,
  type TopicPartitions,
} from './consumer-group-member.ts';

const valueVersion = 0;
const tombstone = { valueVersion: -1, value: null } as const;

export type ResolvedRegex = {
  /** Sorted. */
  readonly topics: readonly string[];
  /** Offset of the metadata that it was resolved against. */
  readonly version: number;
  readonly timestampMs: number;
};

const ascending = (a: number, b: number): number => a - b;

export function memberMetadataRecord(groupId: string, member: ConsumerGroupMember): GroupCoordinatorRecord {
  return {
    name: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    valueVersion,
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  };
}

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: bigint): GroupCoordinatorRecord {
  return { name: 'ConsumerGroupMetadata', key: { groupId }, valueVersion, value: { epoch, metadataHash } };
}

export function targetAssignmentRecord(
  groupId: string,
  memberId: string,
  target: TopicPartitions,
): GroupCoordinatorRecord {
  const topicPartitions = [...target].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions].sort(ascending),
  }));
  return {
    name: 'ConsumerGroupTargetAssignmentMember',
    key: { groupId, memberId },
    valueVersion,
    value: { topicPartitions },
  };
}

export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): GroupCoordinatorRecord {
  return {
    name: 'ConsumerGroupTargetAssignmentMetadata',
    key: { groupId },
    valueVersion,
    value: { assignmentEpoch, assignmentTimestamp },
  };
}

export function currentAssignmentRecord(groupId: string, member: ConsumerGroupMember): GroupCoordinatorRecord {
  return {
    name: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    valueVersion,
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: storedState(member.state),
      assignedPartitions: stored(member.assigned),
      partitionsPendingRevocation: stored(member.pendingRevocation),
    },
  };
}

function stored(owned: OwnedPartitions) {
  return [...owned].map(([topicId, epochs]) => {
    const partitions = [...epochs.keys()].sort(ascending);
    return { topicId, partitions, assignmentEpochs: partitions.map((partition) => epochs.get(partition) ?? 0) };
  });
}

export function regexRecord(groupId: string, regularExpression: string, regex: ResolvedRegex): GroupCoordinatorRecord {
  return {
    name: 'ConsumerGroupRegularExpression',
    key: { groupId, regularExpression },
    valueVersion,
    value: { topics: regex.topics, version: regex.version, timestamp: regex.timestampMs },
  };
}

// ── tombstones ──

export function regexTombstone(groupId: string, regularExpression: string): GroupCoordinatorRecord {
  return { name: 'ConsumerGroupRegularExpression', key: { groupId, regularExpression }, ...tombstone };
}

export function subscriptionMetadataTombstone(groupId: string): GroupCoordinatorRecord {
  return { name: 'ConsumerGroupPartitionMetadata', key: { groupId }, ...tombstone };
}

/** What the member holds, what it was meant to hold, who it is. */
export function memberTombstones(groupId: string, memberId: string): GroupCoordinatorRecord[] {
  const key = { groupId, memberId };
  return [
    { name: 'ConsumerGroupCurrentMemberAssignment', key, ...tombstone },
    { name: 'ConsumerGroupTargetAssignmentMember', key, ...tombstone },
    { name: 'ConsumerGroupMemberMetadata', key, ...tombstone },
  ];
}

/** Removes a group with these members: its own record last, since with it the group is gone. */
export function consumerGroupTombstones(
  groupId: string,
  memberIds: readonly string[],
  regexes: Iterable<string>,
  hasSubscriptionMetadata: boolean,
): GroupCoordinatorRecord[] {
  const key = { groupId };
  return [
    ...memberIds.map((memberId): GroupCoordinatorRecord => ({
      name: 'ConsumerGroupCurrentMemberAssignment',
      key: { groupId, memberId },
      ...tombstone,
    })),
    ...memberIds.map((memberId): GroupCoordinatorRecord => ({
      name: 'ConsumerGroupTargetAssignmentMember',
      key: { groupId, memberId },
      ...tombstone,
    })),
    { name: 'ConsumerGroupTargetAssignmentMetadata', key, ...tombstone },
    ...memberIds.map((memberId): GroupCoordinatorRecord => ({
      name: 'ConsumerGroupMemberMetadata',
      key: { groupId, memberId },
      ...tombstone,
    })),
    ...[...regexes].map((regex) => regexTombstone(groupId, regex)),
    ...(hasSubscriptionMetadata ? [subscriptionMetadataTombstone(groupId)] : []),
    { name: 'ConsumerGroupMetadata', key, ...tombstone },
  ];
}
