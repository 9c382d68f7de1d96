// The transaction coordinator of one broker: one method per request, for the transactional ids whose partition of
// `__transaction_state` this broker leads. Answers with Kafka's error codes and never throws for what a client did.

import type { LeaderEpoch } from '../../core/ids.ts';
import type { Journal } from '../../core/journal.ts';
import type { MetadataDelta } from '../../metadata/metadata-delta.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeTransactionsResponse } from '../../protocol/messages/describe-transactions.ts';
import type { EndTxnRequest, EndTxnResponse } from '../../protocol/messages/end-txn.ts';
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../protocol/messages/list-transactions.ts';
import {
  transactionCoordinatorRecords,
  type TransactionCoordinatorRecord,
} from '../../protocol/messages/transaction-coordinator-records.ts';
import { coordinatorPartition } from '../../protocol/partitioning.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { PartitionHost } from '../../replication/contract.ts';
import type { Clock, Timer } from '../../runtime/runtime.ts';
import { responseErrorCode } from '../runtime/coordinator-error.ts';
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import { listTransactions } from './list-transactions.ts';
import type { TransactionCoordinatorConfig } from './transaction-config.ts';
import {
  TransactionMachine,
  type InitRequest,
  type ProducerIdAndEpoch,
  type TransactionIdentity,
} from './transaction-machine.ts';
import { TransactionMarkers, type TransactionMarkersOptions } from './transaction-markers.ts';
import type { TransactionMetadata, TransactionPartitions } from './transaction-metadata.ts';
import type { TransactionDecision } from './transaction-records.ts';

export const transactionsTopic = '__transaction_state';
/** Read and replayed in one event while loading. */
const loadChunkBytesMax = 256 * 1024;
/** Steps of the coordinator's own that the log did not take. */
const retryBackoffMs = 100;
const transactionVersionFeature = 'transaction.version';

export type TransactionCoordinatorOptions = Pick<TransactionMarkersOptions, 'leaderOf' | 'send'> & {
  readonly nodeId: number;
  readonly config: TransactionCoordinatorConfig;
  readonly host: PartitionHost;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly image: () => MetadataImage;
  /** A producer id that nobody else gets; null when there is none to be had now. */
  readonly nextProducerId: () => Promise<number | null>;
  /** False when another broker may lead by now and this one not know: nothing is confirmed from memory then. */
  readonly isLeadershipCertain?: () => boolean;
  readonly onLoadFailed?: (partition: number, error: unknown) => void;
};

type DescribedTransaction = NonNullable<Writable<DescribeTransactionsResponse>['transactionStates']>[number];
type Settled<T> =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly value: T }
  | { readonly errorCode: number; readonly value: null };

