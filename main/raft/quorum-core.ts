// What all parts of the quorum share: role, log view, timers, the list of effects, and the transitions between
// roles. Internal to raft; Quorum is the door. Pure.

import { assert } from '../core/assert.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { Voter } from './contract.ts';
import { Peers } from './peers.ts';
import type {
  ChangeVotersAnswer,
  Effect,
  ElectionState,
  LogView,
  QuorumTimeouts,
  RaftAsk,
  RaftError,
  ReplyToken,
  VotersView,
} from './quorum-types.ts';
import { Follower } from './roles/follower.ts';
import { Leader } from './roles/leader.ts';
import { Candidate, Prospective, Tally } from './roles/nominee.ts';
import { Resigned } from './roles/resigned.ts';
import type { Role } from './roles/role.ts';
import { Unattached } from './roles/unattached.ts';
import type { ReplicaKey, VoterSet } from './voter-set.ts';

const maxBackoffDoublings = 10;

export type QuorumOptions = {
  readonly self: number;
  /** `directory.id` of this node. */
  readonly selfDirectory: string | null;
  readonly voters: VotersView;
  /** Ids under which `controller.quorum.bootstrap.servers` are asked who leads; negative. */
  readonly bootstrapIds: readonly number[];
  /** Whether it is known where a node listens that is no voter (any more). */
  readonly isReachable: (id: number) => boolean;
  /** This node as a voter would tell itself to be; null when it can't become one. */
  readonly ownVoter: Voter | null;
  /** `controller.quorum.auto.join.enable` */
  readonly autoJoins: boolean;
  readonly timeouts: QuorumTimeouts;
  readonly log: LogView;
  /** Uniform integer in [0, limit). */
  readonly randomBelow: (limit: number) => number;
  /** What `quorum-state` held; null on a new node. */
  readonly election: ElectionState | null;
  readonly nowMs: number;
};

export class QuorumCore {
  readonly self: number;
  readonly selfKey: ReplicaKey;
  readonly options: QuorumOptions;
  /** Those that count in this step; what a step appends counts from the next one on. */
  voterSet: VoterSet;
  readonly timeouts: QuorumTimeouts;
  readonly log: LogView;
  readonly randomBelow: (limit: number) => number;
  readonly peers: Peers;
  role: Role;
  /** Largest committed offset heard of in any role; null: nothing yet. Never falls. */
  highWatermark: number | null;
  /** Everything before it is safe from power loss. */
  syncedEndOffset: number;
  /** Flushes are numbered; after a truncation the ones under way don't count. */
  flush = 0;
  isFlushing = false;
  isShuttingDown = false;
  nowMs: number;
  /** When something that is not due yet will be; found anew in each step. */
  wakeMs = 0;
  /** To which disk of the candidate the vote of this epoch went; the role knows its id. */
  vote: { readonly epoch: number; readonly directory: string | null } | null;
  effects: Effect[] = [];
  private lostElections = 0;
  private persisted: ElectionState | null;
  private announced: { readonly leader: number | null; readonly epoch: number } = { leader: null, epoch: -1 };

  constructor(options: QuorumOptions) {
    this.self = options.self;
    this.selfKey = { id: options.self, directoryId: options.selfDirectory };
    this.options = options;
    this.voterSet = options.voters.last;
    this.timeouts = options.timeouts;
    this.log = options.log;
    this.randomBelow = options.randomBelow;
    this.nowMs = options.nowMs;
    this.peers = new Peers(options.timeouts.requestTimeoutMs, options.timeouts.retryBackoffMs);
    this.persisted = options.election;
    this.vote = options.election && { epoch: options.election.epoch, directory: options.election.votedDirectory };
    this.syncedEndOffset = options.log.endOffset;
    // Only what is committed gets into a snapshot.
    this.highWatermark = options.log.latestSnapshotId?.offset ?? null;
    this.role = this.initialRole(options.election);
  }

  get epoch(): number {
    return this.role.epoch;
  }

  get leader(): number | null {
    return this.role.leader;
  }

  get voters(): readonly number[] {
    return this.voterSet.ids;
  }

