// Follower: fetches from the leader of its epoch; a voter gives the leader up when nothing comes for too long. Pure.

import type { OffsetAndEpoch } from '../contract.ts';
import type { VoteAsk } from '../quorum-types.ts';

export class Follower {
  readonly name = 'follower';
  readonly epoch: number;
  readonly leader: number;
  readonly votedFor: number | null;
  fetchDeadlineMs: number;
  hasLeaderResigned = false;
  /** Observers only: the leader may be gone, so any voter is asked who leads. */
  isLeaderSilent = false;
  readonly fetchTimeoutMs: number;
  /** Pre-votes are refused once the leader has answered a fetch: who hears the leader needs no election. */
  hasFetchedFromLeader = false;
  /** The snapshot being fetched, and how much of it is here. */
  fetchingSnapshot: { readonly id: OffsetAndEpoch; readonly position: number } | null = null;
  /** High watermark that came with records which are not synced yet. */
  pendingHighWatermark: number | null = null;
  /** When this node next looks whether the leader should change what the voter set says of it (KIP-853). */
  updateVoterAtMs: number;

  constructor(epoch: number, leader: number, votedFor: number | null, nowMs: number, fetchTimeoutMs: number) {
    this.epoch = epoch;
    this.leader = leader;
    this.votedFor = votedFor;
    this.fetchTimeoutMs = fetchTimeoutMs;
    this.fetchDeadlineMs = nowMs + fetchTimeoutMs;
    this.updateVoterAtMs = nowMs + fetchTimeoutMs;
  }

  get deadlineMs(): number {
    return this.fetchDeadlineMs;
  }

  heardFromLeader(nowMs: number): void {
    this.hasFetchedFromLeader = true;
    this.isLeaderSilent = false;
    this.fetchDeadlineMs = nowMs + this.fetchTimeoutMs;
  }

  beginToWait(nowMs: number): void {
    this.isLeaderSilent = false;
    this.fetchDeadlineMs = nowMs + this.fetchTimeoutMs;
  }

  leaderFellSilent(): void {
    this.isLeaderSilent = true;
    this.fetchDeadlineMs = Infinity;
  }

  /** The leader said that it ends its epoch: stop waiting for it at `deadlineMs`, and let others stand at once. */
  leaderResigned(deadlineMs: number): void {
    this.hasLeaderResigned = true;
    this.hasFetchedFromLeader = false;
    this.fetchDeadlineMs = Math.min(this.fetchDeadlineMs, deadlineMs);
  }

  refusal(ask: VoteAsk, isLogUpToDate: boolean): string | null {
    if (!ask.preVote) {
      return this.votedFor === ask.candidate ? null : `leader ${this.leader} was elected in this epoch`;
    }
    if (this.hasFetchedFromLeader) return `still hears leader ${this.leader}`;
    return isLogUpToDate ? null : 'its log is behind';
  }
}
