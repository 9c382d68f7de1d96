// JoinGroup on classic groups: new and returning members, dynamic and static (KIP-345), ids to be claimed (KIP-394),
// reasons (KIP-800), static leaders that need not assign again (KIP-814). Answers go to `reply`, now or when the
// rebalance is over.

import { ErrorCode } from '../../protocol/errors.ts';
import type { JoinGroupRequest } from '../../protocol/messages/join-group.ts';
import { responseErrorCode } from '../runtime/coordinator-error.ts';
import { ClassicGroup } from './classic-group.ts';
import type { ClassicInConsumer } from './classic-in-consumer.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { ClassicGroupMember, type JoinReply, keepProtocols, type MemberProtocol } from './classic-group-member.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import type { ClientIdentity, GroupContext } from './group-context.ts';
import { emptyGroupRecord, type GroupDecision, groupMetadataRecord, nothing } from './group-records.ts';
import type { GroupRebalance } from './group-rebalance.ts';
import { newMemberId } from './member-id.ts';

/** A JoinGroup for a new member is answered within this time, so that dead clients don't fill a long rebalance. */
const newMemberJoinTimeoutMs = 5 * 60_000;
const requiresKnownMemberIdFrom = 4;
const skipsAssignmentFrom = 9;

type Join = {
  readonly client: ClientIdentity;
  readonly request: JoinGroupRequest;
  /** The request's, copied off its frame. */
  readonly protocols: readonly MemberProtocol[];
  readonly reply: JoinReply;
};

export class ClassicJoin {
  readonly #context: GroupContext;
  readonly #rebalance: GroupRebalance;
  readonly #inConsumer: ClassicInConsumer;

  constructor(context: GroupContext, rebalance: GroupRebalance, inConsumer: ClassicInConsumer) {
    this.#context = context;
    this.#rebalance = rebalance;
    this.#inConsumer = inConsumer;
  }

