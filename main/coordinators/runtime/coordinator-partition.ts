// One replicated state machine: the coordinator side of one internal partition, for the time in which this broker
// leads it. initial → loading → active → closed; loading or active → failed → loading (with a later epoch).
// An operation's records are replayed at once, written together with those of its neighbours, and answered when the
// high watermark has passed them.

import { toOffset, type LeaderEpoch, type PartitionId } from '../../core/ids.ts';
import { assert, present } from '../../core/assert.ts';
import type { Journal } from '../../core/journal.ts';
import { LogError } from '../../log/log-error.ts';
import type { VerificationGuard } from '../../log/log-types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  CoordinatorRecordFamily,
  CoordinatorRecordShape,
  KeyAndValue,
  WritableCoordinatorRecord,
} from '../../protocol/coordinator-record-frame.ts';
import { BatchBuilder, type NewRecord } from '../../records/batch-builder.ts';
import type { CompressionType } from '../../records/compression-type.ts';
import { buildEndTransactionMarker } from '../../records/control-records.ts';
import { ReplicationError, type PartitionHost, type TransactionalTerms } from '../../replication/contract.ts';
import { DiskError, type Clock, type Timer } from '../../runtime/runtime.ts';
import { CommitQueue } from './commit-queue.ts';
import { CoordinatorError } from './coordinator-error.ts';
import { KeyedTimers } from './keyed-timers.ts';
import { PartitionLoader } from './partition-loader.ts';
import type { Decision, MachineFactory, StateMachine } from './state-machine.ts';

export type CoordinatorPartitionOptions<R extends CoordinatorRecordShape, M extends StateMachine<R>> = {
  readonly topic: string;
  readonly host: PartitionHost;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly family: CoordinatorRecordFamily<R>;
  readonly createMachine: MachineFactory<R, M>;
  readonly compression: CompressionType;
  /** Largest batch that the topic takes (`max.message.bytes`). */
  readonly batchBytesMax: number;
  /** Bytes read at once while loading. */
  readonly loadBytes: number;
  /** How long an operation waits for its commit (`offsets.commit.timeout.ms`). */
  readonly writeTimeoutMs: number;
  /** The log could not be read or replayed: the partition stays without a coordinator until the next election. */
  readonly onLoadFailed?: (partition: number, error: unknown) => void;
};

export type Settle<Response> = (errorCode: number, response: Response | null) => void;

/** The client's transaction that records belong to. */
export type TransactionTerms = {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Null: the log knows that the transaction is open. */
  readonly verificationGuard: VerificationGuard | null;
};

export type EndTransaction = {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly type: 'COMMIT' | 'ABORT';
  /** Leader epoch of the transaction coordinator's partition. */
  readonly coordinatorEpoch: number;
  readonly transactionVersion: number;
};

type OpenBatch = {
  readonly builder: BatchBuilder;
  readonly firstOffset: number;
  readonly waits: ((errorCode: number) => void)[];
  readonly flush: Timer;
};

export class CoordinatorPartition<R extends CoordinatorRecordShape, M extends StateMachine<R>> {
  readonly partition: PartitionId;
  state: 'initial' | 'loading' | 'active' | 'failed' | 'closed' = 'initial';
  leaderEpoch: LeaderEpoch;
  readonly #options: CoordinatorPartitionOptions<R, M>;
  readonly #timers: KeyedTimers;
  readonly #commits: CommitQueue;
  /** Reads that wait for `#readableFrom`. */
  readonly #reads: CommitQueue;
  #machine: M | null = null;
  #stopWatching: () => void = () => {};
  #highWatermark = 0;
  /** Offset of the next record, the open batch included. */
  #nextOffset = 0;
  /**
   * Reads wait until the high watermark is here: where the log ended at load. A new leader's high watermark trails
   * the old one's, so that below this offset there may be commits which clients know to be acknowledged.
   */
  #readableFrom = 0;
  #batch: OpenBatch | null = null;

  constructor(partition: PartitionId, leaderEpoch: LeaderEpoch, options: CoordinatorPartitionOptions<R, M>) {
    this.partition = partition;
    this.leaderEpoch = leaderEpoch;
    this.#options = options;
    this.#timers = new KeyedTimers(options.clock);
    this.#commits = new CommitQueue(options.clock);
    this.#reads = new CommitQueue(options.clock);
  }

