// One partition on this broker: leader or follower, with its log. All changes are synchronous; whoever waits is told
// through watchers and commit waits, never through promises of its own.
// Legal transitions: unassigned → leader | follower; leader ↔ follower, each with a rising leader epoch; any → closed.

import { ErrorCode } from '../protocol/errors.ts';
import {
  unknownLeaderEpoch,
  type BrokerId,
  type LeaderEpoch,
  type Offset,
  type PartitionId,
  type TopicId,
} from '../core/ids.ts';
import { partitionName } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { AppendAsLeaderOptions, AppendResult } from '../log/log-types.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { AlterPartitionItem, AlterPartitionOutcome, AlterPartitionSender } from './alter-partition-sender.ts';
import { CommitWaits, type CommitWait } from './commit-waits.ts';
import {
  ReplicationError,
  type ClusterMetadata,
  type PartitionAssignment,
  type ReplicationConfig,
} from './contract.ts';
import { nextHighWatermark } from './high-watermark.ts';
import {
  expandWith,
  hasUnweighedPoll,
  isInFlight,
  isProposalOf,
  maximalInSync,
  outOfSyncReplicas,
  recordFetch,
  resetForNewLeader,
  settleBeforeAppend,
  weighMembers,
  weighPoll,
  shrinkBy,
  unknownFollower,
  type FollowerContact,
  type FollowerProgress,
  type InSyncProposal,
  type InSyncState,
} from './in-sync-replicas.ts';
import type { IsrCounters, TopicCounters } from './replication-counters.ts';

/** What happened: bytes the watcher may read now; watermarks moved without such bytes; leadership or existence changed. */
export type PartitionChange = 'data' | 'news' | 'state';

/** A fetch (session) that covers this partition and wants to know when it is worth looking again. */
export type PartitionWatcher = {
  readonly isFollower: boolean;
  notify(change: PartitionChange): void;
};

/** What all partitions of a broker share. */
export type PartitionSurroundings = {
  readonly nodeId: BrokerId;
  readonly clock: Clock;
  readonly config: ReplicationConfig;
  readonly metadata: ClusterMetadata;
  readonly journal: Journal;
  readonly isrCounters: IsrCounters;
  readonly alterPartitions: Pick<AlterPartitionSender, 'submit'>;
  /** Partitions whose report changed since telemetry asked last. */
  readonly changed: Set<Partition>;
  /** Led partitions in which some follower may lag; looked at by the ISR check. */
  readonly lagging: Set<Partition>;
  /** The log lost its tail. */
  readonly truncated: (partition: Partition) => void;
};

export type LeaderRole = {
  readonly kind: 'leader';
  /** Where this leader's epoch begins: a follower must get there before it may join the ISR. */
  readonly epochStartOffset: number;
  readonly followers: readonly FollowerProgress[];
  inSync: InSyncState;
};

export type Role =
  { readonly kind: 'unassigned' } | LeaderRole | { readonly kind: 'follower'; readonly leader: BrokerId | -1 };

type LowWatermarkWait = { readonly offset: number; settle(errorCode: number, lowWatermark: number): void };

/** A follower's fetch as it concerns the leader's books. */
export type FollowerFetch = {
  readonly replicaId: number;
  readonly brokerEpoch: number;
  readonly fetchOffset: number;
  readonly logStartOffset: number;
  readonly contact: FollowerContact | null;
};

export class Partition {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: PartitionId;
  readonly name: string;
  log: PartitionLog;
  /** Of its topic on this broker. */
  readonly counters: TopicCounters;
  role: Role = { kind: 'unassigned' };
  leaderEpoch: LeaderEpoch = unknownLeaderEpoch;
  partitionEpoch = -1;
  replicas: readonly BrokerId[] = [];
  isClosed = false;
  private readonly surroundings: PartitionSurroundings;
  private readonly followerWatchers = new Set<PartitionWatcher>();
  private readonly consumerWatchers = new Set<PartitionWatcher>();
  private readonly commitWaits = new CommitWaits();
  private lowWatermarkWaits: LowWatermarkWait[] = [];
  private readonly highWatermarkListeners = new Set<(highWatermark: Offset) => void>();
  private readonly isEligible = (follower: FollowerProgress): boolean => this.isEligibleForIsr(follower);

