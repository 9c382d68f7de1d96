// What a partition remembers of one producer, and the check of its next batches against that. Pure. The check
// works on a copy, so that a refused append leaves nothing behind.

import { ErrorCode } from '../protocol/errors.ts';
import { LogError } from './log-error.ts';
import type { AppendOrigin } from './log-types.ts';
import { readEndTransactionMarker } from '../records/control-records.ts';
import type { RecordBatch } from '../records/record-batch.ts';

/** Duplicates of this many last batches are recognised. */
export const retainedBatchesMax = 5;
const sequenceMax = 0x7fff_ffff;
const producerEpochMax = 0x7fff;
/** Of batches that are no markers. */
const noTransactionVersion = -1;

export type BatchMetadata = {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
};

export type ProducerEntry = {
  readonly producerId: number;
  producerEpoch: number;
  coordinatorEpoch: number;
  lastTimestamp: number;
  /** −1: no open transaction. */
  currentTxnFirstOffset: number;
  /** Oldest first, all of the current epoch. */
  batches: BatchMetadata[];
};

export function emptyProducerEntry(producerId: number): ProducerEntry {
  return {
    producerId,
    producerEpoch: -1,
    coordinatorEpoch: -1,
    lastTimestamp: -1,
    currentTxnFirstOffset: -1,
    batches: [],
  };
}

export function lastSequenceOf(entry: ProducerEntry): number {
  return entry.batches.at(-1)?.lastSequence ?? -1;
}

/** The remembered batch that `batch` repeats. */
export function findDuplicate(entry: ProducerEntry, batch: RecordBatch): BatchMetadata | null {
  if (batch.producerEpoch !== entry.producerEpoch) return null;
  const first = batch.baseSequence;
  const last = batch.lastSequence;
  return entry.batches.find((known) => known.firstSequence === first && known.lastSequence === last) ?? null;
}

/** What a producer may not do while its transaction waits for the coordinator's word. */
export type VerificationState = {
  readonly guard: { readonly producerId: number };
  readonly timestampMs: number;
  readonly supportsEpochBump: boolean;
  lowestSequence: number;
  producerEpoch: number;
};

export type CompletedTransaction = {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly isAborted: boolean;
};

/** Replayed records are history: they are taken as they are. */
export type ProducerOrigin = AppendOrigin | 'replication';

export type ProducerCheckOptions = {
  readonly origin: ProducerOrigin;
  /** For messages. */
  readonly partitionName: string;
  readonly transactionVersion: number;
};

/** One producer's part of one append. */
export class ProducerAppend {
  readonly updated: ProducerEntry;
  readonly startedTransactions: number[] = [];
  readonly #current: ProducerEntry;
  readonly #verification: VerificationState | null;
  readonly #options: ProducerCheckOptions;

  constructor(current: ProducerEntry, verification: VerificationState | null, options: ProducerCheckOptions) {
    this.#current = current;
    this.updated = { ...current, batches: [] };
    this.#verification = verification;
    this.#options = options;
  }

  /** Throws LogError where the batch may not follow. */
  append(batch: RecordBatch): CompletedTransaction | null {
    if (batch.isControl) {
      const marker = readEndTransactionMarker(batch);
      // An empty control batch is what compaction leaves of a transaction: nothing to note.
      return marker === null ? null : this.#appendMarker(batch, marker.type === 'ABORT', marker.coordinatorEpoch);
    }
    this.#appendData(batch);
    return null;
  }

