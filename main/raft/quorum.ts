// The pure heart of KRaft: `step(input, nowMs)` → effects in the order in which they must happen, and `deadlineMs`,
// when it wants the next tick. No I/O, no clock, no promises; randomness is handed in. Roles keep their own state
// (roles/); elections, leading and following decide; here everything is dispatched.

import { unreachable } from '../core/assert.ts';
import { ChangingVoters } from './changing-voters.ts';
import { Elections } from './elections.ts';
import { Following } from './following.ts';
import { Leading } from './leading.ts';
import { QuorumCore, type QuorumOptions } from './quorum-core.ts';
import type { Effect, QuorumInput, RaftAnswer, RaftAsk, ReplyToken } from './quorum-types.ts';
import type { Prospective } from './roles/nominee.ts';
import type { Role } from './roles/role.ts';

export class Quorum {
  readonly #core: QuorumCore;
  readonly #elections: Elections;
  readonly #changes: ChangingVoters;
  readonly #leading: Leading;
  readonly #following: Following;

  constructor(options: QuorumOptions) {
    this.#core = new QuorumCore(options);
    this.#elections = new Elections(this.#core);
    this.#changes = new ChangingVoters(this.#core);
    this.#leading = new Leading(this.#core, this.#changes);
    this.#following = new Following(this.#core, this.#changes);
  }

  get self(): number {
    return this.#core.self;
  }

  get voters(): readonly number[] {
    return this.#core.voters;
  }

  get role(): Role {
    return this.#core.role;
  }

  get epoch(): number {
    return this.#core.epoch;
  }

  /** Null while none is known, and once this node resigned. */
  get leader(): number | null {
    return this.#core.leader;
  }

  get isVoter(): boolean {
    return this.#core.isVoter;
  }

  get highWatermark(): number | null {
    return this.#core.highWatermark;
  }

  /** When the next tick is wanted; Infinity: not before something else happens. */
  get deadlineMs(): number {
    const { role, peers, wakeMs, isShuttingDown } = this.#core;
    // A node on its way out holds no elections.
    return Math.min(isShuttingDown ? Infinity : role.deadlineMs, peers.deadlineMs, wakeMs);
  }

  /** Leadership was handed on, or there is none. */
  get isShutdownComplete(): boolean {
    const { role } = this.#core;
    return role.name === 'resigned' ? role.unconfirmed.size === 0 : role.name !== 'leader';
  }

  step(input: QuorumInput, nowMs: number): readonly Effect[] {
    const core = this.#core;
    core.nowMs = Math.max(nowMs, core.nowMs);
    core.effects = [];
    core.wakeMs = Infinity;
    core.noticeVoters();
    this.#take(input);
    this.#expire();
    this.#sendWhatIsDue();
    core.persist();
    core.announce();
    const { effects } = core;
    core.effects = [];
    return effects;
  }