  constructor(
    topic: string,
    topicId: TopicId,
    partition: PartitionId,
    log: PartitionLog,
    surroundings: PartitionSurroundings,
    counters: TopicCounters,
  ) {
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
    this.name = partitionName(topic, partition);
    this.log = log;
    this.counters = counters;
    this.surroundings = surroundings;
  }

  /** The replica has moved to another log directory: the same records in other files. */
  replaceLog(log: PartitionLog): void {
    this.log = log;
    this.surroundings.changed.add(this);
  }

  // ── leadership ──

  /** Takes the lead or new facts about it; returns whether the leader epoch is new. Stale assignments change nothing. */
  becomeLeader(assignment: PartitionAssignment): boolean {
    if (assignment.partitionEpoch < this.partitionEpoch) return false;
    const { clock, nodeId, journal } = this.surroundings;
    const nowMs = clock.monotonicMs();
    const before = this.role;
    // Known already from AlterPartition's answer. A proposal made since must stay: the controller may accept it.
    if (before.kind === 'leader' && assignment.partitionEpoch === this.partitionEpoch) return false;
    const isNewEpoch = assignment.leaderEpoch > this.leaderEpoch || before.kind !== 'leader';
    const known = before.kind === 'leader' ? before.followers : [];
    if (before.kind === 'leader') weighMembers(known, before.inSync);
    const followers = assignment.replicas
      .filter((id) => id !== nodeId)
      .map((id) => known.find((follower) => follower.brokerId === id) ?? unknownFollower(id));
    let epochStartOffset = before.kind === 'leader' ? before.epochStartOffset : 0;
    if (isNewEpoch) {
      // The cache must know the new epoch before anyone can fetch under it: a follower's truncation depends on it.
      epochStartOffset = this.log.logEndOffset;
      this.log.assignEpoch(assignment.leaderEpoch, this.log.logEndOffset);
      for (const follower of followers) {
        if (before.kind !== 'leader') {
          resetForNewLeader(follower, assignment.inSyncReplicas.includes(follower.brokerId), nowMs);
        } else if (assignment.inSyncReplicas.includes(follower.brokerId)) {
          follower.lastCaughtUpMs = nowMs;
        }
      }
    }
    // The metadata may bring what was accepted before the controller's answer does. (Kafka does not count it then.)
    if (before.kind === 'leader' && isProposalOf(before.inSync, assignment.inSyncReplicas)) {
      this.countAccepted(before.inSync);
    }
    this.leaderEpoch = assignment.leaderEpoch;
    this.partitionEpoch = assignment.partitionEpoch;
    this.replicas = assignment.replicas;
    this.role = {
      kind: 'leader',
      epochStartOffset,
      followers,
      inSync: { kind: 'committed', inSync: assignment.inSyncReplicas },
    };
    if (followers.length > 0) this.surroundings.lagging.add(this);
    this.surroundings.changed.add(this);
    if (isNewEpoch) {
      const { topic, partition, leaderEpoch } = this;
      journal.record({ kind: 'replica.leading', topic, partition, leaderEpoch, logEndOffset: this.log.logEndOffset });
      this.notifyAll('state');
    }
    this.raiseHighWatermark();
    this.settleLowWatermarkWaits();
    return isNewEpoch;
  }

