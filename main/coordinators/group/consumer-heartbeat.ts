// ConsumerGroupHeartbeat (KIP-848): takes up what a member says, lets the group begin a new epoch when that matters,
// computes the target when it is due, and brings the member nearer to it. KIP-1263 (assignment interval).

import { assert } from '../../core/assert.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/consumer-group-heartbeat.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { Writable } from '../../protocol/schema.ts';
import { randomUuid } from '../../protocol/uuid.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import { ClassicGroup } from './classic-group.ts';
import { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerGroupMember,
  emptyTarget,
  isReconciledTo,
  isSameSubscription,
  type OwnedPartitions,
  sameNames,
  sameOwned,
  sortedNames,
  type TopicPartitions,
} from './consumer-group-member.ts';
import {
  currentAssignmentRecord,
  memberMetadataRecord,
  subscriptionMetadataTombstone,
} from './consumer-group-records.ts';
import type { ConsumerMembership } from './consumer-membership.ts';
import type { Progress } from './consumer-progress.ts';
import { consumerGroupSettings } from './group-config.ts';
import type { ClientIdentity, GroupContext } from './group-context.ts';
import type { GroupMigration } from './group-migration.ts';
import { type GroupDecision, groupTombstone } from './group-records.ts';
import { membersAfter, type MetadataHashes, subscriptionOf, topicIdsOf, topicNamesOf } from './group-subscription.ts';
import { reconcile, type ReportedPartitions } from './reconciliation.ts';
import type { RegexSubscriptions } from './regex-subscriptions.ts';
import { computeTarget, preferredAssignor } from './target-assignment.ts';

type Response = Writable<ConsumerGroupHeartbeatResponse>;

/** Topics are looked at anew after this time even when nothing is known to have changed; Kafka's. */
const metadataRefreshIntervalMs = 2_147_483_647;

type Target = { readonly epoch: number; readonly partitions: TopicPartitions };

export class ConsumerHeartbeat {
  readonly #context: GroupContext;
  readonly #membership: ConsumerMembership;
  readonly #migration: GroupMigration;
  readonly #regexes: RegexSubscriptions;
  readonly #hashes: MetadataHashes;

  constructor(
    context: GroupContext,
    parts: {
      readonly membership: ConsumerMembership;
      readonly migration: GroupMigration;
      readonly regexes: RegexSubscriptions;
      readonly hashes: MetadataHashes;
    },
  ) {
    this.#context = context;
    this.#membership = parts.membership;
    this.#migration = parts.migration;
    this.#regexes = parts.regexes;
    this.#hashes = parts.hashes;
  }

  /** Errors come as an answer: their messages belong to it. */
  heartbeat(client: ClientIdentity, request: ConsumerGroupHeartbeatRequest): GroupDecision<Response> {
    try {
      return request.memberEpoch < 0 ? this.#leave(request) : this.#beat(client, request);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      return { records: [], response: { errorCode: error.code, errorMessage: error.message } };
    }
  }

