// Leader: knows how far every replica is, what is committed, who still fetches, and which fetches wait. Pure.

import { assert } from '../../core/assert.ts';
import type { Voter } from '../contract.ts';
import { majorityEndOffset, majorityOf } from '../majority.ts';
import type { FetchAsk, ReplyToken, VoteAsk } from '../quorum-types.ts';
import type { ReplicaKey, VoterSet } from '../voter-set.ts';

/** Observers that don't fetch for so long are forgotten, as in Kafka. */
const observerSessionMs = 5 * 60 * 1000;
const observersMax = 1000;

export type ReplicaProgress = {
  readonly id: number;
  /** Null where it is not known: kraft.version 0, old versions of Fetch. */
  directoryId: string | null;
  /** Its log end as its last fetch told; −1: it has not fetched in this epoch. */
  endOffset: number;
  /** Monotonic; −Infinity: never. */
  lastFetchMs: number;
  lastCaughtUpMs: number;
  /** The leader's log end at the last fetch: reaching it later means having been caught up then. */
  leaderEndAtLastFetch: number;
  /** When to tell this voter (again) who leads, if it does not fetch. */
  beginEpochAtMs: number;
};

export type ParkedFetch = { readonly token: ReplyToken; readonly ask: FetchAsk; readonly deadlineMs: number };

function newProgress({ id, directoryId }: ReplicaKey, nowMs: number): ReplicaProgress {
  return {
    id,
    directoryId,
    endOffset: -1,
    lastFetchMs: -Infinity,
    lastCaughtUpMs: -Infinity,
    leaderEndAtLastFetch: -1,
    beginEpochAtMs: nowMs,
  };
}

/** A change of the voters that is under way (KIP-853): one at a time. */
export type PendingChange = {
  readonly api: 'addVoter' | 'removeVoter';
  /** Who waits for the answer; null once it was given. */
  token: ReplyToken | null;
  readonly deadlineMs: number;
  /** To be added; null: a removal. */
  readonly voter: Voter | null;
  /** Whether the new voter was asked for its versions. */
  isAsked: boolean;
  /** Of the voters record; null as long as it is not written. */
  lastOffset: number | null;
  readonly ackWhenCommitted: boolean;
};

export type LeaderOptions = {
  readonly epoch: number;
  readonly selfKey: ReplicaKey;
  readonly voterSet: VoterSet;
  /** The leader-change record's offset: nothing is committed before it is. */
  readonly epochStartOffset: number;
  readonly grantingVoters: readonly number[];
  readonly nowMs: number;
  readonly fetchTimeoutMs: number;
};

export class Leader {
  readonly name = 'leader';
  readonly epoch: number;
  readonly leader: number;
  readonly votedFor: number;
  readonly epochStartOffset: number;
  readonly grantingVoters: readonly number[];
  readonly #fetchTimeoutMs: number;
  readonly #otherVoters = new Map<number, ReplicaProgress>();
  /** By id and directory. */
  readonly #observers = new Map<string, ReplicaProgress>();
  readonly #selfKey: ReplicaKey;
  #voterSet: VoterSet;
  pendingChange: PendingChange | null = null;
  /** What this node itself has synced; voters only. */
  #ownEndOffset = -1;
  /** Null until a record of this epoch is on a majority. Never falls. */
  highWatermark: number | null = null;
  checkQuorumDeadlineMs: number;
  readonly #fetchedSinceCheck = new Set<number>();
  #parked: ParkedFetch[] = [];

  constructor(options: LeaderOptions) {
    const { epoch, selfKey, voterSet, nowMs } = options;
    this.epoch = epoch;
    this.#selfKey = selfKey;
    this.#voterSet = voterSet;
    this.leader = selfKey.id;
    this.votedFor = selfKey.id;
    this.epochStartOffset = options.epochStartOffset;
    this.grantingVoters = options.grantingVoters;
    this.#fetchTimeoutMs = options.fetchTimeoutMs;
    for (const { id, directoryId } of voterSet.voters) {
      if (id !== this.leader) this.#otherVoters.set(id, newProgress({ id, directoryId: directoryId ?? null }, nowMs));
    }
    this.checkQuorumDeadlineMs = this.#nextCheckMs(nowMs);
  }