  /** Follows the assignment's leader; returns whether the leader epoch is new. */
  becomeFollower(assignment: PartitionAssignment): boolean {
    if (assignment.partitionEpoch < this.partitionEpoch) return false;
    const isNewEpoch = assignment.leaderEpoch > this.leaderEpoch || this.role.kind !== 'follower';
    this.leaderEpoch = assignment.leaderEpoch;
    this.partitionEpoch = assignment.partitionEpoch;
    this.replicas = assignment.replicas;
    this.role = { kind: 'follower', leader: assignment.leader };
    this.surroundings.lagging.delete(this);
    if (!isNewEpoch) return false;
    const { topic, partition, leaderEpoch } = this;
    this.surroundings.changed.add(this);
    this.surroundings.journal.record({
      kind: 'replica.following',
      topic,
      partition,
      leaderEpoch,
      leader: assignment.leader,
    });
    this.failWaits(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    this.notifyAll('state');
    return true;
  }

  /** This broker no longer holds the partition. */
  close(errorCode: number): void {
    this.isClosed = true;
    this.role = { kind: 'unassigned' };
    this.surroundings.lagging.delete(this);
    this.surroundings.changed.delete(this);
    this.failWaits(errorCode);
    this.notifyAll('state');
    this.followerWatchers.clear();
    this.consumerWatchers.clear();
  }

  localRack(): string | null {
    return this.surroundings.metadata.endpoint(this.surroundings.nodeId)?.rack ?? null;
  }

  get isLeader(): boolean {
    return this.role.kind === 'leader';
  }

  /** Throws NOT_LEADER_OR_FOLLOWER unless this broker leads the partition. */
  leaderRole(): LeaderRole {
    if (this.role.kind === 'leader') return this.role;
    throw new ReplicationError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `Leader not local for partition ${this.name} on broker ${this.surroundings.nodeId}`,
    );
  }