  join(client: ClientIdentity, request: JoinGroupRequest, reply: JoinReply): GroupDecision<null> {
    const { groups, clock, nextOffset, changed } = this.#context;
    const { groupId, memberId } = request;
    const known = groups.get(groupId);
    if (known instanceof ConsumerGroup && !known.isEmpty) return this.#inConsumer.join(known, client, request, reply);
    if (known !== null && known.type !== 'classic' && known.type !== 'consumer') {
      reply({ memberId, errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL });
      return nothing;
    }
    const join: Join = { client, request, protocols: keepProtocols(request.protocols), reply };
    if (known !== null && known.type === 'classic') return this.#joinGroup(join, known);
    if (memberId !== '') {
      reply({ memberId, errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
      return nothing;
    }
    const group = new ClassicGroup(groupId, clock.wallMs());
    groups.put(group, nextOffset());
    this.#joinGroup(join, group);
    changed(groupId);
    // Noted down at once, so that the group exists for others. Failing takes the group back and answers who waits.
    const tombstones = known === null ? [] : known.tombstones();
    return { records: [...tombstones, emptyGroupRecord(group)], response: null, isReplayed: false };
  }

  #joinGroup(join: Join, group: ClassicGroup): GroupDecision<null> {
    const { request, protocols, reply } = join;
    const { memberId } = request;
    if (!this.#accepts(group, memberId)) {
      group.remove(memberId);
      reply({ memberId: '', errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED });
      return nothing;
    }
    if (group.state === 'Dead') return refuse(join, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    if (!group.supportsProtocols(request.protocolType, protocols)) {
      return refuse(join, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    return memberId === '' ? this.#joinNew(join, group) : this.#joinAgain(join, group);
  }

  #accepts(group: ClassicGroup, memberId: string): boolean {
    const { groupMaxSize } = this.#context.config;
    switch (group.state) {
      case 'Empty':
      case 'Dead':
        return true;
      case 'PreparingRebalance':
        // Those who wait are counted, not all: so that the last to rejoin are out when the limit was lowered.
        return group.members.get(memberId)?.isAwaitingJoin === true || group.awaitingJoinCount < groupMaxSize;
      case 'CompletingRebalance':
      case 'Stable':
        return group.members.has(memberId) || group.memberCount < groupMaxSize;
    }
  }

  // ── without a member id ──

  #joinNew(join: Join, group: ClassicGroup): GroupDecision<null> {
    const { client, request, reply } = join;
    const { groupInstanceId } = request;
    const memberId = newMemberId(groupInstanceId ?? client.clientId, this.#context.random);
    if (groupInstanceId !== null) {
      const oldMemberId = group.staticMemberId(groupInstanceId);
      return oldMemberId === null
        ? this.#addMember(join, group, memberId)
        : this.#replaceStatic(join, group, groupInstanceId, oldMemberId, memberId);
    }
    if (client.apiVersion < requiresKnownMemberIdFrom) return this.#addMember(join, group, memberId);
    group.addPendingMember(memberId);
    this.#rebalance.awaitPendingMember(group, memberId, request.sessionTimeoutMs);
    reply({ memberId, errorCode: ErrorCode.MEMBER_ID_REQUIRED });
    return nothing;
  }

  #addMember({ client, request, protocols, reply }: Join, group: ClassicGroup, memberId: string): GroupDecision<null> {
    const member = new ClassicGroupMember({
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: client.clientId,
      clientHost: client.clientHost,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocolType: request.protocolType,
      protocols,
    });
    member.isNew = true;
    if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true;
    group.add(member, reply);
    this.#context.ownership.joined(group, member);
    this.#context.changed(group.groupId);
    this.#rebalance.touch(group, member, newMemberJoinTimeoutMs);
    const withInstance = `with group instance id ${request.groupInstanceId ?? 'null'}`;
    return this.#rebalance.prepareOrComplete(
      group,
      `Adding new member ${memberId} ${withInstance}; client reason: ${reasonOf(request)}`,
    );
  }

  // ── with a member id ──

  #joinAgain(join: Join, group: ClassicGroup): GroupDecision<null> {
    const { request, protocols, reply } = join;
    const { memberId, groupInstanceId } = request;
    if (group.isPendingMember(memberId)) {
      // Static members are never pending: they need no id first.
      if (groupInstanceId !== null) return refuse(join, ErrorCode.UNKNOWN_SERVER_ERROR);
      return this.#addMember(join, group, memberId);
    }
    try {
      group.validateMember(memberId, groupInstanceId);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      reply({ memberId, errorCode: error.code, protocolName: null });
      return nothing;
    }
    const member = group.member(memberId);
    switch (group.state) {
      case 'PreparingRebalance':
        return this.#update(join, group, member, `Member ${memberId} is joining group during PreparingRebalance`);
      case 'CompletingRebalance':
        if (!member.matches(protocols)) {
          return this.#update(
            join,
            group,
            member,
            `Updating metadata for member ${memberId} during CompletingRebalance`,
          );
        }
        // It may have missed the answer to its first JoinGroup: nothing new for the others.
        reply(this.#rebalance.joinResponse(group, memberId));
        return nothing;
      case 'Stable':
        // A leader that joins wants a rebalance: it saw something (new partitions) that its metadata doesn't show.
        if (group.isLeader(memberId)) {
          return this.#update(join, group, member, `Leader ${memberId} re-joining group during Stable`);
        }
        if (!member.matches(protocols)) {
          return this.#update(join, group, member, `Updating metadata for member ${memberId} during Stable`);
        }
        reply(this.#rebalance.joinResponse(group, memberId));
        return nothing;
      case 'Empty':
      case 'Dead':
        reply({ memberId, errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
        return nothing;
    }
  }

  #update(join: Join, group: ClassicGroup, member: ClassicGroupMember, what: string): GroupDecision<null> {
    const { request, protocols, reply } = join;
    const { rebalanceTimeoutMs, sessionTimeoutMs } = request;
    group.update(member, { protocols, rebalanceTimeoutMs, sessionTimeoutMs }, reply);
    this.#context.ownership.rejoined(group, member);
    return this.#rebalance.prepareOrComplete(group, `${what}; client reason: ${reasonOf(request)}`);
  }

  // ── a static member under a new id ──

  #replaceStatic(
    join: Join,
    group: ClassicGroup,
    groupInstanceId: string,
    oldMemberId: string,
    memberId: string,
  ): GroupDecision<null> {
    const { request, protocols, reply } = join;
    const leaderBefore = group.leaderId;
    const member = group.replaceStaticMember(groupInstanceId, oldMemberId, memberId);
    this.#context.ownership.joined(group, member, oldMemberId);
    this.#rebalance.endSession(group, oldMemberId);
    this.#rebalance.touch(group, member);
    this.#context.changed(group.groupId);
    const before = {
      protocols: member.protocols,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.sessionTimeoutMs,
    };
    const { rebalanceTimeoutMs, sessionTimeoutMs } = request;
    group.update(member, { protocols, rebalanceTimeoutMs, sessionTimeoutMs }, reply);
    const who = `static member ${memberId} with instance id ${groupInstanceId}`;
    switch (group.state) {
      case 'Stable': {
        if (group.selectProtocol() !== group.protocolName) {
          const what = `Group's selectedProtocol will change because ${who} joined with change of protocol`;
          return this.#rebalance.prepareOrComplete(group, `${what}; client reason: ${reasonOf(request)}`);
        }
        const assignments = new Map([...group.members.values()].map((each) => [each.memberId, each.assignment]));
        const undo = (): void => {
          group.update(member, before, null);
          const old = group.replaceStaticMember(groupInstanceId, memberId, oldMemberId);
          this.#rebalance.endSession(group, memberId);
          this.#rebalance.touch(group, old);
        };
        return {
          records: [groupMetadataRecord(group, assignments)],
          response: null,
          isReplayed: false,
          onSettled: (errorCode) => this.#replacedStatic(join, group, member, leaderBefore, errorCode, undo),
        };
      }
      case 'CompletingRebalance':
        // The leader may hold the old id for its assignment already: the new one would get nothing.
        return this.#rebalance.prepare(group, `Updating metadata for ${who}; client reason: ${reasonOf(request)}`);
      case 'PreparingRebalance':
        return this.#rebalance.completeIfAllJoined(group);
      case 'Empty':
      case 'Dead':
        throw new CoordinatorError(ErrorCode.UNKNOWN_SERVER_ERROR, `group ${group.groupId} is ${group.state}`);
    }
  }

  /** The new id is in the log, or couldn't be written: then the old one holds. */
  #replacedStatic(
    { client, reply }: Join,
    group: ClassicGroup,
    member: ClassicGroupMember,
    leaderBefore: string | null,
    errorCode: number,
    undo: () => void,
  ): void {
    if (group.state === 'Dead') return;
    const { memberId } = member;
    const present = this.#rebalance.joinResponse(group, memberId);
    if (errorCode !== ErrorCode.NONE) {
      if (group.members.get(memberId) === member) undo();
      const leader = leaderBefore ?? '';
      reply({ ...present, errorCode: responseErrorCode(errorCode), memberId: '', leader, members: [] });
      return;
    }
    if (group.state !== 'Stable') return;
    if (client.apiVersion >= skipsAssignmentFrom) {
      // A leader needs the members for its watch over their topics, but everyone keeps what he has.
      group.answerJoin(member, { ...present, skipAssignment: group.isLeader(memberId) });
    } else {
      // It must not take itself for the leader, or it would assign anew: that is why it hears the old id.
      group.answerJoin(member, { ...present, leader: leaderBefore ?? '', members: [] });
    }
  }
}

function refuse({ request, reply }: Join, errorCode: number): GroupDecision<null> {
  reply({ memberId: request.memberId, errorCode });
  return nothing;
}

function reasonOf({ reason }: JoinGroupRequest): string {
  return reason === null || reason === '' ? 'not provided' : reason;
}