  get isVoter(): boolean {
    return this.voterSet.isVoter(this.selfKey);
  }

  get isSoleVoter(): boolean {
    return this.voterSet.voters.length === 1 && this.isVoter;
  }

  get askAgainMs(): number {
    return Math.max(this.timeouts.retryBackoffMs, this.timeouts.electionTimeoutMs / 10);
  }

  /** Whether a node that this one would fetch from. */
  canFollow(id: number | null): id is number {
    return id !== null && id !== this.self && (this.voterSet.has(id) || this.options.isReachable(id));
  }

  initialRole(election: ElectionState | null): Role {
    const logEpoch = this.log.lastEpoch;
    if (election === null && logEpoch === 0) return new Unattached(0, null, null, this.firstElectionDeadline());
    if (election === null || election.epoch < logEpoch) {
      return new Unattached(Math.max(election?.epoch ?? 0, logEpoch), null, null, this.newElectionDeadline());
    }
    const { epoch, leader, votedFor } = election;
    // A restarted leader may not lead its old epoch again: what it had not synced is gone.
    if (leader === this.self) {
      return new Resigned(epoch, votedFor, this.newResignedDeadline(), this.others(), this.others());
    }
    if (this.canFollow(leader)) {
      return new Follower(epoch, leader, votedFor, this.nowMs, this.newFetchTimeout());
    }
    return new Unattached(epoch, leader, votedFor, this.newElectionDeadline());
  }

  becomeUnattached(epoch: number, leader: number | null): void {
    const before = this.role;
    // An election deadline already running is kept: a peer that keeps raising the epoch must not hold this node back.
    const deadlineMs = before.name === 'unattached' ? before.electionDeadlineMs : this.newElectionDeadline();
    const votedFor = before.epoch === epoch ? before.votedFor : null;
    this.enter(new Unattached(epoch, leader, votedFor, deadlineMs));
  }

  becomeProspective(reason: string): void {
    const { epoch, leader, votedFor } = this.role;
    const tally = new Tally(this.voters.length, this.self);
    this.enter(new Prospective(epoch, leader, votedFor, this.newElectionDeadline(), tally));
    this.record({ kind: 'quorum.prospective', epoch, reason });
    if (tally.isWon) this.becomeCandidate();
  }

  becomeCandidate(): void {
    const epoch = this.role.epoch + 1;
    const tally = new Tally(this.voters.length, this.self);
    this.enter(new Candidate(epoch, this.self, this.newElectionDeadline(), tally));
    this.record({ kind: 'quorum.candidate', epoch });
    if (tally.isWon) this.becomeLeader(tally);
  }

  becomeLeader(tally: Tally): void {
    const epoch = this.role.epoch;
    const grantingVoters = [...tally.granted].sort((a, b) => a - b);
    const { self, voters, voterSet, selfKey } = this;
    const { fetchTimeoutMs } = this.timeouts;
    const epochStartOffset = this.log.endOffset;
    const options = { epoch, selfKey, voterSet, epochStartOffset, grantingVoters, nowMs: this.nowMs, fetchTimeoutMs };
    this.enter(new Leader(options));
    this.lostElections = 0;
    this.record({ kind: 'quorum.leaderElected', epoch, leader: self });
    // The driver says `appended` afterwards, which begins the flush.
    this.emit({ type: 'appendLeaderChange', epoch, leader: self, voters, grantingVoters });
  }

  becomeFollower(epoch: number, leader: number): void {
    assert(leader !== this.self, `node ${leader} can't follow itself`);
    const votedFor = this.role.epoch === epoch ? this.role.votedFor : null;
    this.enter(new Follower(epoch, leader, votedFor, this.nowMs, this.newFetchTimeout()));
    this.lostElections = 0;
    this.record({ kind: 'quorum.following', epoch, leader });
  }

  becomeResigned(reason: string): void {
    const role = this.role;
    assert(role.name === 'leader', 'only a leader resigns');
    const { successors, epoch, votedFor } = role;
    this.enter(new Resigned(epoch, votedFor, this.newResignedDeadline(), successors, successors));
    this.record({ kind: 'quorum.resigned', epoch, reason });
  }

