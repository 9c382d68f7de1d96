// Which batches of a fetch belong to which end of a transaction, as a consumer works it out: a transaction is aborted
// from its first offset to its marker, and open from the last stable offset on. Pure.

import type { MessageView } from '../../api/endpoints/messages.ts';
import type { FetchResponse } from '../../protocol/messages/fetch.ts';
import type { RecordBatch } from '../../records/record-batch.ts';

type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

export type Transactions = {
  /** To be asked batch by batch, in their order. */
  stateOf(batch: RecordBatch, offset: number): MessageView['transaction'];
};

/** From an answer to a read_committed fetch; without one nobody knows how any of them ended. */
export function transactionsIn(
  answer: Pick<FetchedPartition, 'abortedTransactions' | 'lastStableOffset'> | undefined,
): Transactions {
  const pending = [...(answer?.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  const lastStableOffset = answer?.lastStableOffset ?? 0;
  const aborting = new Set<number>();
  return {
    stateOf(batch, offset) {
      while ((pending[0]?.firstOffset ?? Infinity) <= batch.lastOffset) aborting.add(pending.shift()?.producerId ?? -1);
      if (!batch.isTransactional) return 'none';
      const isAborted = aborting.has(batch.producerId);
      if (batch.isControl) {
        aborting.delete(batch.producerId);
        return isAborted ? 'aborted' : 'committed';
      }
      if (isAborted) return 'aborted';
      return lastStableOffset >= 0 && offset >= lastStableOffset ? 'open' : 'committed';
    },
  };
}