  #leave({ groupId, memberId, memberEpoch, instanceId }: ConsumerGroupHeartbeatRequest): GroupDecision<Response> {
    const group = this.#existing(groupId);
    const decision = this.#membership.leave(group, { memberId, memberEpoch, instanceId });
    return { ...decision, response: { memberId, memberEpoch } };
  }

  #existing(groupId: string): ConsumerGroup {
    const group = this.#context.groups.get(groupId);
    if (group instanceof ConsumerGroup) return group;
    const why = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`;
    throw new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND, why);
  }

  /** A group for a member that joins: it may have to be made, or made out of a classic one. */
  #forJoining(groupId: string, records: GroupCoordinatorRecord[]): ConsumerGroup {
    const known = this.#context.groups.get(groupId);
    if (known === null) return new ConsumerGroup(groupId);
    if (!(known instanceof ClassicGroup)) return this.#existing(groupId);
    if (known.isEmpty) {
      records.push(groupTombstone(groupId));
      return new ConsumerGroup(groupId);
    }
    const { group, records: upgrade } = this.#migration.upgrade(known);
    records.push(...upgrade);
    // Without effect when the upgrade can't be written: then there is no such consumer group.
    this.#membership.loaded(group);
    return group;
  }

  #beat(client: ClientIdentity, request: ConsumerGroupHeartbeatRequest): GroupDecision<Response> {
    const { groupId, memberEpoch, instanceId, topicPartitions: reported } = request;
    const records: GroupCoordinatorRecord[] = [];
    const isNew = memberEpoch === 0;
    const group = isNew ? this.#forJoining(groupId, records) : this.#existing(groupId);
    this.#membership.refuseIfFull(group, request.memberId);
    const memberId = request.memberId === '' ? randomUuid(this.#context.random) : request.memberId;
    const joining = { memberId, memberEpoch, instanceId, reported, isNew, isClassic: false };
    const before = this.#membership.memberFor(group, joining, records);
    const after = updated(before, client, request);
    const progress: Progress = { group, before, after, records };
    const namesChanged = this.noteSubscription(progress);
    const regexChange = this.#regexes.update(progress, client.mayDescribe);
    const hasChanged = namesChanged || regexChange !== 'none';
    const epoch = this.newEpochIfDue(progress, namesChanged || regexChange === 'resolved');
    const target = this.targetIfDue(progress, epoch);
    const member = this.reconciled(progress, target, hasChanged, reported);
    this.#membership.touch(groupId, memberId);
    const isFull =
      request.rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      reported !== null;
    const tellsAssignment = isNew || isFull || !sameOwned(before.assigned, member.assigned);
    const { heartbeatIntervalMs } = consumerGroupSettings(this.#context.config, this.#context.image(), groupId);
    return {
      records,
      response: {
        memberId,
        memberEpoch: member.memberEpoch,
        heartbeatIntervalMs,
        assignment: tellsAssignment ? { topicPartitions: told(member.assigned) } : null,
      },
    };
  }

  // ── the steps, shared with JoinGroup to a consumer group ──

  /** Writes down what the member says of itself; true when it subscribes to other topics by name. */
  noteSubscription({ group, before, after, records }: Progress): boolean {
    if (group.members.has(after.memberId) && isSameSubscription(before, after)) return false;
    records.push(memberMetadataRecord(group.groupId, after));
    return !sameNames(before.subscribedTopicNames, after.subscribedTopicNames);
  }

  /** The group's epoch, raised when the member's subscription or the topics of the group have changed. */
  newEpochIfDue({ group, before, after, records }: Progress, isDue: boolean): number {
    const { clock } = this.#context;
    if (!isDue && clock.wallMs() < group.metadataRefreshAtMs) return group.epoch;
    const subscription = subscriptionOf(membersAfter(group, [{ before, after }]), group.regexes);
    const hash = this.#hashes.of(subscription.topicNames, this.#context.image());
    const hasNewEpoch = isDue || hash !== group.metadataHash;
    if (hasNewEpoch) {
      const why = isDue ? `member ${after.memberId} joined or changed its subscription` : 'the topics changed';
      records.push(this.#membership.newEpoch(group, hash, why));
    }
    // On the group as it stands: a new one is made by replay, and looks again at its second heartbeat.
    group.metadataRefreshAtMs = clock.wallMs() + metadataRefreshIntervalMs;
    if (group.hasSubscriptionMetadata) records.push(subscriptionMetadataTombstone(group.groupId));
    return hasNewEpoch ? group.epoch + 1 : group.epoch;
  }

  /** What the member is to have: computed anew when the epoch has moved on and the last time is long enough ago. */
  targetIfDue({ group, before, after, records }: Progress, epoch: number): Target {
    const last: Target = { epoch: group.assignmentEpoch, partitions: group.targetFor(after) };
    if (epoch <= group.assignmentEpoch) return last;
    const { config, clock } = this.#context;
    const image: MetadataImage = this.#context.image();
    const { assignmentIntervalMs } = consumerGroupSettings(config, image, group.groupId);
    const nowMs = clock.wallMs();
    const isTooSoon = assignmentIntervalMs > 0 && nowMs < group.assignmentTimestampMs + assignmentIntervalMs;
    if (group.assignmentTimestampMs !== 0 && isTooSoon) return last;
    const members = membersAfter(group, [{ before, after }]);
    const { isHomogeneous } = subscriptionOf(members, group.regexes);
    const [fallback] = config.groupConsumerAssignors;
    assert(fallback !== undefined, 'there is an assignor');
    const assignorName = preferredAssignor(members, fallback);
    const computed = computeTarget({ group, members, isHomogeneous, epoch, assignorName, image, nowMs });
    records.push(...computed.records);
    return { epoch, partitions: computed.targets.get(after.memberId) ?? emptyTarget };
  }

  /** The member after one more step towards its target. */
  reconciled(
    { group, after, records }: Progress,
    target: Target,
    hasSubscriptionChanged: boolean,
    reported: ReportedPartitions,
  ): ConsumerGroupMember {
    const { groupId } = group;
    if (!hasSubscriptionChanged && isReconciledTo(after, target.epoch)) return after;
    const member = reconcile({
      member: after,
      targetEpoch: target.epoch,
      target: target.partitions,
      subscribedTopicIds: topicIdsOf(topicNamesOf(after, group.regexes), this.#context.image()),
      hasSubscriptionChanged,
      isOwned: (topicId, partition) => group.isOwned(topicId, partition),
      reported,
    });
    if (isSameProgress(member, after)) return after;
    records.push(currentAssignmentRecord(groupId, member));
    if (member.classic === null) {
      if (member.state === 'unrevoked') this.#membership.awaitRevocation(groupId, member);
      else this.#membership.endRevocation(groupId, member.memberId);
    }
    return member;
  }
}

function isSameProgress(a: ConsumerGroupMember, b: ConsumerGroupMember): boolean {
  return (
    a === b ||
    (a.memberEpoch === b.memberEpoch &&
      a.previousMemberEpoch === b.previousMemberEpoch &&
      a.state === b.state &&
      sameOwned(a.assigned, b.assigned) &&
      sameOwned(a.pendingRevocation, b.pendingRevocation))
  );
}

function updated(
  member: ConsumerGroupMember,
  { clientId, clientHost }: ClientIdentity,
  request: ConsumerGroupHeartbeatRequest,
): ConsumerGroupMember {
  const { subscribedTopicNames: names } = request;
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : sortedNames(names),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId,
    clientHost,
    classic: null,
  };
}

function told(assigned: OwnedPartitions): { topicId: string; partitions: number[] }[] {
  return [...assigned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((a, b) => a - b),
  }));
}
