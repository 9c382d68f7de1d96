// SyncGroup, Heartbeat and LeaveGroup on classic groups.

import { ErrorCode } from '../../protocol/errors.ts';
import type { HeartbeatRequest } from '../../protocol/messages/heartbeat.ts';
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages/leave-group.ts';
import type { SyncGroupRequest } from '../../protocol/messages/sync-group.ts';
import type { Writable } from '../../protocol/schema.ts';
import { CoordinatorError, responseErrorCode } from '../runtime/coordinator-error.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicInConsumer } from './classic-in-consumer.ts';
import { noAssignment, type SyncReply } from './classic-group-member.ts';
import type { GroupContext } from './group-context.ts';
import { type GroupDecision, groupMetadataRecord, nothing } from './group-records.ts';
import type { GroupRebalance } from './group-rebalance.ts';

type LeaveMembers = LeaveGroupRequest['members'];

export class ClassicMembership {
  readonly #context: GroupContext;
  readonly #rebalance: GroupRebalance;
  readonly #inConsumer: ClassicInConsumer;

  constructor(context: GroupContext, rebalance: GroupRebalance, inConsumer: ClassicInConsumer) {
    this.#context = context;
    this.#rebalance = rebalance;
    this.#inConsumer = inConsumer;
  }

  // ── SyncGroup ──

  sync(request: SyncGroupRequest, reply: SyncReply): GroupDecision<null> {
    const consumerGroup = this.#context.groups.consumer(request.groupId);
    if (consumerGroup !== null) {
      const { response, onSettled, ...decision } = this.#inConsumer.sync(consumerGroup, request);
      return {
        ...decision,
        response: null,
        onSettled: (errorCode) => {
          onSettled?.(errorCode);
          if (errorCode === ErrorCode.NONE) reply(response);
        },
      };
    }
    const group = this.#context.groups.classic(request.groupId);
    if (group === null || group.isEmpty) {
      reply({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
      return nothing;
    }
    const errorCode = syncError(group, request);
    if (errorCode !== ErrorCode.NONE) {
      reply({ errorCode });
      return nothing;
    }
    const { memberId } = request;
    const member = group.member(memberId);
    if (group.state === 'Stable') {
      this.#rebalance.synced(group, memberId);
      const { protocolType, protocolName } = group;
      reply({ errorCode, protocolType, protocolName, assignment: member.assignment });
      return nothing;
    }
    group.awaitSync(member, reply);
    this.#rebalance.synced(group, memberId);
    return group.isLeader(memberId) ? this.#storeAssignments(group, request) : nothing;
  }

  #storeAssignments(group: ClassicGroup, request: SyncGroupRequest): GroupDecision<null> {
    const { generationId, memberId } = request;
    const assignments = new Map<string, Buffer>();
    // Members that the leader left out get nothing; copies, because the request's frame goes.
    for (const id of group.members.keys()) assignments.set(id, noAssignment);
    for (const { memberId: id, assignment } of request.assignments) assignments.set(id, Buffer.from(assignment));
    return {
      records: [groupMetadataRecord(group, assignments)],
      response: null,
      isReplayed: false,
      onSettled: (errorCode) => {
        // Someone may have joined or gone meanwhile: then another generation is on its way.
        if (group.state !== 'CompletingRebalance' || group.generationId !== generationId) return;
        if (errorCode === ErrorCode.NONE) this.#rebalance.stabilize(group, assignments);
        else this.#rebalance.assignmentFailed(group, responseErrorCode(errorCode), memberId);
      },
    };
  }

  // ── Heartbeat ──

  heartbeat(request: HeartbeatRequest): GroupDecision<{ readonly errorCode: number }> {
    const consumerGroup = this.#context.groups.consumer(request.groupId);
    if (consumerGroup !== null) return this.#inConsumer.beat(consumerGroup, request);
    const group = this.#context.groups.classic(request.groupId);
    if (group === null) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
    if (group.state === 'Dead') throw new CoordinatorError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    group.validateMember(request.memberId, request.groupInstanceId);
    if (request.generationId !== group.generationId) throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
    this.#rebalance.touch(group, group.member(request.memberId));
    const isRebalancing = group.state === 'PreparingRebalance';
    return {
      records: [],
      response: { errorCode: isRebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE },
    };
  }

  // ── LeaveGroup ──

  /** `members`: those named in the request, whatever its version. */
  leave(groupId: string, members: LeaveMembers): GroupDecision<Writable<LeaveGroupResponse>> {
    const consumerGroup = this.#context.groups.consumer(groupId);
    if (consumerGroup !== null) return this.#inConsumer.leave(consumerGroup, members);
    const group = this.#context.groups.classic(groupId);
    if (group === null) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
    if (group.state === 'Dead') throw new CoordinatorError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const results = members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: this.#leaveOne(group, member),
    }));
    const gone = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE).map(({ memberId }) => memberId);
    const { records, isReplayed } = gone.length === 0 ? nothing : this.#afterLeave(group, gone);
    return { records, isReplayed: isReplayed ?? true, response: { errorCode: ErrorCode.NONE, members: results } };
  }

  #afterLeave(group: ClassicGroup, gone: readonly string[]): GroupDecision<null> {
    const reason = `explicit \`LeaveGroup\` request for (${gone.join(', ')}) members.`;
    switch (group.state) {
      case 'Stable':
      case 'CompletingRebalance':
        return this.#rebalance.prepareOrComplete(group, reason);
      case 'PreparingRebalance':
        return this.#rebalance.completeIfAllJoined(group);
      case 'Empty':
      case 'Dead':
        return nothing;
    }
  }

  #leaveOne(group: ClassicGroup, { memberId, groupInstanceId, reason }: LeaveMembers[number]): number {
    const why = `left the group: ${reason === null || reason === '' ? 'not provided' : reason}`;
    if (memberId === '') {
      // An administrator may remove a static member by its instance id alone.
      const current = groupInstanceId === null ? null : group.staticMemberId(groupInstanceId);
      if (current === null) return ErrorCode.UNKNOWN_MEMBER_ID;
      this.#rebalance.removeMember(group, group.member(current), why);
      return ErrorCode.NONE;
    }
    if (group.isPendingMember(memberId)) {
      group.remove(memberId);
      this.#rebalance.endSession(group, memberId);
      return ErrorCode.NONE;
    }
    try {
      group.validateMember(memberId, groupInstanceId);
    } catch (error) {
      if (error instanceof CoordinatorError) return error.code;
      throw error;
    }
    this.#rebalance.removeMember(group, group.member(memberId), why);
    return ErrorCode.NONE;
  }
}

function syncError(group: ClassicGroup, request: SyncGroupRequest): number {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  try {
    group.validateMember(request.memberId, request.groupInstanceId);
  } catch (error) {
    if (error instanceof CoordinatorError) return error.code;
    throw error;
  }
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  }
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/** Only what both sides name can be inconsistent. */
function differs(asked: string | null, present: string | null): boolean {
  return asked !== null && present !== null && asked !== present;
}