  get deadlineMs(): number {
    let deadlineMs = Math.min(this.checkQuorumDeadlineMs, this.pendingChange?.deadlineMs ?? Infinity);
    for (const fetch of this.#parked) deadlineMs = Math.min(deadlineMs, fetch.deadlineMs);
    return deadlineMs;
  }

  get otherVoters(): Iterable<ReplicaProgress> {
    return this.#otherVoters.values();
  }

  get observers(): Iterable<ReplicaProgress> {
    return this.#observers.values();
  }

  /** The other voters, the one with the longest log first; equals by id. */
  get successors(): number[] {
    const byLog = [...this.#otherVoters.values()].sort((a, b) => b.endOffset - a.endOffset || a.id - b.id);
    return byLog.map((progress) => progress.id);
  }

  refusal(_ask: VoteAsk, _isLogUpToDate: boolean): string | null {
    return 'leads this epoch itself';
  }

  /** Whether this node itself votes; one that is being removed leads on until that is committed. */
  get isVoter(): boolean {
    return this.#voterSet.isVoter(this.#selfKey);
  }

  /** Progress is kept over the change: who was an observer a moment ago is as far as it was. */
  updateVoters(voterSet: VoterSet, nowMs: number): void {
    const before = new Map(this.#otherVoters);
    this.#otherVoters.clear();
    this.#voterSet = voterSet;
    for (const { id, directoryId = null } of voterSet.voters) {
      if (id === this.leader) continue;
      const key = { id, directoryId };
      const voter = before.get(id);
      const known =
        voter !== undefined && voterSet.isVoter({ id, directoryId: voter.directoryId }) ? voter : this.observer(key);
      this.#otherVoters.set(id, known ?? newProgress(key, nowMs));
      this.#observers.delete(observerKey(key));
      before.delete(id);
    }
    for (const gone of before.values()) {
      this.#fetchedSinceCheck.delete(gone.id);
      if (gone.endOffset >= 0) this.#observers.set(observerKey(gone), gone);
    }
    if (this.checkQuorumDeadlineMs === Infinity || this.#otherVoters.size === 0) {
      this.checkQuorumDeadlineMs = this.#nextCheckMs(nowMs);
    }
  }

  observer(key: ReplicaKey): ReplicaProgress | null {
    return this.#observers.get(observerKey(key)) ?? null;
  }

  /** A replica asked for records: it is alive, and holds everything before its fetch offset if that is valid here. */
  noteFetch(key: ReplicaKey, validEndOffset: number | null, ownLogEnd: number, nowMs: number): void {
    const progress = this.#progressOf(key, nowMs);
    if (progress === null) return;
    // It is told anew only when its next fetch, after a long poll, should have come.
    progress.beginEpochAtMs = nowMs + this.#fetchTimeoutMs;
    this.noteAlive(key, nowMs);
    if (validEndOffset === null) return;
    if (validEndOffset >= ownLogEnd) progress.lastCaughtUpMs = nowMs;
    else if (progress.leaderEndAtLastFetch >= 0 && validEndOffset >= progress.leaderEndAtLastFetch) {
      progress.lastCaughtUpMs = Math.max(progress.lastCaughtUpMs, progress.lastFetchMs);
    }
    progress.lastFetchMs = nowMs;
    progress.leaderEndAtLastFetch = ownLogEnd;
    // A late or repeated fetch may tell less than is known already, and a voter that lost its disk really has less.
    progress.endOffset = validEndOffset;
  }

  /** Counts towards the majority that must be heard for this node to stay leader. */
  noteAlive(key: ReplicaKey, nowMs: number): void {
    if (!this.#otherVoters.has(key.id) || !this.#voterSet.isVoter(key)) return;
    this.#fetchedSinceCheck.add(key.id);
    // Together with the leader itself, if it votes, these are a majority.
    const needed = majorityOf(this.#voterSet.voters.length) - (this.isVoter ? 1 : 0);
    if (this.#fetchedSinceCheck.size < needed) return;
    this.#fetchedSinceCheck.clear();
    this.checkQuorumDeadlineMs = this.#nextCheckMs(nowMs);
  }

  noteBeginEpochSent(id: number, nowMs: number): void {
    const progress = this.#otherVoters.get(id);
    if (progress !== undefined) progress.beginEpochAtMs = nowMs + this.#fetchTimeoutMs / 2;
  }

  noteOwnEnd(endOffset: number): void {
    this.#ownEndOffset = Math.max(this.#ownEndOffset, endOffset);
  }

  /** Moves the high watermark as far as a majority allows; true when it moved. */
  advanceHighWatermark(): boolean {
    const ends = this.isVoter ? [this.#ownEndOffset] : [];
    for (const progress of this.#otherVoters.values()) ends.push(progress.endOffset);
    const reached = majorityEndOffset(ends);
    // Records of earlier epochs are committed only together with one of this epoch (Raft, §5.4.2).
    if (reached <= this.epochStartOffset || reached <= (this.highWatermark ?? -1)) return false;
    this.highWatermark = reached;
    return true;
  }

  park(fetch: ParkedFetch): void {
    this.#parked.push(fetch);
  }

  /** Takes out the fetches for which there is something to say now. */
  takeDue(isDue: (fetch: ParkedFetch) => boolean): ParkedFetch[] {
    if (this.#parked.length === 0) return [];
    const due = this.#parked.filter(isDue);
    if (due.length > 0) this.#parked = this.#parked.filter((fetch) => !due.includes(fetch));
    return due;
  }

  get parkedCount(): number {
    return this.#parked.length;
  }

  #nextCheckMs(nowMs: number): number {
    return this.#otherVoters.size === 0 ? Infinity : nowMs + this.#fetchTimeoutMs * 1.5;
  }

  #progressOf(key: ReplicaKey, nowMs: number): ReplicaProgress | null {
    if (key.id < 0) return null;
    assert(key.id !== this.leader, 'a leader does not fetch from itself');
    const voter = this.#voterSet.isVoter(key) ? this.#otherVoters.get(key.id) : undefined;
    if (voter !== undefined) {
      voter.directoryId = key.directoryId ?? voter.directoryId;
      return voter;
    }
    const known = this.observer(key);
    if (known !== null) return known;
    for (const [other, progress] of this.#observers) {
      if (nowMs - progress.lastFetchMs > observerSessionMs) this.#observers.delete(other);
    }
    if (this.#observers.size >= observersMax) return null;
    const progress = newProgress(key, nowMs);
    this.#observers.set(observerKey(key), progress);
    return progress;
  }
}

function observerKey({ id, directoryId }: ReplicaKey): string {
  return `${id} ${directoryId ?? ''}`;
}
