// Groups that change their protocol while their members stay (KIP-848): a classic group becomes a consumer group when
// the first such member comes, and a classic one again when the last of them goes. Members of the classic protocol
// take part in a consumer group meanwhile: classic-in-consumer.ts.

import { ErrorCode } from '../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/messages/embedded-messages.ts';
import { ProtocolError } from '../../protocol/protocol-error.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import { ClassicGroup, consumerProtocolType } from './classic-group.ts';
import { ClassicGroupMember } from './classic-group-member.ts';
import { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerGroupMember,
  newConsumerGroupMember,
  sortedNames,
  type TopicPartitions,
} from './consumer-group-member.ts';
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberMetadataRecord,
  targetAssignmentRecord,
  targetEpochRecord,
} from './consumer-group-records.ts';
import type { GroupContext } from './group-context.ts';
import { type GroupDecision, groupMetadataRecord, groupTombstone } from './group-records.ts';
import type { GroupRebalance } from './group-rebalance.ts';
import type { MetadataHashes } from './group-subscription.ts';
import { subscriptionOf } from './group-subscription.ts';

/** Version of a subscription or assignment, in front of it. */
const versionBytes = 2;
const assignmentVersionMax = 3;
const rackIdFrom = 3;
const ownedPartitionsFrom = 1;

export type ReadSubscription = {
  readonly topics: readonly string[];
  readonly rackId: string | null;
  readonly ownedPartitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
};

export class GroupMigration {
  readonly #context: GroupContext;
  readonly #rebalance: GroupRebalance;
  readonly #hashes: MetadataHashes;

  constructor(context: GroupContext, rebalance: GroupRebalance, hashes: MetadataHashes) {
    this.#context = context;
    this.#rebalance = rebalance;
    this.#hashes = hashes;
  }

  // ── classic → consumer ──

  /** Makes the group that takes its place, with the records for both; throws when it has to stay as it is. */
  upgrade(classic: ClassicGroup): { readonly group: ConsumerGroup; readonly records: GroupCoordinatorRecord[] } {
    const { groupId } = classic;
    const { groupConsumerMigrationPolicy, groupConsumerMaxSize } = this.#context.config;
    const refuse = (why: string): CoordinatorError =>
      new CoordinatorError(
        ErrorCode.GROUP_ID_NOT_FOUND,
        `Cannot upgrade classic group ${groupId} to consumer group because ${why}.`,
      );
    if (!groupConsumerMigrationPolicy.upgrades) throw refuse('online upgrade is disabled');
    if (!classic.hasConsumers) throw refuse('the group does not use the consumer embedded protocol');
    if (classic.memberCount > groupConsumerMaxSize) {
      throw refuse('the group size exceeds the consumer group maximum size');
    }
    const members = [...classic.members.values()].map((member) => this.#upgradedMember(classic, member, refuse));
    this.#release(classic);
    const group = new ConsumerGroup(groupId);
    group.lastEvent = classic.lastEvent;
    const image = this.#context.image();
    const hash = this.#hashes.of(subscriptionOf(members, new Map()).topicNames, image);
    group.setEpoch(classic.generationId, hash);
    group.setAssignmentEpoch(classic.generationId, 0);
    for (const member of members) {
      group.setTarget(member.memberId, targetOf(member));
      group.setMember(member.memberId, member);
    }
    const records = [
      groupTombstone(groupId),
      ...members.map((member) => memberMetadataRecord(groupId, member)),
      groupEpochRecord(groupId, group.epoch, hash),
      ...members.map((member) => targetAssignmentRecord(groupId, member.memberId, targetOf(member))),
      targetEpochRecord(groupId, group.assignmentEpoch, group.assignmentTimestampMs),
      ...members.map((member) => currentAssignmentRecord(groupId, member)),
    ];
    return { group, records };
  }

  #upgradedMember(
    classic: ClassicGroup,
    member: ClassicGroupMember,
    refuse: (why: string) => CoordinatorError,
  ): ConsumerGroupMember {
    const metadata = member.metadata(classic.protocolName ?? '');
    const assignment = readAssignment(member.assignment);
    const subscription = metadata === null ? null : readSubscription(metadata);
    if (subscription === null || assignment === null) throw refuse('the embedded consumer protocol is malformed');
    if (assignment.userData !== null && assignment.userData.length > 0) {
      throw refuse(
        'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade',
      );
    }
    const epoch = classic.generationId;
    const assigned = new Map<string, Map<number, number>>();
    for (const { topic, partitions } of assignment.assignedPartitions) {
      const id = this.#context.image().topics.byName.get(topic)?.id;
      if (id !== undefined) assigned.set(id, new Map(partitions.map((partition) => [partition, epoch])));
    }
    return {
      ...newConsumerGroupMember(member.memberId),
      instanceId: member.groupInstanceId,
      rackId: subscription.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: sortedNames(subscription.topics),
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      classic: {
        sessionTimeoutMs: member.sessionTimeoutMs,
        supportedProtocols: member.protocols.map(({ name, metadata: bytes }) => ({ name, metadata: bytes })),
      },
      memberEpoch: epoch,
      previousMemberEpoch: epoch,
      assigned,
    };
  }

