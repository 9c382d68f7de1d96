// A classic group (the protocol before KIP-848) as one coordinator sees it: members, generation and state. Decides
// nothing about time: rebalances and deadlines are group-rebalance.ts.
// Empty → PreparingRebalance → CompletingRebalance → Stable; Preparing ↔ Completing; Stable → Preparing;
// Preparing → Empty; any → Dead.

import { assert, present } from '../../core/assert.ts';
import type { EventId } from '../../core/journal.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { javaStringHash } from '../../protocol/partitioning.ts';
import { consumerProtocolSubscription } from '../../protocol/messages/embedded-messages.ts';
import type { JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import type { SyncGroupResponse } from '../../protocol/messages/sync-group.ts';
import { ProtocolError } from '../../protocol/protocol-error.ts';
import type { Writable } from '../../protocol/schema.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import {
  ClassicGroupMember,
  type JoinReply,
  type MemberProtocol,
  noAssignment,
  type SyncReply,
} from './classic-group-member.ts';

export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const previousStates: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
};

/** Members of this protocol type are consumers: their subscriptions can be read. */
export const consumerProtocolType = 'consumer';

export class ClassicGroup {
  readonly type = 'classic';
  readonly groupId: string;
  state: ClassicGroupState = 'Empty';
  previousState: ClassicGroupState = 'Dead';
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** Wall clock; null when unknown. */
  stateTimestampMs: number | null;
  /** A member came while the first rebalance waits for more: it waits longer. */
  newMemberAdded = false;
  /** Null when the members are no consumers, or their subscriptions can't be read. */
  subscribedTopics: ReadonlySet<string> | null = null;
  /** The last journal event about this group: cause of what comes next. */
  lastEvent: EventId | null = null;
  readonly members = new Map<string, ClassicGroupMember>();
  /** Member id by group instance id. */
  readonly #staticMembers = new Map<string, string>();
  /** Ids handed out with MEMBER_ID_REQUIRED whose owners have not come back yet. */
  readonly #pendingJoinMembers = new Set<string>();
  readonly #pendingSyncMembers = new Set<string>();
  /** How many members know a protocol. */
  readonly #supportedProtocols = new Map<string, number>();
  #awaitingJoinCount = 0;

  constructor(groupId: string, stateTimestampMs: number | null) {
    this.groupId = groupId;
    this.stateTimestampMs = stateTimestampMs;
  }

  get isEmpty(): boolean {
    return this.state === 'Empty';
  }

