// EndTxn, versions 0 to 5. KIP-98, 588 (PRODUCER_FENCED from 2), 890 (from 5 the end bumps the epoch and says it).

import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { EndTxnRequest, EndTxnResponse } from '../../protocol/messages/end-txn.ts';
import type { Writable } from '../../protocol/schema.ts';

/** A client that speaks this version speaks transaction version 2. */
const epochBumpFrom = 5;
const fencedFrom = 2;

export function createEndTxnHandler({
  transactions,
}: {
  readonly transactions: TransactionCoordinator;
}): Handler<EndTxnRequest, Writable<EndTxnResponse>> {
  return async ({ apiVersion }, request) => {
    const transactionVersion = apiVersion >= epochBumpFrom ? 2 : 0;
    const answer = await transactions.endTransaction(request, transactionVersion);
    return { ...answer, errorCode: fencedCode(answer.errorCode ?? ErrorCode.NONE, apiVersion, fencedFrom) };
  };
}

/** Clients of older versions know a fenced producer by another error. */
export function fencedCode(errorCode: number, apiVersion: number, knownFrom: number): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < knownFrom
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode;
}
