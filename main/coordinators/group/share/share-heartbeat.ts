// ShareGroupHeartbeat (KIP-932): takes up what a member says, lets the group begin a new epoch when that matters,
// computes the target when it is due and gives the member its part. Partitions nobody has state of yet are named to
// the caller, who has the share coordinator initialize them; they are assigned once that is done.

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '../../../protocol/messages/share-group-heartbeat.ts';
import type { Writable } from '../../../protocol/schema.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import { assignSimple } from '../assignors/simple.ts';
import { sameNames, sameTarget, sortedNames, type TopicPartitions } from '../consumer-group-member.ts';
import type { ClientIdentity, GroupContext } from '../group-context.ts';
import { type GroupDecision, groupTombstone } from '../group-records.ts';
import { ClassicGroup } from '../classic-group.ts';
import { type MetadataHashes, subscriptionOf, topicIdsOf, type Subscription } from '../group-subscription.ts';
import { shareGroupSettings } from './share-group-config.ts';
import { asSubscriber, isSameShareMember, newShareGroupMember, type ShareGroupMember } from './share-group-member.ts';
import {
  shareAssignmentRecord,
  shareEpochRecord,
  shareMemberRecord,
  shareTargetEpochRecord,
  shareTargetRecord,
  stored,
} from './share-group-records.ts';
import { ShareGroup } from './share-group.ts';
import type { ShareMembership } from './share-membership.ts';
import {
  type SharePartitions,
  shareTopicsRecord,
  toPartitions,
  uninitialized,
  withInitializing,
} from './share-topics.ts';

export type ShareHeartbeatOutcome = {
  readonly response: Writable<ShareGroupHeartbeatResponse>;
  /** To be initialized at the share coordinator under this epoch of the group, once the records are committed. */
  readonly initialize: { readonly stateEpoch: number; readonly partitions: SharePartitions } | null;
};

/** Topics are looked at anew after this time even when nothing is known to have changed; Kafka's. */
const metadataRefreshIntervalMs = 2_147_483_647;
const leaveEpoch = -1;

type Target = { readonly epoch: number; readonly partitions: TopicPartitions };

type Progress = {
  readonly group: ShareGroup;
  readonly before: ShareGroupMember;
  readonly after: ShareGroupMember;
  readonly records: GroupCoordinatorRecord[];
};

/** A request that makes no sense whatever the group's state, in Kafka's words; null when nothing speaks against it. */
export function shareHeartbeatMistake(request: ShareGroupHeartbeatRequest): string | null {
  const { groupId, memberId, memberEpoch, rackId, subscribedTopicNames } = request;
  if (memberId === '') return "MemberId can't be empty.";
  if (groupId === '') return "GroupId can't be empty.";
  if (rackId === '') return "RackId can't be empty.";
  if (memberEpoch === 0 && (subscribedTopicNames === null || subscribedTopicNames.length === 0)) {
    return 'SubscribedTopicNames must be set in first request.';
  }
  return memberEpoch < leaveEpoch ? 'MemberEpoch is invalid.' : null;
}

export class ShareHeartbeat {
  readonly #context: GroupContext;
  readonly #membership: ShareMembership;
  readonly #hashes: MetadataHashes;

  constructor(context: GroupContext, membership: ShareMembership, hashes: MetadataHashes) {
    this.#context = context;
    this.#membership = membership;
    this.#hashes = hashes;
  }

  /** Errors come as an answer: their messages belong to it. */
  heartbeat(client: ClientIdentity, request: ShareGroupHeartbeatRequest): GroupDecision<ShareHeartbeatOutcome> {
    try {
      return request.memberEpoch === leaveEpoch ? this.#leave(request) : this.#beat(client, request);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      const response = { errorCode: error.code, errorMessage: error.message };
      return { records: [], response: { response, initialize: null } };
    }
  }

