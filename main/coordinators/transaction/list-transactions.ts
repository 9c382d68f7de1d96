// ListTransactions' filters: states, producer ids, duration, and a pattern (KIP-664, 994, 1152).

import { ErrorCode } from '../../protocol/errors.ts';
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../protocol/messages/list-transactions.ts';
import type { Writable } from '../../protocol/schema.ts';
import { compileTopicRegex, InvalidRegex } from '../../core/topic-regex.ts';
import { transactionStates, type TransactionMetadata } from './transaction-metadata.ts';

export function listTransactions(
  request: ListTransactionsRequest,
  all: Iterable<TransactionMetadata>,
  nowMs: number,
): Writable<ListTransactionsResponse> {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request;
  const states: ReadonlySet<string> = new Set(stateFilters);
  const producerIds: ReadonlySet<number> = new Set(producerIdFilters);
  const known: readonly string[] = transactionStates;
  const pattern =
    transactionalIdPattern === null || transactionalIdPattern === '' ? null : compiled(transactionalIdPattern);
  if (pattern === 'broken') return { errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION };
  const isWanted = ({ transactionalId, producerId, state, startMs }: TransactionMetadata): boolean =>
    (producerIds.size === 0 || producerIds.has(producerId)) &&
    (states.size === 0 || states.has(state)) &&
    (durationFilter < 0 || nowMs - startMs > durationFilter) &&
    (pattern === null || pattern.matches(transactionalId));
  return {
    errorCode: ErrorCode.NONE,
    unknownStateFilters: stateFilters.filter((state) => !known.includes(state)),
    transactionStates: [...all].filter(isWanted).map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    })),
  };
}

/** RE2's language, in linear time: a pattern from a client must not stall the broker. */
function compiled(pattern: string): { matches(id: string): boolean } | 'broken' {
  try {
    return compileTopicRegex(pattern);
  } catch (error) {
    if (error instanceof InvalidRegex) return 'broken';
    throw error;
  }
}