  /** NONE, or how the epoch that the other side believes in is wrong. −1: it doesn't say. */
  checkLeaderEpoch(currentLeaderEpoch: number): number {
    if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.leaderEpoch) return ErrorCode.NONE;
    return currentLeaderEpoch < this.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
  }

  // ── leader: append ──

  /** `acks` −1 asks for enough in-sync replicas before. Throws ReplicationError or LogError. */
  appendAsLeader(records: Buffer, acks: number, options: Omit<AppendAsLeaderOptions, 'leaderEpoch'>): AppendResult {
    const role = this.leaderRole();
    const inSyncMin = this.inSyncMin(role);
    const inSync = role.inSync.inSync;
    if (acks === -1 && inSync.length < inSyncMin) {
      throw new ReplicationError(
        ErrorCode.NOT_ENOUGH_REPLICAS,
        `The size of the current ISR : ${inSync.length} is insufficient to satisfy the min.isr requirement of ` +
          `${inSyncMin} for partition ${this.name}, live replica(s) broker.id are : ${inSync.join(',')}`,
      );
    }
    const endBefore = this.log.logEndOffset;
    for (const follower of role.followers) settleBeforeAppend(follower, endBefore);
    const result = this.log.appendAsLeader(records, { ...options, leaderEpoch: this.leaderEpoch });
    if (result.isDuplicate) return result;
    this.surroundings.changed.add(this);
    if (role.followers.length > 0) this.surroundings.lagging.add(this);
    for (const watcher of this.followerWatchers) watcher.notify('data');
    this.raiseHighWatermark();
    return result;
  }

  /** Settles `wait` when the high watermark reaches its offset; at once if it has. */
  whenCommitted(wait: CommitWait): void {
    if (this.role.kind !== 'leader') wait.settle(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    else if (this.log.highWatermark >= wait.requiredOffset) wait.settle(this.committedCode(this.role));
    else this.commitWaits.add(wait);
  }

  // ── leader: followers ──

  follower(replicaId: number): FollowerProgress | null {
    if (this.role.kind !== 'leader') return null;
    for (const follower of this.role.followers) if (follower.brokerId === replicaId) return follower;
    return null;
  }

  /** Books a follower's valid fetch: its offset proves that it holds everything below. */
  recordFollowerFetch(role: LeaderRole, follower: FollowerProgress, fetch: FollowerFetch, nowMs: number): void {
    const endBefore = follower.logEndOffset;
    const startBefore = follower.logStartOffset;
    recordFetch(follower, fetch.fetchOffset, fetch.logStartOffset, this.log.logEndOffset, nowMs, fetch.brokerEpoch);
    follower.contact = fetch.contact;
    this.maybeExpand(role, follower);
    if (follower.logEndOffset !== endBefore) this.raiseHighWatermark();
    if (follower.logStartOffset !== startBefore) this.settleLowWatermarkWaits();
  }

  /**
   * Proposes to drop members that lag, or to take in a follower that polls, holds everything and could not join when
   * it fetched last (it was fenced then). A poll counts once, as in Kafka, where each fetch weighs its follower: what a
   * member polled before it fell out, or died, doesn't bring it back. Gives the milliseconds until the check must come
   * again: Infinity while nobody is behind or outside.
   */
  checkInSync(nowMs: number): number {
    const role = this.role;
    if (role.kind !== 'leader') return Infinity;
    const end = this.log.logEndOffset;
    const { replicaLagTimeMaxMs: lagMaxMs, replicaFetchWaitMaxMs } = this.surroundings.config;
    const pollAgeMaxMs = Math.min(lagMaxMs, 2 * replicaFetchWaitMaxMs);
    if (!isInFlight(role.inSync)) {
      weighMembers(role.followers, role.inSync);
      const lagging = outOfSyncReplicas(role.inSync, role.followers, end, nowMs, lagMaxMs);
      if (lagging.length > 0) this.propose(role, shrinkBy(role.inSync, lagging));
      for (const follower of role.followers) {
        if (hasUnweighedPoll(follower, nowMs, pollAgeMaxMs)) this.maybeExpand(role, follower);
      }
    }
    let againMs = isInFlight(role.inSync) ? lagMaxMs / 2 : Infinity;
    for (const follower of role.followers) {
      const isMember = role.inSync.inSync.includes(follower.brokerId);
      if (isMember && follower.logEndOffset === end) continue;
      // An idle follower that may join does so with its next poll, which names no partition: it has to be looked for.
      const isPolling = follower.contact !== null && nowMs - follower.contact.lastFetchMs <= pollAgeMaxMs;
      againMs = Math.min(againMs, isPolling && !isMember ? replicaFetchWaitMaxMs : lagMaxMs / 2);
    }
    return againMs;
  }

  isProposing(proposal: InSyncState): boolean {
    return this.role.kind === 'leader' && this.role.inSync === proposal;
  }

  /** The controller's answer; false when it must be sent again. */
  alterPartitionDone(item: AlterPartitionItem, outcome: AlterPartitionOutcome): boolean {
    const role = this.role;
    // Identity: a newer metadata record may have replaced the state this was proposed from.
    if (
      this.isClosed ||
      role.kind !== 'leader' ||
      role.inSync !== item.proposal ||
      this.leaderEpoch !== item.leaderEpoch
    )
      return true;
    if (outcome.errorCode !== ErrorCode.NONE) return this.alterPartitionFailed(role, outcome.errorCode);
    if (outcome.leaderEpoch !== this.leaderEpoch || outcome.partitionEpoch < this.partitionEpoch) {
      this.surroundings.isrCounters.failedUpdates++;
      return true;
    }
    this.countAccepted(item.proposal);
    weighMembers(role.followers, role.inSync);
    role.inSync = { kind: 'committed', inSync: outcome.inSyncReplicas };
    this.partitionEpoch = outcome.partitionEpoch;
    this.surroundings.changed.add(this);
    // Who is outside now may have caught up while the proposal was on its way.
    this.surroundings.lagging.add(this);
    this.raiseHighWatermark();
    return true;
  }

  private countAccepted(proposal: InSyncState): void {
    if (proposal.kind === 'expanding') this.surroundings.isrCounters.expands++;
    else if (proposal.kind === 'shrinking') this.surroundings.isrCounters.shrinks++;
  }

  private alterPartitionFailed(role: LeaderRole, errorCode: number): boolean {
    this.surroundings.isrCounters.failedUpdates++;
    switch (errorCode) {
      case ErrorCode.OPERATION_NOT_ATTEMPTED:
      case ErrorCode.INELIGIBLE_REPLICA:
        // Surely not applied: back to what is committed; the next fetch or check proposes anew.
        role.inSync = { kind: 'committed', inSync: role.inSync.inSync };
        this.surroundings.lagging.add(this);
        return true;
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.FENCED_LEADER_EPOCH:
      case ErrorCode.INVALID_UPDATE_VERSION:
      case ErrorCode.INVALID_REQUEST:
      case ErrorCode.NEW_LEADER_ELECTED:
        // The controller knows something newer, which is on its way here as metadata and replaces this state.
        return true;
      default:
        return false;
    }
  }

  private maybeExpand(role: LeaderRole, follower: FollowerProgress): void {
    if (isInFlight(role.inSync) || role.inSync.inSync.includes(follower.brokerId)) return;
    // One that may not join yet (it is fenced) is weighed when it may.
    if (!this.isEligibleForIsr(follower)) return;
    weighPoll(follower);
    const isThere = follower.logEndOffset >= this.log.highWatermark && follower.logEndOffset >= role.epochStartOffset;
    if (isThere) this.propose(role, expandWith(role.inSync, follower.brokerId));
  }

  private isEligibleForIsr(follower: FollowerProgress): boolean {
    const epoch = this.surroundings.metadata.eligibleBrokerEpoch(follower.brokerId);
    return epoch !== null && (follower.brokerEpoch === -1 || follower.brokerEpoch === epoch);
  }

  private propose(role: LeaderRole, proposal: InSyncProposal): void {
    role.inSync = proposal;
    const inSyncReplicas = proposal.proposed.map((brokerId) => ({
      brokerId,
      brokerEpoch: this.brokerEpochOf(role, brokerId),
    }));
    const { leaderEpoch, partitionEpoch } = this;
    this.surroundings.alterPartitions.submit({
      partition: this,
      proposal,
      leaderEpoch,
      partitionEpoch,
      inSyncReplicas,
    });
  }

  private brokerEpochOf(role: LeaderRole, brokerId: BrokerId): number {
    if (brokerId === this.surroundings.nodeId) return -1;
    return role.followers.find((follower) => follower.brokerId === brokerId)?.brokerEpoch ?? -1;
  }

  // ── high and low watermark ──

  private inSyncMin(role: LeaderRole): number {
    return Math.min(this.log.config.minInsyncReplicas, role.followers.length + 1);
  }

  /** Raises the high watermark as far as the followers' progress allows and releases who waited for that. */
  raiseHighWatermark(): void {
    const role = this.role;
    if (role.kind !== 'leader') return;
    const next = nextHighWatermark({
      leaderLogEndOffset: this.log.logEndOffset,
      followers: role.followers,
      inSync: role.inSync,
      inSyncMin: this.inSyncMin(role),
      nowMs: this.surroundings.clock.monotonicMs(),
      replicaLagTimeMaxMs: this.surroundings.config.replicaLagTimeMaxMs,
      isEligible: this.isEligible,
    });
    if (next <= this.log.highWatermark) return;
    this.log.updateHighWatermark(next);
    this.commitWaits.release(next, this.committedCode(role));
    for (const watcher of this.followerWatchers) watcher.notify('news');
    this.highWatermarkMoved();
  }

  private highWatermarkMoved(): void {
    this.surroundings.changed.add(this);
    for (const watcher of this.consumerWatchers) watcher.notify('data');
    for (const listener of this.highWatermarkListeners) listener(this.log.highWatermark);
  }

  private committedCode(role: LeaderRole): number {
    return this.inSyncMin(role) <= maximalInSync(role.inSync).length
      ? ErrorCode.NONE
      : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
  }

  /** The lowest log start of all live replicas: below it nothing can be read anywhere. −1 while one hasn't said. */
  lowWatermark(role: LeaderRole): number {
    let lowest: number = this.log.logStartOffset;
    for (const follower of role.followers) {
      if (this.surroundings.metadata.endpoint(follower.brokerId) === null) continue;
      lowest = Math.min(lowest, follower.logStartOffset);
    }
    return lowest;
  }

  /** Raises the log start as the leader and waits until all live replicas have followed. Throws LogError. */
  deleteRecordsBefore(offset: number, settle: (errorCode: number, lowWatermark: number) => void): void {
    const role = this.leaderRole();
    if (this.log.incrementLogStartOffset(offset)) this.logStartMoved();
    const lowWatermark = this.lowWatermark(role);
    if (lowWatermark >= offset) settle(ErrorCode.NONE, lowWatermark);
    else this.lowWatermarkWaits.push({ offset, settle });
  }

  private logStartMoved(): void {
    this.surroundings.changed.add(this);
    for (const watcher of this.followerWatchers) watcher.notify('news');
    for (const watcher of this.consumerWatchers) watcher.notify('news');
  }

  private settleLowWatermarkWaits(): void {
    if (this.lowWatermarkWaits.length === 0 || this.role.kind !== 'leader') return;
    const lowWatermark = this.lowWatermark(this.role);
    const waits = this.lowWatermarkWaits;
    this.lowWatermarkWaits = waits.filter((wait) => wait.offset > lowWatermark);
    for (const wait of waits) if (wait.offset <= lowWatermark) wait.settle(ErrorCode.NONE, lowWatermark);
  }

  // ── follower ──

  /** Writes what the leader sent and takes over its watermarks. */
  appendAsFollower(records: Buffer | null, leaderHighWatermark: number, leaderLogStartOffset: number): void {
    if (records !== null) {
      this.log.appendAsFollower(records, this.leaderEpoch);
      this.surroundings.changed.add(this);
    }
    const before = this.log.highWatermark;
    if (leaderHighWatermark > before && this.log.updateHighWatermark(leaderHighWatermark) > before)
      this.highWatermarkMoved();
    if (leaderLogStartOffset > this.log.logStartOffset && leaderLogStartOffset <= this.log.highWatermark) {
      if (this.log.incrementLogStartOffset(leaderLogStartOffset)) this.logStartMoved();
    }
  }

  truncateTo(offset: number): void {
    const from = this.log.logEndOffset;
    if (!this.log.truncateTo(offset)) return;
    this.surroundings.truncated(this);
    const { topic, partition, leaderEpoch } = this;
    this.surroundings.changed.add(this);
    this.surroundings.journal.record({
      kind: 'replica.truncated',
      topic,
      partition,
      from,
      to: this.log.logEndOffset,
      leaderEpoch,
    });
  }

  truncateFullyAndStartAt(offset: number): void {
    const from = this.log.logEndOffset;
    this.log.truncateFullyAndStartAt(offset);
    this.surroundings.truncated(this);
    const { topic, partition, leaderEpoch } = this;
    this.surroundings.changed.add(this);
    this.surroundings.journal.record({ kind: 'replica.truncated', topic, partition, from, to: offset, leaderEpoch });
  }

  // ── watchers ──

  watch(watcher: PartitionWatcher): void {
    (watcher.isFollower ? this.followerWatchers : this.consumerWatchers).add(watcher);
  }

  unwatch(watcher: PartitionWatcher): void {
    (watcher.isFollower ? this.followerWatchers : this.consumerWatchers).delete(watcher);
  }

  onHighWatermark(listener: (highWatermark: Offset) => void): () => void {
    this.highWatermarkListeners.add(listener);
    return () => void this.highWatermarkListeners.delete(listener);
  }

  private notifyAll(change: PartitionChange): void {
    for (const watcher of [...this.followerWatchers]) watcher.notify(change);
    for (const watcher of [...this.consumerWatchers]) watcher.notify(change);
  }

  private failWaits(errorCode: number): void {
    this.commitWaits.failAll(errorCode);
    const waits = this.lowWatermarkWaits;
    this.lowWatermarkWaits = [];
    for (const wait of waits) wait.settle(errorCode, -1);
  }
}
