// The state machine of one partition of `__transaction_state`: its transactional ids. A step counts once its record is
// committed; until then the id is pending and, as in Kafka, all further steps are told to come back.

import { assert } from '../../core/assert.ts';
import type { Journal } from '../../core/journal.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { InitProducerIdResponse } from '../../protocol/messages/init-producer-id.ts';
import type { TransactionCoordinatorRecord } from '../../protocol/messages/transaction-coordinator-records.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import type { MachineServices, StateMachine } from '../runtime/state-machine.ts';
import { decideEnd, decideFence, takesProducerId, type EndRequest } from './end-transaction.ts';
import { TransactionJournal } from './transaction-journal.ts';
import type { TransactionCoordinatorConfig } from './transaction-config.ts';
import {
  completed,
  holdsAll,
  isEpochExhausted,
  isPrepared,
  newTransactionalId,
  noProducerEpoch,
  withNewProducerId,
  withNextEpoch,
  withPartitions,
  type TransactionMetadata,
  type TransactionPartitions,
} from './transaction-metadata.ts';
import {
  metadataOf,
  transactionRecord,
  transactionTombstone,
  type TransactionDecision,
} from './transaction-records.ts';

export type MachineSurroundings = {
  readonly config: Pick<TransactionCoordinatorConfig, 'transactionalIdExpirationMs'>;
  readonly clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  readonly journal: Journal;
  /** The cluster's level of the feature `transaction.version`. */
  readonly transactionVersion: () => number;
  /** A transaction is decided and committed to the log: its markers have to be written. */
  readonly onPrepared: (partition: number, metadata: TransactionMetadata) => void;
  /** All of the log is replayed, though perhaps not committed yet. */
  readonly onLoaded: (partition: number) => void;
};

export type InitRequest = {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** What the producer has already; null when it is new. */
  readonly expected: { readonly producerId: number; readonly producerEpoch: number } | null;
};

export type ProducerIdAndEpoch = Required<Pick<InitProducerIdResponse, 'errorCode' | 'producerId' | 'producerEpoch'>>;

export type TransactionIdentity = {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
};

type Entry = {
  /** Null: the id's first record is on its way. */
  committed: TransactionMetadata | null;
  pending: { readonly metadata: TransactionMetadata | null; readonly offset: number } | null;
};

const noProducer = { producerId: -1, producerEpoch: noProducerEpoch };
/** Ids that expire together: their tombstones share a batch. */
const expiredMax = 1000;

export class TransactionMachine implements StateMachine<TransactionCoordinatorRecord> {
  readonly #surroundings: MachineSurroundings;
  readonly #partition: number;
  readonly #journal: TransactionJournal;
  readonly #entries = new Map<string, Entry>();
  /** Ids with a pending record, by rising offset. */
  #onTheirWay: { readonly transactionalId: string; readonly offset: number }[] = [];
  #isLoaded = false;

  constructor(
    surroundings: MachineSurroundings,
    services: Pick<MachineServices<TransactionCoordinatorRecord, TransactionMachine>, 'partition'>,
  ) {
    this.#surroundings = surroundings;
    this.#partition = services.partition;
    this.#journal = new TransactionJournal(surroundings.journal, surroundings.clock);
  }

  // ── records ──

  replay(record: TransactionCoordinatorRecord, offset: number): void {
    const { transactionalId } = record.key;
    const metadata = metadataOf(record);
    if (!this.#isLoaded) {
      if (metadata === null) this.#entries.delete(transactionalId);
      else this.#entries.set(transactionalId, { committed: metadata, pending: null });
      return;
    }
    const entry = this.#entries.get(transactionalId) ?? { committed: null, pending: null };
    assert(entry.pending === null, `${transactionalId} takes one step at a time`);
    entry.pending = { metadata, offset };
    this.#entries.set(transactionalId, entry);
    this.#onTheirWay.push({ transactionalId, offset });
  }

  /** The topic holds none. */
  replayEndTransactionMarker(): void {}

  commitUpTo(offset: number): void {
    let count = 0;
    for (const each of this.#onTheirWay) {
      if (each.offset >= offset) break;
      count++;
      this.#commit(each.transactionalId);
    }
    if (count > 0) this.#onTheirWay = this.#onTheirWay.slice(count);
  }

