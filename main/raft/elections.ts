// Elections: votes and pre-votes asked and given, the beginning and the end of an epoch. Pure.

import { assert } from '../core/assert.ts';
import type { QuorumCore } from './quorum-core.ts';
import type {
  BeginEpochAsk,
  EndEpochAsk,
  EpochAnswer,
  RaftAsk,
  RaftError,
  ReplyToken,
  VoteAnswer,
  VoteAsk,
} from './quorum-types.ts';
import type { Leader } from './roles/leader.ts';
import { Prospective, type Candidate } from './roles/nominee.ts';
import type { Resigned } from './roles/resigned.ts';
import { Unattached } from './roles/unattached.ts';

/** An answer given again within this time is not news. */
const oldNewsMs = 1000;

export class Elections {
  readonly #core: QuorumCore;
  /** Which votes the journal knows this node to have asked for, in its present role. */
  #toldAsks: { readonly role: Prospective | Candidate; readonly voters: Set<number> } | null = null;
  /** By candidate, what the journal was told of its last vote. */
  readonly #toldAnswers = new Map<number, { readonly text: string; readonly atMs: number }>();

  constructor(core: QuorumCore) {
    this.#core = core;
  }

  onVote(token: ReplyToken, ask: VoteAsk): void {
    const error = this.#voterRequestError(ask.epoch, ask.candidate, ask);
    if (error !== null) return this.#replyVote(token, ask, error, `the request is bad or out of date: ${error}`);
    if (ask.epoch > this.#core.epoch) this.#core.becomeUnattached(ask.epoch, null);
    const { lastEpoch, endOffset } = this.#core.log;
    const isLogUpToDate = ask.lastEpoch > lastEpoch || (ask.lastEpoch === lastEpoch && ask.lastOffset >= endOffset);
    const refusal = this.#core.role.refusal(ask, isLogUpToDate) ?? this.#otherDiskRefusal(ask);
    if (refusal === null && !ask.preVote) this.#noteVote(ask);
    this.#replyVote(token, ask, 'NONE', refusal);
  }

  /** The same id on another disk is another candidate: a vote for both would be two votes. */
  #otherDiskRefusal({ candidate, candidateDirectory, preVote }: VoteAsk): string | null {
    const { role, votedDirectory } = this.#core;
    if (preVote || role.votedFor !== candidate || candidateDirectory === null || votedDirectory === null) return null;
    return candidateDirectory === votedDirectory ? null : `voted for ${candidate} with another disk in this epoch`;
  }

