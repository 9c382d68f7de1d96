// The records that group coordination writes, at the versions that Apache Kafka 4.3.1 writes.

import { present } from '../../core/assert.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import type { Decision } from '../runtime/state-machine.ts';
import type { ClassicGroup } from './classic-group.ts';
import { noAssignment } from './classic-group-member.ts';

export type GroupDecision<Response> = Decision<GroupCoordinatorRecord, Response>;

/** Nothing to write, nothing to say: what was to be said went to the waiting members. */
export const nothing: GroupDecision<null> = { records: [], response: null };

const groupMetadataVersion = 3;
const offsetCommitVersion = 4;
/** The last with a time of expiry of its own (OffsetCommit 2 to 4 could ask for one). */
const offsetCommitWithExpiryVersion = 1;
const tombstoneVersion = -1;

/** A committed offset as it is kept; the same in memory and in the log. */
export type OffsetAndMetadata = {
  readonly offset: number;
  /** −1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** −1: by the rules of retention. */
  readonly expireTimestampMs: number;
  readonly topicId: string;
};

export function groupMetadataRecord(
  group: ClassicGroup,
  assignments: ReadonlyMap<string, Buffer>,
): GroupCoordinatorRecord {
  const { protocolName } = group;
  return {
    name: 'GroupMetadata',
    key: { group: group.groupId },
    valueVersion: groupMetadataVersion,
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: protocolName,
      leader: group.leaderId,
      currentStateTimestamp: group.stateTimestampMs ?? -1,
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadata(present(protocolName, `protocol of group ${group.groupId}`)) ?? noAssignment,
        assignment: assignments.get(member.memberId) ?? noAssignment,
      })),
    },
  };
}

/** Notes that the group exists, before its first generation. */
export function emptyGroupRecord(group: ClassicGroup): GroupCoordinatorRecord {
  return {
    name: 'GroupMetadata',
    key: { group: group.groupId },
    valueVersion: groupMetadataVersion,
    value: {
      protocolType: '',
      generation: 0,
      protocol: null,
      leader: null,
      currentStateTimestamp: group.stateTimestampMs ?? -1,
      members: [],
    },
  };
}

export function groupTombstone(groupId: string): GroupCoordinatorRecord {
  return { name: 'GroupMetadata', key: { group: groupId }, valueVersion: tombstoneVersion, value: null };
}

export function offsetCommitRecord(
  group: string,
  topic: string,
  partition: number,
  committed: OffsetAndMetadata,
): GroupCoordinatorRecord {
  const hasExpiry = committed.expireTimestampMs >= 0;
  return {
    name: 'OffsetCommit',
    key: { group, topic, partition },
    valueVersion: hasExpiry ? offsetCommitWithExpiryVersion : offsetCommitVersion,
    value: {
      offset: committed.offset,
      leaderEpoch: hasExpiry ? -1 : committed.leaderEpoch,
      metadata: committed.metadata,
      commitTimestamp: committed.commitTimestampMs,
      expireTimestamp: committed.expireTimestampMs,
      topicId: hasExpiry ? zeroUuid : committed.topicId,
    },
  };
}

/**
 * A record that says nothing: it removes the offset of a topic that can't be. Its commit proves that the in-sync
 * replicas still follow this leader; every Kafka replays it without effect, and compaction drops it.
 */
export function proofOfLeadership(groupId: string): GroupCoordinatorRecord {
  return offsetTombstone(groupId, '', 0);
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupCoordinatorRecord {
  return { name: 'OffsetCommit', key: { group, topic, partition }, valueVersion: tombstoneVersion, value: null };
}
