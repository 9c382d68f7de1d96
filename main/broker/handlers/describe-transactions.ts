// DescribeTransactions, version 0 (KIP-664).

import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '../../protocol/messages/describe-transactions.ts';
import type { Writable } from '../../protocol/schema.ts';

export function createDescribeTransactionsHandler({
  transactions,
}: {
  readonly transactions: TransactionCoordinator;
}): Handler<DescribeTransactionsRequest, Writable<DescribeTransactionsResponse>> {
  return async (_context, { transactionalIds }) => {
    const transactionStates = transactionalIds.map((transactionalId) => transactions.describe(transactionalId));
    return { transactionStates: await Promise.all(transactionStates) };
  };
}