/** What is in a transaction, or why it can't be said. */
export type Verified =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly partitions: TransactionPartitions }
  | { readonly errorCode: number; readonly partitions: null };

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #runtime: CoordinatorRuntime<TransactionCoordinatorRecord, TransactionMachine>;
  readonly #markers: TransactionMarkers;
  readonly #timers: Timer[] = [];
  #isActive = true;

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
    const { config, host, clock, journal, leaderOf, send, onLoadFailed } = options;
    this.#markers = new TransactionMarkers({
      clock,
      leaderOf,
      send,
      coordinatorEpoch: (partition) => this.#runtime.leaderEpoch(partition),
      onComplete: (partition, decided) => this.#complete(partition, decided),
    });
    this.#runtime = new CoordinatorRuntime({
      topic: transactionsTopic,
      host,
      clock,
      journal,
      family: transactionCoordinatorRecords,
      createMachine: (services) =>
        new TransactionMachine(
          {
            config,
            clock,
            journal,
            transactionVersion: () => this.transactionVersion,
            onPrepared: (partition, metadata) => this.#prepared(partition, metadata),
            onLoaded: (partition) => this.#resume(partition),
          },
          services,
        ),
      compression: 'none',
      batchBytesMax: config.messageMaxBytes,
      loadBytes: Math.min(config.transactionStateLogLoadBufferSize, loadChunkBytesMax),
      writeTimeoutMs: config.requestTimeoutMs,
      ...(onLoadFailed === undefined ? {} : { onLoadFailed }),
    });
    this.#every(config.abortTimedOutIntervalMs, () => this.#abortTimedOut());
    this.#every(config.removeExpiredIntervalMs, () => this.#removeExpired());
  }

  // ── which partitions are ours ──

  /** Call after replicas have taken over what the delta gives them. */
  onMetadataUpdate(delta: MetadataDelta): void {
    if (delta.topics === null || !this.#isActive) return;
    const { leading, following, removed } = delta.topics.localChanges(this.#options.nodeId);
    for (const { topic, partition, registration } of leading) {
      if (topic === transactionsTopic) this.onElection(partition, registration.leaderEpoch);
    }
    for (const { topic, partition, registration } of following) {
      if (topic === transactionsTopic) this.onResignation(partition, registration.leaderEpoch);
    }
    for (const { topic, partition } of removed) if (topic === transactionsTopic) this.onResignation(partition, null);
  }

  onElection(partition: number, leaderEpoch: LeaderEpoch): void {
    this.#runtime.onElection(partition, leaderEpoch);
  }

  onResignation(partition: number, leaderEpoch: LeaderEpoch | null): void {
    this.#runtime.onResignation(partition, leaderEpoch);
    if (this.#runtime.leaderEpoch(partition) === null) this.#markers.removePartition(partition);
  }

  partitionFor(transactionalId: string): number {
    const topic = this.#options.image().topics.byName.get(transactionsTopic);
    const { transactionStateLogNumPartitions } = this.#options.config;
    return coordinatorPartition(transactionalId, topic?.partitions.size ?? transactionStateLogNumPartitions);
  }

  /** The cluster's level of the feature. */
  get transactionVersion(): number {
    return this.#options.image().features.finalized.get(transactionVersionFeature) ?? 0;
  }

  shutdown(): void {
    this.#isActive = false;
    for (const timer of this.#timers.splice(0)) timer.cancel();
    this.#markers.close();
    this.#runtime.close();
  }

  // ── requests ──

  async initProducerId(request: InitRequest): Promise<ProducerIdAndEpoch> {
    const failed = (errorCode: number): ProducerIdAndEpoch => ({ errorCode, producerId: -1, producerEpoch: -1 });
    const { transactionalId, timeoutMs } = request;
    if (transactionalId === '') return failed(ErrorCode.INVALID_REQUEST);
    if (timeoutMs <= 0 || timeoutMs > this.#options.config.transactionMaxTimeoutMs) {
      return failed(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    }
    const partition = this.partitionFor(transactionalId);
    const takesId = this.#runtime.machine(partition)?.initTakesProducerId(request) === true;
    const freshId = takesId ? await this.#options.nextProducerId() : null;
    const { errorCode, value } = await this.#write(partition, (machine) => machine.init(request, freshId));
    return value ?? failed(errorCode);
  }

  async addPartitions(
    identity: TransactionIdentity,
    partitions: TransactionPartitions,
    clientVersion: number,
  ): Promise<number> {
    if (identity.transactionalId === '') return ErrorCode.INVALID_REQUEST;
    if (!this.#isCertain()) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    const { errorCode } = await this.#write(this.partitionFor(identity.transactionalId), (machine) =>
      machine.addPartitions(identity, partitions, clientVersion),
    );
    return errorCode;
  }

  async verify(identity: TransactionIdentity): Promise<Verified> {
    if (identity.transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST, partitions: null };
    if (!this.#isCertain()) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, partitions: null };
    const partition = this.partitionFor(identity.transactionalId);
    const { errorCode, value } = await this.#read(partition, (machine) => machine.verify(identity));
    return value === null ? { errorCode, partitions: null } : { errorCode: ErrorCode.NONE, partitions: value };
  }

  /** `transactionVersion`: what the version of the request says of the client. */
  async endTransaction(request: EndTxnRequest, transactionVersion: number): Promise<Writable<EndTxnResponse>> {
    const { transactionalId, producerId, producerEpoch, committed } = request;
    if (transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST };
    const partition = this.partitionFor(transactionalId);
    const takesId = this.#runtime.machine(partition)?.endTakesProducerId(transactionalId, transactionVersion) === true;
    const freshId = takesId ? await this.#options.nextProducerId() : null;
    const end = { producerId, producerEpoch, type: committed ? 'COMMIT' : 'ABORT', transactionVersion } as const;
    const { errorCode, value } = await this.#write(partition, (machine) => machine.end(transactionalId, end, freshId));
    return { errorCode, ...(value ?? {}) };
  }

  async describe(transactionalId: string): Promise<DescribedTransaction> {
    if (!this.#isActive) return { transactionalId, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    if (transactionalId === '') return { transactionalId, errorCode: ErrorCode.INVALID_REQUEST };
    const partition = this.partitionFor(transactionalId);
    const { errorCode, value } = await this.#read(partition, (machine) => machine.describe(transactionalId));
    if (value === null) return { transactionalId, errorCode };
    const partitions = this.#markers.remainingOf(transactionalId) ?? value.partitions;
    return {
      transactionalId,
      errorCode,
      transactionState: value.state,
      transactionTimeoutMs: value.timeoutMs,
      transactionStartTimeMs: value.startMs,
      producerId: value.producerId,
      producerEpoch: value.producerEpoch,
      topics: [...partitions].map(([topic, ids]) => ({ topic, partitions: [...ids] })),
    };
  }

  list(request: ListTransactionsRequest): Writable<ListTransactionsResponse> {
    if (!this.#isActive) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    if (this.#runtime.isLoading()) return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS };
    return listTransactions(request, this.#all(), this.#options.clock.wallMs());
  }

  *#all(): Generator<TransactionMetadata> {
    for (const machine of this.#runtime.machines()) yield* machine.list();
  }

  // ── what the coordinator does on its own ──

  /** In an event of its own: the log is in the middle of a commit, and without partitions the next step follows at once. */
  #prepared(partition: number, metadata: TransactionMetadata): void {
    this.#options.clock.soon(() => {
      if (this.#runtime.leaderEpoch(partition) !== null) this.#markers.add(partition, metadata);
    });
  }

  /** After a load the end of the log may not be committed yet: a decision counts, and gets its markers, once it is. */
  #resume(partition: number): void {
    void this.#read(partition, (machine) => machine.prepared()).then(({ errorCode, value }) => {
      if (value !== null) for (const metadata of value) this.#markers.add(partition, metadata);
      else if (isWorthAnotherTry(errorCode)) this.#later(() => this.#resume(partition));
    });
  }

  #complete(partition: number, decided: TransactionMetadata): void {
    void this.#write(partition, (machine) => machine.complete(decided)).then(({ errorCode }) => {
      if (isWorthAnotherTry(errorCode)) this.#later(() => this.#complete(partition, decided));
    });
  }

  #abortTimedOut(): void {
    for (const partition of this.#runtime.partitions) {
      for (const seen of this.#runtime.machine(partition)?.timedOut() ?? []) void this.#abort(partition, seen);
    }
  }

  async #abort(partition: number, seen: TransactionMetadata): Promise<void> {
    const { transactionVersion } = this;
    const machine = this.#runtime.machine(partition);
    const takesId = machine?.endTakesProducerId(seen.transactionalId, transactionVersion) === true;
    const freshId = takesId ? await this.#options.nextProducerId() : null;
    // What fails is tried again the next time around.
    await this.#write(partition, (current) => current.abortTimedOut(seen, freshId));
  }

  #removeExpired(): void {
    for (const partition of this.#runtime.partitions) void this.#expire(partition);
  }

  async #expire(partition: number): Promise<void> {
    for (;;) {
      const { value } = await this.#write(partition, (machine) => machine.expire());
      if (value !== true) return;
    }
  }

  #every(intervalMs: number, action: () => void): void {
    const { clock } = this.#options;
    const index = this.#timers.length;
    const arm = (): void => {
      this.#timers[index] = clock.at(clock.monotonicMs() + intervalMs, () => {
        if (!this.#isActive) return;
        arm();
        action();
      });
    };
    arm();
  }

  #later(action: () => void): void {
    const { clock } = this.#options;
    clock.at(clock.monotonicMs() + retryBackoffMs, () => {
      if (this.#isActive) action();
    });
  }

  #isCertain(): boolean {
    return this.#options.isLeadershipCertain?.() ?? true;
  }

  #write<T>(
    partition: number,
    operation: (machine: TransactionMachine) => TransactionDecision<T>,
  ): Promise<Settled<T>> {
    return new Promise((resolve) =>
      this.#runtime.write(partition, operation, (code, value) => resolve(settled(code, value))),
    );
  }

  #read<T>(partition: number, look: (machine: TransactionMachine) => T): Promise<Settled<T>> {
    return new Promise((resolve) =>
      this.#runtime.read(partition, look, (code, value) => resolve(settled(code, value))),
    );
  }
}

function settled<T>(code: number, value: T | null): Settled<T> {
  if (code !== ErrorCode.NONE) return { errorCode: responseErrorCode(code), value: null };
  // `null` as a decision's answer: there was nothing to say.
  return { errorCode: ErrorCode.NONE, value: value as T };
}

/** The partition is still ours, as far as we know. */
function isWorthAnotherTry(errorCode: number): boolean {
  return (
    errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE ||
    errorCode === ErrorCode.CONCURRENT_TRANSACTIONS ||
    errorCode === ErrorCode.UNKNOWN_SERVER_ERROR
  );
}