  #commit(transactionalId: string): void {
    const entry = this.#entries.get(transactionalId);
    if (entry === undefined || entry.pending === null) return;
    const { metadata } = entry.pending;
    entry.pending = null;
    this.#journal.stepped(entry.committed, metadata);
    entry.committed = metadata;
    if (metadata === null) this.#entries.delete(transactionalId);
    else if (isPrepared(metadata)) this.#surroundings.onPrepared(this.#partition, metadata);
  }

  revertFrom(offset: number): void {
    for (let last = this.#onTheirWay.at(-1); last !== undefined && last.offset >= offset;) {
      this.#onTheirWay.pop();
      const entry = this.#entries.get(last.transactionalId);
      if (entry !== undefined) entry.pending = null;
      if (entry?.committed === null) this.#entries.delete(last.transactionalId);
      last = this.#onTheirWay.at(-1);
    }
  }

  onLoaded(): void {
    this.#isLoaded = true;
    this.#surroundings.onLoaded(this.#partition);
  }

  onUnloaded(): void {}

  /** Decided transactions whose markers are not known to be written. */
  prepared(): TransactionMetadata[] {
    return [...this.#all()].filter((metadata) => isPrepared(metadata) && !this.#isPending(metadata.transactionalId));
  }

  *#all(): Generator<TransactionMetadata> {
    for (const { committed } of this.#entries.values()) if (committed !== null) yield committed;
  }

  #isPending(transactionalId: string): boolean {
    return (this.#entries.get(transactionalId)?.pending ?? null) !== null;
  }

  /** The committed state, which a client's step may follow: nothing is on its way, no markers are being written. */
  #atRest(transactionalId: string): TransactionMetadata | null {
    const entry = this.#entries.get(transactionalId);
    const committed = entry?.committed ?? null;
    const isBusy = this.#isPending(transactionalId) || (committed !== null && isPrepared(committed));
    if (isBusy) throw new CoordinatorError(ErrorCode.CONCURRENT_TRANSACTIONS);
    return committed;
  }

  #step<Response>(metadata: TransactionMetadata, response: Response): TransactionDecision<Response> {
    return { records: [transactionRecord(metadata, this.#surroundings.transactionVersion())], response };
  }

  // ── InitProducerId ──

  /** Whether `init` needs a fresh producer id; where it is not sure, it says yes. */
  initTakesProducerId({ transactionalId }: InitRequest): boolean {
    const known = this.#entries.get(transactionalId)?.committed ?? null;
    return known === null || isEpochExhausted(known.producerEpoch);
  }

  init(request: InitRequest, freshId: number | null): TransactionDecision<ProducerIdAndEpoch> {
    const { transactionalId, timeoutMs, expected } = request;
    const nowMs = this.#surroundings.clock.wallMs();
    const known = this.#atRest(transactionalId);
    if (known !== null && expected !== null && !mayBe(known, expected)) {
      throw new CoordinatorError(ErrorCode.PRODUCER_FENCED);
    }
    if (known === null) {
      const created = newTransactionalId(transactionalId, required(freshId), timeoutMs, nowMs);
      return this.#begin(withNextEpoch(created, timeoutMs, expected?.producerEpoch ?? null, nowMs));
    }
    if (known.state === 'Ongoing') {
      // The old transaction ends first; the producer asks again.
      this.#journal.endedBy(transactionalId, 'successor');
      const next = decideFence(known, this.#surroundings.transactionVersion(), freshId, nowMs);
      return this.#step(next, { ...noProducer, errorCode: ErrorCode.CONCURRENT_TRANSACTIONS });
    }
    const isUsedUp = isEpochExhausted(known.producerEpoch);
    if (isUsedUp && (expected === null || expected.producerEpoch === known.producerEpoch)) {
      return this.#begin(withNewProducerId(known, required(freshId), timeoutMs, expected !== null, nowMs));
    }
    // An exhausted epoch that isn't the expected one is someone else's: that one is fenced, not moved on.
    if (isUsedUp) throw new CoordinatorError(ErrorCode.PRODUCER_FENCED);
    return this.#begin(withNextEpoch(known, timeoutMs, expected?.producerEpoch ?? null, nowMs));
  }

  #begin(metadata: TransactionMetadata): TransactionDecision<ProducerIdAndEpoch> {
    const { producerId, producerEpoch } = metadata;
    return this.#step(metadata, { errorCode: ErrorCode.NONE, producerId, producerEpoch });
  }

  // ── AddPartitionsToTxn ──

  addPartitions(
    identity: TransactionIdentity,
    added: TransactionPartitions,
    clientVersion: number,
  ): TransactionDecision<number> {
    const { transactionalId, producerId, producerEpoch } = identity;
    const current = checked(this.#atRest(transactionalId), producerId, producerEpoch);
    if (current.state === 'Ongoing' && holdsAll(current.partitions, added)) {
      return { records: [], response: ErrorCode.NONE };
    }
    const next = withPartitions(current, added, clientVersion, this.#surroundings.clock.wallMs());
    return this.#step<number>(next, ErrorCode.NONE);
  }

  /** Of the asked partitions those that are in the transaction; a pending step is not looked at. */
  verify({ transactionalId, producerId, producerEpoch }: TransactionIdentity): TransactionPartitions {
    const entry = this.#entries.get(transactionalId);
    const current = checked(entry?.committed ?? null, producerId, producerEpoch);
    if (isPrepared(current)) throw new CoordinatorError(ErrorCode.CONCURRENT_TRANSACTIONS);
    return current.partitions;
  }

  // ── the end ──

  /** Whether an end of the transaction at this version needs a fresh producer id. */
  endTakesProducerId(transactionalId: string, transactionVersion: number): boolean {
    const known = this.#entries.get(transactionalId)?.committed ?? null;
    return known !== null && takesProducerId(known, transactionVersion);
  }

  /** Answered when the decision is committed; the markers follow. */
  end(
    transactionalId: string,
    request: EndRequest,
    freshId: number | null,
  ): TransactionDecision<{ readonly producerId: number; readonly producerEpoch: number }> {
    const entry = this.#entries.get(transactionalId);
    const current = entry?.committed ?? null;
    if (current === null) throw new CoordinatorError(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    const isPending = entry?.pending !== null || isPrepared(current);
    const next = decideEnd(current, isPending, request, freshId, this.#surroundings.clock.wallMs());
    const { producerId, producerEpoch } = next ?? current;
    if (next === null) return { records: [], response: { producerId, producerEpoch } };
    return this.#step(next, { producerId, producerEpoch });
  }

  /** Transactions that have been open for longer than their time-out. */
  timedOut(): TransactionMetadata[] {
    const nowMs = this.#surroundings.clock.wallMs();
    return [...this.#all()].filter(
      ({ transactionalId, state, startMs, timeoutMs }) =>
        state === 'Ongoing' && startMs + timeoutMs < nowMs && !this.#isPending(transactionalId),
    );
  }

  /** Aborts exactly the transaction that was seen to be too slow. */
  abortTimedOut(seen: TransactionMetadata, freshId: number | null): TransactionDecision<boolean> {
    const entry = this.#entries.get(seen.transactionalId);
    if (entry?.committed !== seen || entry.pending !== null) return { records: [], response: false };
    const version = this.#surroundings.transactionVersion();
    this.#journal.endedBy(seen.transactionalId, 'timeout');
    return this.#step(decideFence(seen, version, freshId, this.#surroundings.clock.wallMs()), true);
  }

  /** All markers of the decided transaction are written. */
  complete(decided: TransactionMetadata): TransactionDecision<null> {
    const entry = this.#entries.get(decided.transactionalId);
    if (entry !== undefined && entry.pending !== null) throw new CoordinatorError(ErrorCode.CONCURRENT_TRANSACTIONS);
    if (entry?.committed !== decided) return { records: [], response: null };
    return this.#step(completed(decided, this.#surroundings.clock.wallMs()), null);
  }

  // ── expiry of transactional ids ──

  /** Removes ids that nobody has used for long, some at a time; answers whether there are more. */
  expire(): TransactionDecision<boolean> {
    const before = this.#surroundings.clock.wallMs() - this.#surroundings.config.transactionalIdExpirationMs;
    const expired: string[] = [];
    for (const { transactionalId, state, lastUpdateMs } of this.#all()) {
      const isAtRest = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort';
      if (!isAtRest || lastUpdateMs > before || this.#isPending(transactionalId)) continue;
      if (expired.length === expiredMax) return { records: expired.map(transactionTombstone), response: true };
      expired.push(transactionalId);
    }
    return { records: expired.map(transactionTombstone), response: false };
  }

  // ── administration ──

  describe(transactionalId: string): TransactionMetadata {
    const known = this.#entries.get(transactionalId)?.committed ?? null;
    if (known === null) throw new CoordinatorError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
    return known;
  }

  list(): Iterable<TransactionMetadata> {
    return this.#all();
  }
}

function checked(current: TransactionMetadata | null, producerId: number, producerEpoch: number): TransactionMetadata {
  if (current === null || current.producerId !== producerId) {
    throw new CoordinatorError(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  }
  if (current.producerEpoch !== producerEpoch) throw new CoordinatorError(ErrorCode.PRODUCER_FENCED);
  return current;
}

/** The producer may be the current one, or the last before an exhausted epoch gave it a new id. */
function mayBe(
  known: TransactionMetadata,
  expected: { readonly producerId: number; readonly producerEpoch: number },
): boolean {
  return (
    expected.producerId === known.producerId ||
    (expected.producerId === known.previousProducerId && isEpochExhausted(expected.producerEpoch))
  );
}

/** Without a producer id the request is worth another try. */
function required(freshId: number | null): number {
  if (freshId === null) throw new CoordinatorError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  return freshId;
}