  enter(role: Role): void {
    const before = this.role;
    assert(role.epoch >= before.epoch, `the epoch went back from ${before.epoch} to ${role.epoch}`);
    this.role = role;
    this.peers.reset();
    if (before.name !== 'leader') return;
    for (const { token } of before.takeDue(() => true)) this.replyFetchError(token, 'NOT_LEADER_OR_FOLLOWER');
    this.finishChange(before, 'NOT_LEADER_OR_FOLLOWER', null);
  }

  /** Answers whoever waits for the change of voters that was under way, and lets the next one come. */
  finishChange(role: Leader, error: RaftError, message: string | null): void {
    const { pendingChange: pending } = role;
    role.pendingChange = null;
    if (pending !== null && pending.token !== null) this.replyChange(pending.token, pending.api, error, message);
  }

  replyChange(token: ReplyToken, api: ChangeVotersAnswer['api'], error: RaftError, message: string | null): void {
    const { epoch, leader } = this;
    this.emit({ type: 'reply', token, answer: { api, error, message, epoch, leader } });
  }

  /** The log brought other voters, or took them back: at the beginning of a step, before anything is counted. */
  noticeVoters(): void {
    const { last } = this.options.voters;
    if (last === this.voterSet) return;
    const wasVoter = this.isVoter;
    this.voterSet = last;
    const { role, isVoter } = this;
    if (role.name === 'leader') role.updateVoters(last, this.nowMs);
    if (wasVoter === isVoter) return;
    if (role.name === 'unattached') {
      const { epoch, leader, votedFor } = role;
      this.role = new Unattached(epoch, leader, votedFor, this.newElectionDeadline());
    }
    // Time runs anew: an observer's may have stood still.
    if (role.name === 'follower') role.beginToWait(this.nowMs);
  }

  /** What others say of epochs and leaders. True when this node's role changed with it. */
  observe(epoch: number, leader: number | null): boolean {
    const role = this.role;
    if (epoch < role.epoch) return false;
    const followable = this.canFollow(leader);
    if (epoch > role.epoch) {
      if (followable) this.becomeFollower(epoch, leader);
      else this.becomeUnattached(epoch, null);
      return true;
    }
    if (!followable || (role.leader === leader && role.name !== 'unattached')) return false;
    assert(
      (role.leader === null || role.leader === leader) && role.name !== 'resigned',
      `epoch ${epoch} has two leaders: ${role.leader}, ${leader}`,
    );
    this.becomeFollower(epoch, leader);
    return true;
  }

  commit(offset: number): void {
    if (offset <= (this.highWatermark ?? -1)) return;
    this.highWatermark = offset;
    this.emit({ type: 'commit', offset });
  }

  replyFetchError(token: ReplyToken, error: RaftError): void {
    const head = { api: 'fetch' as const, error, epoch: this.epoch, leader: this.leader };
    const nothing = { highWatermark: -1, records: null, divergingEpoch: null, snapshotId: null };
    this.emit({ type: 'reply', token, answer: { ...head, ...nothing } });
  }

  /** Sends unless something is on its way already or a pause runs; then it makes sure to be woken. */
  send(to: number, ask: RaftAsk): boolean {
    if (!this.isDue(this.peers.readyAtMs(to))) return false;
    const correlation = this.peers.begin(to, ask, this.nowMs);
    this.emit({ type: 'send', to, correlation, ask });
    return true;
  }

  isDue(atMs: number): boolean {
    if (atMs <= this.nowMs) return true;
    this.wakeAt(atMs);
    return false;
  }

  wakeAt(ms: number): void {
    this.wakeMs = Math.min(this.wakeMs, ms);
  }

  persist(): void {
    const role = this.role;
    // A leader that resigned stays the leader of its epoch in the file: after a restart it must not vote in it.
    const leader = role.name === 'resigned' ? this.self : role.leader;
    const { epoch, votedFor } = role;
    const before = this.persisted;
    if (before !== null && before.epoch === epoch && before.leader === leader && before.votedFor === votedFor) return;
    this.persisted = { epoch, leader, votedFor, votedDirectory: this.votedDirectory };
    this.emit({ type: 'persist', election: this.persisted });
  }

