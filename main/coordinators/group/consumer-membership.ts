// Who belongs to a consumer group (KIP-848): joining, static members in each other's place, leaving, being fenced,
// and the deadlines of members. What a heartbeat does beyond that: consumer-heartbeat.ts.

import { ErrorCode } from '../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import { consumerGroupSettings } from './group-config.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerGroupMember,
  leaveStaticEpoch,
  newConsumerGroupMember,
  noPartitions,
} from './consumer-group-member.ts';
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberMetadataRecord,
  memberTombstones,
  regexTombstone,
  targetAssignmentRecord,
} from './consumer-group-records.ts';
import { consumerTimers } from './consumer-timers.ts';
import type { GroupContext } from './group-context.ts';
import { type GroupDecision, nothing } from './group-records.ts';
import { type MemberChange, membersAfter, type MetadataHashes, subscriptionOf } from './group-subscription.ts';
import type { GroupMigration } from './group-migration.ts';
import type { ReportedPartitions } from './reconciliation.ts';

/** After a member could not be taken out. */
const fenceRetryMs = 500;

export type Joining = {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly reported: ReportedPartitions;
  readonly isNew: boolean;
  readonly isClassic: boolean;
};

export class ConsumerMembership {
  readonly #context: GroupContext;
  readonly #hashes: MetadataHashes;
  readonly #migration: GroupMigration;

  constructor(context: GroupContext, hashes: MetadataHashes, migration: GroupMigration) {
    this.#context = context;
    this.#hashes = hashes;
    this.#migration = migration;
  }

  // ── who may be in it ──

  refuseIfFull(group: ConsumerGroup, memberId: string): void {
    const { groupConsumerMaxSize } = this.#context.config;
    if (group.memberCount < groupConsumerMaxSize || (memberId !== '' && group.members.has(memberId))) return;
    throw new CoordinatorError(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      `The consumer group has reached its maximum capacity of ${groupConsumerMaxSize} members.`,
    );
  }

