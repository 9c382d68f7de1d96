// Rebalances of classic groups: who is waited for, how long, and what happens when they don't come. All deadlines of
// classic groups are set here.

import { assert } from '../../core/assert.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import type { JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ClassicGroup } from './classic-group.ts';
import { type ClassicGroupMember, noAssignment } from './classic-group-member.ts';
import type { GroupContext } from './group-context.ts';
import { type GroupDecision, groupMetadataRecord, nothing } from './group-records.ts';

type JoinMembers = NonNullable<Writable<JoinGroupResponse>['members']>;

const noMembers: JoinMembers = [];

export class GroupRebalance {
  readonly #context: GroupContext;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  // ── sessions ──

  /** The member lives: from now on it has `timeoutMs` again. */
  touch(group: ClassicGroup, member: ClassicGroupMember, timeoutMs = member.sessionTimeoutMs): void {
    const { groupId } = group;
    const { memberId } = member;
    this.#schedule(sessionKey(groupId, memberId), timeoutMs, () => this.#expireSession(groupId, memberId));
  }

  /** A pending member must come back within its session time-out. */
  awaitPendingMember(group: ClassicGroup, memberId: string, sessionTimeoutMs: number): void {
    const { groupId } = group;
    this.#schedule(sessionKey(groupId, memberId), sessionTimeoutMs, () => this.#expireSession(groupId, memberId));
  }

  endSession(group: ClassicGroup, memberId: string): void {
    this.#context.timers.cancel(sessionKey(group.groupId, memberId));
  }