  announce(): void {
    const { leader, epoch } = this;
    if (this.announced.leader === leader && this.announced.epoch === epoch) return;
    this.announced = { leader, epoch };
    this.emit({ type: 'leaderChanged', leader, epoch });
  }

  directoryOf(voter: number): string | null {
    return this.voterSet.get(voter)?.directoryId ?? null;
  }

  others(): number[] {
    return this.voters.filter((id) => id !== this.self);
  }

  /**
   * Of a node that has never heard of a leader. There is none to wait for when all nodes are new, and a new node in an old
   * quorum does no harm: its log is behind, so nobody grants it even a pre-vote.
   */
  firstElectionDeadline(): number {
    if (!this.isVoter) return Infinity;
    const { electionTimeoutMs, firstElectionTimeoutMs = electionTimeoutMs } = this.timeouts;
    return this.nowMs + firstElectionTimeoutMs + this.randomBelow(electionTimeoutMs);
  }

  newElectionDeadline(): number {
    if (!this.isVoter) return Infinity;
    const { electionTimeoutMs } = this.timeouts;
    return this.nowMs + electionTimeoutMs + this.randomBelow(electionTimeoutMs);
  }

  /** A resigned node waits for its successor, but not for ever; also one that was voted out. */
  newResignedDeadline(): number {
    const { electionTimeoutMs } = this.timeouts;
    return this.nowMs + electionTimeoutMs + this.randomBelow(electionTimeoutMs);
  }

  /** Directory of the node that this one voted for in its epoch; null: no vote, or not known. */
  get votedDirectory(): string | null {
    const { votedFor, epoch } = this.role;
    if (votedFor === null) return null;
    if (votedFor === this.self) return this.selfKey.directoryId;
    return this.vote?.epoch === epoch ? this.vote.directory : null;
  }

  /** With some scatter: a leader answers its followers in the same moment, so they would all stand in the same moment. */
  newFetchTimeout(): number {
    const { fetchTimeoutMs, electionTimeoutMs } = this.timeouts;
    return fetchTimeoutMs + this.randomBelow(Math.max(1, Math.floor(electionTimeoutMs / 5)));
  }

  /** The pause after a lost election grows with how many were lost in a row. */
  lossBackoffMs(): number {
    const { retryBackoffMs, electionBackoffMaxMs } = this.timeouts;
    const doublings = Math.min(++this.lostElections, maxBackoffDoublings);
    const limit = Math.min(electionBackoffMaxMs, retryBackoffMs * 2 ** doublings);
    return this.randomBelow(Math.max(1, Math.floor(limit))) + 1;
  }

  record(entry: JournalEntry): void {
    this.emit({ type: 'journal', entry });
  }

  /** Whatever anybody can see of this node stands behind the state that it follows from: so that is persisted first. */
  emit(effect: Effect): void {
    if (effect.type !== 'persist' && effect.type !== 'journal') this.persist();
    this.effects.push(effect);
  }

  beginFlush(): void {
    if (this.isFlushing || this.syncedEndOffset >= this.log.endOffset) return;
    this.isFlushing = true;
    this.emit({ type: 'flush', flush: ++this.flush });
  }

  /** The log's end is not what it was: flushes under way don't count, and what is left is synced anew. */
  restartFlush(endOffset: number): void {
    this.syncedEndOffset = Math.min(this.syncedEndOffset, endOffset);
    this.startFlush();
  }

  startFlush(): void {
    this.isFlushing = true;
    this.emit({ type: 'flush', flush: ++this.flush });
  }

  onFailed(id: number): void {
    // Who knows no leader either may know one a little later.
    const pauseMs = this.role.name === 'unattached' ? this.askAgainMs : this.timeouts.retryBackoffMs;
    this.peers.pause(id, this.nowMs + pauseMs);
    this.noteUnreachable(id);
  }

  noteUnreachable(id: number): void {
    // A leader on its way out does not wait for those that are gone.
    if (this.isShuttingDown && this.role.name === 'resigned') this.role.unconfirmed.delete(id);
  }
}