  /** The member as it is known, a new one, or a static one that takes its own place again. */
  memberFor(group: ConsumerGroup, joining: Joining, records: GroupCoordinatorRecord[]): ConsumerGroupMember {
    const { memberId, memberEpoch, instanceId, reported, isNew, isClassic } = joining;
    if (instanceId === null) {
      const known = isNew ? group.members.get(memberId) : group.member(memberId);
      const member = known ?? newConsumerGroupMember(memberId);
      if (!isClassic) refuseWrongEpoch(member, memberEpoch, reported);
      return member;
    }
    const holder = group.staticMember(instanceId);
    if (!isNew) {
      const member = knownStatic(holder, instanceId);
      refuseFencedInstance(member, memberId, instanceId);
      if (!isClassic) refuseWrongEpoch(member, memberEpoch, reported);
      return member;
    }
    if (holder === null) return group.members.get(memberId) ?? newConsumerGroupMember(memberId);
    if (!isClassic && holder.classic === null && holder.memberEpoch !== leaveStaticEpoch) {
      throw new CoordinatorError(
        ErrorCode.UNRELEASED_INSTANCE_ID,
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${holder.memberId} member.`,
      );
    }
    const member = { ...holder, memberId, memberEpoch: 0, previousMemberEpoch: 0 };
    records.push(
      ...memberTombstones(group.groupId, holder.memberId),
      memberMetadataRecord(group.groupId, member),
      targetAssignmentRecord(group.groupId, memberId, group.targetFor(holder)),
      currentAssignmentRecord(group.groupId, member),
    );
    return member;
  }

  // ── leaving ──

  leave(
    group: ConsumerGroup,
    { memberId, memberEpoch, instanceId }: Pick<Joining, 'memberId' | 'memberEpoch' | 'instanceId'>,
  ): GroupDecision<null> {
    if (instanceId === null) return this.fence(group, [group.member(memberId)], 'it left');
    const member = knownStatic(group.staticMember(instanceId), instanceId);
    refuseFencedInstance(member, memberId, instanceId);
    if (memberEpoch !== leaveStaticEpoch) return this.fence(group, [member], 'it left');
    // It will be back: its place and its target stay, for as long as its session lasts.
    const away = { ...member, memberEpoch: leaveStaticEpoch, pendingRevocation: noPartitions };
    return { records: [currentAssignmentRecord(group.groupId, away)], response: null };
  }

  /** Takes members out. The group begins a new epoch, or becomes a classic group when only such members remain. */
  fence(group: ConsumerGroup, members: readonly ConsumerGroupMember[], reason: string): GroupDecision<null> {
    if (members.length === 0) return nothing;
    const { groupId } = group;
    for (const { memberId } of members) {
      const entry = { kind: 'group.memberRemoved', groupId, memberId, reason } as const;
      group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
    }
    if (this.#migration.mayDowngrade(group, members)) return this.#migration.downgrade(group, members);
    return { records: this.removal(group, members, reason), response: null };
  }

  /** The records that take members out and begin a new epoch. Their deadlines find nobody any more. */
  removal(group: ConsumerGroup, members: readonly ConsumerGroupMember[], reason: string): GroupCoordinatorRecord[] {
    const { groupId } = group;
    const records = members.flatMap(({ memberId }) => memberTombstones(groupId, memberId));
    const changes = members.map((before): MemberChange => ({ before, after: null }));
    const subscription = subscriptionOf(membersAfter(group, changes), group.regexes);
    for (const regex of new Set(members.map(({ subscribedTopicRegex }) => subscribedTopicRegex))) {
      if (regex !== '' && !subscription.regexCounts.has(regex) && group.regexes.has(regex)) {
        records.push(regexTombstone(groupId, regex));
      }
    }
    const hash = this.#hashes.of(subscription.topicNames, this.#context.image());
    records.push(this.newEpoch(group, hash, reason));
    return records;
  }

  /** Begins the next epoch; `reason` is for who watches. */
  newEpoch(group: ConsumerGroup, metadataHash: bigint, reason: string): GroupCoordinatorRecord {
    const { groupId } = group;
    const epoch = group.epoch + 1;
    const entry = { kind: 'group.rebalancing', groupId, generation: epoch, reason } as const;
    group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
    return groupEpochRecord(groupId, epoch, metadataHash);
  }

  // ── deadlines ──

  get #timers() {
    return consumerTimers(this.#context.timers);
  }

  /** The member lives. */
  touch(groupId: string, memberId: string, timeoutMs = this.#sessionTimeoutMs(groupId)): void {
    this.#timers.session(groupId, memberId, timeoutMs, () =>
      this.#fenceLater(groupId, memberId, `no heartbeat within ${timeoutMs} ms`),
    );
  }

  #sessionTimeoutMs(groupId: string): number {
    return consumerGroupSettings(this.#context.config, this.#context.image(), groupId).sessionTimeoutMs;
  }

  /** It has as long as this to give up partitions. */
  awaitRevocation(groupId: string, { memberId, memberEpoch, rebalanceTimeoutMs }: ConsumerGroupMember): void {
    this.#timers.rebalance(groupId, memberId, rebalanceTimeoutMs, () => {
      const member = this.#context.groups.consumer(groupId)?.members.get(memberId);
      if (member?.memberEpoch !== memberEpoch) return;
      this.#fenceLater(groupId, memberId, `did not give up its partitions within ${rebalanceTimeoutMs} ms`);
    });
  }

  endRevocation(groupId: string, memberId: string): void {
    this.#timers.cancelRebalance(groupId, memberId);
  }

  /** A member of the classic protocol has to rejoin. */
  awaitJoin(groupId: string, { memberId, rebalanceTimeoutMs }: ConsumerGroupMember): void {
    this.#timers.joinUnlessSet(groupId, memberId, rebalanceTimeoutMs, () =>
      this.#fenceLater(groupId, memberId, `did not rejoin within ${rebalanceTimeoutMs} ms`),
    );
  }

  joined(groupId: string, memberId: string): void {
    this.#timers.cancelJoin(groupId, memberId);
  }

  /** A member of the classic protocol has to fetch its assignment. */
  awaitSync(groupId: string, memberId: string, timeoutMs: number): void {
    this.#timers.sync(groupId, memberId, timeoutMs, () =>
      this.#fenceLater(groupId, memberId, `did not sync within ${timeoutMs} ms`),
    );
  }

  synced(groupId: string, memberId: string): void {
    this.#timers.cancelSync(groupId, memberId);
  }

  #fenceLater(groupId: string, memberId: string, reason: string): void {
    this.#context.run(() => {
      const group = this.#context.groups.consumer(groupId);
      const member = group?.members.get(memberId);
      if (group === null || member === undefined) return nothing;
      const decision = this.fence(group, [member], reason);
      return {
        ...decision,
        onSettled: (errorCode) => {
          decision.onSettled?.(errorCode);
          // It could not be written down: the member is still there, and must not stay for ever.
          if (errorCode !== ErrorCode.NONE) this.touch(groupId, memberId, fenceRetryMs);
        },
      };
    });
  }

  /** After a load: everyone gets a full session to find this coordinator. */
  loaded(group: ConsumerGroup): void {
    for (const member of group.members.values()) {
      this.touch(group.groupId, member.memberId, member.classic?.sessionTimeoutMs);
      if (member.state === 'unrevoked') this.awaitRevocation(group.groupId, member);
    }
  }

  /** The group is no longer ours, or no longer this. */
  unloaded(group: ConsumerGroup): void {
    for (const memberId of group.memberIds) this.#timers.cancelAll(group.groupId, memberId);
  }
}

export function knownStatic(member: ConsumerGroupMember | null, instanceId: string): ConsumerGroupMember {
  if (member !== null) return member;
  throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`);
}

export function refuseFencedInstance(member: ConsumerGroupMember, memberId: string, instanceId: string): void {
  if (member.memberId === memberId) return;
  throw new CoordinatorError(
    ErrorCode.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
  );
}

function refuseWrongEpoch(member: ConsumerGroupMember, memberEpoch: number, reported: ReportedPartitions): void {
  // Whoever was fenced may join again under its id.
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch) return;
  const isAhead = memberEpoch > member.memberEpoch;
  // The answer that told the new epoch may have been lost: fine, if it holds nothing that is not its own.
  if (!isAhead && memberEpoch === member.previousMemberEpoch && holdsOnly(reported, member)) return;
  throw new CoordinatorError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${isAhead ? 'greater' : 'smaller'} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  );
}

function holdsOnly(reported: ReportedPartitions, { assigned }: ConsumerGroupMember): boolean {
  if (reported === null) return false;
  return reported.every(({ topicId, partitions }) => {
    const own = assigned.get(topicId);
    return own !== undefined && partitions.every((partition) => own.has(partition));
  });
}
