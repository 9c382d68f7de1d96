// The pure heart of KRaft: `step(input, nowMs)` → effects in the order in which they must happen, and `deadlineMs`,
// when it wants the next tick. No I/O, no clock, no promises; randomness is handed in. Roles keep their own state
// (roles/); here stand the transitions between them, elections and replication.

import { assert, present, unreachable } from '../core/assert.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { OffsetAndEpoch } from './contract.ts';
import { Peers } from './peers.ts';
import type {
  BeginEpochAsk,
  Effect,
  ElectionState,
  EndEpochAsk,
  EpochAnswer,
  FetchAnswer,
  FetchAsk,
  FetchSnapshotAnswer,
  FetchSnapshotAsk,
  LogView,
  QuorumInput,
  QuorumTimeouts,
  RaftAnswer,
  RaftAsk,
  RaftError,
  ReplyToken,
  VoteAnswer,
  VoteAsk,
} from './quorum-types.ts';
import { Follower } from './roles/follower.ts';
import { Leader } from './roles/leader.ts';
import { Candidate, Prospective, Tally } from './roles/nominee.ts';
import { Resigned } from './roles/resigned.ts';
import type { Role } from './roles/role.ts';
import { Unattached } from './roles/unattached.ts';

/** Fetches that may wait at the leader at a time; one more is answered at once. */
const parkedFetchesMax = 1000;
/** Kafka's MAX_FETCH_WAIT_MS. */
const fetchWaitMaxMs = 500;
const maxBackoffDoublings = 10;

export type QuorumOptions = {
  readonly self: number;
  readonly voters: readonly number[];
  readonly timeouts: QuorumTimeouts;
  readonly log: LogView;
  /** Uniform integer in [0, limit). */
  readonly randomBelow: (limit: number) => number;
  /** What `quorum-state` held; null on a new node. */
  readonly election: ElectionState | null;
  readonly nowMs: number;
};

export class Quorum {
  readonly self: number;
  readonly voters: readonly number[];
  readonly #timeouts: QuorumTimeouts;
  readonly #log: LogView;
  readonly #randomBelow: (limit: number) => number;
  readonly #peers: Peers;
  #role: Role;
  /** Largest committed offset heard of in any role; null: nothing yet. Never falls. */
  #highWatermark: number | null = null;
  /** Everything before it is safe from power loss. */
  #syncedEndOffset: number;
  /** Flushes are numbered; after a truncation the ones under way don't count. */
  #flush = 0;
  #isFlushing = false;
  #persisted: ElectionState | null;
  #announced: { leader: number | null; epoch: number };
  #isShuttingDown = false;
  #nowMs: number;
  #wakeMs = 0;
  #effects: Effect[] = [];

  constructor(options: QuorumOptions) {
    this.self = options.self;
    this.voters = [...options.voters].sort((a, b) => a - b);
    this.#timeouts = options.timeouts;
    this.#log = options.log;
    this.#randomBelow = options.randomBelow;
    this.#nowMs = options.nowMs;
    this.#peers = new Peers(options.timeouts.requestTimeoutMs, options.timeouts.retryBackoffMs);
    this.#persisted = options.election;
    this.#syncedEndOffset = options.log.endOffset;
    this.#role = this.#initialRole(options.election);
    this.#announced = { leader: null, epoch: -1 };
  }

  get role(): Role {
    return this.#role;
  }

  get epoch(): number {
    return this.#role.epoch;
  }

  /** Null while none is known, and once this node resigned. */
  get leader(): number | null {
    return this.#role.leader;
  }

  get isVoter(): boolean {
    return this.voters.includes(this.self);
  }

  get highWatermark(): number | null {
    return this.#highWatermark;
  }

