// EndTxn and the aborts that the coordinator decides on its own: which errors, which next state. Pure.
// Version 1 and below: the epoch stays. Version 2 (KIP-890): every end bumps it, so a repeated request is told by its
// epoch, one below the stored one:
//
//                    abort, repeated   abort      commit, repeated   commit
//   Empty            fenced            bumps      fenced             invalid state
//   CompleteAbort    answered again    bumps      invalid state      invalid state
//   CompleteCommit   invalid state     bumps      answered again     invalid state

import { AssertionFailure, unreachable } from '../../core/assert.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import {
  fencedBelowEpochBump,
  isEpochExhausted,
  noProducerId,
  prepared,
  producerEpochMax,
  supportsEpochBump,
  type TransactionMetadata,
} from './transaction-metadata.ts';

export type EndRequest = {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly type: 'COMMIT' | 'ABORT';
  /** By the version of the request. */
  readonly transactionVersion: number;
};

/** Producer ids that the decision may take; null when none could be had. */
type NextProducerId = number | null;

/**
 * The state to go to; null when the transaction has ended like this already. Throws CoordinatorError. `isPending`: a
 * step is on its way, the last of which is the completion of what is decided.
 */
export function decideEnd(
  current: TransactionMetadata,
  isPending: boolean,
  request: EndRequest,
  nextProducerId: NextProducerId,
  nowMs: number,
): TransactionMetadata | null {
  return supportsEpochBump(request.transactionVersion)
    ? decideWithEpochBump(current, isPending, request, nextProducerId, nowMs)
    : decideWithoutEpochBump(current, isPending, request, nowMs);
}

/** The abort of an ongoing transaction whose producer is replaced or too slow. */
export function decideFence(
  current: TransactionMetadata,
  transactionVersion: number,
  nextProducerId: NextProducerId,
  nowMs: number,
): TransactionMetadata {
  if (!supportsEpochBump(transactionVersion)) return prepare(fencedBelowEpochBump(current), 'ABORT', 0, null, nowMs);
  return prepare(current, 'ABORT', transactionVersion, nextProducerId, nowMs);
}

/** Whether ending this transaction with an epoch bump takes a new producer id. */
export function takesProducerId(current: TransactionMetadata, transactionVersion: number): boolean {
  return supportsEpochBump(transactionVersion) && isEpochExhausted(current.producerEpoch);
}

function decideWithoutEpochBump(
  current: TransactionMetadata,
  isPending: boolean,
  { producerId, producerEpoch, type }: EndRequest,
  nowMs: number,
): TransactionMetadata | null {
  if (current.producerId !== producerId) throw new CoordinatorError(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (current.producerEpoch !== producerEpoch) throw new CoordinatorError(ErrorCode.PRODUCER_FENCED);
  if (isPending) throw new CoordinatorError(ErrorCode.CONCURRENT_TRANSACTIONS);
  const { state } = current;
  switch (state) {
    case 'Ongoing':
      return prepare(current, type, 0, null, nowMs);
    case 'PrepareCommit':
    case 'PrepareAbort':
      return stillPending(current);
    case 'CompleteCommit':
    case 'CompleteAbort':
      if (typeOf(state) === type) return null;
      throw new CoordinatorError(ErrorCode.INVALID_TXN_STATE);
    case 'Empty':
      throw new CoordinatorError(ErrorCode.INVALID_TXN_STATE);
    default:
      return unreachable(state);
  }
}

function decideWithEpochBump(
  current: TransactionMetadata,
  isPending: boolean,
  request: EndRequest,
  nextProducerId: NextProducerId,
  nowMs: number,
): TransactionMetadata | null {
  const { producerId, producerEpoch, type, transactionVersion } = request;
  // Before all else: the epoch of a client that is ahead of its own last transaction tells nothing yet.
  if (isPending) throw new CoordinatorError(ErrorCode.CONCURRENT_TRANSACTIONS);
  const isAfterOverflow =
    current.previousProducerId === producerId && producerEpoch === producerEpochMax - 1 && current.producerEpoch === 0;
  const isRepeated = current.producerEpoch === producerEpoch + 1 || isAfterOverflow;
  const isCurrent = current.producerEpoch === producerEpoch;
  if (current.producerId !== producerId && !isAfterOverflow) {
    throw new CoordinatorError(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  }
  const { state } = current;
  const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort';
  const isValid = isCurrent || (isComplete && isRepeated);
  if (!isValid) throw new CoordinatorError(ErrorCode.PRODUCER_FENCED);
  switch (state) {
    case 'Ongoing':
      return prepare(current, type, transactionVersion, nextProducerId, nowMs);
    case 'PrepareCommit':
    case 'PrepareAbort':
      return stillPending(current);
    case 'CompleteCommit':
    case 'CompleteAbort':
      if (isRepeated && typeOf(state) === type) return null;
      if (!isRepeated && type === 'ABORT') return prepare(current, type, transactionVersion, nextProducerId, nowMs);
      throw new CoordinatorError(ErrorCode.INVALID_TXN_STATE);
    case 'Empty':
      if (type === 'ABORT') return prepare(current, type, transactionVersion, nextProducerId, nowMs);
      throw new CoordinatorError(ErrorCode.INVALID_TXN_STATE);
    default:
      return unreachable(state);
  }
}

function prepare(
  current: TransactionMetadata,
  type: 'COMMIT' | 'ABORT',
  transactionVersion: number,
  nextProducerId: NextProducerId,
  nowMs: number,
): TransactionMetadata {
  if (!takesProducerId(current, transactionVersion)) {
    return prepared(current, { type, transactionVersion, nextProducerId: noProducerId, nowMs });
  }
  // Retriable: the next attempt finds a block of ids, or a controller.
  if (nextProducerId === null) throw new CoordinatorError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  return prepared(current, { type, transactionVersion, nextProducerId, nowMs });
}

function stillPending({ transactionalId, state }: TransactionMetadata): never {
  throw new AssertionFailure(`${transactionalId} is in ${state} and nothing is pending`);
}

function typeOf(state: TransactionMetadata['state']): 'COMMIT' | 'ABORT' {
  return state === 'PrepareCommit' || state === 'CompleteCommit' ? 'COMMIT' : 'ABORT';
}