  /** The state, while it is active. */
  get machine(): M | null {
    return this.state === 'active' ? this.#machine : null;
  }

  load(): void {
    assert(this.state === 'initial', `partition ${this.partition} loads once`);
    this.state = 'loading';
    const { clock, host, topic, family, loadBytes, createMachine } = this.#options;
    const startedMs = clock.monotonicMs();
    const machine = createMachine({
      partition: this.partition,
      timers: this.#timers,
      run: (operation) => this.write(operation, () => {}),
      nextOffset: () => this.#nextOffset,
    });
    this.#machine = machine;
    const loader = new PartitionLoader<R>({
      host,
      clock,
      topic,
      partition: this.partition,
      family,
      machine,
      loadBytes,
      isWanted: () => this.state === 'loading',
      onLoaded: ({ endOffset, recordCount }) => {
        this.#activate(machine, endOffset);
        // Most partitions are empty: nothing came with them that anyone would look for.
        if (recordCount === 0) return;
        const tookMs = clock.monotonicMs() - startedMs;
        this.#options.journal.record({
          kind: 'coordinator.loaded',
          topic,
          partition: this.partition,
          records: recordCount,
          tookMs: Math.round(tookMs),
        });
      },
      onFailed: (error) => this.#fail(error),
    });
    loader.start();
  }

  #activate(machine: M, endOffset: number): void {
    const { host, topic } = this.#options;
    this.#nextOffset = endOffset;
    this.#readableFrom = endOffset;
    // All that was read is the state to begin with; whether it may be shown is what #readableFrom guards.
    machine.commitUpTo(endOffset);
    this.#stopWatching = host.onHighWatermark(topic, this.partition, (offset) => this.#raiseHighWatermark(offset));
    const { highWatermark } = host.read(topic, this.partition, toOffset(Number.MAX_SAFE_INTEGER), 0);
    this.#highWatermark = highWatermark;
    this.state = 'active';
    machine.onLoaded();
  }

  #fail(error: unknown): void {
    this.#machine = null;
    this.state = 'failed';
    this.#timers.cancelAll();
    // A lost leadership is followed by an unload; anything else is news.
    if (!(error instanceof ReplicationError)) this.#options.onLoadFailed?.(this.partition, error);
  }

  /** This broker no longer leads. Everyone who waits is sent to find the new coordinator. */
  close(): void {
    if (this.state === 'closed') return;
    const wasActive = this.state === 'active';
    this.state = 'closed';
    this.#stopWatching();
    if (wasActive) this.#machine?.onUnloaded();
    this.#failBatch(ErrorCode.NOT_COORDINATOR);
    this.#commits.failAll(ErrorCode.NOT_COORDINATOR);
    this.#reads.failAll(ErrorCode.NOT_COORDINATOR);
    this.#timers.cancelAll();
    this.#machine = null;
  }

  /** Runs `operation` on the newest state; `settle` is called once, perhaps before this returns. */
  write<Response>(operation: (machine: M) => Decision<R, Response>, settle: Settle<Response>): void {
    const machine = this.#machine;
    if (this.state !== 'active' || machine === null) {
      settle(this.#inactiveCode(), null);
      return;
    }
    let decision: Decision<R, Response>;
    try {
      decision = operation(machine);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      machine.revertFrom(this.#nextOffset);
      settle(error.code, null);
      return;
    }
    const { records, response, onSettled } = decision;
    const done = (errorCode: number): void => {
      onSettled?.(errorCode);
      settle(errorCode, errorCode === ErrorCode.NONE ? response : null);
    };
    if (records.length > 0) this.#stage(machine, decision, done);
    // What was decided may rest on what is not committed yet: the answer waits for that.
    else if (this.#batch !== null) this.#batch.waits.push(done);
    else if (this.#nextOffset > this.#highWatermark) this.#await(done);
    else done(ErrorCode.NONE);
  }

  /**
   * Like `write`, with the records in a transactional batch of their own. The log may refuse that for the producer's
   * sake, so they are replayed after they are written: nothing has to be taken back.
   */
  writeInTransaction<Response>(
    terms: TransactionTerms,
    operation: (machine: M) => Decision<R, Response>,
    settle: Settle<Response>,
  ): void {
    this.#flush();
    const machine = this.machine;
    if (machine === null) return settle(this.#inactiveCode(), null);
    const { producerId, producerEpoch, verificationGuard } = terms;
    try {
      const { records, response } = operation(machine);
      const batch = { producerId, producerEpoch, baseSequence: 0, isTransactional: true };
      const builder = new BatchBuilder({ compression: this.#options.compression, ...batch });
      const timestamp = this.#options.clock.wallMs();
      for (const record of records) builder.append(this.#encode(record, timestamp));
      if (records.length > 0) {
        const firstOffset = this.#append(builder.build(), { verificationGuard });
        for (const [index, record] of records.entries()) machine.replay(record, firstOffset + index, producerId);
      }
      this.#settleWhenCommitted(machine, (errorCode) =>
        settle(errorCode, errorCode === ErrorCode.NONE ? response : null),
      );
    } catch (error) {
      settle(error instanceof CoordinatorError ? error.code : codeOf(error), null);
    }
  }

  /** Writes the marker that ends a producer's transaction here, and applies it. */
  endTransaction(marker: EndTransaction, settle: (errorCode: number) => void): void {
    this.#flush();
    const machine = this.machine;
    if (machine === null) return settle(this.#inactiveCode());
    const { transactionVersion, ...rest } = marker;
    const timestampMs = this.#options.clock.wallMs();
    try {
      // Offset and epoch are stamped by the log.
      const batch = buildEndTransactionMarker({ ...rest, baseOffset: 0, partitionLeaderEpoch: -1, timestampMs });
      machine.replayEndTransactionMarker(marker.producerId, marker.type, this.#append(batch, { transactionVersion }));
    } catch (error) {
      return settle(codeOf(error));
    }
    this.#settleWhenCommitted(machine, settle);
  }

  /** Appends at once, after all that was staged; throws what the log throws. */
  #append(records: Buffer, terms: TransactionalTerms): number {
    const { host, topic } = this.#options;
    const { firstOffset, lastOffset, committed } = host.append(topic, this.partition, records, this.leaderEpoch, terms);
    assert(firstOffset === this.#nextOffset, `${topic}-${this.partition}: appended at ${firstOffset}, out of order`);
    this.#nextOffset = lastOffset + 1;
    committed.catch((error: unknown) => this.#commitFailed(error));
    return firstOffset;
  }

  #settleWhenCommitted(machine: M, settle: (errorCode: number) => void): void {
    // The append itself may have raised the high watermark, before the records were replayed.
    machine.commitUpTo(this.#highWatermark);
    this.#await(settle);
    this.#commits.release(this.#highWatermark);
  }

  /** Looks at the committed state; waits only right after a load. */
  read<Response>(look: (machine: M) => Response, settle: Settle<Response>): void {
    const now = (errorCode: number): void => {
      const machine = this.#machine;
      if (errorCode !== ErrorCode.NONE || machine === null) settle(errorCode || ErrorCode.NOT_COORDINATOR, null);
      else answer(look, machine, settle);
    };
    if (this.state !== 'active') settle(this.#inactiveCode(), null);
    else if (this.#highWatermark >= this.#readableFrom) now(ErrorCode.NONE);
    else {
      const deadlineMs = this.#options.clock.monotonicMs() + this.#options.writeTimeoutMs;
      this.#reads.add({ requiredOffset: this.#readableFrom, deadlineMs, settle: now });
    }
  }

  #inactiveCode(): number {
    return this.state === 'loading' || this.state === 'initial'
      ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
      : ErrorCode.NOT_COORDINATOR;
  }

  #await(settle: (errorCode: number) => void): void {
    const deadlineMs = this.#options.clock.monotonicMs() + this.#options.writeTimeoutMs;
    this.#commits.add({ requiredOffset: this.#nextOffset, deadlineMs, settle });
  }

  #stage(machine: M, decision: Decision<R, unknown>, done: (errorCode: number) => void): void {
    const timestamp = this.#options.clock.wallMs();
    const encoded = decision.records.map((record) => this.#encode(record, timestamp));
    let bytes = 0;
    for (const record of encoded) bytes += BatchBuilder.sizeOfRecordMax(record);
    const { batchBytesMax } = this.#options;
    const room = batchBytesMax - (this.#batch?.builder.sizeInBytes ?? new BatchBuilder().sizeInBytes);
    if (bytes > room && this.#batch !== null) {
      // What this decision rests on must stand before it: when that can't be written, neither can this.
      const { waits } = this.#batch;
      let failure: number = ErrorCode.NONE;
      waits.push((errorCode) => void (failure = errorCode));
      this.#flush();
      if (this.state !== 'active') return done(ErrorCode.NOT_COORDINATOR);
      if (failure !== ErrorCode.NONE) return done(failure);
      this.#stage(machine, decision, done);
      return;
    }
    if (bytes > room) {
      machine.revertFrom(this.#nextOffset);
      return done(ErrorCode.RECORD_LIST_TOO_LARGE);
    }
    const batch = this.#openBatch();
    for (const [index, record] of encoded.entries()) {
      batch.builder.append(record);
      const offset = this.#nextOffset++;
      if (decision.isReplayed !== false) machine.replay(present(decision.records[index], 'record'), offset, -1);
    }
    batch.waits.push(done);
  }

  #encode(record: R, timestamp: number): NewRecord {
    // A record with all its fields is one that may lack some.
    const { key, value }: KeyAndValue = this.#options.family.encode(record as unknown as WritableCoordinatorRecord<R>);
    return { key, value, timestamp };
  }

  #openBatch(): OpenBatch {
    const { clock, compression } = this.#options;
    this.#batch ??= {
      builder: new BatchBuilder({ compression }),
      firstOffset: this.#nextOffset,
      waits: [],
      // Everything that arrives within the same event shares one write and one round of replication.
      flush: clock.soon(() => this.#flush()),
    };
    return this.#batch;
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch === null || this.state !== 'active') return;
    batch.flush.cancel();
    const { host, topic } = this.#options;
    try {
      const appended = host.append(topic, this.partition, batch.builder.build(), this.leaderEpoch);
      assert(
        appended.firstOffset === batch.firstOffset,
        `${topic}-${this.partition}: appended at ${appended.firstOffset}, replayed at ${batch.firstOffset}`,
      );
      this.#batch = null;
      appended.committed.catch((error: unknown) => this.#commitFailed(error));
    } catch (error) {
      this.#appendFailed(batch, codeOf(error));
      return;
    }
    for (const wait of batch.waits) this.#await(wait);
    this.#commits.release(this.#highWatermark);
  }

  #appendFailed(batch: OpenBatch, errorCode: number): void {
    this.#machine?.revertFrom(batch.firstOffset);
    this.#nextOffset = batch.firstOffset;
    this.#failBatch(errorCode);
  }

  #failBatch(errorCode: number): void {
    const batch = this.#batch;
    this.#batch = null;
    if (batch === null) return;
    batch.flush.cancel();
    for (const wait of batch.waits) wait(errorCode);
  }

  /** The leadership went away under an append: there will be no commit, and soon an unload. */
  #commitFailed(error: unknown): void {
    if (!(error instanceof ReplicationError)) throw error;
    // Committed all the same, with too few replicas left: as in Kafka no reason to take anything back.
    if (error.code === ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND) return;
    this.close();
  }

  #raiseHighWatermark(offset: number): void {
    if (this.state !== 'active' || offset <= this.#highWatermark) return;
    this.#highWatermark = offset;
    this.#machine?.commitUpTo(offset);
    if (offset >= this.#readableFrom) this.#reads.release(offset);
    this.#commits.release(offset);
  }
}

function answer<M, Response>(look: (machine: M) => Response, machine: M, settle: Settle<Response>): void {
  let response: Response;
  try {
    response = look(machine);
  } catch (error) {
    if (!(error instanceof CoordinatorError)) throw error;
    settle(error.code, null);
    return;
  }
  settle(ErrorCode.NONE, response);
}

function codeOf(error: unknown): number {
  if (error instanceof ReplicationError) return error.code;
  if (error instanceof LogError) return error.errorCode;
  if (error instanceof DiskError) return ErrorCode.KAFKA_STORAGE_ERROR;
  throw error;
}
