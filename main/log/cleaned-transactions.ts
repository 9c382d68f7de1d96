// Follows the transactions through a log while it is cleaned: which batches were aborted, and when the marker of a
// transaction has nothing left to mark. Pure.

import { readEndTransactionMarker } from '../records/control-records.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import type { AbortedTransaction } from './log-types.ts';

type Aborted = { readonly transaction: AbortedTransaction; hasBatches: boolean };

export class CleanedTransactions {
  /** Not begun yet, by first offset. */
  #upcoming: AbortedTransaction[] = [];
  readonly #aborted = new Map<number, Aborted>();
  readonly #committed = new Set<number>();
  readonly #onKeptMarker: (transaction: AbortedTransaction) => void;

  /** `onKeptMarker`: of an aborted transaction that still has batches; its index entry must be kept. */
  constructor(onKeptMarker: (transaction: AbortedTransaction) => void = () => undefined) {
    this.#onKeptMarker = onKeptMarker;
  }

  add(transactions: readonly AbortedTransaction[]): void {
    this.#upcoming = [...this.#upcoming, ...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether the batch's records may go: aborted data, or a marker of a transaction that has no data left. */
  canDiscard(batch: RecordBatch): boolean {
    this.#beginUpTo(batch.lastOffset);
    if (batch.isControl) return this.#canDiscardMarker(batch);
    if (!batch.isTransactional) return false;
    const aborted = this.#aborted.get(batch.producerId);
    if (aborted === undefined) {
      this.#committed.add(batch.producerId);
      return false;
    }
    aborted.hasBatches = true;
    return true;
  }

  #canDiscardMarker(batch: RecordBatch): boolean {
    if (batch.recordCount === 0) return true;
    const marker = readEndTransactionMarker(batch);
    if (marker === null) return false;
    if (marker.type === 'COMMIT') return !this.#committed.delete(batch.producerId);
    const aborted = this.#aborted.get(batch.producerId);
    this.#aborted.delete(batch.producerId);
    if (aborted === undefined || !aborted.hasBatches) return true;
    this.#onKeptMarker(aborted.transaction);
    return false;
  }

  #beginUpTo(offset: number): void {
    for (;;) {
      const next = this.#upcoming[0];
      if (next === undefined || next.firstOffset > offset) return;
      this.#upcoming.shift();
      if (!this.#aborted.has(next.producerId)) {
        this.#aborted.set(next.producerId, { transaction: next, hasBatches: false });
      }
    }
  }
}
