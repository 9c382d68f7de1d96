// The state machine of one partition of `__consumer_offsets`: its groups and their committed offsets.

import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeGroupsResponse } from '../../protocol/messages/describe-groups.ts';
import type { GroupCoordinatorRecord, GroupMetadataValue } from '../../protocol/messages/group-coordinator-records.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import type { Writable } from '../../protocol/schema.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import type { MachineServices, StateMachine } from '../runtime/state-machine.ts';
import { ClassicGroup } from './classic-group.ts';
import { ClassicGroupMember } from './classic-group-member.ts';
import { ClassicJoin } from './classic-join.ts';
import { ClassicInConsumer } from './classic-in-consumer.ts';
import { ClassicMembership } from './classic-membership.ts';
import { ConsumerGroup, type ConsumerRecord } from './consumer-group.ts';
import { describeConsumerGroup, type DescribedConsumerGroup } from './consumer-group-description.ts';
import { ConsumerHeartbeat } from './consumer-heartbeat.ts';
import { ConsumerMembership } from './consumer-membership.ts';
import type { GroupContext } from './group-context.ts';
import { GroupMigration } from './group-migration.ts';
import { GroupOwnership } from './group-ownership.ts';
import { GroupOffsets } from './group-offsets.ts';
import { GroupRebalance } from './group-rebalance.ts';
import { type GroupDecision, groupTombstone, nothing } from './group-records.ts';
import { type Group, GroupRegistry } from './group-registry.ts';
import { MetadataHashes } from './group-subscription.ts';
import { OffsetStore } from './offset-store.ts';
import { RegexSubscriptions } from './regex-subscriptions.ts';
import { ShareGroup, type ShareRecord } from './share/share-group.ts';
import { ShareHeartbeat } from './share/share-heartbeat.ts';
import { ShareMembership } from './share/share-membership.ts';
import { ShareOffsets } from './share/share-offsets.ts';
import { type SharePartitions, toPartitions } from './share/share-topics.ts';
import { StreamsGroup, type StreamsRecord } from './streams/streams-group.ts';
import { StreamsHeartbeat } from './streams/streams-heartbeat.ts';
import { StreamsMembership } from './streams/streams-membership.ts';
import { TransactionalOffsets } from './transactional-offsets.ts';

export type GroupMachineSurroundings = Pick<
  GroupContext,
  'config' | 'clock' | 'random' | 'journal' | 'image' | 'changed'
>;

export type DescribedGroup = NonNullable<Writable<DescribeGroupsResponse>['groups']>[number];
export type ListedGroup = {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
};

/** With the tombstone of one of these its group is gone. */
const groupRecords: ReadonlySet<string> = new Set([
  'ConsumerGroupMetadata',
  'ShareGroupMetadata',
  'StreamsGroupMetadata',
]);

const expiryKey = 'expiry';
/** Without a group, DescribeGroups said "dead" before it had an error for it. */
const notFoundErrorFrom = 6;

export class GroupMachine implements StateMachine<GroupCoordinatorRecord> {
  readonly groups = new GroupRegistry();
  readonly store = new OffsetStore();
  readonly #context: GroupContext;
  readonly #rebalance: GroupRebalance;
  readonly classicJoin: ClassicJoin;
  readonly membership: ClassicMembership;
  readonly consumers: ConsumerHeartbeat;
  readonly #consumerMembership: ConsumerMembership;
  readonly #regexes: RegexSubscriptions;
  readonly offsets: GroupOffsets;
  readonly transactionalOffsets: TransactionalOffsets;
  readonly shareHeartbeat: ShareHeartbeat;
  readonly shareOffsets: ShareOffsets;
  readonly #shareMembership: ShareMembership;
  readonly streamsHeartbeat: StreamsHeartbeat;
  readonly #streamsMembership: StreamsMembership;

