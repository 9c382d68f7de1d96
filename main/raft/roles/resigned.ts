// Resigned: led this epoch and does so no more; tells the others, best log first, and waits for the next epoch. Pure.

import type { VoteAsk } from '../quorum-types.ts';

export class Resigned {
  readonly name = 'resigned';
  readonly epoch: number;
  readonly leader = null;
  readonly votedFor: number | null;
  readonly electionDeadlineMs: number;
  readonly preferredCandidates: readonly number[];
  /** Voters that have not confirmed the end of the epoch. */
  readonly unconfirmed: Set<number>;

  constructor(
    epoch: number,
    votedFor: number | null,
    electionDeadlineMs: number,
    preferredCandidates: readonly number[],
    unconfirmed: Iterable<number>,
  ) {
    this.epoch = epoch;
    this.votedFor = votedFor;
    this.electionDeadlineMs = electionDeadlineMs;
    this.preferredCandidates = preferredCandidates;
    this.unconfirmed = new Set(unconfirmed);
  }

  get deadlineMs(): number {
    return this.electionDeadlineMs;
  }

  refusal(ask: VoteAsk, isLogUpToDate: boolean): string | null {
    if (!ask.preVote) return 'led this epoch itself';
    return isLogUpToDate ? null : 'its log is behind';
  }
}
