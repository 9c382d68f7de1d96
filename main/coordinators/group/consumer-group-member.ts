// One member of a consumer group (KIP-848): what it subscribed to, and how far it has come towards its target.
// Immutable; records make the next one. Members that speak the classic protocol carry what that needs.

import type {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
} from '../../protocol/messages/group-coordinator-records.ts';

/** Partitions by topic id. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>;
/** Partitions by topic id, each with the member epoch at which it was given out. */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>;

/**
 * stable: at the epoch of its target, nothing open · unrevoked: must give up partitions before it may go on ·
 * unreleased: waits for partitions that others still hold · unknown: written by a newer Kafka.
 */
export type ConsumerMemberState = 'stable' | 'unrevoked' | 'unreleased' | 'unknown';

export type ClassicMetadata = NonNullable<ConsumerGroupMemberMetadataValue['classicMemberMetadata']>;

export type ConsumerGroupMember = {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Sorted, each once. */
  readonly subscribedTopicNames: readonly string[];
  /** Empty: none. */
  readonly subscribedTopicRegex: string;
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Null for a member of the new protocol. */
  readonly classic: ClassicMetadata | null;
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly state: ConsumerMemberState;
  readonly assigned: OwnedPartitions;
  readonly pendingRevocation: OwnedPartitions;
};

/** A member epoch with which a member leaves; a static member keeps its place with the second. */
export const leaveEpoch = -1;
export const leaveStaticEpoch = -2;

export const noPartitions: OwnedPartitions = new Map();
export const emptyTarget: TopicPartitions = new Map();

const stateCodes: Readonly<Record<ConsumerMemberState, number>> = {
  stable: 0,
  unrevoked: 1,
  unreleased: 2,
  unknown: 127,
};

export function newConsumerGroupMember(memberId: string): ConsumerGroupMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classic: null,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: 'stable',
    assigned: noPartitions,
    pendingRevocation: noPartitions,
  };
}

export function sortedNames(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}

export function isReconciledTo(member: ConsumerGroupMember, epoch: number): boolean {
  return member.state === 'stable' && member.memberEpoch === epoch;
}

/** The member at another epoch; the one it leaves is remembered, since the answer that tells it may be lost. */
export function atEpoch(member: ConsumerGroupMember, memberEpoch: number): ConsumerGroupMember {
  return { ...member, memberEpoch, previousMemberEpoch: member.memberEpoch };
}

/** Of what it told about itself: nothing changed. */
export function isSameSubscription(a: ConsumerGroupMember, b: ConsumerGroupMember): boolean {
  return (
    a.memberId === b.memberId &&
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    sameClassic(a.classic, b.classic)
  );
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

function sameClassic(a: ClassicMetadata | null, b: ClassicMetadata | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every(({ name, metadata }, index) => {
      const other = b.supportedProtocols[index];
      return other !== undefined && other.name === name && other.metadata.equals(metadata);
    })
  );
}

export function sameOwned(a: OwnedPartitions, b: OwnedPartitions): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others?.size !== partitions.size) return false;
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false;
  }
  return true;
}

export function sameTarget(a: TopicPartitions, b: TopicPartitions): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others?.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

// ── as records have it ──

type StoredPartitions = ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions'];

export function withMetadata(
  member: ConsumerGroupMember,
  value: ConsumerGroupMemberMetadataValue,
): ConsumerGroupMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: sortedNames(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata === null ? null : kept(value.classicMemberMetadata),
  };
}

/** Copies: members outlive the frames and chunks that their bytes came in. */
function kept({ sessionTimeoutMs, supportedProtocols }: ClassicMetadata): ClassicMetadata {
  return {
    sessionTimeoutMs,
    supportedProtocols: supportedProtocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
  };
}

export function withCurrentAssignment(
  member: ConsumerGroupMember,
  value: ConsumerGroupCurrentMemberAssignmentValue,
): ConsumerGroupMember {
  const known = (Object.keys(stateCodes) as ConsumerMemberState[]).find((state) => stateCodes[state] === value.state);
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: known ?? 'unknown',
    assigned: ownedFrom(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: ownedFrom(value.partitionsPendingRevocation, value.memberEpoch),
  };
}

/** Kafka before 4.2 wrote no epochs of partitions: the member's own stands for them. */
function ownedFrom(stored: StoredPartitions, memberEpoch: number): OwnedPartitions {
  return new Map(
    stored.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? memberEpoch])),
    ]),
  );
}

export function storedState(state: ConsumerMemberState): number {
  return stateCodes[state];
}
