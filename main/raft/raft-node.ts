// One node's part in the metadata quorum: the door of raft. Drives the pure Quorum with what the disk, the network
// and the clock bring, carries out its effects in their order, and hands what is committed to the listeners.

import { assert, present, unreachable } from '../core/assert.ts';
import { toBrokerId, toLeaderEpoch, toOffset, type BrokerId, type LeaderEpoch, type Offset } from '../core/ids.ts';
import { buildBatch } from '../records/batch-builder.ts';
import type { Timer } from '../runtime/runtime.ts';
import { BatchTooLargeError, NotLeaderError } from './contract.ts';
import type { LeaderAndEpoch, OffsetAndEpoch, QuorumReport, RaftListener, RaftNodeOptions, Voter } from './contract.ts';
import { leaderChangeBatch, votersBatch, type BatchPlace, type DynamicVoters } from './control-batches.ts';
import { readElectionFile, writeElectionFile } from './election-state-file.ts';
import { Listeners, type LeaderNews } from './listeners.ts';
import { MetadataLog, noteVotersIn } from './metadata-log.ts';
import { NodeAddresses } from './node-addresses.ts';
import { sendAsk } from './outbound.ts';
import type { Effect, ElectionState, QuorumInput, RaftAnswer, RaftAsk } from './quorum-types.ts';
import { Quorum } from './quorum.ts';
import { RaftRequests, type RequestsHost } from './requests.ts';
import { SnapshotPolicy } from './snapshot-policy.ts';
import { encodeSnapshot } from './snapshots.ts';
import { VoterHistory } from './voter-history.ts';
import { isSameVoter, toVotersRecord, VoterSet } from './voter-set.ts';
import type { WireContext } from './wire-messages.ts';

/** Requests that wait for their reply at a time: parked fetches above all. One more is turned away. */
const waitingRepliesMax = 2000;

export class RaftNode<R> {
  readonly nodeId: BrokerId;
  readonly clusterId: string;
  /** Answers to what other nodes and clients ask of the quorum. */
  readonly requests: RaftRequests;
  readonly #options: RaftNodeOptions<R>;
  readonly #log: MetadataLog;
  readonly #quorum: Quorum;
  readonly #voterHistory: VoterHistory;
  readonly #addresses: NodeAddresses;
  readonly #wire: WireContext;
  readonly #listeners: Listeners<R>;
  readonly #snapshotPolicy: SnapshotPolicy;
  readonly #inputs: QuorumInput[] = [];
  #isStepping = false;
  readonly #waiting = new Map<number, (answer: RaftAnswer | null) => void>();
  #lastToken = 0;
  #timer: { readonly timer: Timer; readonly atMs: number } | null = null;
  #isDeliveryDue = false;
  #isAppendedDue = false;
  #isClosed = false;
  #hasFailed = false;
  /** Told when leadership has been handed on, at shutdown. */
  #onHandedOn: (() => void) | null = null;

  /** Opens log, snapshots and vote; takes part in the quorum from the scheduler's next turn on. */
  static open<R>(options: RaftNodeOptions<R>): RaftNode<R> {
    return new RaftNode(options);
  }

