// Which offsets the batches of a read cover, which of them belong to aborted transactions, and which of them a member
// needs for the records it was given. Reads headers only.

import { readEndTransactionMarker } from '../records/control-records.ts';
import { batchesIn, type RecordBatch } from '../records/record-batch.ts';

export type BatchBounds = { readonly firstOffset: number; readonly lastOffset: number };

type AbortedTransaction = { readonly producerId: number; readonly firstOffset: number };

export function boundsOf(records: readonly Buffer[]): BatchBounds[] {
  const bounds: BatchBounds[] = [];
  for (const batch of eachBatch(records)) {
    bounds.push({ firstOffset: batch.baseOffset, lastOffset: batch.lastOffset });
  }
  return bounds;
}

/** The batches, in the order of the log, whose transaction was aborted. */
export function abortedBatches(records: readonly Buffer[], aborted: readonly AbortedTransaction[]): BatchBounds[] {
  if (aborted.length === 0) return [];
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<number>();
  const found: BatchBounds[] = [];
  for (const batch of eachBatch(records)) {
    const { producerId } = batch;
    if (producerId < 0) continue;
    for (let next = waiting[0]; next !== undefined && next.firstOffset <= batch.lastOffset; next = waiting[0]) {
      open.add(next.producerId);
      waiting.shift();
    }
    if (batch.isControl) {
      if (readEndTransactionMarker(batch)?.type === 'ABORT') open.delete(producerId);
    } else if (batch.isTransactional && open.has(producerId)) {
      found.push({ firstOffset: batch.baseOffset, lastOffset: batch.lastOffset });
    }
  }
  return found;
}

/** The batches that hold offsets from `first` to `last`. */
export function batchesBetween(records: readonly Buffer[], first: number, last: number): Buffer[] {
  const needed: Buffer[] = [];
  for (const batch of eachBatch(records)) {
    if (batch.lastOffset >= first && batch.baseOffset <= last) needed.push(batch.bytes);
  }
  return needed;
}

function* eachBatch(records: readonly Buffer[]): Generator<RecordBatch, void, undefined> {
  for (const buffer of records) yield* batchesIn(buffer);
}
