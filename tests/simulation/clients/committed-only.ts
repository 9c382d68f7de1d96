// What a consumer that reads committed records keeps of an answer: everything but the batches of transactions that the
// broker names as aborted, each from its first offset to its marker.

import { readEndTransactionMarker } from '../../../main/records/control-records.ts';
import type { RecordBatch } from '../../../main/records/record-batch.ts';

type Aborted = { readonly producerId: number; readonly firstOffset: number };

export function committedOnly(batches: readonly RecordBatch[], aborted: readonly Aborted[]): RecordBatch[] {
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  return batches.filter((batch) => {
    while ((waiting[0]?.firstOffset ?? Infinity) <= batch.lastOffset) aborting.add(waiting.shift()?.producerId ?? -1);
    if (!batch.isTransactional || !aborting.has(batch.producerId)) return true;
    if (batch.isControl && readEndTransactionMarker(batch)?.type === 'ABORT') aborting.delete(batch.producerId);
    return batch.isControl;
  });
}