  #appendData(batch: RecordBatch): void {
    const { updated } = this;
    const firstOffset = batch.baseOffset;
    this.#checkProducerEpoch(batch.producerEpoch, firstOffset, noTransactionVersion);
    if (this.#options.origin === 'client') this.#checkSequence(batch.producerEpoch, batch.baseSequence, firstOffset);
    this.#setEpoch(batch.producerEpoch);
    if (updated.batches.length === retainedBatchesMax) updated.batches.shift();
    updated.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: batch.lastSequence,
      firstOffset,
      lastOffset: batch.lastOffset,
      timestamp: batch.maxTimestamp,
    });
    updated.lastTimestamp = batch.maxTimestamp;
    if (updated.currentTxnFirstOffset >= 0 && !batch.isTransactional) {
      throw new LogError(
        ErrorCode.INVALID_TXN_STATE,
        `Expected transactional write from producer ${updated.producerId} at offset ` +
          `(offset=${firstOffset}, segment=[-1:-1]) in partition ${this.#options.partitionName}`,
      );
    }
    if (updated.currentTxnFirstOffset < 0 && batch.isTransactional) {
      updated.currentTxnFirstOffset = firstOffset;
      this.startedTransactions.push(firstOffset);
    }
  }

  #appendMarker(batch: RecordBatch, isAborted: boolean, coordinatorEpoch: number): CompletedTransaction | null {
    const { updated } = this;
    const offset = batch.baseOffset;
    this.#checkProducerEpoch(batch.producerEpoch, offset, this.#options.transactionVersion);
    this.#checkCoordinatorEpoch(coordinatorEpoch, offset);
    const firstOffset = updated.currentTxnFirstOffset;
    this.#setEpoch(batch.producerEpoch);
    updated.coordinatorEpoch = coordinatorEpoch;
    updated.currentTxnFirstOffset = -1;
    updated.lastTimestamp = batch.maxTimestamp;
    // A marker without data changes neither the last stable offset nor the transaction index.
    return firstOffset < 0 ? null : { producerId: updated.producerId, firstOffset, lastOffset: offset, isAborted };
  }

  #setEpoch(producerEpoch: number): void {
    if (this.updated.producerEpoch === producerEpoch) return;
    this.updated.producerEpoch = producerEpoch;
    this.updated.batches = [];
  }

  #checkProducerEpoch(producerEpoch: number, offset: number, transactionVersion: number): void {
    const { producerId, producerEpoch: known, currentTxnFirstOffset } = this.updated;
    const isStrict = transactionVersion >= 2;
    if (isStrict ? producerEpoch > known : producerEpoch >= known) return;
    // A marker that is sent again: its epoch stands already and no transaction is open (or epochs have run out).
    const isRepeated = producerEpoch === known && (currentTxnFirstOffset < 0 || producerEpoch === producerEpochMax);
    if ((isStrict && isRepeated) || this.#options.origin === 'replication') return;
    throw new LogError(
      ErrorCode.INVALID_PRODUCER_EPOCH,
      `Epoch of producer ${producerId} at offset ${offset} in ${this.#options.partitionName} is ${producerEpoch}, ` +
        `which is ${isStrict ? '<=' : '<'} the last seen epoch ${known} (TV${transactionVersion})`,
    );
  }

  #checkCoordinatorEpoch(coordinatorEpoch: number, offset: number): void {
    const { producerId, coordinatorEpoch: known } = this.updated;
    if (known <= coordinatorEpoch || this.#options.origin === 'replication') return;
    throw new LogError(
      ErrorCode.TRANSACTION_COORDINATOR_FENCED,
      `Invalid coordinator epoch for producerId ${producerId} at offset ${offset} in partition ` +
        `${this.#options.partitionName}: ${coordinatorEpoch} (zombie), ${known} (current)`,
    );
  }

  #checkSequence(producerEpoch: number, sequence: number, offset: number): void {
    const { producerId, producerEpoch: known } = this.updated;
    const verification = this.#verification;
    const place = `producer ${producerId} at offset ${offset} in partition ${this.#options.partitionName}`;
    const outOfOrder = (message: string): LogError => new LogError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message);
    if (verification?.supportsEpochBump === true && sequence !== 0 && this.#current.batches.length === 0) {
      throw outOfOrder(
        `Invalid sequence number for ${place}: ${sequence} (incoming seq. number). ` +
          'Expected sequence 0 for transactions v2 idempotent producer with no existing state.',
      );
    }
    if (verification !== null && sequence > verification.lowestSequence) {
      throw outOfOrder(
        `Out of order sequence number for ${place}: ${sequence} (incoming seq. number), ` +
          `${verification.lowestSequence} (earliest seen sequence)`,
      );
    }
    if (producerEpoch !== known) {
      // A producer that nobody remembers may begin anywhere: its history may have been deleted.
      if (sequence === 0 || known === -1) return;
      // Word for word Kafka's, the missing blank included: client libraries and runbooks search for it.
      throw outOfOrder(
        `Invalid sequence number for new epoch of ${place.replace(' at', 'at')}: ${producerEpoch} (request epoch), ` +
          `${sequence} (seq. number), ${known} (current producer epoch)`,
      );
    }
    const last = this.#lastSequence(producerEpoch);
    if (this.#current.producerEpoch === -1 || isNext(last, sequence)) return;
    throw outOfOrder(
      `Out of order sequence number for ${place}: ${sequence} (incoming seq. number), ${last} (current end sequence number)`,
    );
  }

  #lastSequence(producerEpoch: number): number {
    if (this.updated.batches.length > 0) return lastSequenceOf(this.updated);
    return producerEpoch === this.#current.producerEpoch ? lastSequenceOf(this.#current) : -1;
  }
}

function isNext(last: number, sequence: number): boolean {
  return sequence === last + 1 || (sequence === 0 && last === sequenceMax);
}