  get memberCount(): number {
    return this.members.size;
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  get hasConsumers(): boolean {
    return this.protocolType === consumerProtocolType;
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.#awaitingJoinCount && this.#pendingJoinMembers.size === 0;
  }

  get hasAllMembersSynced(): boolean {
    return this.#pendingSyncMembers.size === 0;
  }

  get pendingSyncMembers(): readonly string[] {
    return [...this.#pendingSyncMembers];
  }

  get pendingJoinMembers(): readonly string[] {
    return [...this.#pendingJoinMembers];
  }

  /** The longest of all members'. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  get canRebalance(): boolean {
    return previousStates.PreparingRebalance.includes(this.state);
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  isPendingMember(memberId: string): boolean {
    return this.#pendingJoinMembers.has(memberId);
  }

  staticMemberId(groupInstanceId: string): string | null {
    return this.#staticMembers.get(groupInstanceId) ?? null;
  }

  member(memberId: string): ClassicGroupMember {
    return present(this.members.get(memberId), `member ${memberId} of group ${this.groupId}`);
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    assert(previousStates[state].includes(this.state), `group ${this.groupId}: ${this.state} can't become ${state}`);
    this.previousState = this.state;
    this.state = state;
    this.stateTimestampMs = nowMs;
  }

  add(member: ClassicGroupMember, reply: JoinReply | null = null): void {
    if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId);
    if (this.members.size === 0) this.protocolType = member.protocolType;
    this.leaderId ??= member.memberId;
    this.members.set(member.memberId, member);
    this.#countProtocols(member, 1);
    this.#setJoinReply(member, reply);
    this.#pendingJoinMembers.delete(member.memberId);
  }

  addPendingMember(memberId: string): void {
    this.#pendingJoinMembers.add(memberId);
  }

  /** Forgets a member or a pending member. Who waits must be answered before. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      this.members.delete(memberId);
      this.#countProtocols(member, -1);
      this.#setJoinReply(member, null);
      if (member.groupInstanceId !== null) this.#staticMembers.delete(member.groupInstanceId);
    }
    if (this.isLeader(memberId)) this.leaderId = this.members.keys().next().value ?? null;
    this.#pendingJoinMembers.delete(memberId);
    this.#pendingSyncMembers.delete(memberId);
  }

  update(
    member: ClassicGroupMember,
    facts: { protocols: readonly MemberProtocol[]; rebalanceTimeoutMs: number; sessionTimeoutMs: number },
    reply: JoinReply | null,
  ): void {
    // Likewise of two JoinGroups. Kafka leaves the earlier one without an answer.
    if (reply !== null) {
      this.answerJoin(member, { memberId: member.memberId, errorCode: ErrorCode.REBALANCE_IN_PROGRESS });
    }
    this.#countProtocols(member, -1);
    member.protocols = facts.protocols;
    this.#countProtocols(member, 1);
    member.rebalanceTimeoutMs = facts.rebalanceTimeoutMs;
    member.sessionTimeoutMs = facts.sessionTimeoutMs;
    this.#setJoinReply(member, reply);
  }

  /** A static member came back under a new id; whoever still waits under the old one is fenced. */
  replaceStaticMember(groupInstanceId: string, oldMemberId: string, newMemberId: string): ClassicGroupMember {
    const old = this.member(oldMemberId);
    this.answerJoin(old, { memberId: oldMemberId, errorCode: ErrorCode.FENCED_INSTANCE_ID, protocolName: null });
    this.answerSync(old, { errorCode: ErrorCode.FENCED_INSTANCE_ID });
    const renamed = new ClassicGroupMember({ ...old, groupInstanceId, memberId: newMemberId });
    renamed.assignment = old.assignment;
    this.members.delete(oldMemberId);
    this.members.set(newMemberId, renamed);
    if (this.isLeader(oldMemberId)) this.leaderId = newMemberId;
    this.#staticMembers.set(groupInstanceId, newMemberId);
    return renamed;
  }

  /** Answers a waiting JoinGroup; false when none waits. */
  answerJoin(member: ClassicGroupMember, response: Writable<JoinGroupResponse>): boolean {
    const reply = member.joinReply;
    if (reply === null) return false;
    this.#setJoinReply(member, null);
    reply(response);
    return true;
  }

  answerSync(member: ClassicGroupMember, response: Writable<SyncGroupResponse>): boolean {
    const reply = member.syncReply;
    if (reply === null) return false;
    member.syncReply = null;
    reply(response);
    return true;
  }

  /** Of two SyncGroups of one member the later one waits; the earlier has most likely lost its connection. */
  awaitSync(member: ClassicGroupMember, reply: SyncReply): void {
    this.answerSync(member, { errorCode: ErrorCode.REBALANCE_IN_PROGRESS });
    member.syncReply = reply;
  }

  addPendingSync(memberId: string): void {
    this.#pendingSyncMembers.add(memberId);
  }

  removePendingSync(memberId: string): void {
    this.#pendingSyncMembers.delete(memberId);
  }

  clearPendingSync(): void {
    this.#pendingSyncMembers.clear();
  }

  notYetRejoined(): ClassicGroupMember[] {
    return [...this.members.values()].filter((member) => !member.isAwaitingJoin);
  }

  /** True when the leader has rejoined, or another member who has takes its place. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false;
    if (this.member(this.leaderId).isAwaitingJoin) return true;
    for (const member of this.members.values()) {
      if (!member.isAwaitingJoin) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  supportsProtocols(protocolType: string, protocols: readonly { readonly name: string }[]): boolean {
    if (this.isEmpty) return protocolType !== '' && protocols.length > 0;
    return (
      this.protocolType === protocolType &&
      protocols.some(({ name }) => (this.#supportedProtocols.get(name) ?? 0) === this.members.size)
    );
  }

  /** Every member votes for its favourite among the protocols that all know; most votes win. */
  selectProtocol(): string {
    const candidates = new Set<string>();
    for (const [name, count] of this.#supportedProtocols) if (count === this.members.size) candidates.add(name);
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const vote = member.vote(candidates);
      if (vote !== null) votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    let winner: string | null = null;
    for (const name of [...votes.keys()].sort(byJavaHashOrder)) {
      if (winner === null || (votes.get(name) ?? 0) > (votes.get(winner) ?? 0)) winner = name;
    }
    return present(winner, `common protocol of group ${this.groupId}`);
  }

  /** The next generation: with whoever is here, or empty. */
  initNextGeneration(nowMs: number): void {
    this.generationId++;
    const isEmpty = this.members.size === 0;
    this.protocolName = isEmpty ? null : this.selectProtocol();
    this.subscribedTopics = this.computeSubscribedTopics();
    this.transitionTo(isEmpty ? 'Empty' : 'CompletingRebalance', nowMs);
    this.clearPendingSync();
  }

  computeSubscribedTopics(): ReadonlySet<string> | null {
    if (!this.hasConsumers) return null;
    const topics = new Set<string>();
    const { protocolName } = this;
    if (this.members.size > 0 && protocolName === null) return null;
    try {
      for (const member of this.members.values()) {
        const metadata = member.metadata(protocolName ?? '') ?? noAssignment;
        // Version in front; version 0 is the beginning of all later ones.
        for (const topic of consumerProtocolSubscription.decodeFrom(metadata.subarray(2), 0).topics) topics.add(topic);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return null;
    }
    return topics;
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.hasConsumers;
  }

  /** Throws UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when another member has taken the instance id over. */
  validateMember(memberId: string, groupInstanceId: string | null): void {
    if (groupInstanceId !== null) {
      const current = this.staticMemberId(groupInstanceId);
      if (current === null) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
      if (current !== memberId) throw new CoordinatorError(ErrorCode.FENCED_INSTANCE_ID);
    }
    if (!this.members.has(memberId)) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
  }

  #setJoinReply(member: ClassicGroupMember, reply: JoinReply | null): void {
    if (member.joinReply !== null) this.#awaitingJoinCount--;
    if (reply !== null) this.#awaitingJoinCount++;
    member.joinReply = reply;
  }

  #countProtocols(member: ClassicGroupMember, by: 1 | -1): void {
    for (const { name } of member.protocols) {
      const count = (this.#supportedProtocols.get(name) ?? 0) + by;
      if (count === 0) this.#supportedProtocols.delete(name);
      else this.#supportedProtocols.set(name, count);
    }
  }
}

/** Equal votes go to the first in the order in which Java's HashMap (of up to 12 keys) lists its keys. */
function byJavaHashOrder(a: string, b: string): number {
  return bucketOf(a) - bucketOf(b);
}

function bucketOf(key: string): number {
  const hash = javaStringHash(key);
  return (hash ^ (hash >>> 16)) & 15;
}
