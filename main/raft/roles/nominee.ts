// Prospective and candidate: both count votes. A prospective only asks whether it *would* win (KIP-996), without a
// new epoch; so a node that was cut off does not disturb a quorum that works. Pure.

import { isLost, majorityOf } from '../majority.ts';
import type { VoteAsk } from '../quorum-types.ts';

/** Votes for this node in one election, its own among them. */
export class Tally {
  readonly voterCount: number;
  readonly granted = new Set<number>();
  readonly refused = new Set<number>();

  constructor(voterCount: number, self: number) {
    this.voterCount = voterCount;
    this.granted.add(self);
  }

  record(voter: number, isGranted: boolean): void {
    if (isGranted) {
      this.granted.add(voter);
      this.refused.delete(voter);
    } else if (!this.granted.has(voter)) {
      this.refused.add(voter);
    }
  }

  get isWon(): boolean {
    return this.granted.size >= majorityOf(this.voterCount);
  }

  get isLost(): boolean {
    return isLost(this.voterCount, this.refused.size);
  }
}

export class Prospective {
  readonly name = 'prospective';
  readonly epoch: number;
  /** The leader that fell silent; followed again if the others still hear it. */
  readonly leader: number | null;
  readonly votedFor: number | null;
  readonly electionDeadlineMs: number;
  readonly tally: Tally;
  /** Refusals are asked again: a voter that still waits for the old leader may give it up a moment later. */
  readonly askAgainAtMs = new Map<number, number>();

  constructor(epoch: number, leader: number | null, votedFor: number | null, electionDeadlineMs: number, tally: Tally) {
    this.epoch = epoch;
    this.leader = leader;
    this.votedFor = votedFor;
    this.electionDeadlineMs = electionDeadlineMs;
    this.tally = tally;
  }

  get deadlineMs(): number {
    return this.electionDeadlineMs;
  }

  refusal(ask: VoteAsk, isLogUpToDate: boolean): string | null {
    if (!ask.preVote && this.votedFor !== null) {
      return this.votedFor === ask.candidate ? null : `voted for ${this.votedFor} in this epoch`;
    }
    if (!ask.preVote && this.leader !== null) return `leader ${this.leader} was elected in this epoch`;
    return isLogUpToDate ? null : 'its log is behind';
  }
}

export class Candidate {
  readonly name = 'candidate';
  readonly epoch: number;
  readonly leader = null;
  readonly votedFor: number;
  readonly electionDeadlineMs: number;
  readonly tally: Tally;
  /** Set once the election is lost: until then it waits before it tries again. */
  backoffDeadlineMs = Infinity;

  constructor(epoch: number, self: number, electionDeadlineMs: number, tally: Tally) {
    this.epoch = epoch;
    this.votedFor = self;
    this.electionDeadlineMs = electionDeadlineMs;
    this.tally = tally;
  }

  get deadlineMs(): number {
    return Math.min(this.electionDeadlineMs, this.backoffDeadlineMs);
  }

  refusal(ask: VoteAsk, isLogUpToDate: boolean): string | null {
    if (!ask.preVote) return 'stands for election itself in this epoch';
    return isLogUpToDate ? null : 'its log is behind';
  }
}
