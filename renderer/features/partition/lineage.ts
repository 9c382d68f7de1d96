// Leader epochs of several replicas side by side: which parts of their logs came from which leader, and where they
// disagree. Pure.

import type { ReplicaLog } from '../../../main/api/endpoints/segments.ts';

export type EpochSpan = { readonly epoch: number; readonly from: number; readonly to: number };
export type EpochRow = {
  readonly epoch: number;
  /** Start offset by broker; null where that replica has no record of the epoch. */
  readonly starts: ReadonlyMap<number, number | null>;
  /** Two replicas say different start offsets: one of the logs holds what the other has not. */
  readonly disagrees: boolean;
};

/** The parts of one replica's log, oldest first; without epochs it is one part of epoch −1. */
export function spansOf(replica: ReplicaLog, logStartOffset: number, logEndOffset: number): readonly EpochSpan[] {
  if (replica.epochs.length === 0)
    return logEndOffset > logStartOffset ? [{ epoch: -1, from: logStartOffset, to: logEndOffset }] : [];
  return replica.epochs.flatMap(({ epoch, startOffset }, index) => {
    const from = Math.max(logStartOffset, startOffset);
    const to = Math.min(logEndOffset, replica.epochs[index + 1]?.startOffset ?? logEndOffset);
    return to > from ? [{ epoch, from, to }] : [];
  });
}

export function epochRows(replicas: readonly ReplicaLog[]): readonly EpochRow[] {
  const epochs = [...new Set(replicas.flatMap((replica) => replica.epochs.map(({ epoch }) => epoch)))].sort(
    (a, b) => b - a,
  );
  return epochs.map((epoch) => {
    const starts = new Map(
      replicas.map((replica) => [
        replica.brokerId,
        replica.epochs.find((one) => one.epoch === epoch)?.startOffset ?? null,
      ]),
    );
    const known = new Set([...starts.values()].filter((start) => start !== null));
    return { epoch, starts, disagrees: known.size > 1 };
  });
}