  /** When the next tick is wanted; Infinity: not before something else happens. */
  get deadlineMs(): number {
    return Math.min(this.#role.deadlineMs, this.#peers.deadlineMs, this.#wakeMs);
  }

  /** Leadership was handed on, or there is none. */
  get isShutdownComplete(): boolean {
    if (this.#role.name === 'resigned') return this.#role.unconfirmed.size === 0;
    return this.#role.name !== 'leader';
  }

  step(input: QuorumInput, nowMs: number): readonly Effect[] {
    this.#nowMs = Math.max(nowMs, this.#nowMs);
    this.#effects = [];
    this.#wakeMs = Infinity;
    this.#take(input);
    this.#expire();
    this.#sendWhatIsDue();
    this.#persist();
    this.#announce();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #take(input: QuorumInput): void {
    switch (input.type) {
      case 'tick':
      case 'logStartChanged':
        return;
      case 'ask':
        return this.#onAsk(input.token, input.ask);
      case 'answer':
        return this.#onAnswer(input.from, input.correlation, input.answer);
      case 'failed':
        if (this.#peers.finish(input.to, input.correlation) !== null) this.#onFailed(input.to);
        return;
      case 'appended':
        return this.#onAppended();
      case 'flushed':
        return this.#onFlushed(input.flush, input.endOffset);
      case 'resign':
        if (this.#role.name === 'leader' && this.#role.epoch === input.epoch) this.#becomeResigned(input.reason);
        return;
      case 'shutdown':
        this.#isShuttingDown = true;
        if (this.#role.name === 'leader') this.#becomeResigned('this node shuts down');
        return;
      default:
        unreachable(input);
    }
  }

  // ── transitions ────────────────────────────────────────────────────────────────────────────────────────────

  #initialRole(election: ElectionState | null): Role {
    const logEpoch = this.#log.lastEpoch;
    if (election === null || election.epoch < logEpoch) {
      return new Unattached(Math.max(election?.epoch ?? 0, logEpoch), null, null, this.#newElectionDeadline());
    }
    const { epoch, leader, votedFor } = election;
    // A restarted leader may not lead its old epoch again: what it had not synced is gone.
    if (leader === this.self) {
      return new Resigned(epoch, votedFor, this.#newElectionDeadline(), this.#others(), this.#others());
    }
    if (leader !== null && this.voters.includes(leader)) {
      return new Follower(epoch, leader, votedFor, this.#nowMs, this.#newFetchTimeout());
    }
    return new Unattached(epoch, leader, votedFor, this.#newElectionDeadline());
  }

  #becomeUnattached(epoch: number, leader: number | null): void {
    const before = this.#role;
    // An election deadline already running is kept: a peer that keeps raising the epoch must not hold this node back.
    const deadlineMs = before.name === 'unattached' ? before.electionDeadlineMs : this.#newElectionDeadline();
    const votedFor = before.epoch === epoch ? before.votedFor : null;
    this.#enter(new Unattached(epoch, leader, votedFor, deadlineMs));
  }

  #becomeProspective(reason: string): void {
    const { epoch, leader, votedFor } = this.#role;
    const tally = new Tally(this.voters.length, this.self);
    this.#enter(new Prospective(epoch, leader, votedFor, this.#newElectionDeadline(), tally));
    this.#record({ kind: 'quorum.prospective', epoch, reason });
    if (tally.isWon) this.#becomeCandidate(0);
  }

  #becomeCandidate(retries: number): void {
    const epoch = this.#role.epoch + 1;
    const tally = new Tally(this.voters.length, this.self);
    this.#enter(new Candidate(epoch, this.self, this.#newElectionDeadline(), tally, retries));
    this.#record({ kind: 'quorum.candidate', epoch });
    if (tally.isWon) this.#becomeLeader(tally);
  }

  #becomeLeader(tally: Tally): void {
    const epoch = this.#role.epoch;
    const grantingVoters = [...tally.granted].sort((a, b) => a - b);
    const { self, voters } = this;
    const { fetchTimeoutMs } = this.#timeouts;
    const epochStartOffset = this.#log.endOffset;
    const options = { epoch, self, voters, epochStartOffset, grantingVoters, nowMs: this.#nowMs, fetchTimeoutMs };
    this.#enter(new Leader(options));
    this.#record({ kind: 'quorum.leaderElected', epoch, leader: self });
    // The driver says `appended` afterwards, which begins the flush.
    this.#emit({ type: 'appendLeaderChange', epoch, leader: self, voters, grantingVoters });
  }

  #becomeFollower(epoch: number, leader: number): void {
    assert(leader !== this.self, `node ${leader} can't follow itself`);
    const votedFor = this.#role.epoch === epoch ? this.#role.votedFor : null;
    this.#enter(new Follower(epoch, leader, votedFor, this.#nowMs, this.#newFetchTimeout()));
    this.#record({ kind: 'quorum.following', epoch, leader });
  }

  #becomeResigned(reason: string): void {
    const role = this.#role;
    assert(role.name === 'leader', 'only a leader resigns');
    const { successors, epoch, votedFor } = role;
    this.#enter(new Resigned(epoch, votedFor, this.#newElectionDeadline(), successors, successors));
    this.#record({ kind: 'quorum.resigned', epoch, reason });
  }

  #enter(role: Role): void {
    const before = this.#role;
    assert(role.epoch >= before.epoch, `the epoch went back from ${before.epoch} to ${role.epoch}`);
    this.#role = role;
    this.#peers.reset();
    this.#persist();
    if (before.name !== 'leader') return;
    for (const { token } of before.takeDue(() => true)) this.#replyFetchError(token, 'NOT_LEADER_OR_FOLLOWER');
  }

  /** What others say of epochs and leaders. True when this node's role changed with it. */
  #observe(epoch: number, leader: number | null): boolean {
    const role = this.#role;
    if (epoch < role.epoch) return false;
    const followable = leader !== null && leader !== this.self && this.voters.includes(leader);
    if (epoch > role.epoch) {
      if (followable) this.#becomeFollower(epoch, leader);
      else this.#becomeUnattached(epoch, null);
      return true;
    }
    if (!followable || role.leader === leader) return false;
    assert(
      role.leader === null && role.name !== 'resigned',
      `epoch ${epoch} has two leaders: ${role.leader}, ${leader}`,
    );
    this.#becomeFollower(epoch, leader);
    return true;
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  #expire(): void {
    for (const id of this.#peers.expire(this.#nowMs)) this.#noteUnreachable(id);
    const role = this.#role;
    switch (role.name) {
      case 'unattached':
        if (this.#isSoleVoter || this.#nowMs >= role.electionDeadlineMs) this.#stand('no leader was found');
        return;
      case 'prospective':
        if (this.#nowMs >= role.electionDeadlineMs) this.#giveUpStanding(role);
        return;
      case 'candidate':
        if (this.#nowMs >= role.deadlineMs) this.#stand(`the election of epoch ${role.epoch} gave no leader`);
        return;
      case 'follower':
        if (this.#nowMs < role.fetchDeadlineMs || !this.isVoter) return;
        return this.#stand(
          role.hasFetchedFromLeader
            ? `leader ${role.leader} answered no fetch for ${this.#timeouts.fetchTimeoutMs} ms`
            : `leader ${role.leader} is gone`,
        );
      case 'leader':
        if (this.#nowMs >= role.checkQuorumDeadlineMs) {
          this.#becomeResigned(`no majority fetched for ${this.#timeouts.fetchTimeoutMs * 1.5} ms`);
        } else this.#answerExpiredFetches(role);
        return;
      case 'resigned':
        if (this.#isShuttingDown || (this.#nowMs < role.electionDeadlineMs && !this.#isSoleVoter)) return;
        // Kafka moves on by an epoch here: in the old one this node can't vote for anybody.
        this.#becomeUnattached(role.epoch + 1, null);
        if (this.#isSoleVoter) this.#stand('it is the only voter');
        return;
      default:
        unreachable(role);
    }
  }

  #stand(reason: string): void {
    if (this.#isShuttingDown || !this.isVoter) return;
    this.#becomeProspective(reason);
  }

  #giveUpStanding(role: Prospective): void {
    if (role.leader !== null && role.leader !== this.self && this.voters.includes(role.leader)) {
      this.#becomeFollower(role.epoch, role.leader);
    } else this.#becomeUnattached(role.epoch, role.leader);
  }

  #answerExpiredFetches(role: Leader): void {
    for (const fetch of role.takeDue(({ deadlineMs }) => this.#nowMs >= deadlineMs)) this.#replyRecords(role, fetch);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────

  #onAsk(token: ReplyToken, ask: RaftAsk): void {
    switch (ask.api) {
      case 'vote':
        return this.#onVote(token, ask);
      case 'beginQuorumEpoch':
        return this.#onBeginEpoch(token, ask);
      case 'endQuorumEpoch':
        return this.#onEndEpoch(token, ask);
      case 'fetch':
        return this.#onFetch(token, ask);
      case 'fetchSnapshot':
        return this.#onFetchSnapshot(token, ask);
      default:
        unreachable(ask);
    }
  }

  #onVote(token: ReplyToken, ask: VoteAsk): void {
    const error = this.#voterRequestError(ask.epoch, ask.candidate, ask.voter);
    if (error !== null) return this.#replyVote(token, ask, error, `the request is bad or out of date: ${error}`);
    if (ask.epoch > this.epoch) this.#becomeUnattached(ask.epoch, null);
    const { lastEpoch, endOffset } = this.#log;
    const isLogUpToDate = ask.lastEpoch > lastEpoch || (ask.lastEpoch === lastEpoch && ask.lastOffset >= endOffset);
    const refusal = this.#role.refusal(ask, isLogUpToDate);
    if (refusal === null && !ask.preVote) this.#noteVote(ask.candidate);
    this.#replyVote(token, ask, 'NONE', refusal);
  }

  #noteVote(candidate: number): void {
    const role = this.#role;
    if (role.votedFor === candidate) return;
    assert(role.votedFor === null, `a second vote in epoch ${role.epoch}`);
    if (role.name === 'unattached') {
      this.#role = new Unattached(role.epoch, role.leader, candidate, role.electionDeadlineMs);
    } else if (role.name === 'prospective') {
      const { epoch, leader, electionDeadlineMs, tally } = role;
      this.#role = new Prospective(epoch, leader, candidate, electionDeadlineMs, tally);
    } else assert(false, `a ${role.name} has no vote to give`);
    // Before the reply behind it: a vote that a crash makes this node forget could be given twice.
    this.#persist();
  }

  #replyVote(token: ReplyToken, ask: VoteAsk, error: RaftError, refusal: string | null): void {
    const { epoch, leader, self } = this;
    const { candidate, preVote } = ask;
    const granted = refusal === null;
    const reason = refusal ?? (preVote ? 'would vote for it' : 'voted for it');
    this.#record({ kind: 'quorum.voteAnswered', epoch, candidate, voter: self, preVote, granted, reason });
    this.#emit({ type: 'reply', token, answer: { api: 'vote', error, epoch, leader, granted } });
  }

  #onBeginEpoch(token: ReplyToken, ask: BeginEpochAsk): void {
    const error = this.#voterRequestError(ask.epoch, ask.leader, ask.voter);
    if (error === null) {
      const isBack = this.#role.name === 'prospective' && ask.epoch === this.epoch && this.leader === ask.leader;
      if (isBack) this.#becomeFollower(ask.epoch, ask.leader);
      else this.#observe(ask.epoch, ask.leader);
    }
    this.#replyEpoch(token, 'beginQuorumEpoch', error ?? 'NONE');
  }

  #onEndEpoch(token: ReplyToken, ask: EndEpochAsk): void {
    const error = this.#voterRequestError(ask.epoch, ask.leader, -1);
    if (error === null) {
      this.#observe(ask.epoch, ask.leader);
      const role = this.#role;
      if (role.name === 'follower' && role.leader === ask.leader) {
        role.leaderResigned(this.#nowMs + this.#succeedingDelayMs(ask.preferredCandidates));
      }
    }
    this.#replyEpoch(token, 'endQuorumEpoch', error ?? 'NONE');
  }

  /** The first of the preferred stands at once, the others one after another, should it not succeed. */
  #succeedingDelayMs(preferred: readonly number[]): number {
    const position = preferred.indexOf(this.self);
    if (position === 0) return 0;
    const { electionBackoffMaxMs } = this.#timeouts;
    if (position < 0) return electionBackoffMaxMs;
    const leastMs = electionBackoffMaxMs / 2 ** Math.max(0, preferred.length - 1);
    return Math.min(electionBackoffMaxMs, leastMs * 2 ** (position - 1));
  }

  #replyEpoch(token: ReplyToken, api: EpochAnswer['api'], error: RaftError): void {
    this.#emit({ type: 'reply', token, answer: { api, error, epoch: this.epoch, leader: this.leader } });
  }

  #voterRequestError(epoch: number, sender: number, voter: number): RaftError | null {
    if (epoch < this.epoch) return 'FENCED_LEADER_EPOCH';
    if (sender < 0 || sender === this.self) return 'INVALID_REQUEST';
    if (voter >= 0 && voter !== this.self) return 'INVALID_VOTER_KEY';
    return null;
  }

