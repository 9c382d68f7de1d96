// ListTransactions, versions 0 to 2. KIP-664, 994 (duration), 1152 (pattern).

import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../protocol/messages/list-transactions.ts';
import type { Writable } from '../../protocol/schema.ts';

export function createListTransactionsHandler({
  transactions,
}: {
  readonly transactions: TransactionCoordinator;
}): Handler<ListTransactionsRequest, Writable<ListTransactionsResponse>> {
  return (_context, request) => transactions.list(request);
}