  #leave({ groupId, memberId, memberEpoch }: ShareGroupHeartbeatRequest): GroupDecision<ShareHeartbeatOutcome> {
    const group = this.#existing(groupId);
    const { records } = this.#membership.remove(group, group.member(memberId), 'it left');
    return { records, response: { response: { memberId, memberEpoch }, initialize: null } };
  }

  #existing(groupId: string): ShareGroup {
    const group = this.#context.groups.get(groupId);
    if (group instanceof ShareGroup) return group;
    const why = group === null ? `Share group ${groupId} not found.` : `Group ${groupId} is not a share group.`;
    throw new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND, why);
  }

  #forJoining(groupId: string, records: GroupCoordinatorRecord[]): ShareGroup {
    const known = this.#context.groups.get(groupId);
    if (known === null) return new ShareGroup(groupId);
    if (!(known instanceof ClassicGroup) || !known.isEmpty) return this.#existing(groupId);
    // An empty classic group makes room for any other.
    records.push(groupTombstone(groupId));
    return new ShareGroup(groupId);
  }

  #beat(client: ClientIdentity, request: ShareGroupHeartbeatRequest): GroupDecision<ShareHeartbeatOutcome> {
    const { groupId, memberId, memberEpoch } = request;
    const { config } = this.#context;
    const records: GroupCoordinatorRecord[] = [];
    const isNew = memberEpoch === 0;
    const group = isNew ? this.#forJoining(groupId, records) : this.#existing(groupId);
    this.#membership.refuseIfFull(group, memberId);
    const before = isNew ? (group.members.get(memberId) ?? newShareGroupMember(memberId)) : group.member(memberId);
    refuseWrongEpoch(before, memberEpoch);
    const after = updated(before, client, request);
    const progress: Progress = { group, before, after, records };
    const isChanged = this.#noteSubscription(progress) || this.#isInitializedUnassigned(group);
    const { epoch, isNewEpoch, subscription } = this.#newEpochIfDue(progress, isChanged);
    const target = this.#targetIfDue(progress, epoch, subscription);
    const member = this.#given(progress, target, isChanged || isNewEpoch);
    this.#membership.touch(groupId, memberId);
    const tellsAssignment =
      isNew || request.subscribedTopicNames !== null || !sameTarget(before.assigned, member.assigned);
    const { heartbeatIntervalMs } = shareGroupSettings(config.share, this.#context.image(), groupId);
    const response = {
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs,
      assignment: tellsAssignment ? { topicPartitions: stored(member.assigned) } : null,
    };
    return { records, response: { response, initialize: this.#initializeIfDue(progress, epoch, subscription) } };
  }

  // ── the steps ──

  /** Writes down what the member says of itself; true when it subscribes to other topics. */
  #noteSubscription({ group, before, after, records }: Progress): boolean {
    if (group.members.has(after.memberId) && isSameShareMember(before, after)) return false;
    records.push(shareMemberRecord(group.groupId, after));
    return !sameNames(before.subscribedTopicNames, after.subscribedTopicNames);
  }

  /** Partitions of subscribed topics got their state, and nobody was given them since. */
  #isInitializedUnassigned(group: ShareGroup): boolean {
    if (group.assignmentEpoch < group.epoch || group.isEmpty) return false;
    for (const [topicId, { name, partitions }] of group.topics.initialized) {
      if (!group.isSubscribedTo(name)) continue;
      const assigned = new Set<number>();
      for (const target of group.targets.values()) for (const each of target.get(topicId) ?? []) assigned.add(each);
      if (assigned.size !== partitions.size || [...partitions].some((each) => !assigned.has(each))) return true;
    }
    return false;
  }

  #newEpochIfDue({ group, before, after, records }: Progress, isDue: boolean) {
    const { clock, image } = this.#context;
    const members = membersAfter(group, before, after);
    const subscription = subscriptionOf(members.map(asSubscriber), new Map());
    const nowMs = clock.wallMs();
    if (!isDue && nowMs < group.metadataRefreshAtMs) return { epoch: group.epoch, isNewEpoch: false, subscription };
    const metadataHash = this.#hashes.of(subscription.topicNames, image());
    group.metadataRefreshAtMs = nowMs + metadataRefreshIntervalMs;
    if (!isDue && metadataHash === group.metadataHash) {
      return { epoch: group.epoch, isNewEpoch: false, subscription };
    }
    const epoch = group.epoch + 1;
    const reason = isDue ? 'its members or their partitions changed' : 'its topics changed';
    const entry = { kind: 'group.rebalancing', groupId: group.groupId, generation: epoch, reason } as const;
    group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
    records.push(shareEpochRecord(group.groupId, epoch, metadataHash));
    return { epoch, isNewEpoch: true, subscription };
  }

  /** The member's part of the target, computed anew when the group's epoch is beyond it. */
  #targetIfDue({ group, before, after, records }: Progress, epoch: number, { isHomogeneous }: Subscription): Target {
    const last: Target = { epoch: group.assignmentEpoch, partitions: group.targetOf(after.memberId) };
    if (group.assignmentEpoch >= epoch) return last;
    const image = this.#context.image();
    const { assignmentIntervalMs } = shareGroupSettings(this.#context.config.share, image, group.groupId);
    const nowMs = this.#context.clock.wallMs();
    const isTooSoon = assignmentIntervalMs > 0 && nowMs < group.assignmentTimestampMs + assignmentIntervalMs;
    if (group.assignmentTimestampMs !== 0 && isTooSoon) return last;
    const targets = computeTargets(group, membersAfter(group, before, after), isHomogeneous, image);
    for (const [memberId, target] of targets) {
      const known = group.targets.get(memberId);
      if (known === undefined || !sameTarget(known, target)) {
        records.push(shareTargetRecord(group.groupId, memberId, target));
      }
    }
    records.push(shareTargetEpochRecord(group.groupId, epoch, nowMs));
    return { epoch, partitions: targets.get(after.memberId) ?? new Map() };
  }

  /** The member with what the target gives it: at once, since nobody has to give anything up. */
  #given({ group, after, records }: Progress, target: Target, isChanged: boolean): ShareGroupMember {
    const isAtTarget = target.epoch === after.memberEpoch;
    if (isAtTarget && !isChanged) return after;
    const ids = topicIdsOf(after.subscribedTopicNames, this.#context.image());
    const assigned = new Map([...target.partitions].filter(([topicId]) => ids.has(topicId)));
    const member: ShareGroupMember = isAtTarget
      ? { ...after, assigned }
      : { ...after, assigned, memberEpoch: target.epoch, previousMemberEpoch: after.memberEpoch };
    if (isAtTarget && sameTarget(after.assigned, assigned)) return after;
    records.push(shareAssignmentRecord(group.groupId, member));
    return member;
  }

  #initializeIfDue(
    { group, records }: Progress,
    stateEpoch: number,
    { topicNames }: Subscription,
  ): ShareHeartbeatOutcome['initialize'] {
    const { config, clock, image } = this.#context;
    const terms = { nowMs: clock.wallMs(), retryIntervalMs: config.share.initializeRetryIntervalMs };
    const added = uninitialized(group.topics, topicNames, image(), terms);
    if (added.size === 0) return null;
    records.push(shareTopicsRecord(group.groupId, withInitializing(group.topics, added), image()));
    return { stateEpoch, partitions: toPartitions(added) };
  }
}