  #noteVote({ candidate, candidateDirectory }: VoteAsk): void {
    const role = this.#core.role;
    if (role.votedFor === candidate) return;
    this.#core.vote = { epoch: role.epoch, directory: candidateDirectory };
    assert(role.votedFor === null, `a second vote in epoch ${role.epoch}`);
    if (role.name === 'unattached') {
      this.#core.role = new Unattached(role.epoch, role.leader, candidate, role.electionDeadlineMs);
    } else if (role.name === 'prospective') {
      const { epoch, leader, electionDeadlineMs, tally } = role;
      this.#core.role = new Prospective(epoch, leader, candidate, electionDeadlineMs, tally);
    } else assert(false, `a ${role.name} has no vote to give`);
    // Persisted before the reply behind it: a vote that a crash makes this node forget could be given twice.
  }

  #replyVote(token: ReplyToken, ask: VoteAsk, error: RaftError, refusal: string | null): void {
    const { epoch, leader, self } = this.#core;
    const { candidate, preVote } = ask;
    const granted = refusal === null;
    const reason = refusal ?? (preVote ? 'would vote for it' : 'voted for it');
    if (this.#isNews(candidate, `${epoch} ${preVote} ${granted} ${reason}`))
      this.#core.record({ kind: 'quorum.voteAnswered', epoch, candidate, voter: self, preVote, granted, reason });
    this.#core.emit({ type: 'reply', token, answer: { api: 'vote', error, epoch, leader, granted } });
  }

  /** A nominee asks on every few milliseconds until it is answered as it wishes: people need not read that each time. */
  #isNews(candidate: number, text: string): boolean {
    const told = this.#toldAnswers.get(candidate);
    const atMs = this.#core.nowMs;
    if (told?.text === text && atMs - told.atMs < oldNewsMs) return false;
    this.#toldAnswers.set(candidate, { text, atMs });
    return true;
  }

  onBeginEpoch(token: ReplyToken, ask: BeginEpochAsk): void {
    const error = this.#voterRequestError(ask.epoch, ask.leader, ask);
    if (error === null) {
      const isBack =
        this.#core.role.name === 'prospective' && ask.epoch === this.#core.epoch && this.#core.leader === ask.leader;
      if (isBack) this.#core.becomeFollower(ask.epoch, ask.leader);
      else this.#core.observe(ask.epoch, ask.leader);
    }
    this.#replyEpoch(token, 'beginQuorumEpoch', error ?? 'NONE');
  }

  onEndEpoch(token: ReplyToken, ask: EndEpochAsk): void {
    const error = this.#voterRequestError(ask.epoch, ask.leader, { voter: -1, voterDirectory: null });
    if (error === null) {
      this.#core.observe(ask.epoch, ask.leader);
      const role = this.#core.role;
      if (role.name === 'follower' && role.leader === ask.leader) {
        role.leaderResigned(this.#core.nowMs + this.#succeedingDelayMs(ask.preferredCandidates));
      }
    }
    this.#replyEpoch(token, 'endQuorumEpoch', error ?? 'NONE');
  }

  /** The first of the preferred stands at once, the others one after another, should it not succeed. */
  #succeedingDelayMs(preferred: readonly number[]): number {
    const position = preferred.indexOf(this.#core.self);
    if (position === 0) return 0;
    const { electionBackoffMaxMs } = this.#core.timeouts;
    if (position < 0) return electionBackoffMaxMs;
    const leastMs = electionBackoffMaxMs / 2 ** Math.max(0, preferred.length - 1);
    return Math.min(electionBackoffMaxMs, leastMs * 2 ** (position - 1));
  }

  #replyEpoch(token: ReplyToken, api: EpochAnswer['api'], error: RaftError): void {
    this.#core.emit({
      type: 'reply',
      token,
      answer: { api, error, epoch: this.#core.epoch, leader: this.#core.leader },
    });
  }

  /** A request that is meant for the replica on another disk of this id is not for this one. */
  #voterRequestError(
    epoch: number,
    sender: number,
    { voter, voterDirectory }: Pick<VoteAsk, 'voter' | 'voterDirectory'>,
  ): RaftError | null {
    if (epoch < this.#core.epoch) return 'FENCED_LEADER_EPOCH';
    if (sender < 0 || sender === this.#core.self) return 'INVALID_REQUEST';
    const { id, directoryId } = this.#core.selfKey;
    if (voter >= 0 && voter !== id) return 'INVALID_VOTER_KEY';
    if (voter >= 0 && voterDirectory !== null && voterDirectory !== directoryId) return 'INVALID_VOTER_KEY';
    return null;
  }

  onVoteAnswer(from: number, ask: RaftAsk, answer: VoteAnswer): void {
    const role = this.#core.role;
    if (ask.api !== 'vote' || ask.epoch !== role.epoch) return;
    if (role.name === 'prospective' && ask.preVote) {
      role.tally.record(from, answer.granted);
      if (!answer.granted) role.askAgainAtMs.set(from, this.#core.nowMs + this.#core.askAgainMs);
      if (role.tally.isWon) this.#core.becomeCandidate();
    } else if (role.name === 'candidate' && !ask.preVote) {
      role.tally.record(from, answer.granted);
      if (role.tally.isWon) this.#core.becomeLeader(role.tally);
      else if (role.tally.isLost && role.backoffDeadlineMs === Infinity) {
        role.backoffDeadlineMs = this.#core.nowMs + this.#core.lossBackoffMs();
      }
    }
  }

  askForVotes(role: Prospective | Candidate): void {
    // What this node claims to have it must not lose by a crash: see the vote it may be given for it again.
    if (this.#core.isFlushing) return;
    const preVote = role.name === 'prospective';
    const { epoch, self } = this.#core;
    for (const voter of this.#core.others()) {
      if (role.tally.granted.has(voter) || (!preVote && role.tally.refused.has(voter))) continue;
      if (role.name === 'prospective' && !this.#core.isDue(role.askAgainAtMs.get(voter) ?? 0)) continue;
      const { lastEpoch, endOffset: lastOffset } = this.#core.log;
      const ask: VoteAsk = {
        api: 'vote',
        epoch,
        candidate: self,
        candidateDirectory: this.#core.selfKey.directoryId,
        voter,
        voterDirectory: this.#core.directoryOf(voter),
        lastEpoch,
        lastOffset,
        preVote,
      };
      if (!this.#core.send(voter, ask) || !this.#isFirstAsk(role, voter)) continue;
      this.#core.record({ kind: 'quorum.voteAsked', epoch, from: self, to: voter, preVote });
    }
  }

  #isFirstAsk(role: Prospective | Candidate, voter: number): boolean {
    if (this.#toldAsks?.role !== role) this.#toldAsks = { role, voters: new Set() };
    if (this.#toldAsks.voters.has(voter)) return false;
    this.#toldAsks.voters.add(voter);
    return true;
  }

  announceEpochTo(role: Leader, voter: number, atMs: number): void {
    if (!this.#core.isDue(atMs)) return;
    const isSent = this.#core.send(voter, {
      api: 'beginQuorumEpoch',
      epoch: role.epoch,
      leader: this.#core.self,
      voter,
      voterDirectory: this.#core.directoryOf(voter),
    });
    if (!isSent) return;
    role.noteBeginEpochSent(voter, this.#core.nowMs);
    this.#core.wakeAt(this.#core.nowMs + this.#core.timeouts.fetchTimeoutMs / 2);
  }

  endEpochAt(role: Resigned, voter: number): void {
    const { epoch, preferredCandidates } = role;
    this.#core.send(voter, { api: 'endQuorumEpoch', epoch, leader: this.#core.self, preferredCandidates });
  }
}