  #expireSession(groupId: string, memberId: string): GroupDecision<null> {
    const group = this.#context.groups.classic(groupId);
    if (group === null || group.state === 'Dead') return nothing;
    if (group.isPendingMember(memberId)) {
      group.remove(memberId);
      return group.state === 'PreparingRebalance' && group.hasAllMembersJoined ? this.completeJoin(group) : nothing;
    }
    const member = group.members.get(memberId);
    if (member === undefined || member.isExcusedFromHeartbeat) return nothing;
    this.removeMember(group, member, `no heartbeat within ${member.sessionTimeoutMs} ms`);
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
      return this.prepareOrComplete(group, `removing member ${memberId} on heartbeat expiration`);
    }
    if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) return this.completeJoin(group);
    return nothing;
  }

  /** Takes a member out; a JoinGroup of its that waits is answered so that it starts over. */
  removeMember(group: ClassicGroup, member: ClassicGroupMember, reason: string): void {
    this.endSession(group, member.memberId);
    group.answerJoin(member, { memberId: '', errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
    group.answerSync(member, { errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
    group.remove(member.memberId);
    const { groupId } = group;
    const entry = { kind: 'group.memberRemoved', groupId, memberId: member.memberId, reason } as const;
    group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
    this.#context.ownership.removed(groupId, member.memberId);
    this.#context.changed(groupId);
  }

  // ── joining ──

  prepareOrComplete(group: ClassicGroup, reason: string): GroupDecision<null> {
    return group.canRebalance ? this.prepare(group, reason) : this.completeIfAllJoined(group);
  }

  /** After a member came or went: done, if that was the last one missing. The first rebalance waits for its timer. */
  completeIfAllJoined(group: ClassicGroup): GroupDecision<null> {
    const isWaiting = group.state === 'PreparingRebalance' && group.previousState !== 'Empty';
    return isWaiting && group.hasAllMembersJoined ? this.completeJoin(group) : nothing;
  }

  prepare(group: ClassicGroup, reason: string): GroupDecision<null> {
    const { config, clock, journal, timers, changed } = this.#context;
    const { groupId } = group;
    if (group.state === 'CompletingRebalance') this.resetAssignments(group, ErrorCode.REBALANCE_IN_PROGRESS);
    group.clearPendingSync();
    timers.cancel(syncKey(groupId));
    const isInitial = group.isEmpty;
    group.transitionTo('PreparingRebalance', clock.wallMs());
    const entry = { kind: 'group.rebalancing', groupId, generation: group.generationId, reason } as const;
    group.lastEvent = journal.record(entry, group.lastEvent);
    changed(groupId);
    if (isInitial) {
      // A new group: more members are likely on their way.
      const delayMs = config.groupInitialRebalanceDelayMs;
      this.#delayInitial(groupId, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0));
      return nothing;
    }
    if (group.hasAllMembersJoined) return this.completeJoin(group);
    this.#schedule(joinKey(groupId), group.rebalanceTimeoutMs, () => this.#joinTimedOut(groupId));
    return nothing;
  }

  #delayInitial(groupId: string, delayMs: number, remainingMs: number): void {
    this.#schedule(joinKey(groupId), delayMs, () => {
      const group = this.#context.groups.classic(groupId);
      if (group === null) return nothing;
      if (!group.newMemberAdded || remainingMs === 0) return this.completeJoin(group);
      group.newMemberAdded = false;
      const nextDelayMs = Math.min(this.#context.config.groupInitialRebalanceDelayMs, remainingMs);
      this.#delayInitial(groupId, nextDelayMs, Math.max(remainingMs - delayMs, 0));
      return nothing;
    });
  }

  #joinTimedOut(groupId: string): GroupDecision<null> {
    const group = this.#context.groups.classic(groupId);
    return group === null ? nothing : this.completeJoin(group);
  }

  /** Whoever has not rejoined by now is out (static members excepted), and the next generation begins. */
  completeJoin(group: ClassicGroup): GroupDecision<null> {
    const { groupId } = group;
    this.#context.timers.cancel(joinKey(groupId));
    if (group.state === 'Dead') return nothing;
    for (const member of group.notYetRejoined()) {
      if (!member.isStatic) this.removeMember(group, member, 'did not rejoin within the rebalance timeout');
    }
    if (!group.electJoinedLeader() && group.memberCount > 0) {
      // Only absent static members are left: their sessions decide.
      this.#schedule(joinKey(groupId), group.rebalanceTimeoutMs, () => this.#joinTimedOut(groupId));
      return nothing;
    }
    group.initNextGeneration(this.#context.clock.wallMs());
    this.#context.changed(groupId);
    if (group.isEmpty) {
      const entry = { kind: 'group.empty', groupId, generation: group.generationId } as const;
      group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
      // Failing to note this down is harmless: the members of the generation before would time out after a load.
      return { records: [groupMetadataRecord(group, new Map())], response: null, isReplayed: false };
    }
    this.#answerJoins(group);
    const { generationId } = group;
    const timeoutMs = group.rebalanceTimeoutMs;
    this.#schedule(syncKey(groupId), timeoutMs, () => this.#expirePendingSync(groupId, generationId));
    return nothing;
  }

  #answerJoins(group: ClassicGroup): void {
    for (const member of [...group.members.values()]) {
      group.answerJoin(member, this.joinResponse(group, member.memberId));
      this.touch(group, member);
      member.isNew = false;
      group.addPendingSync(member.memberId);
    }
  }

  /** The present generation as JoinGroup tells it; the leader also hears who the members are. */
  joinResponse(group: ClassicGroup, memberId: string): Writable<JoinGroupResponse> {
    return {
      errorCode: ErrorCode.NONE,
      generationId: group.generationId,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      leader: group.leaderId ?? '',
      skipAssignment: false,
      memberId,
      members: group.isLeader(memberId) ? this.joinMembers(group) : noMembers,
    };
  }

  joinMembers(group: ClassicGroup): JoinMembers {
    return [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadata(group.protocolName ?? '') ?? noAssignment,
    }));
  }

  // ── syncing ──

  #expirePendingSync(groupId: string, generationId: number): GroupDecision<null> {
    const group = this.#context.groups.classic(groupId);
    if (group === null || group.generationId !== generationId) return nothing;
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return nothing;
    const missing = group.pendingSyncMembers;
    if (missing.length === 0) return nothing;
    for (const memberId of missing) {
      const member = group.members.get(memberId);
      if (member !== undefined) this.removeMember(group, member, 'did not sync within the rebalance timeout');
    }
    return this.prepare(group, `Removing [${missing.join(', ')}] on pending sync request expiration`);
  }

  synced(group: ClassicGroup, memberId: string): void {
    group.removePendingSync(memberId);
    if (group.hasAllMembersSynced) this.#context.timers.cancel(syncKey(group.groupId));
  }

  resetAssignments(group: ClassicGroup, errorCode: number): void {
    for (const member of group.members.values()) member.assignment = noAssignment;
    this.#propagate(group, errorCode);
  }

  /** The assignments are committed: everyone who waits gets his, and the group is stable. */
  stabilize(group: ClassicGroup, assignments: ReadonlyMap<string, Buffer>): void {
    const { clock, journal, changed } = this.#context;
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.memberId) ?? noAssignment;
    }
    this.#propagate(group, ErrorCode.NONE);
    group.transitionTo('Stable', clock.wallMs());
    for (const member of group.members.values()) this.#context.ownership.assigned(group, member);
    const { groupId, generationId: generation, memberCount: members } = group;
    const entry = { kind: 'group.stable', groupId, generation, members, protocol: group.protocolName ?? '' } as const;
    group.lastEvent = journal.record(entry, group.lastEvent);
    changed(groupId);
  }

  /** The leader's assignments could not be stored: all start over. */
  assignmentFailed(group: ClassicGroup, errorCode: number, memberId: string): void {
    this.resetAssignments(group, errorCode);
    const reason = `Error ${errorName(errorCode)} when storing group assignment during SyncGroup (member: ${memberId})`;
    const { records } = this.prepareOrComplete(group, reason);
    assert(records.length === 0, `group ${group.groupId} can't become empty here`);
  }

  #propagate(group: ClassicGroup, errorCode: number): void {
    const isFine = errorCode === ErrorCode.NONE;
    for (const member of [...group.members.values()]) {
      const isAnswered = group.answerSync(member, {
        errorCode,
        protocolType: isFine ? group.protocolType : null,
        protocolName: isFine ? group.protocolName : null,
        assignment: member.assignment,
      });
      // While it waited for the leader its session could not end: it begins anew here.
      if (isAnswered) this.touch(group, member);
    }
  }

  // ── coming and going of the whole group ──

  /** After a load: everyone gets a full session to find this coordinator. */
  loaded(group: ClassicGroup): void {
    for (const member of group.members.values()) this.touch(group, member);
    const { groupMaxSize } = this.#context.config;
    if (group.memberCount <= groupMaxSize) return;
    const { groupId, memberCount } = group;
    this.prepare(group, `Freshly-loaded group ${groupId} (size ${memberCount}) is over capacity ${groupMaxSize}`);
  }

  /** The group was to become a consumer group, which could not be written down. */
  restored(group: ClassicGroup): void {
    for (const member of group.members.values()) this.touch(group, member);
  }

  /** The group is no longer ours, or never came to be. */
  dissolve(group: ClassicGroup, errorCode: number): void {
    group.transitionTo('Dead', this.#context.clock.wallMs());
    for (const member of [...group.members.values()]) {
      group.answerJoin(member, { memberId: member.memberId, errorCode });
      group.answerSync(member, { errorCode });
      this.endSession(group, member.memberId);
    }
    for (const memberId of group.pendingJoinMembers) this.endSession(group, memberId);
    this.#context.timers.cancel(joinKey(group.groupId));
    this.#context.timers.cancel(syncKey(group.groupId));
  }

  #schedule(key: string, delayMs: number, operation: () => GroupDecision<null>): void {
    this.#context.timers.schedule(key, delayMs, () => this.#context.run(operation));
  }
}

// A group id may hold any character but not this one's place in a member id.
function sessionKey(groupId: string, memberId: string): string {
  return `session\0${groupId}\0${memberId}`;
}

function joinKey(groupId: string): string {
  return `join\0${groupId}`;
}

function syncKey(groupId: string): string {
  return `sync\0${groupId}`;
}