  // ── replication, the leader's side ─────────────────────────────────────────────────────────────────────────

  #leaderRequestError(epoch: number, replica: number): RaftError | null {
    if (epoch < this.epoch) return 'FENCED_LEADER_EPOCH';
    if (epoch > this.epoch) return 'UNKNOWN_LEADER_EPOCH';
    if (this.#role.name !== 'leader') return 'NOT_LEADER_OR_FOLLOWER';
    if (replica === this.self) return 'INVALID_REQUEST';
    return null;
  }

  #onFetch(token: ReplyToken, ask: FetchAsk): void {
    const role = this.#role;
    let error = this.#leaderRequestError(ask.epoch, ask.replica);
    if (error === null && (ask.fetchOffset < 0 || ask.lastFetchedEpoch < 0)) error = 'INVALID_REQUEST';
    if (error !== null || role.name !== 'leader')
      return this.#replyFetchError(token, error ?? 'NOT_LEADER_OR_FOLLOWER');
    const place = this.#placeOf(ask.fetchOffset, ask.lastFetchedEpoch);
    role.noteFetch(ask.replica, place === 'valid' ? ask.fetchOffset : null, this.#log.endOffset, this.#nowMs);
    // A replica has one fetch at a time: an older one of its waits for nobody.
    const replaced = role.takeDue((parked) => parked.ask.replica === ask.replica && ask.replica >= 0);
    for (const fetch of replaced) this.#replyRecords(role, fetch);
    if (place !== 'valid') return this.#replyElsewhere(token, role, place);
    this.#commitWhatAMajorityHas(role);
    const fetch = { token, ask, deadlineMs: this.#nowMs + ask.maxWaitMs };
    const mustWait = ask.maxWaitMs > 0 && role.parkedCount < parkedFetchesMax;
    if (mustWait && !this.#hasNewsFor(role, ask)) role.park(fetch);
    else this.#replyRecords(role, fetch);
  }

  #hasNewsFor(role: Leader, ask: FetchAsk): boolean {
    return ask.fetchOffset < this.#log.endOffset || (role.highWatermark ?? -1) > ask.highWatermark;
  }

  /** Where a replica stands that has everything before `offset`, the last record of it from `epoch`. */
  #placeOf(offset: number, epoch: number): 'valid' | { diverging: OffsetAndEpoch } | { snapshot: OffsetAndEpoch } {
    const log = this.#log;
    if (offset === 0 && epoch === 0 && log.startOffset === 0) return 'valid';
    const earliest = log.earliestSnapshotId;
    const isBeforeTheLog =
      earliest !== null &&
      (offset < log.startOffset || (offset === log.startOffset && epoch !== earliest.epoch) || epoch < earliest.epoch);
    if (isBeforeTheLog) return { snapshot: present(log.latestSnapshotId, 'latest snapshot') };
    const end = log.endOffsetForEpoch(epoch);
    return end.epoch !== epoch || end.offset < offset ? { diverging: end } : 'valid';
  }

