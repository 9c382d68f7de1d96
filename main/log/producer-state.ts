// The producers of one partition: last sequences, epochs, open transactions, and with them the last stable offset.
// Pure: snapshots on disk are ProducerSnapshots' business.

import type { RecordBatch } from '../records/record-batch.ts';
import type { AbortedTransaction, ActiveProducer, VerificationGuard } from './log-types.ts';
import {
  emptyProducerEntry,
  lastSequenceOf,
  ProducerAppend,
  retainedBatchesMax,
  type CompletedTransaction,
  type ProducerCheckOptions,
  type ProducerEntry,
  type VerificationState,
} from './producer-entry.ts';

type Transaction = { readonly producerId: number; readonly firstOffset: number; lastOffset: number };

export class ProducerState {
  readonly #producers = new Map<number, ProducerEntry>();
  readonly #verifications = new Map<number, VerificationState>();
  /** Open transactions by first offset, which rises. */
  #ongoing: Transaction[] = [];
  /** Ended ones whose marker is not below the high watermark yet; they still hold the last stable offset. */
  #unreplicated: Transaction[] = [];

  get count(): number {
    return this.#producers.size;
  }

  get isEmpty(): boolean {
    return this.#producers.size === 0 && this.#unreplicated.length === 0;
  }

  entry(producerId: number): ProducerEntry | null {
    return this.#producers.get(producerId) ?? null;
  }

  entries(): ProducerEntry[] {
    return [...this.#producers.values()];
  }

  /** What a cleaning must leave of the producer; null when it is not remembered. */
  lastRecordOf(producerId: number): { readonly lastDataOffset: number; readonly producerEpoch: number } | null {
    const entry = this.#producers.get(producerId);
    if (entry === undefined) return null;
    return { lastDataOffset: entry.batches.at(-1)?.lastOffset ?? -1, producerEpoch: entry.producerEpoch };
  }

  active(): ActiveProducer[] {
    return this.entries().map((entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: lastSequenceOf(entry),
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }));
  }

  /** Null when nothing holds the last stable offset back. */
  get firstUnstableOffset(): number | null {
    const undecided = this.#ongoing[0]?.firstOffset ?? null;
    const unreplicated = this.#unreplicated[0]?.firstOffset ?? null;
    if (undecided === null || unreplicated === null) return undecided ?? unreplicated;
    return Math.min(undecided, unreplicated);
  }

  prepare(producerId: number, options: ProducerCheckOptions): ProducerAppend {
    const current = this.#producers.get(producerId) ?? emptyProducerEntry(producerId);
    return new ProducerAppend(current, this.#verifications.get(producerId) ?? null, options);
  }

  /** Takes over what an accepted append has changed. */
  update(append: ProducerAppend): void {
    const { updated } = append;
    const entry = this.#producers.get(updated.producerId);
    if (entry === undefined) this.#producers.set(updated.producerId, updated);
    else {
      if (entry.producerEpoch !== updated.producerEpoch) entry.batches = [];
      for (const batch of updated.batches) {
        if (entry.batches.length === retainedBatchesMax) entry.batches.shift();
        entry.batches.push(batch);
      }
      entry.producerEpoch = updated.producerEpoch;
      entry.coordinatorEpoch = updated.coordinatorEpoch;
      entry.lastTimestamp = updated.lastTimestamp;
      entry.currentTxnFirstOffset = updated.currentTxnFirstOffset;
    }
    for (const firstOffset of append.startedTransactions) {
      this.#ongoing.push({ producerId: updated.producerId, firstOffset, lastOffset: -1 });
    }
  }

  /** Ends a transaction; what its entry in the transaction index must hold. */
  complete(transaction: CompletedTransaction): AbortedTransaction {
    const next = this.#ongoing.find((open) => open.producerId !== transaction.producerId);
    const index = this.#ongoing.findIndex((open) => open.firstOffset === transaction.firstOffset);
    const [ended] = index < 0 ? [] : this.#ongoing.splice(index, 1);
    if (ended !== undefined) {
      ended.lastOffset = transaction.lastOffset;
      this.#unreplicated.push(ended);
      this.#unreplicated.sort((a, b) => a.firstOffset - b.firstOffset);
    }
    return {
      producerId: transaction.producerId,
      firstOffset: transaction.firstOffset,
      lastOffset: transaction.lastOffset,
      lastStableOffset: next?.firstOffset ?? transaction.lastOffset + 1,
    };
  }

  /** Replays a stored batch: recovery, and loading from the log. Returns the transaction it aborts. */
  replay(batch: RecordBatch, partitionName: string): AbortedTransaction | null {
    if (!batch.hasProducerId) return null;
    const append = this.prepare(batch.producerId, { origin: 'replication', partitionName, transactionVersion: -1 });
    const completed = append.append(batch);
    this.update(append);
    if (completed === null) return null;
    const aborted = this.complete(completed);
    return completed.isAborted ? aborted : null;
  }

  onHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.length === 0) return;
    this.#unreplicated = this.#unreplicated.filter((transaction) => transaction.lastOffset >= highWatermark);
  }

  hasOngoingTransaction(producerId: number, producerEpoch: number): boolean {
    const entry = this.#producers.get(producerId);
    return entry !== undefined && entry.currentTxnFirstOffset >= 0 && entry.producerEpoch === producerEpoch;
  }

  startVerification(
    producerId: number,
    sequence: number,
    producerEpoch: number,
    supportsEpochBump: boolean,
    nowMs: number,
  ): VerificationGuard {
    const known = this.#verifications.get(producerId);
    if (known === undefined) {
      const guard = { producerId };
      this.#verifications.set(producerId, {
        guard,
        timestampMs: nowMs,
        supportsEpochBump,
        lowestSequence: sequence,
        producerEpoch,
      });
      return guard;
    }
    if (producerEpoch === known.producerEpoch) known.lowestSequence = Math.min(known.lowestSequence, sequence);
    else if (producerEpoch > known.producerEpoch) {
      known.producerEpoch = producerEpoch;
      known.lowestSequence = sequence;
    }
    return known.guard;
  }

  isVerified(producerId: number, guard: VerificationGuard | null): boolean {
    return guard !== null && this.#verifications.get(producerId)?.guard === guard;
  }

  /** The transaction has begun in the log, or ended: from here on the log itself knows. */
  clearVerification(producerId: number): void {
    this.#verifications.delete(producerId);
  }

  removeExpired(nowMs: number, expirationMs: number): void {
    for (const [producerId, entry] of this.#producers) {
      if (isExpired(entry, nowMs, expirationMs)) this.#producers.delete(producerId);
    }
    for (const [producerId, state] of this.#verifications) {
      if (nowMs - state.timestampMs >= expirationMs) this.#verifications.delete(producerId);
    }
  }

  load(entries: readonly ProducerEntry[], nowMs: number, expirationMs: number): void {
    for (const entry of entries) {
      if (isExpired(entry, nowMs, expirationMs)) continue;
      this.#producers.set(entry.producerId, entry);
      if (entry.currentTxnFirstOffset < 0) continue;
      this.#ongoing.push({ producerId: entry.producerId, firstOffset: entry.currentTxnFirstOffset, lastOffset: -1 });
    }
    this.#ongoing.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  clear(): void {
    this.#producers.clear();
    this.#ongoing = [];
    this.#unreplicated = [];
  }
}

function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  return entry.currentTxnFirstOffset < 0 && nowMs - entry.lastTimestamp >= expirationMs;
}