  private constructor(options: RaftNodeOptions<R>) {
    const { runtime, directory, config, codec, logEnvironment: environment } = options;
    const { clock, disk, random } = runtime;
    this.#options = options;
    this.nodeId = options.nodeId;
    this.clusterId = options.clusterId;
    this.#log = MetadataLog.open({ environment, directory, config });
    this.#voterHistory = new VoterHistory(new VoterSet(options.voters));
    this.#log.loadVoters(this.#voterHistory, options.listenerName);
    this.#addresses = new NodeAddresses(options, this.#voterHistory);
    this.#quorum = new Quorum({
      self: this.nodeId,
      selfDirectory: options.directoryId,
      voters: this.#voterHistory,
      bootstrapIds: this.#addresses.bootstrapIds,
      isReachable: (id) => this.#addresses.of(id) !== null,
      ownVoter: this.#addresses.own,
      autoJoins: options.autoJoins ?? false,
      timeouts: config,
      log: this.#log,
      randomBelow: (limit) => random.below(limit),
      election: readElectionFile(disk, directory),
      nowMs: clock.monotonicMs(),
    });
    this.#wire = {
      clusterId: options.clusterId,
      directoryId: options.directoryId,
      listenerName: options.listenerName,
      self: this.#addresses.of(this.nodeId),
      voterOf: (id) => this.#addresses.of(id),
      noteAddresses: (nodes) => this.#addresses.note(nodes),
      config,
    };
    this.#snapshotPolicy = new SnapshotPolicy(config, clock.wallMs());
    this.#listeners = new Listeners(this.#log, codec, (bytes) => this.#snapshotPolicy.committed(bytes));
    this.requests = new RaftRequests(this.#wire, this.#requestsHost());
    clock.soon(() => this.#take({ type: 'tick' }));
  }

  /** Those that count now, as the configuration or the log has them. */
  get voters(): readonly Voter[] {
    return this.#voterHistory.last.voters;
  }

  /** Where a voter listens, or another node that was heard of as leader; null: nobody said. */
  addressOf(id: number): Voter | null {
    return this.#addresses.of(id);
  }

  get isLeader(): boolean {
    return this.#quorum.role.name === 'leader';
  }

  leaderAndEpoch(): LeaderAndEpoch {
    const { leader, epoch } = this.#quorum;
    return { leaderId: leader === null ? null : toBrokerId(leader), epoch: toLeaderEpoch(epoch) };
  }

  /** Exclusive; null as long as it is not known. */
  get highWatermark(): Offset | null {
    const { highWatermark } = this.#quorum;
    return highWatermark === null ? null : toOffset(highWatermark);
  }

  get logEndOffset(): Offset {
    return toOffset(this.#log.endOffset);
  }

  /** 0 as long as voters come from the configuration. */
  get kraftVersion(): number {
    return this.#voterHistory.kraftVersion;
  }

  report(): QuorumReport {
    const { role, highWatermark, isVoter } = this.#quorum;
    return {
      role: isVoter ? role.name : 'observer',
      leaderId: role.leader,
      epoch: role.epoch,
      votedFor: role.votedFor,
      logEndOffset: this.#log.endOffset,
      highWatermark,
      deadlineMs: Number.isFinite(role.deadlineMs) ? role.deadlineMs : null,
    };
  }

  /** The listener is given everything from the latest snapshot (or the log's start) on. */
  register(listener: RaftListener<R>): void {
    this.#listeners.add(listener);
    this.#deliverSoon();
  }

  /**
   * Writes the records as one batch, all or nothing, and returns the last one's offset. They are committed when
   * `onCommit` shows them. Throws NotLeaderError (also when `epoch` is not this leader's) or BatchTooLargeError.
   */
  append(epoch: LeaderEpoch, records: readonly R[]): Offset {
    const { role } = this.#quorum;
    if (this.#isClosed || role.name !== 'leader' || role.epoch !== epoch) {
      throw new NotLeaderError(this.leaderAndEpoch(), `node ${this.nodeId} does not lead the quorum in epoch ${epoch}`);
    }
    assert(records.length > 0, 'an append without records');
    const { codec, config, runtime } = this.#options;
    const timestamp = runtime.clock.wallMs();
    const rows = records.map((record) => ({ key: null, value: codec.encode(record), timestamp }));
    const batch = buildBatch({ baseOffset: this.#log.endOffset, partitionLeaderEpoch: epoch }, rows);
    if (batch.length > config.batchBytesMax) {
      throw new BatchTooLargeError(
        `${records.length} metadata records take ${batch.length} bytes, one batch holds ${config.batchBytesMax}`,
      );
    }
    const lastOffset = this.#guard(() => this.#log.appendAsLeader(batch, epoch));
    this.#appendedSoon();
    return toOffset(lastOffset);
  }

  latestSnapshotId(): OffsetAndEpoch | null {
    return this.#log.latestSnapshotId;
  }

  /** Why a snapshot should be made now, by bytes or time since the last one; null when none is due. */
  snapshotDue(): string | null {
    return this.#snapshotPolicy.dueReason(this.#options.runtime.clock.wallMs());
  }

  /** Writes the snapshot of all before `id.offset`, which must be committed, then lets go of what it makes needless. */
  createSnapshot(id: OffsetAndEpoch, lastContainedLogTimestampMs: number, records: Iterable<R>): void {
    const { runtime, codec, config } = this.#options;
    const { highWatermark } = this.#quorum;
    assert(highWatermark !== null && id.offset <= highWatermark, `snapshot ${id.offset} is beyond what is committed`);
    const latest = this.#log.latestSnapshotId;
    if (id.offset <= (latest?.offset ?? 0)) return;
    const timestampMs = runtime.clock.wallMs();
    const { batchBytesMax } = config;
    const dynamicVoters = this.#voterHistory.dynamicVotersBefore(id.offset);
    const contents = { timestampMs, lastContainedLogTimestampMs, records, dynamicVoters, batchBytesMax };
    this.#guard(() => {
      this.#log.snapshots.write(id, encodeSnapshot(id.epoch, contents, codec));
      this.#log.trim();
      this.#voterHistory.forgetBefore(this.#log.earliestSnapshotId?.offset ?? 0);
    });
    this.#snapshotPolicy.snapshotMade(timestampMs);
    this.#take({ type: 'logStartChanged' });
  }

  /** Gives up leadership of `epoch`, if this node holds it, and asks the best follower to take over. */
  resign(epoch: LeaderEpoch, reason: string): void {
    this.#take({ type: 'resign', epoch, reason });
  }

  /** Hands leadership on (waiting no longer than `timeoutMs`), turns away what waits, closes the log. */
  async shutdown(timeoutMs: number): Promise<void> {
    if (this.#isClosed) return;
    const { clock } = this.#options.runtime;
    this.#take({ type: 'shutdown' });
    if (!this.#quorum.isShutdownComplete) {
      await new Promise<void>((resolve) => {
        const timer = clock.at(clock.monotonicMs() + timeoutMs, resolve);
        this.#onHandedOn = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.timer.cancel();
    for (const answer of this.#waiting.values()) answer(null);
    this.#waiting.clear();
    this.#listeners.shutdown();
    this.#log.close();
  }

  // ── the loop ───────────────────────────────────────────────────────────────────────────────────────────────

  #take(input: QuorumInput): void {
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    this.#guard(() => {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        if (this.#isClosed) continue;
        for (const effect of this.#quorum.step(next, this.#options.runtime.clock.monotonicMs())) this.#carryOut(effect);
      }
    });
    this.#isStepping = false;
    if (this.#isClosed) return;
    if (this.#onHandedOn !== null && this.#quorum.isShutdownComplete) this.#onHandedOn();
    this.#armTimer();
  }

  /** A node whose disk fails or whose invariants don't hold must not go on talking to the quorum. */
  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error: unknown): never {
    this.#hasFailed = true;
    this.#isClosed = true;
    return this.#options.runtime.fatal(error);
  }

  /** For the end of a promise chain: what ended the node has been reported. */
  readonly #ignoreAfterFailure = (error: unknown): void => {
    if (!this.#hasFailed) throw error;
  };

  #armTimer(): void {
    const { deadlineMs } = this.#quorum;
    // An earlier timer stays: it finds nothing due and arms anew. Most deadlines only ever move away.
    if (deadlineMs === Infinity || (this.#timer !== null && this.#timer.atMs <= deadlineMs)) return;
    this.#timer?.timer.cancel();
    const timer = this.#options.runtime.clock.at(deadlineMs, () => {
      this.#timer = null;
      if (!this.#isClosed) this.#take({ type: 'tick' });
    });
    this.#timer = { timer, atMs: deadlineMs };
  }

  /** Appends of one turn share a flush and an answer to the waiting followers. */
  #appendedSoon(): void {
    if (this.#isAppendedDue) return;
    this.#isAppendedDue = true;
    this.#options.runtime.clock.soon(() => {
      this.#isAppendedDue = false;
      if (!this.#isClosed) this.#take({ type: 'appended' });
    });
  }

  #deliverSoon(): void {
    if (this.#isDeliveryDue || this.#isClosed) return;
    this.#isDeliveryDue = true;
    this.#options.runtime.clock.soon(() => {
      this.#isDeliveryDue = false;
      if (this.#isClosed) return;
      const hasMore = this.#guard(() => this.#listeners.deliver(this.#quorum.highWatermark, this.#leaderNews()));
      if (hasMore) this.#deliverSoon();
    });
  }

  #leaderNews(): LeaderNews {
    const { role } = this.#quorum;
    const epochStartOffset = role.name === 'leader' ? role.epochStartOffset : null;
    return { leaderId: role.leader, epoch: role.epoch, epochStartOffset };
  }

  #carryOut(effect: Effect): void {
    const log = this.#log;
    switch (effect.type) {
      case 'persist':
        return this.#persist(effect.election);
      case 'truncate':
        log.truncateTo(effect.endOffset);
        return this.#voterHistory.truncateTo(effect.endOffset);
      case 'appendLeaderChange':
        return this.#appendLeaderChange(effect);
      case 'appendVoters':
        return this.#appendVoters(effect);
      case 'appendAsFollower':
        log.appendAsFollower(effect.records);
        noteVotersIn(effect.records, this.#voterHistory, this.#options.listenerName);
        return;
      case 'flush':
        return this.#flush(effect.flush);
      case 'storeSnapshotChunk':
        return log.snapshots.storeChunk(effect.snapshotId, effect.position, effect.chunk);
      case 'installSnapshot':
        log.installSnapshot(effect.snapshotId);
        return log.loadVoters(this.#voterHistory, this.#options.listenerName);
      case 'commit':
        return this.#commit(effect.offset);
      case 'send':
        return this.#send(effect.to, effect.correlation, effect.ask);
      case 'reply':
        return this.#reply(effect.token, effect.answer);
      case 'replyRecords':
        return this.#replyRecords(effect);
      case 'replySnapshot':
        return this.#replySnapshot(effect);
      case 'leaderChanged':
        return this.#deliverSoon();
      case 'journal':
        this.#options.journal.record(effect.entry);
        return;
      default:
        unreachable(effect);
    }
  }

  #persist(election: ElectionState): void {
    const { disk } = this.#options.runtime;
    const dataVersion = this.kraftVersion === 0 ? 0 : 1;
    writeElectionFile(disk, this.#options.directory, election, dataVersion, this.#voterHistory.last.ids);
  }

  #appendLeaderChange(effect: Effect & { type: 'appendLeaderChange' }): void {
    this.#appendControl(effect.epoch, (place) => leaderChangeBatch(place, effect, this.#votersToWrite()));
  }

  /**
   * The first leader puts what the bootstrap checkpoint says of the voters into the log, and any leader the voters
   * anew whose own endpoints or versions are not what they say.
   */
  #votersToWrite(): DynamicVoters | null {
    const { kraftVersion, last, lastEntry } = this.#voterHistory;
    const { own } = this.#addresses;
    if (kraftVersion === 0 || lastEntry === null) return null;
    const listed = last.get(this.nodeId);
    const isTrue = own === null || listed === null || isSameVoter(listed, own);
    if (lastEntry.offset >= 0 && isTrue) return null;
    const voters = (own === null ? null : last.withUpdatedVoter(own)) ?? last;
    return { kraftVersion, voters: toVotersRecord(voters) };
  }

  #appendVoters({ epoch, voters }: Effect & { type: 'appendVoters' }): void {
    this.#appendControl(epoch, (place) => votersBatch(place, toVotersRecord(voters)));
  }

  #appendControl(epoch: number, build: (place: BatchPlace) => Buffer): void {
    const timestampMs = this.#options.runtime.clock.wallMs();
    const batch = build({ baseOffset: this.#log.endOffset, epoch, timestampMs });
    this.#log.appendAsLeader(batch, epoch);
    noteVotersIn(batch, this.#voterHistory, this.#options.listenerName);
    this.#take({ type: 'appended' });
  }

  #flush(flush: number): void {
    const endOffset = this.#log.endOffset;
    this.#log
      .sync()
      .then(
        () => {
          if (!this.#isClosed) this.#take({ type: 'flushed', flush, endOffset });
        },
        (error: unknown) => {
          if (!this.#isClosed) this.#fail(error);
        },
      )
      .catch(this.#ignoreAfterFailure);
  }

  #commit(offset: number): void {
    this.#log.updateHighWatermark(offset);
    this.#deliverSoon();
  }

  #send(to: number, correlation: number, ask: RaftAsk): void {
    const voter = ask.api === 'apiVersions' ? ask.voter : present(this.#addresses.of(to), `node ${to}`);
    sendAsk(this.#options.transport, this.#wire, voter, ask)
      // Unreachable, late, or undecodable: all the same to the quorum, which tries again.
      .catch(() => null)
      .then((answer) => {
        if (this.#isClosed) return;
        if (answer === null) this.#take({ type: 'failed', to, correlation });
        else this.#take({ type: 'answer', from: to, correlation, answer });
      })
      .catch(this.#ignoreAfterFailure);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────

  #requestsHost(): RequestsHost {
    return {
      quorum: this.#quorum,
      log: this.#log,
      clock: this.#options.runtime.clock,
      isClosed: () => this.#isClosed,
      ask: (ask) => this.#ask(ask),
    };
  }

  /** Answers at once, without a promise, where the quorum does. Null: this node takes no requests (any more). */
  #ask(ask: RaftAsk): RaftAnswer | null | Promise<RaftAnswer | null> {
    if (this.#isClosed || this.#waiting.size >= waitingRepliesMax) return null;
    const token = ++this.#lastToken;
    let early: RaftAnswer | null = null;
    this.#waiting.set(token, (answer) => {
      early = answer;
    });
    this.#take({ type: 'ask', token, ask });
    if (!this.#waiting.has(token)) return early;
    return new Promise((resolve) => this.#waiting.set(token, resolve));
  }

  #reply(token: number, answer: RaftAnswer): void {
    const resolve = this.#waiting.get(token);
    this.#waiting.delete(token);
    resolve?.(answer);
  }

  #replyRecords(effect: Effect & { type: 'replyRecords' }): void {
    const { token, fetchOffset, epoch, leader, highWatermark } = effect;
    const bytes = this.#log.read(fetchOffset, this.#options.config.fetchBytesMax);
    const records = bytes.length === 0 ? null : { bytes, nextOffset: -1 };
    const head = { api: 'fetch' as const, error: 'NONE' as const, epoch, leader, highWatermark };
    this.#reply(token, { ...head, records, divergingEpoch: null, snapshotId: null });
  }

  #replySnapshot(effect: Effect & { type: 'replySnapshot' }): void {
    const { token, snapshotId, position, epoch, leader } = effect;
    const head = { api: 'fetchSnapshot' as const, epoch, leader, snapshotId, position };
    const { snapshots } = this.#log;
    if (!snapshots.has(snapshotId)) {
      return this.#reply(token, { ...head, error: 'SNAPSHOT_NOT_FOUND', sizeBytes: 0, chunk: Buffer.alloc(0) });
    }
    const sizeBytes = snapshots.sizeBytes(snapshotId);
    if (position < 0 || position >= sizeBytes) {
      return this.#reply(token, { ...head, error: 'POSITION_OUT_OF_RANGE', sizeBytes, chunk: Buffer.alloc(0) });
    }
    const chunk = snapshots.readChunk(snapshotId, position, this.#options.config.fetchSnapshotBytesMax);
    this.#reply(token, { ...head, error: 'NONE', sizeBytes, chunk });
  }
}