  #take(input: QuorumInput): void {
    const core = this.#core;
    switch (input.type) {
      case 'tick':
      case 'logStartChanged':
        return;
      case 'ask':
        return this.#onAsk(input.token, input.ask);
      case 'answer':
        return this.#onAnswer(input.from, input.correlation, input.answer);
      case 'failed':
        return this.#onFailed(input.to, input.correlation);
      case 'appended':
        return this.#onAppended();
      case 'flushed':
        return this.#onFlushed(input.flush, input.endOffset);
      case 'resign':
        if (core.role.name === 'leader' && core.role.epoch === input.epoch) core.becomeResigned(input.reason);
        return;
      case 'shutdown':
        core.isShuttingDown = true;
        if (core.role.name === 'leader') core.becomeResigned('this node shuts down');
        return;
      default:
        unreachable(input);
    }
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  #expire(): void {
    const core = this.#core;
    for (const id of core.peers.expire(core.nowMs)) core.noteUnreachable(id);
    const role = core.role;
    switch (role.name) {
      case 'unattached':
        if (core.isSoleVoter || core.nowMs >= role.electionDeadlineMs) this.#stand('no leader was found');
        return;
      case 'prospective':
        if (core.nowMs >= role.electionDeadlineMs) this.#giveUpStanding(role);
        return;
      case 'candidate':
        if (core.nowMs >= role.deadlineMs) this.#stand(`the election of epoch ${role.epoch} gave no leader`);
        return;
      case 'follower':
        if (core.nowMs < role.fetchDeadlineMs) return;
        // An observer has no election to call; it asks the others who leads.
        if (!core.isVoter) return role.leaderFellSilent();
        return this.#stand(
          role.hasLeaderResigned
            ? `leader ${role.leader} ended its epoch`
            : `leader ${role.leader} answered no fetch for ${core.timeouts.fetchTimeoutMs} ms`,
        );
      case 'leader':
        if (core.nowMs >= role.checkQuorumDeadlineMs) {
          core.becomeResigned(`no majority fetched for ${core.timeouts.fetchTimeoutMs * 1.5} ms`);
        } else {
          this.#changes.expire(role);
          this.#leading.answerExpiredFetches(role);
        }
        return;
      case 'resigned':
        if (core.isShuttingDown || (core.nowMs < role.electionDeadlineMs && !core.isSoleVoter)) return;
        // Kafka moves on by an epoch here: in the old one this node can't vote for anybody.
        core.becomeUnattached(role.epoch + 1, null);
        if (core.isSoleVoter) this.#stand('it is the only voter');
        return;
      default:
        unreachable(role);
    }
  }

  #stand(reason: string): void {
    const core = this.#core;
    if (core.isShuttingDown || !core.isVoter) return;
    core.becomeProspective(reason);
  }

  #giveUpStanding(role: Prospective): void {
    const core = this.#core;
    if (core.canFollow(role.leader)) core.becomeFollower(role.epoch, role.leader);
    else core.becomeUnattached(role.epoch, role.leader);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────

  #onAsk(token: ReplyToken, ask: RaftAsk): void {
    switch (ask.api) {
      case 'vote':
        return this.#elections.onVote(token, ask);
      case 'beginQuorumEpoch':
        return this.#elections.onBeginEpoch(token, ask);
      case 'endQuorumEpoch':
        return this.#elections.onEndEpoch(token, ask);
      case 'fetch':
        return this.#leading.onFetch(token, ask);
      case 'fetchSnapshot':
        return this.#leading.onFetchSnapshot(token, ask);
      case 'addVoter':
        return this.#changes.onAddVoter(token, ask);
      case 'removeVoter':
        return this.#changes.onRemoveVoter(token, ask);
      case 'updateVoter':
        return this.#changes.onUpdateVoter(token, ask);
      case 'apiVersions':
        // Every node answers that one without the quorum.
        return;
      default:
        unreachable(ask);
    }
  }

  #onAppended(): void {
    const core = this.#core;
    core.beginFlush();
    if (core.role.name === 'leader') this.#leading.answerFetchesWithNews(core.role);
  }

  #onFlushed(flush: number, endOffset: number): void {
    const core = this.#core;
    if (flush !== core.flush) return;
    core.isFlushing = false;
    core.syncedEndOffset = Math.max(core.syncedEndOffset, endOffset);
    const role = core.role;
    if (role.name === 'leader') {
      role.noteOwnEnd(core.syncedEndOffset);
      this.#leading.commitWhatAMajorityHas(role);
    } else if (role.name === 'follower' && role.pendingHighWatermark !== null) {
      core.commit(Math.min(role.pendingHighWatermark, core.syncedEndOffset));
      role.pendingHighWatermark = null;
    }
    core.beginFlush();
  }

  // ── answers ────────────────────────────────────────────────────────────────────────────────────────────────

  #onAnswer(from: number, correlation: number, answer: RaftAnswer): void {
    const core = this.#core;
    const ask = core.peers.finish(from, correlation);
    if (ask === null || ask.api !== answer.api) return;
    if (answer.api === 'apiVersions') return this.#changes.onVersions(from, answer);
    if (answer.error !== 'OTHER' && core.observe(answer.epoch, answer.leader)) return;
    const isUsable = answer.error === 'NONE' || answer.api === 'fetchSnapshot';
    if (!isUsable) return core.onFailed(from);
    switch (answer.api) {
      case 'vote':
        return this.#elections.onVoteAnswer(from, ask, answer);
      case 'beginQuorumEpoch':
        return;
      case 'endQuorumEpoch':
        if (core.role.name === 'resigned') core.role.unconfirmed.delete(from);
        return;
      case 'fetch':
        return this.#following.onFetchAnswer(from, answer);
      case 'fetchSnapshot':
        return this.#following.onFetchSnapshotAnswer(from, answer);
      case 'addVoter':
      case 'removeVoter':
      case 'updateVoter':
        // Done, or asked again after the next fetch time-out: what counts is the voters record in the log.
        return;
      default:
        unreachable(answer);
    }
  }

  #onFailed(to: number, correlation: number): void {
    const core = this.#core;
    const ask = core.peers.finish(to, correlation);
    if (ask === null) return;
    core.onFailed(to);
    if (ask.api === 'apiVersions') this.#changes.onVersions(to, null);
  }

  // ── what to send ───────────────────────────────────────────────────────────────────────────────────────────

  #sendWhatIsDue(): void {
    const { role } = this.#core;
    switch (role.name) {
      case 'prospective':
      case 'candidate':
        return this.#elections.askForVotes(role);
      case 'leader':
        this.#changes.askForVersions(role);
        for (const voter of role.otherVoters) this.#elections.announceEpochTo(role, voter.id, voter.beginEpochAtMs);
        return;
      case 'resigned':
        for (const voter of [...role.unconfirmed]) this.#elections.endEpochAt(role, voter);
        return;
      case 'follower':
        return this.#following.fetchFromLeader(role);
      case 'unattached':
        return this.#following.lookForLeader();
      default:
        unreachable(role);
    }
  }
}
