// Holds an append against what the log knows of its producers, before anything is written: duplicates, sequences,
// epochs, transactions. Changes nothing; the log applies the changes once the batches are written.

import { ErrorCode } from '../protocol/errors.ts';
import { forEachBatch, type RecordBatch } from '../records/record-batch.ts';
import { LogError } from './log-error.ts';
import type { VerificationGuard } from './log-types.ts';
import {
  findDuplicate,
  type BatchMetadata,
  type CompletedTransaction,
  type ProducerAppend,
  type ProducerOrigin,
} from './producer-entry.ts';
import type { ProducerState } from './producer-state.ts';

export type ProducerChanges = {
  readonly appends: readonly ProducerAppend[];
  readonly completed: readonly CompletedTransaction[];
  /** Producers whose transaction has begun or ended with this append: their verification is used up. */
  readonly verified: readonly number[];
  /** The batch that the first one repeats: then nothing is to be written. */
  readonly duplicate: BatchMetadata | null;
};

export type ProducerGateOptions = {
  readonly origin: ProducerOrigin;
  readonly partitionName: string;
  readonly transactionVersion: number;
  readonly isVerificationRequired: boolean;
  readonly guard: VerificationGuard | null;
};

const noChanges: ProducerChanges = { appends: [], completed: [], verified: [], duplicate: null };

/** Throws LogError where the batches may not follow. */
export function checkProducers(state: ProducerState, records: Buffer, options: ProducerGateOptions): ProducerChanges {
  let appends: Map<number, ProducerAppend> | null = null;
  const completed: CompletedTransaction[] = [];
  const verified: number[] = [];
  let duplicate: BatchMetadata | null = null;
  forEachBatch(records, (batch) => {
    if (!batch.hasProducerId) return true;
    const { producerId } = batch;
    if (options.origin === 'client') {
      const known = state.entry(producerId);
      duplicate = known === null ? null : findDuplicate(known, batch);
      if (duplicate !== null) return false;
    }
    if (options.origin === 'client' || options.origin === 'coordinator') checkVerified(state, batch, options);
    appends ??= new Map();
    let append = appends.get(producerId);
    if (append === undefined) {
      append = state.prepare(producerId, options);
      appends.set(producerId, append);
    }
    const ended = append.append(batch);
    if (ended !== null) completed.push(ended);
    if (batch.isTransactional) verified.push(producerId);
    return true;
  });
  if (duplicate !== null) return { ...noChanges, duplicate };
  return appends === null ? noChanges : { appends: valuesOf(appends), completed, verified, duplicate };
}

/** Throws for a producer that a newer one with the same id has taken the place of. */
export function checkNotFenced(state: ProducerState, producerId: number, producerEpoch: number): void {
  const known = state.entry(producerId);
  if (known === null || producerEpoch >= known.producerEpoch) return;
  throw new LogError(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${known.producerEpoch}`,
  );
}

/** A transaction's first batch may only be written once its coordinator has confirmed that it is open. */
function checkVerified(state: ProducerState, batch: RecordBatch, options: ProducerGateOptions): void {
  const { producerId, producerEpoch } = batch;
  if (!batch.isTransactional || state.hasOngoingTransaction(producerId, producerEpoch)) return;
  checkNotFenced(state, producerId, producerEpoch);
  if (!options.isVerificationRequired || batch.isControl || state.isVerified(producerId, options.guard)) return;
  throw new LogError(ErrorCode.INVALID_TXN_STATE, 'Record was not part of an ongoing transaction');
}

function valuesOf(appends: ReadonlyMap<number, ProducerAppend>): ProducerAppend[] {
  return [...appends.values()];
}
