// A consumer group (KIP-848) as its records describe it: members, target assignment, who owns which partition now.
// Every change returns its undo, for records that could not be appended. Decides nothing: see consumer-heartbeat.ts.
// State: Empty (no members) · Assigning (epoch beyond the target's) · Reconciling · Stable.

import type { EventId } from '../../core/journal.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { OffsetCommitRequest } from '../../protocol/messages/offset-commit.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import {
  type ConsumerGroupMember,
  emptyTarget,
  isReconciledTo,
  newConsumerGroupMember,
  noPartitions,
  type TopicPartitions,
  withCurrentAssignment,
  withMetadata,
} from './consumer-group-member.ts';
import { consumerGroupTombstones, type ResolvedRegex } from './consumer-group-records.ts';

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable';

export type ConsumerRecord = Extract<GroupCoordinatorRecord, { name: `ConsumerGroup${string}` }>;

export type Undo = () => void;

type CommitTopics = OffsetCommitRequest['topics'];

/** From here on a member of the new protocol may commit. */
const consumerCommitsFrom = 9;
/** Kafka's groups begin here: the first member brings the second epoch. */
const firstEpoch = 1;

export class ConsumerGroup {
  readonly type = 'consumer';
  readonly protocolType = 'consumer';
  readonly groupId: string;
  epoch = firstEpoch;
  metadataHash = 0n;
  /** The group epoch that the target assignment was made for. */
  assignmentEpoch = firstEpoch;
  /** Wall clock; 0: never, or before Kafka 4.3. */
  assignmentTimestampMs = 0;
  /** Written by Kafka 4.0, to be removed with the next change. */
  hasSubscriptionMetadata = false;
  /** Not in the log: when the topics are looked at anew; 0 at once. */
  metadataRefreshAtMs = 0;
  /** The last journal event about this group: cause of what comes next. */
  lastEvent: EventId | null = null;
  /** What was last told of its state. */
  reportedState: ConsumerGroupState = 'Empty';
  readonly #members = new Map<string, ConsumerGroupMember>();
  readonly #targets = new Map<string, TopicPartitions>();
  readonly #regexes = new Map<string, ResolvedRegex>();
  /** Member id by group instance id. */
  readonly #staticMembers = new Map<string, string>();
  /** By topic id and partition, the member that holds it now, be it to give it up. */
  readonly #owners = new Map<string, Map<number, string>>();
  #classicMemberCount = 0;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  // ── questions ──

  get members(): ReadonlyMap<string, ConsumerGroupMember> {
    return this.#members;
  }

