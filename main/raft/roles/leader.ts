// Leader: knows how far every replica is, what is committed, who still fetches, and which fetches wait. Pure.

import { assert } from '../../core/assert.ts';
import { majorityEndOffset } from '../majority.ts';
import type { FetchAsk, ReplyToken, VoteAsk } from '../quorum-types.ts';

/** Observers that don't fetch for so long are forgotten, as in Kafka. */
const observerSessionMs = 5 * 60 * 1000;
const observersMax = 1000;

export type ReplicaProgress = {
  readonly id: number;
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

function newProgress(id: number, nowMs: number): ReplicaProgress {
  return {
    id,
    endOffset: -1,
    lastFetchMs: -Infinity,
    lastCaughtUpMs: -Infinity,
    leaderEndAtLastFetch: -1,
    beginEpochAtMs: nowMs,
  };
}

export type LeaderOptions = {
  readonly epoch: number;
  readonly self: number;
  readonly voters: readonly number[];
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
  readonly #observers = new Map<number, ReplicaProgress>();
  /** What this node itself has synced; voters only. */
  #ownEndOffset = -1;
  /** Null until a record of this epoch is on a majority. Never falls. */
  highWatermark: number | null = null;
  checkQuorumDeadlineMs: number;
  readonly #fetchedSinceCheck = new Set<number>();
  #parked: ParkedFetch[] = [];

  constructor(options: LeaderOptions) {
    const { epoch, self, voters, nowMs } = options;
    this.epoch = epoch;
    this.leader = self;
    this.votedFor = self;
    this.epochStartOffset = options.epochStartOffset;
    this.grantingVoters = options.grantingVoters;
    this.#fetchTimeoutMs = options.fetchTimeoutMs;
    for (const id of voters) if (id !== self) this.#otherVoters.set(id, newProgress(id, nowMs));
    this.checkQuorumDeadlineMs = this.#nextCheckMs(nowMs);
  }

  get deadlineMs(): number {
    let deadlineMs = this.checkQuorumDeadlineMs;
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

  /** A replica asked for records: it is alive, and holds everything before its fetch offset if that is valid here. */
  noteFetch(id: number, validEndOffset: number | null, ownLogEnd: number, nowMs: number): void {
    const progress = this.#progressOf(id, nowMs);
    if (progress === null) return;
    // It is told anew only when its next fetch, after a long poll, should have come.
    progress.beginEpochAtMs = nowMs + this.#fetchTimeoutMs;
    this.noteAlive(id, nowMs);
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
  noteAlive(id: number, nowMs: number): void {
    if (!this.#otherVoters.has(id)) return;
    this.#fetchedSinceCheck.add(id);
    // Together with the leader itself these are a majority.
    if (this.#fetchedSinceCheck.size < Math.floor((this.#otherVoters.size + 1) / 2)) return;
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
    const ends = [this.#ownEndOffset];
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

  #progressOf(id: number, nowMs: number): ReplicaProgress | null {
    if (id < 0) return null;
    assert(id !== this.leader, 'a leader does not fetch from itself');
    const known = this.#otherVoters.get(id) ?? this.#observers.get(id);
    if (known !== undefined) return known;
    for (const [other, progress] of this.#observers) {
      if (nowMs - progress.lastFetchMs > observerSessionMs) this.#observers.delete(other);
    }
    if (this.#observers.size >= observersMax) return null;
    const progress = newProgress(id, nowMs);
    this.#observers.set(id, progress);
    return progress;
  }
}