  #commitWhatAMajorityHas(role: Leader): void {
    if (!role.advanceHighWatermark()) return;
    this.#commit(present(role.highWatermark, 'high watermark'));
    this.#answerFetchesWithNews(role);
  }

  #answerFetchesWithNews(role: Leader): void {
    for (const fetch of role.takeDue(({ ask }) => this.#hasNewsFor(role, ask))) this.#replyRecords(role, fetch);
  }

  #onFetchSnapshot(token: ReplyToken, ask: FetchSnapshotAsk): void {
    const error = this.#leaderRequestError(ask.epoch, ask.replica);
    const { epoch, leader } = this;
    const { snapshotId, position } = ask;
    if (error !== null || this.#role.name !== 'leader') {
      const failed = { error: error ?? ('NOT_LEADER_OR_FOLLOWER' as const), sizeBytes: 0, chunk: Buffer.alloc(0) };
      const answer = { api: 'fetchSnapshot' as const, epoch, leader, snapshotId, position, ...failed };
      return this.#emit({ type: 'reply', token, answer });
    }
    this.#role.noteAlive(ask.replica, this.#nowMs);
    this.#emit({ type: 'replySnapshot', token, snapshotId, position, epoch, leader: this.self });
  }

  #replyRecords(role: Leader, { token, ask }: { token: ReplyToken; ask: FetchAsk }): void {
    const { epoch, leader } = role;
    const highWatermark = role.highWatermark ?? -1;
    this.#emit({ type: 'replyRecords', token, fetchOffset: ask.fetchOffset, epoch, leader, highWatermark });
  }

  #replyElsewhere(
    token: ReplyToken,
    role: Leader,
    place: { diverging: OffsetAndEpoch } | { snapshot: OffsetAndEpoch },
  ): void {
    const divergingEpoch = 'diverging' in place ? place.diverging : null;
    const snapshotId = 'snapshot' in place ? place.snapshot : null;
    const head = { api: 'fetch' as const, error: 'NONE' as const, epoch: role.epoch, leader: role.leader };
    const highWatermark = role.highWatermark ?? -1;
    this.#emit({
      type: 'reply',
      token,
      answer: { ...head, highWatermark, records: null, divergingEpoch, snapshotId },
    });
  }

  #replyFetchError(token: ReplyToken, error: RaftError): void {
    const head = { api: 'fetch' as const, error, epoch: this.epoch, leader: this.leader };
    const nothing = { highWatermark: -1, records: null, divergingEpoch: null, snapshotId: null };
    this.#emit({ type: 'reply', token, answer: { ...head, ...nothing } });
  }

  #onAppended(): void {
    this.#beginFlush();
    if (this.#role.name === 'leader') this.#answerFetchesWithNews(this.#role);
  }

  #beginFlush(): void {
    if (this.#isFlushing || this.#syncedEndOffset >= this.#log.endOffset) return;
    this.#isFlushing = true;
    this.#emit({ type: 'flush', flush: ++this.#flush });
  }

  #onFlushed(flush: number, endOffset: number): void {
    if (flush !== this.#flush) return;
    this.#isFlushing = false;
    this.#syncedEndOffset = Math.max(this.#syncedEndOffset, endOffset);
    const role = this.#role;
    if (role.name === 'leader') {
      role.noteOwnEnd(this.#syncedEndOffset);
      this.#commitWhatAMajorityHas(role);
    } else if (role.name === 'follower' && role.pendingHighWatermark !== null) {
      this.#commit(Math.min(role.pendingHighWatermark, this.#syncedEndOffset));
      role.pendingHighWatermark = null;
    }
    this.#beginFlush();
  }

  /** The log's end is not what it was: flushes under way don't count, and what is left is synced anew. */
  #restartFlush(endOffset: number): void {
    this.#syncedEndOffset = Math.min(this.#syncedEndOffset, endOffset);
    this.#isFlushing = true;
    this.#emit({ type: 'flush', flush: ++this.#flush });
  }

  #commit(offset: number): void {
    if (offset <= (this.#highWatermark ?? -1)) return;
    this.#highWatermark = offset;
    this.#emit({ type: 'commit', offset });
  }

  // ── answers ────────────────────────────────────────────────────────────────────────────────────────────────

  #onAnswer(from: number, correlation: number, answer: RaftAnswer): void {
    const ask = this.#peers.finish(from, correlation);
    if (ask === null || ask.api !== answer.api) return;
    if (answer.error !== 'OTHER' && this.#observe(answer.epoch, answer.leader)) return;
    const isUsable = answer.error === 'NONE' || answer.api === 'fetchSnapshot';
    if (!isUsable) return this.#onFailed(from);
    switch (answer.api) {
      case 'vote':
        return this.#onVoteAnswer(from, ask, answer);
      case 'beginQuorumEpoch':
        return;
      case 'endQuorumEpoch':
        if (this.#role.name === 'resigned') this.#role.unconfirmed.delete(from);
        return;
      case 'fetch':
        return this.#onFetchAnswer(from, answer);
      case 'fetchSnapshot':
        return this.#onFetchSnapshotAnswer(from, answer);
      default:
        unreachable(answer);
    }
  }

  #onFailed(id: number): void {
    this.#peers.pause(id, this.#nowMs);
    this.#noteUnreachable(id);
  }

  #noteUnreachable(id: number): void {
    // A leader on its way out does not wait for those that are gone.
    if (this.#isShuttingDown && this.#role.name === 'resigned') this.#role.unconfirmed.delete(id);
  }

  #onVoteAnswer(from: number, ask: RaftAsk, answer: VoteAnswer): void {
    const role = this.#role;
    if (ask.api !== 'vote' || ask.epoch !== role.epoch) return;
    if (role.name === 'prospective' && ask.preVote) {
      role.tally.record(from, answer.granted);
      if (!answer.granted) role.askAgainAtMs.set(from, this.#nowMs + this.#askAgainMs);
      if (role.tally.isWon) this.#becomeCandidate(0);
    } else if (role.name === 'candidate' && !ask.preVote) {
      role.tally.record(from, answer.granted);
      if (role.tally.isWon) this.#becomeLeader(role.tally);
      else if (role.tally.isLost && role.backoffDeadlineMs === Infinity) {
        role.backoffDeadlineMs = this.#nowMs + this.#lossBackoffMs(role.retries);
      }
    }
  }

  #onFetchAnswer(from: number, answer: FetchAnswer): void {
    const role = this.#role;
    if (role.name !== 'follower' || from !== role.leader || answer.epoch !== role.epoch) return;
    role.heardFromLeader(this.#nowMs);
    if (answer.divergingEpoch !== null) return this.#truncateTo(this.#commonEnd(answer.divergingEpoch));
    if (answer.snapshotId !== null) {
      role.fetchingSnapshot = { id: answer.snapshotId, position: 0 };
      return;
    }
    if (answer.records === null) return this.#commit(Math.min(answer.highWatermark, this.#syncedEndOffset));
    role.pendingHighWatermark = answer.highWatermark;
    this.#emit({ type: 'appendAsFollower', records: answer.records.bytes });
    this.#isFlushing = true;
    this.#emit({ type: 'flush', flush: ++this.#flush });
  }

  /** Where this log and the leader's part, given the leader's end of the epoch that this node ended with, or an older one. */
  #commonEnd(diverging: OffsetAndEpoch): number {
    const own = this.#log.endOffsetForEpoch(diverging.epoch);
    return own.epoch === diverging.epoch ? Math.min(own.offset, diverging.offset) : own.offset;
  }

  #truncateTo(endOffset: number): void {
    assert(
      endOffset >= (this.#highWatermark ?? 0),
      `the leader's log ends at ${endOffset}, before the high watermark ${this.#highWatermark}: committed records are lost`,
    );
    if (endOffset >= this.#log.endOffset) {
      // Nothing to drop: the leader and this node misunderstand each other. Don't ask again in a hurry.
      if (this.#role.leader !== null) this.#peers.pause(this.#role.leader, this.#nowMs);
      return;
    }
    this.#emit({ type: 'truncate', endOffset });
    this.#restartFlush(endOffset);
  }

  #onFetchSnapshotAnswer(from: number, answer: FetchSnapshotAnswer): void {
    const role = this.#role;
    if (role.name !== 'follower' || from !== role.leader || answer.epoch !== role.epoch) return;
    const fetching = role.fetchingSnapshot;
    if (fetching === null) return;
    if (answer.error !== 'NONE' || answer.position !== fetching.position || answer.chunk.length === 0) {
      // The leader has it no more: fetch again, and hear which one to take.
      role.fetchingSnapshot = null;
      return this.#onFailed(from);
    }
    role.heardFromLeader(this.#nowMs);
    const { id, position } = fetching;
    this.#emit({ type: 'storeSnapshotChunk', snapshotId: id, position, chunk: answer.chunk });
    const reached = position + answer.chunk.length;
    role.fetchingSnapshot = { id, position: reached };
    if (reached < answer.sizeBytes) return;
    role.fetchingSnapshot = null;
    this.#emit({ type: 'installSnapshot', snapshotId: id });
    this.#restartFlush(id.offset);
    this.#commit(id.offset);
  }

  // ── what to send ───────────────────────────────────────────────────────────────────────────────────────────

  #sendWhatIsDue(): void {
    const role = this.#role;
    switch (role.name) {
      case 'prospective':
      case 'candidate':
        return this.#askForVotes(role);
      case 'leader':
        for (const voter of role.otherVoters) this.#announceEpochTo(role, voter.id, voter.beginEpochAtMs);
        return;
      case 'resigned':
        for (const voter of [...role.unconfirmed]) this.#endEpochAt(role, voter);
        return;
      case 'follower':
        return this.#fetchFromLeader(role);
      case 'unattached':
        return this.#lookForLeader();
      default:
        unreachable(role);
    }
  }

  #askForVotes(role: Prospective | Candidate): void {
    // What this node claims to have it must not lose by a crash: see the vote it may be given for it again.
    if (this.#isFlushing) return;
    const preVote = role.name === 'prospective';
    const { epoch, self } = this;
    for (const voter of this.#others()) {
      if (role.tally.granted.has(voter) || (!preVote && role.tally.refused.has(voter))) continue;
      if (role.name === 'prospective' && !this.#isDue(role.askAgainAtMs.get(voter) ?? 0)) continue;
      const { lastEpoch, endOffset: lastOffset } = this.#log;
      const ask: VoteAsk = { api: 'vote', epoch, candidate: self, voter, lastEpoch, lastOffset, preVote };
      if (!this.#send(voter, ask)) continue;
      this.#record({ kind: 'quorum.voteAsked', epoch, from: self, to: voter, preVote });
    }
  }

  #announceEpochTo(role: Leader, voter: number, atMs: number): void {
    if (!this.#isDue(atMs)) return;
    const isSent = this.#send(voter, { api: 'beginQuorumEpoch', epoch: role.epoch, leader: this.self, voter });
    if (!isSent) return;
    role.noteBeginEpochSent(voter, this.#nowMs);
    this.#wakeAt(this.#nowMs + this.#timeouts.fetchTimeoutMs / 2);
  }

  #endEpochAt(role: Resigned, voter: number): void {
    const { epoch, preferredCandidates } = role;
    this.#send(voter, { api: 'endQuorumEpoch', epoch, leader: this.self, preferredCandidates });
  }

  #fetchFromLeader(role: Follower): void {
    // A fetch tells the leader what this node has for certain; so first the disk, then the fetch.
    if (this.#isFlushing) return;
    // An observer has no election to call; when its leader is silent it asks the others who leads.
    const isLeaderSilent = !this.isVoter && this.#nowMs >= role.fetchDeadlineMs;
    if (isLeaderSilent) return this.#lookForLeader();
    const { fetchingSnapshot: fetching, epoch, leader } = role;
    const head = { epoch, replica: this.self };
    if (fetching === null) this.#send(leader, this.#fetchAsk());
    else this.#send(leader, { api: 'fetchSnapshot', ...head, snapshotId: fetching.id, position: fetching.position });
  }

  #fetchAsk(): FetchAsk {
    const { epoch, self: replica } = this;
    const { endOffset: fetchOffset, lastEpoch: lastFetchedEpoch } = this.#log;
    // Well below the fetch time-out: a leader with nothing to say must still be heard in time.
    const maxWaitMs = Math.min(fetchWaitMaxMs, Math.floor(this.#timeouts.fetchTimeoutMs / 3));
    const highWatermark = this.#highWatermark ?? -1;
    return { api: 'fetch', epoch, replica, fetchOffset, lastFetchedEpoch, highWatermark, maxWaitMs };
  }

  /** Any voter's answer to a fetch tells who leads. One is asked at a time. */
  #lookForLeader(): void {
    const others = this.#others();
    if (this.#isShuttingDown || this.#isFlushing || others.length === 0) return;
    if (others.some((id) => this.#peers.readyAtMs(id) === Infinity)) return;
    const ready = others.filter((id) => this.#peers.readyAtMs(id) <= this.#nowMs);
    if (ready.length > 0) {
      this.#send(present(ready[this.#randomBelow(ready.length)], 'a voter to ask'), this.#fetchAsk());
      return;
    }
    for (const id of others) this.#wakeAt(this.#peers.readyAtMs(id));
  }

  /** Sends unless something is on its way already or a pause runs; then it makes sure to be woken. */
  #send(to: number, ask: RaftAsk): boolean {
    if (!this.#isDue(this.#peers.readyAtMs(to))) return false;
    const correlation = this.#peers.begin(to, ask, this.#nowMs);
    this.#emit({ type: 'send', to, correlation, ask });
    return true;
  }

  #isDue(atMs: number): boolean {
    if (atMs <= this.#nowMs) return true;
    this.#wakeAt(atMs);
    return false;
  }

  #wakeAt(ms: number): void {
    this.#wakeMs = Math.min(this.#wakeMs, ms);
  }

  // ── small parts ────────────────────────────────────────────────────────────────────────────────────────────

  #persist(): void {
    const role = this.#role;
    // A leader that resigned stays the leader of its epoch in the file: after a restart it must not vote in it.
    const leader = role.name === 'resigned' ? this.self : role.leader;
    const { epoch, votedFor } = role;
    const before = this.#persisted;
    if (before !== null && before.epoch === epoch && before.leader === leader && before.votedFor === votedFor) return;
    this.#persisted = { epoch, leader, votedFor };
    this.#emit({ type: 'persist', election: this.#persisted });
  }

  #announce(): void {
    const { leader, epoch } = this;
    if (this.#announced.leader === leader && this.#announced.epoch === epoch) return;
    this.#announced = { leader, epoch };
    this.#emit({ type: 'leaderChanged', leader, epoch });
  }

  get #isSoleVoter(): boolean {
    return this.voters.length === 1 && this.voters[0] === this.self;
  }

  #others(): number[] {
    return this.voters.filter((id) => id !== this.self);
  }

  get #askAgainMs(): number {
    return Math.max(this.#timeouts.retryBackoffMs, this.#timeouts.electionTimeoutMs / 10);
  }

  #newElectionDeadline(): number {
    if (!this.isVoter) return Infinity;
    const { electionTimeoutMs } = this.#timeouts;
    return this.#nowMs + electionTimeoutMs + this.#randomBelow(electionTimeoutMs);
  }

  /** With some scatter: a leader answers its followers in the same moment, so they would all stand in the same moment. */
  #newFetchTimeout(): number {
    const { fetchTimeoutMs, electionTimeoutMs } = this.#timeouts;
    return fetchTimeoutMs + this.#randomBelow(Math.max(1, Math.floor(electionTimeoutMs / 5)));
  }

  #lossBackoffMs(retries: number): number {
    const { retryBackoffMs, electionBackoffMaxMs } = this.#timeouts;
    const limit = Math.min(electionBackoffMaxMs, retryBackoffMs * 2 ** Math.min(retries + 1, maxBackoffDoublings));
    return this.#randomBelow(Math.max(1, Math.floor(limit))) + 1;
  }

  #record(entry: JournalEntry): void {
    this.#emit({ type: 'journal', entry });
  }

  #emit(effect: Effect): void {
    this.#effects.push(effect);
  }
}