  get regexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#regexes;
  }

  get targets(): ReadonlyMap<string, TopicPartitions> {
    return this.#targets;
  }

  get memberIds(): string[] {
    return [...this.#members.keys()];
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get classicMemberCount(): number {
    return this.#classicMemberCount;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get state(): ConsumerGroupState {
    if (this.isEmpty) return 'Empty';
    if (this.epoch > this.assignmentEpoch) return 'Assigning';
    for (const member of this.#members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling';
    }
    return 'Stable';
  }

  /** Throws UNKNOWN_MEMBER_ID. */
  member(memberId: string): ConsumerGroupMember {
    const member = this.#members.get(memberId);
    if (member === undefined) {
      throw new CoordinatorError(
        ErrorCode.UNKNOWN_MEMBER_ID,
        `Member ${memberId} is not a member of group ${this.groupId}.`,
      );
    }
    return member;
  }

  staticMember(instanceId: string | null): ConsumerGroupMember | null {
    const memberId = instanceId === null ? undefined : this.#staticMembers.get(instanceId);
    return memberId === undefined ? null : (this.#members.get(memberId) ?? null);
  }

  /** The target of a member, or of the static member in whose place it comes. */
  targetFor({ memberId, instanceId }: ConsumerGroupMember): TopicPartitions {
    const holder = instanceId === null ? memberId : (this.#staticMembers.get(instanceId) ?? memberId);
    return this.#targets.get(holder) ?? emptyTarget;
  }

  isOwned(topicId: string, partition: number): boolean {
    return this.#owners.get(topicId)?.has(partition) === true;
  }

  /** Waits for a partition that another member still holds. */
  isWaitingForOthers(member: ConsumerGroupMember): boolean {
    if (member.state !== 'unreleased') return false;
    for (const [topicId, partitions] of this.targetFor(member)) {
      for (const partition of partitions) {
        if (member.assigned.get(topicId)?.has(partition) !== true && this.isOwned(topicId, partition)) return true;
      }
    }
    return false;
  }

  isSubscribedTo(topic: string): boolean {
    for (const { subscribedTopicNames } of this.#members.values()) {
      if (subscribedTopicNames.includes(topic)) return true;
    }
    for (const { topics } of this.#regexes.values()) if (topics.includes(topic)) return true;
    return false;
  }

  supportsClassicProtocols(protocolType: string, names: readonly string[]): boolean {
    if (protocolType !== this.protocolType) return false;
    if (this.isEmpty) return names.length > 0;
    return names.some((name) => {
      let count = 0;
      for (const { classic } of this.#members.values()) {
        if (classic?.supportedProtocols.some((protocol) => protocol.name === name) === true) count++;
      }
      return count === this.#classicMemberCount;
    });
  }

  // ── offsets ──

  /** Throws when a commit with this member epoch can't be taken. */
  validateOffsetCommit(memberId: string, memberEpoch: number, apiVersion: number, topics: CommitTopics): void {
    // An admin client, or a consumer that assigns itself.
    if (memberEpoch < 0 && this.isEmpty) return;
    const member = this.member(memberId);
    if (member.classic === null && apiVersion < consumerCommitsFrom) {
      throw new CoordinatorError(ErrorCode.UNSUPPORTED_VERSION);
    }
    this.validateCommitEpoch(member, memberEpoch, topics);
  }

  /**
   * An older epoch will do for partitions that the member has held since then (KIP-1251): its heartbeat may have
   * moved it on while the commit was under way.
   */
  validateCommitEpoch(member: ConsumerGroupMember, memberEpoch: number, topics: CommitTopics): void {
    if (memberEpoch === member.memberEpoch) return;
    if (memberEpoch > member.memberEpoch) throw staleEpoch(member);
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex } of partitions) {
        const held = member.assigned.get(topicId)?.get(partitionIndex);
        const since = held ?? member.pendingRevocation.get(topicId)?.get(partitionIndex);
        if (since === undefined || memberEpoch < since) throw staleEpoch(member);
      }
    }
  }

  /** No member id and epoch: an admin client, or one that does not tell. */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): void {
    if (memberId === null && memberEpoch < 0) return;
    const member = this.member(memberId ?? '');
    if (member.memberEpoch !== memberEpoch) throw staleEpoch(member);
  }

  tombstones(): GroupCoordinatorRecord[] {
    return consumerGroupTombstones(this.groupId, this.memberIds, this.#regexes.keys(), this.hasSubscriptionMetadata);
  }

  // ── changes ──

  /** Everything but the group's own tombstone, with which the group as a whole goes. */
  apply(record: ConsumerRecord): Undo {
    switch (record.name) {
      case 'ConsumerGroupMetadata': {
        const { epoch, metadataHash } = record.value ?? { epoch: firstEpoch, metadataHash: 0n };
        return this.setEpoch(epoch, metadataHash);
      }
      case 'ConsumerGroupPartitionMetadata': {
        const before = this.hasSubscriptionMetadata;
        this.hasSubscriptionMetadata = record.value !== null;
        return () => void (this.hasSubscriptionMetadata = before);
      }
      case 'ConsumerGroupMemberMetadata': {
        const { memberId } = record.key;
        if (record.value === null) return this.setMember(memberId, null);
        const member = this.#members.get(memberId) ?? newConsumerGroupMember(memberId);
        return this.setMember(memberId, withMetadata(member, record.value));
      }
      case 'ConsumerGroupCurrentMemberAssignment':
        return this.#applyCurrent(record);
      case 'ConsumerGroupTargetAssignmentMember': {
        const topics = record.value?.topicPartitions.map(
          ({ topicId, partitions }) => [topicId, new Set(partitions)] as const,
        );
        return this.setTarget(record.key.memberId, topics === undefined ? null : new Map(topics));
      }
      case 'ConsumerGroupTargetAssignmentMetadata': {
        const { assignmentEpoch, assignmentTimestamp } = record.value ?? {
          assignmentEpoch: -1,
          assignmentTimestamp: 0,
        };
        return this.setAssignmentEpoch(assignmentEpoch, assignmentTimestamp);
      }
      case 'ConsumerGroupRegularExpression': {
        const { key, value } = record;
        const resolved =
          value === null ? null : { topics: value.topics, version: value.version, timestampMs: value.timestamp };
        return this.#setRegex(key.regularExpression, resolved);
      }
    }
  }

  #applyCurrent({ key, value }: Extract<ConsumerRecord, { name: 'ConsumerGroupCurrentMemberAssignment' }>): Undo {
    const { memberId } = key;
    const known = this.#members.get(memberId);
    if (value !== null) {
      return this.setMember(memberId, withCurrentAssignment(known ?? newConsumerGroupMember(memberId), value));
    }
    // It holds nothing any more; that it is gone is its metadata's tombstone to say.
    if (known === undefined) return () => {};
    const released = { memberEpoch: -1, previousMemberEpoch: -1, assigned: noPartitions };
    return this.setMember(memberId, { ...known, ...released, pendingRevocation: noPartitions });
  }

  setEpoch(epoch: number, metadataHash: bigint): Undo {
    // Topics whose change did not get into the log are to be looked at again.
    const before = { epoch: this.epoch, metadataHash: this.metadataHash, metadataRefreshAtMs: 0 };
    Object.assign(this, { epoch, metadataHash });
    return () => void Object.assign(this, before);
  }

  setAssignmentEpoch(assignmentEpoch: number, assignmentTimestampMs: number): Undo {
    const before = { assignmentEpoch: this.assignmentEpoch, assignmentTimestampMs: this.assignmentTimestampMs };
    Object.assign(this, { assignmentEpoch, assignmentTimestampMs });
    return () => void Object.assign(this, before);
  }

  setTarget(memberId: string, target: TopicPartitions | null): Undo {
    const before = this.#targets.get(memberId) ?? null;
    if (target === null) this.#targets.delete(memberId);
    else this.#targets.set(memberId, target);
    return () => void this.setTarget(memberId, before);
  }

  setMember(memberId: string, member: ConsumerGroupMember | null): Undo {
    const before = this.#members.get(memberId) ?? null;
    if (before !== null) this.#forget(before);
    if (member === null) this.#members.delete(memberId);
    else {
      this.#members.set(memberId, member);
      if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, memberId);
      if (member.classic !== null) this.#classicMemberCount++;
      this.#own(member);
    }
    return () => void this.setMember(memberId, before);
  }

  #setRegex(regex: string, resolved: ResolvedRegex | null): Undo {
    const before = this.#regexes.get(regex) ?? null;
    if (resolved === null) this.#regexes.delete(regex);
    else this.#regexes.set(regex, resolved);
    return () => void this.#setRegex(regex, before);
  }

  #forget(member: ConsumerGroupMember): void {
    const { memberId, instanceId } = member;
    if (instanceId !== null && this.#staticMembers.get(instanceId) === memberId) this.#staticMembers.delete(instanceId);
    if (member.classic !== null) this.#classicMemberCount--;
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId);
        // After compaction records of several members may overlap: the later one holds it.
        for (const partition of partitions.keys()) {
          if (owners?.get(partition) === memberId) owners.delete(partition);
        }
        if (owners?.size === 0) this.#owners.delete(topicId);
      }
    }
  }

  #own({ memberId, assigned, pendingRevocation }: ConsumerGroupMember): void {
    for (const owned of [assigned, pendingRevocation]) {
      for (const [topicId, partitions] of owned) {
        let owners = this.#owners.get(topicId);
        if (owners === undefined) {
          owners = new Map();
          this.#owners.set(topicId, owners);
        }
        for (const partition of partitions.keys()) owners.set(partition, memberId);
      }
    }
  }
}

function staleEpoch({ classic }: ConsumerGroupMember): CoordinatorError {
  return new CoordinatorError(classic === null ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.ILLEGAL_GENERATION);
}
