// Unattached: knows an epoch, perhaps whom it voted for in it, but follows nobody. Pure.

import type { VoteAsk } from '../quorum-types.ts';

export class Unattached {
  readonly name = 'unattached';
  readonly epoch: number;
  /** Known only when it can't be followed, e.g. because it was this node before a restart. */
  readonly leader: number | null;
  readonly votedFor: number | null;
  /** Infinite for observers, which never stand for election. */
  readonly electionDeadlineMs: number;

  constructor(epoch: number, leader: number | null, votedFor: number | null, electionDeadlineMs: number) {
    this.epoch = epoch;
    this.leader = leader;
    this.votedFor = votedFor;
    this.electionDeadlineMs = electionDeadlineMs;
  }

  get deadlineMs(): number {
    return this.electionDeadlineMs;
  }

  /** Why the vote is refused, or null when it is granted. */
  refusal(ask: VoteAsk, isLogUpToDate: boolean): string | null {
    if (!ask.preVote && this.votedFor !== null) {
      return this.votedFor === ask.candidate ? null : `voted for ${this.votedFor} in this epoch`;
    }
    if (!ask.preVote && this.leader !== null) return `leader ${this.leader} was elected in this epoch`;
    return isLogUpToDate ? null : 'its log is behind';
  }
}
