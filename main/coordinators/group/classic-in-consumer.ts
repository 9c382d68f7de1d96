// Members that speak the classic protocol in a consumer group, while it migrates (KIP-848): JoinGroup, SyncGroup,
// Heartbeat and LeaveGroup, carried over to member epochs and assignments. Their generation is the member epoch.

import { ErrorCode } from '../../protocol/errors.ts';
import type { HeartbeatRequest } from '../../protocol/messages/heartbeat.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages/leave-group.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/sync-group.ts';
import type { Writable } from '../../protocol/schema.ts';
import { randomUuid } from '../../protocol/uuid.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import { consumerProtocolType } from './classic-group.ts';
import { type JoinReply, keepProtocols, type MemberProtocol } from './classic-group-member.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerGroupMember, sortedNames } from './consumer-group-member.ts';
import type { ConsumerHeartbeat } from './consumer-heartbeat.ts';
import type { Progress } from './consumer-progress.ts';
import { type ConsumerMembership, knownStatic, refuseFencedInstance } from './consumer-membership.ts';
import type { ClientIdentity, GroupContext } from './group-context.ts';
import { type GroupMigration, readSubscription, versionOf } from './group-migration.ts';
import { type GroupDecision, nothing } from './group-records.ts';
import type { ReportedPartitions } from './reconciliation.ts';
import type { RegexSubscriptions } from './regex-subscriptions.ts';

const requiresKnownMemberIdFrom = 4;

type Parts = {
  readonly membership: ConsumerMembership;
  readonly migration: GroupMigration;
  readonly heartbeat: ConsumerHeartbeat;
  readonly regexes: RegexSubscriptions;
};

export class ClassicInConsumer {
  readonly #context: GroupContext;
  readonly #parts: Parts;

  constructor(context: GroupContext, parts: Parts) {
    this.#context = context;
    this.#parts = parts;
  }

  // ── JoinGroup ──

  join(group: ConsumerGroup, client: ClientIdentity, request: JoinGroupRequest, reply: JoinReply): GroupDecision<null> {
    try {
      return this.#join(group, client, request, reply);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      reply({ memberId: request.memberId, errorCode: error.code });
      return nothing;
    }
  }