function refuseWrongEpoch(member: ShareGroupMember, memberEpoch: number): void {
  // Whoever was fenced may join again under its id; the answer that told the last epoch may have been lost.
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch) return;
  const known = `than the one known by the group coordinator (${member.memberEpoch})`;
  const ending = 'The member must abandon all its partitions and rejoin.';
  if (memberEpoch > member.memberEpoch) {
    throw new CoordinatorError(
      ErrorCode.FENCED_MEMBER_EPOCH,
      `The share group member has a greater member epoch (${memberEpoch}) ${known}. ${ending}`,
    );
  }
  if (memberEpoch === member.previousMemberEpoch) return;
  throw new CoordinatorError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The share group member has a smaller member epoch (${memberEpoch}) ${known}, and it does not match the previous member epoch (${member.previousMemberEpoch}). ${ending}`,
  );
}

function updated(
  member: ShareGroupMember,
  { clientId, clientHost }: ClientIdentity,
  { rackId, subscribedTopicNames: names }: ShareGroupHeartbeatRequest,
): ShareGroupMember {
  return {
    ...member,
    rackId: rackId ?? member.rackId,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : sortedNames(names),
    clientId,
    clientHost,
  };
}

function membersAfter(group: ShareGroup, before: ShareGroupMember, after: ShareGroupMember): ShareGroupMember[] {
  const members = new Map(group.members);
  members.delete(before.memberId);
  members.set(after.memberId, after);
  return [...members.values()];
}

function computeTargets(
  group: ShareGroup,
  members: readonly ShareGroupMember[],
  isHomogeneous: boolean,
  image: MetadataImage,
): Map<string, TopicPartitions> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const sharing = sorted.map(({ memberId, subscribedTopicNames }) => ({
    memberId,
    subscribedTopicIds: topicIdsOf(subscribedTopicNames, image),
    target: group.targetOf(memberId),
  }));
  return assignSimple(sharing, toPartitions(group.topics.initialized), isHomogeneous);
}
