// One member of a share group (KIP-932): what it subscribed to and which partitions it is given. Immutable; records
// make the next one. Partitions are shared, so that a member never waits for another: it is always stable.

import type {
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataValue,
} from '../../../protocol/messages/share-group-records.ts';
import { sameNames, sortedNames, type TopicPartitions } from '../consumer-group-member.ts';

export type ShareGroupMember = {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Sorted, each once. */
  readonly subscribedTopicNames: readonly string[];
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly assigned: TopicPartitions;
};

export const noPartitions: TopicPartitions = new Map();
const releasedEpoch = -1;

export function newShareGroupMember(memberId: string): ShareGroupMember {
  return {
    memberId,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    memberEpoch: 0,
    previousMemberEpoch: -1,
    assigned: noPartitions,
  };
}

/** Of what it told about itself: nothing changed. */
export function isSameShareMember(a: ShareGroupMember, b: ShareGroupMember): boolean {
  return (
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames)
  );
}

export function withShareMetadata(member: ShareGroupMember, value: ShareGroupMemberMetadataValue): ShareGroupMember {
  const { rackId, clientId, clientHost, subscribedTopicNames } = value;
  return { ...member, rackId, clientId, clientHost, subscribedTopicNames: sortedNames(subscribedTopicNames) };
}

export function withShareAssignment(
  member: ShareGroupMember,
  value: ShareGroupCurrentMemberAssignmentValue | null,
): ShareGroupMember {
  if (value === null) {
    return { ...member, memberEpoch: releasedEpoch, previousMemberEpoch: releasedEpoch, assigned: noPartitions };
  }
  const { memberEpoch, previousMemberEpoch, assignedPartitions } = value;
  const assigned = new Map(assignedPartitions.map(({ topicId, partitions }) => [topicId, new Set(partitions)]));
  return { ...member, memberEpoch, previousMemberEpoch, assigned };
}

/** As what all groups' subscriptions are computed from; share groups have no expressions. */
export function asSubscriber({ subscribedTopicNames }: ShareGroupMember) {
  return { subscribedTopicNames, subscribedTopicRegex: '' };
}