  #join(
    group: ConsumerGroup,
    client: ClientIdentity,
    request: JoinGroupRequest,
    reply: JoinReply,
  ): GroupDecision<null> {
    const { membership, heartbeat, regexes } = this.#parts;
    const { groupConsumerMigrationPolicy: policy } = this.#context.config;
    if (!policy.upgrades && !policy.downgrades) throw new CoordinatorError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const { groupInstanceId: instanceId } = request;
    const protocols = keepProtocols(request.protocols);
    const isNew = request.memberId === '';
    const memberId = isNew ? randomUuid(this.#context.random) : request.memberId;
    membership.refuseIfFull(group, memberId);
    const names = protocols.map(({ name }) => name);
    const subscription = readSubscription(protocols[0]?.metadata ?? Buffer.alloc(0));
    if (!group.supportsClassicProtocols(request.protocolType, names) || subscription === null) {
      throw new CoordinatorError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    if (isNew && instanceId === null && client.apiVersion >= requiresKnownMemberIdFrom) {
      reply({ memberId, errorCode: ErrorCode.MEMBER_ID_REQUIRED });
      return nothing;
    }
    const records: GroupCoordinatorRecord[] = [];
    const holder = group.staticMember(instanceId);
    const joining = {
      memberId,
      memberEpoch: -1,
      instanceId,
      reported: [],
      // A dynamic member has claimed its id; a static one without an id is new or takes its own place.
      isNew: instanceId === null || isNew,
      isClassic: true,
    };
    const before = membership.memberFor(group, joining, records);
    const after: ConsumerGroupMember = {
      ...before,
      instanceId: instanceId ?? before.instanceId,
      rackId: subscription.rackId ?? before.rackId,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      subscribedTopicNames: sortedNames(subscription.topics),
      subscribedTopicRegex: '',
      clientId: client.clientId,
      clientHost: client.clientHost,
      classic: { sessionTimeoutMs: request.sessionTimeoutMs, supportedProtocols: protocols },
    };
    const progress: Progress = { group, before, after, records };
    const namesChanged = heartbeat.noteSubscription(progress);
    const hasChanged = regexes.update(progress, client.mayDescribe) !== 'none' || namesChanged;
    const epoch = heartbeat.newEpochIfDue(progress, hasChanged);
    const reported = this.#reported(subscription.ownedPartitions);
    if (holder !== null && this.#parts.migration.mayDowngradeBy(group, holder)) {
      return this.#downgrade(progress, holder, hasChanged, reported, protocols, reply);
    }
    const target = heartbeat.targetIfDue(progress, epoch);
    const member = heartbeat.reconciled(progress, target, hasChanged, reported);
    const { groupId } = group;
    return {
      records,
      response: null,
      onSettled: (errorCode) => {
        if (errorCode !== ErrorCode.NONE) return;
        membership.joined(groupId, memberId);
        membership.touch(groupId, memberId, request.sessionTimeoutMs);
        membership.awaitSync(groupId, memberId, request.rebalanceTimeoutMs);
        reply(joined(memberId, member.memberEpoch, protocols));
      },
    };
  }

  /** It took the place of the last member of the new protocol. */
  #downgrade(
    progress: Progress,
    holder: ConsumerGroupMember,
    hasChanged: boolean,
    reported: ReportedPartitions,
    protocols: readonly MemberProtocol[],
    reply: JoinReply,
  ): GroupDecision<null> {
    const { migration, heartbeat } = this.#parts;
    const { group, after, records } = progress;
    const last = { epoch: group.assignmentEpoch, partitions: group.targetFor(after) };
    const member = hasChanged ? after : heartbeat.reconciled(progress, last, false, reported);
    const decision = migration.downgradeFor(group, holder, member, hasChanged, records);
    return {
      ...decision,
      onSettled: (errorCode) => {
        if (errorCode === ErrorCode.NONE) reply(joined(member.memberId, member.memberEpoch, protocols));
      },
    };
  }

  #reported(owned: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): ReportedPartitions {
    const { byName } = this.#context.image().topics;
    return owned.flatMap(({ topic, partitions }) => {
      const topicId = byName.get(topic)?.id;
      return topicId === undefined ? [] : [{ topicId, partitions }];
    });
  }

  // ── SyncGroup ──

  sync(group: ConsumerGroup, request: SyncGroupRequest): GroupDecision<Writable<SyncGroupResponse>> {
    const { membership, migration } = this.#parts;
    const { groupId, memberId, generationId, groupInstanceId, protocolType, protocolName } = request;
    const { member, classic } = this.#member(group, memberId, groupInstanceId);
    if (member.memberEpoch !== generationId) throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
    const [first] = classic.supportedProtocols;
    const isOtherType = protocolType !== null && protocolType !== consumerProtocolType;
    if (isOtherType || (protocolName !== null && protocolName !== first?.name)) {
      throw new CoordinatorError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    if (group.epoch > member.memberEpoch && member.state !== 'unrevoked') {
      membership.awaitJoin(groupId, member);
      throw new CoordinatorError(ErrorCode.REBALANCE_IN_PROGRESS);
    }
    const version = versionOf(first?.metadata ?? null);
    const owned = [...member.assigned].map(([topicId, partitions]) => [topicId, partitions.keys()] as const);
    return {
      records: [],
      response: { protocolType, protocolName, assignment: migration.writeAssignment(owned, version) },
      onSettled: (errorCode) => {
        if (errorCode !== ErrorCode.NONE) return;
        membership.synced(groupId, memberId);
        membership.touch(groupId, memberId, classic.sessionTimeoutMs);
      },
    };
  }

  #member(group: ConsumerGroup, memberId: string, instanceId: string | null) {
    let member: ConsumerGroupMember;
    if (instanceId === null) member = group.member(memberId);
    else {
      member = knownStatic(group.staticMember(instanceId), instanceId);
      refuseFencedInstance(member, memberId, instanceId);
    }
    const { classic } = member;
    if (classic === null) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
    return { member, classic };
  }

  // ── Heartbeat ──

  beat(group: ConsumerGroup, request: HeartbeatRequest): GroupDecision<{ readonly errorCode: number }> {
    const { membership } = this.#parts;
    const { groupId, memberId, generationId, groupInstanceId } = request;
    const { member, classic } = this.#member(group, memberId, groupInstanceId);
    if (member.memberEpoch !== generationId) throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
    membership.touch(groupId, memberId, classic.sessionTimeoutMs);
    // To catch up with a new epoch, to give up partitions, or to get those that have become free.
    const mustRejoin =
      member.memberEpoch < group.epoch ||
      member.state === 'unrevoked' ||
      (member.state === 'unreleased' && !group.isWaitingForOthers(member));
    if (mustRejoin) membership.awaitJoin(groupId, member);
    return { records: [], response: { errorCode: mustRejoin ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE } };
  }

  // ── LeaveGroup ──

  leave(group: ConsumerGroup, members: LeaveGroupRequest['members']): GroupDecision<Writable<LeaveGroupResponse>> {
    const leaving: ConsumerGroupMember[] = [];
    const results = members.map(({ memberId, groupInstanceId }) => {
      try {
        const known = memberId === '' ? group.staticMember(groupInstanceId)?.memberId : undefined;
        const { member } = this.#member(group, known ?? memberId, groupInstanceId);
        leaving.push(member);
        return { memberId: member.memberId, groupInstanceId, errorCode: ErrorCode.NONE as number };
      } catch (error) {
        if (!(error instanceof CoordinatorError)) throw error;
        return { memberId, groupInstanceId, errorCode: error.code };
      }
    });
    const { records } = this.#parts.membership.fence(group, leaving, 'left the group');
    return { records, response: { errorCode: ErrorCode.NONE, members: results } };
  }
}

function joined(
  memberId: string,
  generationId: number,
  protocols: readonly MemberProtocol[],
): Writable<JoinGroupResponse> {
  const protocolName = protocols[0]?.name ?? '';
  return { memberId, generationId, protocolType: consumerProtocolType, protocolName };
}