  /** Whoever waits for the classic group's rebalance is told to come again: to the consumer group. */
  #release(classic: ClassicGroup): void {
    const errorCode = ErrorCode.REBALANCE_IN_PROGRESS;
    for (const member of [...classic.members.values()]) {
      classic.answerJoin(member, { memberId: member.memberId, errorCode });
      classic.answerSync(member, { errorCode });
    }
  }

  // ── consumer → classic ──

  mayDowngrade(group: ConsumerGroup, leaving: readonly ConsumerGroupMember[]): boolean {
    const { groupConsumerMigrationPolicy, groupMaxSize } = this.#context.config;
    const remaining = group.memberCount - leaving.length;
    return (
      leaving.every(({ classic }) => classic === null) &&
      group.classicMemberCount === remaining &&
      remaining > 0 &&
      groupConsumerMigrationPolicy.downgrades &&
      remaining <= groupMaxSize
    );
  }

  /** When a member of the classic protocol takes this static member's place. */
  mayDowngradeBy(group: ConsumerGroup, replaced: ConsumerGroupMember): boolean {
    const { groupConsumerMigrationPolicy, groupMaxSize } = this.#context.config;
    return (
      replaced.classic === null &&
      group.classicMemberCount === group.memberCount - 1 &&
      groupConsumerMigrationPolicy.downgrades &&
      group.memberCount <= groupMaxSize
    );
  }

  /** Without the members that leave. The members that stay rebalance as in any classic group. */
  downgrade(group: ConsumerGroup, leaving: readonly ConsumerGroupMember[]): GroupDecision<null> {
    const { groupId } = group;
    const gone = new Set(leaving.map(({ memberId }) => memberId));
    const members = [...group.members.values()].filter(({ memberId }) => !gone.has(memberId));
    const classic = this.#classicGroup(group, members);
    const reason = `Downgrade group ${groupId} from consumer to classic for member leaving.`;
    const decision = this.#replace(group, classic, group.tombstones());
    const { records } = this.#rebalance.prepare(classic, reason);
    return { ...decision, records: [...decision.records, ...records] };
  }

  /** A static member of the classic protocol has taken the place of the last member of the new one. */
  downgradeFor(
    group: ConsumerGroup,
    replaced: ConsumerGroupMember,
    joining: ConsumerGroupMember,
    hasSubscriptionChanged: boolean,
    before: readonly GroupCoordinatorRecord[],
  ): GroupDecision<null> & { readonly classic: ClassicGroup } {
    const members = [...group.members.values()].filter(({ memberId }) => memberId !== replaced.memberId);
    const classic = this.#classicGroup(group, [...members, joining]);
    // What was decided until here is written too: the log tells the whole story, and ends with the classic group.
    const tombstones = group
      .tombstones()
      .map((record) =>
        'memberId' in record.key && record.key.memberId === replaced.memberId
          ? ({ ...record, key: { ...record.key, memberId: joining.memberId } } as GroupCoordinatorRecord)
          : record,
      );
    const decision = this.#replace(group, classic, [...before, ...tombstones]);
    if (!hasSubscriptionChanged) return { ...decision, classic };
    const reason = `Downgrade group ${group.groupId} from consumer to classic for static member replacement with different subscription.`;
    const { records } = this.#rebalance.prepare(classic, reason);
    return { ...decision, records: [...decision.records, ...records], classic };
  }

  #replace(
    group: ConsumerGroup,
    classic: ClassicGroup,
    tombstones: readonly GroupCoordinatorRecord[],
  ): GroupDecision<null> {
    const { groups, nextOffset, changed } = this.#context;
    const assignments = new Map([...classic.members.values()].map((member) => [member.memberId, member.assignment]));
    const record = groupMetadataRecord(classic, assignments);
    groups.put(classic, nextOffset());
    for (const member of classic.members.values()) this.#rebalance.touch(classic, member);
    changed(group.groupId);
    // The state is changed here, since the rebalance needs the group at once; failing takes it back.
    return { records: [...tombstones, record], response: null, isReplayed: false };
  }

  #classicGroup(group: ConsumerGroup, members: readonly ConsumerGroupMember[]): ClassicGroup {
    const classic = new ClassicGroup(group.groupId, this.#context.clock.wallMs());
    classic.lastEvent = group.lastEvent;
    for (const member of members) {
      if (member.classic === null) continue;
      classic.add(
        new ClassicGroupMember({
          memberId: member.memberId,
          groupInstanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          sessionTimeoutMs: member.classic.sessionTimeoutMs,
          protocolType: consumerProtocolType,
          protocols: member.classic.supportedProtocols,
        }),
      );
    }
    classic.state = 'Stable';
    classic.previousState = 'Stable';
    classic.generationId = group.epoch;
    classic.protocolType = consumerProtocolType;
    classic.protocolName = classic.selectProtocol();
    classic.subscribedTopics = classic.computeSubscribedTopics();
    for (const member of members) {
      const known = classic.member(member.memberId);
      const version = versionOf(known.metadata(classic.protocolName));
      known.assignment = this.writeAssignment(group.targetFor(member), version);
    }
    return classic;
  }

  /** In the form of the embedded protocol of consumers, version in front. */
  writeAssignment(target: Iterable<readonly [string, Iterable<number>]>, version: number): Buffer {
    const { byId } = this.#context.image().topics;
    const assignedPartitions: { topic: string; partitions: number[] }[] = [];
    for (const [topicId, partitions] of target) {
      const topic = byId.get(topicId)?.name;
      if (topic !== undefined) assignedPartitions.push({ topic, partitions: [...partitions].sort((a, b) => a - b) });
    }
    const supported = Math.max(0, Math.min(version, assignmentVersionMax));
    const head = Buffer.alloc(versionBytes);
    head.writeInt16BE(supported);
    const body = consumerProtocolAssignment.encodeToBuffer(supported, { assignedPartitions, userData: null });
    return Buffer.concat([head, body]);
  }
}

export function versionOf(metadata: Buffer | null): number {
  return metadata === null || metadata.length < versionBytes ? 0 : metadata.readInt16BE(0);
}

function targetOf({ assigned }: ConsumerGroupMember): TopicPartitions {
  return new Map([...assigned].map(([topicId, partitions]) => [topicId, new Set(partitions.keys())]));
}

/** Null when it can't be read. */
export function readSubscription(metadata: Buffer): ReadSubscription | null {
  try {
    const version = Math.min(versionOf(metadata), assignmentVersionMax);
    const read = consumerProtocolSubscription.decodeFrom(metadata.subarray(versionBytes), version);
    return {
      topics: read.topics,
      rackId: version >= rackIdFrom && read.rackId !== '' ? read.rackId : null,
      ownedPartitions: version >= ownedPartitionsFrom ? read.ownedPartitions : [],
    };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function readAssignment(assignment: Buffer) {
  // A member that has not been given anything yet.
  if (assignment.length === 0) return { assignedPartitions: [], userData: null };
  try {
    const version = Math.min(versionOf(assignment), assignmentVersionMax);
    return consumerProtocolAssignment.decodeFrom(assignment.subarray(versionBytes), version);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
