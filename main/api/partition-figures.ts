// The numbers of a partition that move all the time, packed: ten thousand partitions under load must not cost a whole
// view each. Engine and renderer share this, so that both sides agree on the order. Pure.

import type { PartitionFigures, PartitionView } from './views.ts';

const ownFigures = 4;
const replicaFigures = 3;

export function figuresOf(view: PartitionView): PartitionFigures {
  return [
    view.logStartOffset,
    view.highWatermark,
    view.logEndOffset,
    Math.round(view.messagesInPerSecond * 10) / 10,
    ...view.replicas.flatMap((replica) => [replica.logEndOffset, replica.highWatermark, replica.sizeBytes]),
  ];
}

/** The view with other numbers; who leads and who is in sync stays. */
export function withFigures(view: PartitionView, figures: PartitionFigures): PartitionView {
  const at = (index: number): number | null => figures[index] ?? null;
  return {
    ...view,
    logStartOffset: at(0),
    highWatermark: at(1),
    logEndOffset: at(2),
    messagesInPerSecond: at(3) ?? 0,
    replicas: view.replicas.map((replica, index) => {
      const from = ownFigures + index * replicaFigures;
      return { ...replica, logEndOffset: at(from), highWatermark: at(from + 1), sizeBytes: at(from + 2) };
    }),
  };
}