  constructor(surroundings: GroupMachineSurroundings, services: MachineServices<GroupCoordinatorRecord, GroupMachine>) {
    const context: GroupContext = {
      ...surroundings,
      timers: services.timers,
      groups: this.groups,
      ownership: new GroupOwnership(surroundings.journal, surroundings.image),
      run: (operation) => services.run(operation),
      nextOffset: services.nextOffset,
    };
    this.#context = context;
    this.#rebalance = new GroupRebalance(context);
    const hashes = new MetadataHashes();
    const migration = new GroupMigration(context, this.#rebalance, hashes);
    const membership = new ConsumerMembership(context, hashes, migration);
    const regexes = new RegexSubscriptions(context, membership, hashes);
    const heartbeat = new ConsumerHeartbeat(context, { membership, migration, regexes, hashes });
    const inConsumer = new ClassicInConsumer(context, { membership, migration, heartbeat, regexes });
    this.consumers = heartbeat;
    this.#consumerMembership = membership;
    this.#regexes = regexes;
    this.classicJoin = new ClassicJoin(context, this.#rebalance, inConsumer);
    this.membership = new ClassicMembership(context, this.#rebalance, inConsumer);
    this.offsets = new GroupOffsets(context, this.#rebalance, this.store);
    this.transactionalOffsets = new TransactionalOffsets(context);
    this.#shareMembership = new ShareMembership(context, hashes);
    this.shareHeartbeat = new ShareHeartbeat(context, this.#shareMembership, hashes);
    this.shareOffsets = new ShareOffsets(context);
    this.#streamsMembership = new StreamsMembership(context);
    this.streamsHeartbeat = new StreamsHeartbeat(context, this.#streamsMembership, hashes);
  }

  // ── records ──

  replay(record: GroupCoordinatorRecord, offset: number, producerId: number): void {
    switch (record.name) {
      case 'OffsetCommit':
        this.#replayOffset(record, offset, producerId);
        return;
      case 'LegacyOffsetCommit': {
        const { key, value } = record;
        const upgraded = value === null ? null : { ...value, leaderEpoch: -1, expireTimestamp: -1, topicId: zeroUuid };
        this.#replayOffset({ name: 'OffsetCommit', key, valueVersion: 0, value: upgraded }, offset, producerId);
        return;
      }
      case 'GroupMetadata':
        if (record.value === null) this.groups.remove(record.key.group, offset);
        else this.groups.put(this.#groupFrom(record.key.group, record.value), offset);
        this.#context.changed(record.key.group);
        return;
      case 'ConsumerGroupMetadata':
      case 'ConsumerGroupPartitionMetadata':
      case 'ConsumerGroupMemberMetadata':
      case 'ConsumerGroupTargetAssignmentMetadata':
      case 'ConsumerGroupTargetAssignmentMember':
      case 'ConsumerGroupCurrentMemberAssignment':
      case 'ConsumerGroupRegularExpression': {
        const group = this.#changedBy(record, offset, ConsumerGroup);
        if (group === null) return;
        this.groups.changed(group.groupId, offset, group.apply(record));
        this.#tell(group, record);
        return;
      }
      case 'ShareGroupMetadata':
      case 'ShareGroupMemberMetadata':
      case 'ShareGroupTargetAssignmentMetadata':
      case 'ShareGroupTargetAssignmentMember':
      case 'ShareGroupCurrentMemberAssignment':
      case 'ShareGroupStatePartitionMetadata': {
        const group = this.#changedBy(record, offset, ShareGroup);
        if (group === null) return;
        this.groups.changed(group.groupId, offset, group.apply(record, this.#context.clock.wallMs()));
        this.#tell(group, record);
        return;
      }
      case 'StreamsGroupMetadata':
      case 'StreamsGroupMemberMetadata':
      case 'StreamsGroupTargetAssignmentMetadata':
      case 'StreamsGroupTargetAssignmentMember':
      case 'StreamsGroupCurrentMemberAssignment':
      case 'StreamsGroupTopology': {
        const group = this.#changedBy(record, offset, StreamsGroup);
        if (group === null) return;
        this.groups.changed(group.groupId, offset, group.apply(record));
        this.#tell(group, record);
        return;
      }
    }
  }

  /** The group that the record changes, made by the first one of it; null: there is nothing to change any more. */
  #changedBy<G extends ConsumerGroup | ShareGroup | StreamsGroup>(
    record: ConsumerRecord | ShareRecord | StreamsRecord,
    offset: number,
    Kind: new (groupId: string) => G,
  ): G | null {
    const { groupId } = record.key;
    const known = this.groups.get(groupId);
    this.#context.changed(groupId);
    if (known instanceof Kind) {
      if (record.value !== null || !groupRecords.has(record.name)) return known;
      this.groups.remove(groupId, offset);
      return null;
    }
    if (record.value === null) return null;
    const group = new Kind(groupId);
    this.groups.put(group, offset);
    return group;
  }

  /** What a record changed for those who watch; a load is no news. */
  #tell(group: ConsumerGroup | ShareGroup | StreamsGroup, record: GroupCoordinatorRecord): void {
    if (!this.groups.isTracking) return;
    this.#context.ownership.applied(group, record);
    if (group instanceof ShareGroup) {
      // Nothing is taken from anybody: with its target made, the group is done.
      if (record.name === 'ShareGroupTargetAssignmentMetadata') this.#settled(group, group.assignmentEpoch);
      else if (record.name === 'ShareGroupMetadata' && group.isEmpty) this.#settled(group, group.epoch);
      return;
    }
    const { state } = group;
    if (state === group.reportedState) return;
    group.reportedState = state;
    if (state === 'Stable' || state === 'Empty') this.#settled(group, group.assignmentEpoch);
  }

  #settled(group: ConsumerGroup | ShareGroup | StreamsGroup, generation: number): void {
    const { groupId, type: protocol } = group;
    const members = group.members.size;
    const entry = group.isEmpty
      ? ({ kind: 'group.empty', groupId, generation } as const)
      : ({ kind: 'group.stable', groupId, generation, members, protocol } as const);
    group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
  }

  /** Partitions of which a share group keeps state; of no other group any. */
  initializedSharePartitions(groupId: string): SharePartitions {
    const group = this.groups.get(groupId);
    return group instanceof ShareGroup ? toPartitions(group.topics.initialized) : new Map();
  }

  /** Topics came, changed or went. */
  onTopicsChanged(names: ReadonlySet<string>, hasNewTopics: boolean, version: number): void {
    if (hasNewTopics) this.#regexes.onNewTopics(version);
    for (const group of this.groups.values()) {
      if (group instanceof ClassicGroup) continue;
      for (const name of names) if (group.isSubscribedTo(name)) group.metadataRefreshAtMs = 0;
    }
  }

  #replayOffset(
    { key, value }: Extract<GroupCoordinatorRecord, { name: 'OffsetCommit' }>,
    offset: number,
    producerId: number,
  ): void {
    const { group: groupId, topic, partition } = key;
    if (value === null) {
      this.store.set(groupId, topic, partition, null, offset);
      return;
    }
    if (this.groups.get(groupId) === null) {
      // Offsets without a group: its consumers assign themselves.
      this.groups.put(new ClassicGroup(groupId, null), offset);
    }
    const committed = {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp,
      topicId: value.topicId,
    };
    if (producerId < 0) this.store.set(groupId, topic, partition, committed, offset);
    else this.store.setPending(producerId, groupId, topic, partition, { value: committed, offset });
  }

  #groupFrom(groupId: string, value: GroupMetadataValue): ClassicGroup {
    const group = new ClassicGroup(groupId, value.currentStateTimestamp < 0 ? null : value.currentStateTimestamp);
    for (const stored of value.members) {
      const member = new ClassicGroupMember({
        memberId: stored.memberId,
        groupInstanceId: stored.groupInstanceId,
        clientId: stored.clientId,
        clientHost: stored.clientHost,
        rebalanceTimeoutMs: stored.rebalanceTimeout < 0 ? stored.sessionTimeout : stored.rebalanceTimeout,
        sessionTimeoutMs: stored.sessionTimeout,
        protocolType: value.protocolType,
        protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(stored.subscription) }],
      });
      member.assignment = Buffer.from(stored.assignment);
      group.add(member);
    }
    group.state = value.members.length === 0 ? 'Empty' : 'Stable';
    group.previousState = group.state;
    group.generationId = value.generation;
    group.protocolType = value.protocolType === '' ? null : value.protocolType;
    group.protocolName = value.protocol;
    group.leaderId = value.leader;
    group.subscribedTopics = group.computeSubscribedTopics();
    return group;
  }

  replayEndTransactionMarker(producerId: number, type: 'COMMIT' | 'ABORT', offset: number): void {
    this.store.endTransaction(producerId, type, offset);
  }

  commitUpTo(offset: number): void {
    this.groups.commitUpTo(offset);
    for (const groupId of this.store.commitUpTo(offset)) this.#context.changed(groupId);
  }

  revertFrom(offset: number): void {
    this.store.revertFrom(offset);
    for (const group of this.groups.revertFrom(offset)) {
      if (group instanceof ClassicGroup) this.#rebalance.dissolve(group, ErrorCode.COORDINATOR_NOT_AVAILABLE);
      this.#context.changed(group.groupId);
      // What was to take its place has had its members' deadlines.
      const restored = this.groups.get(group.groupId);
      if (restored instanceof ClassicGroup) this.#rebalance.restored(restored);
      else if (restored instanceof ConsumerGroup) this.#consumerMembership.loaded(restored);
      else if (restored instanceof ShareGroup) this.#shareMembership.loaded(restored);
      else if (restored instanceof StreamsGroup) this.#streamsMembership.loaded(restored);
    }
  }

  onLoaded(): void {
    this.groups.isTracking = true;
    this.store.isTracking = true;
    for (const group of this.groups.values()) {
      this.#context.ownership.loaded(group);
      if (group instanceof ClassicGroup) this.#rebalance.loaded(group);
      else if (group instanceof ConsumerGroup) this.#consumerMembership.loaded(group);
      else if (group instanceof ShareGroup) this.#shareMembership.loaded(group);
      else this.#streamsMembership.loaded(group);
      this.#context.changed(group.groupId);
    }
    this.#scheduleExpiry();
  }

  onUnloaded(): void {
    for (const group of this.groups.values()) {
      if (group instanceof ClassicGroup) this.#rebalance.dissolve(group, ErrorCode.NOT_COORDINATOR);
      if (group instanceof ConsumerGroup) this.#consumerMembership.unloaded(group);
      if (group instanceof ShareGroup) this.#shareMembership.unloaded(group);
      if (group instanceof StreamsGroup) this.#streamsMembership.unloaded(group);
      this.#context.changed(group.groupId);
    }
  }

  // ── expiry ──

  #scheduleExpiry(): void {
    this.#context.timers.schedule(expiryKey, this.#context.config.offsetsRetentionCheckIntervalMs, () => {
      this.#scheduleExpiry();
      for (const group of [...this.groups.values()]) this.#context.run(() => this.#expire(group));
    });
  }

  /** Group by group, so that no batch grows beyond what the topic takes. */
  #expire(group: Group): GroupDecision<null> {
    // A share group stays until somebody deletes it: how far it has come is kept elsewhere.
    if (this.groups.get(group.groupId) !== group || group instanceof ShareGroup) return nothing;
    const { records, isAll } = this.offsets.expired(group);
    if (isAll && group.isEmpty) records.push(...this.#tombstonesOf(group));
    return { records, response: null };
  }

  // ── groups as a whole ──

  #tombstonesOf(group: Group): GroupCoordinatorRecord[] {
    return group instanceof ClassicGroup ? [groupTombstone(group.groupId)] : [...group.tombstones()];
  }

  deleteGroup(groupId: string): GroupDecision<null> {
    const group = this.groups.get(groupId);
    if (group === null) throw new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND);
    if (!group.isEmpty) throw new CoordinatorError(ErrorCode.NON_EMPTY_GROUP);
    return { records: [...this.offsets.tombstones(groupId), ...this.#tombstonesOf(group)], response: null };
  }

  *list(): Generator<ListedGroup> {
    for (const group of this.groups.values()) {
      yield {
        groupId: group.groupId,
        protocolType: group.protocolType ?? '',
        groupState: group.state,
        groupType: group.type,
      };
    }
  }

  describeConsumerGroup(groupId: string): DescribedConsumerGroup {
    return describeConsumerGroup(this.groups.get(groupId), groupId, this.#context);
  }

  describe(groupId: string, apiVersion: number): DescribedGroup {
    const group = this.groups.get(groupId);
    if (!(group instanceof ClassicGroup)) {
      const dead = { groupId, groupState: 'Dead', errorCode: ErrorCode.NONE };
      if (apiVersion < notFoundErrorFrom) return dead;
      const errorMessage = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`;
      return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
    }
    const { protocolName } = group;
    const isStable = group.state === 'Stable' && protocolName !== null;
    return {
      groupId,
      groupState: group.state,
      protocolType: group.protocolType ?? '',
      protocolData: isStable ? protocolName : '',
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: (isStable ? member.metadata(protocolName) : null) ?? Buffer.alloc(0),
        memberAssignment: member.assignment,
      })),
    };
  }
}
