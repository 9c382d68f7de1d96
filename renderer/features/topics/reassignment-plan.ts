// Where the replicas of a topic are to be: changed partition by partition, weighed before anything is sent. Pure.

import type { PartitionView } from '../../../main/api/views.ts';

/** Wanted replicas by partition, the preferred leader first; only partitions that change. */
export type Plan = ReadonlyMap<number, readonly number[]>;

export function replicasOf(partition: PartitionView): readonly number[] {
  return partition.replicas.map((replica) => replica.brokerId);
}

export function wantedOf(plan: Plan, partition: PartitionView): readonly number[] {
  return plan.get(partition.partition) ?? replicasOf(partition);
}

/** A new replica comes last; the last one of a partition stays. */
export function toggleReplica(plan: Plan, partition: PartitionView, brokerId: number): Plan {
  const wanted = wantedOf(plan, partition);
  const next = wanted.includes(brokerId) ? wanted.filter((id) => id !== brokerId) : [...wanted, brokerId];
  return next.length === 0 ? plan : withWanted(plan, partition, next);
}

export function preferLeader(plan: Plan, partition: PartitionView, brokerId: number): Plan {
  const rest = wantedOf(plan, partition).filter((id) => id !== brokerId);
  return withWanted(plan, partition, [brokerId, ...rest]);
}

function withWanted(plan: Plan, partition: PartitionView, wanted: readonly number[]): Plan {
  const next = new Map(plan);
  if (wanted.join() === replicasOf(partition).join()) next.delete(partition.partition);
  else next.set(partition.partition, wanted);
  return next;
}

export type Weight = {
  readonly bytes: number;
  /** Copies to be made, by broker that gets them. */
  readonly byBroker: ReadonlyMap<number, number>;
  /** Some sizes are not reported: the bytes are too few. */
  readonly isPartial: boolean;
};

export function weightOf(plan: Plan, partitions: readonly PartitionView[]): Weight {
  const byBroker = new Map<number, number>();
  let bytes = 0;
  let isPartial = false;
  for (const partition of partitions) {
    const wanted = plan.get(partition.partition);
    if (wanted === undefined) continue;
    const size = partition.replicas.find(({ brokerId }) => brokerId === partition.leader)?.sizeBytes ?? null;
    const now = replicasOf(partition);
    for (const id of wanted) {
      if (now.includes(id)) continue;
      isPartial ||= size === null;
      bytes += size ?? 0;
      byBroker.set(id, (byBroker.get(id) ?? 0) + (size ?? 0));
    }
  }
  return { bytes, byBroker, isPartial };
}

/** How much of what is copied has arrived, 0 to 1; null while nobody knows. */
export function progressOf(
  reassignments: readonly { readonly partition: number; readonly adding: readonly number[] }[],
  partitions: readonly PartitionView[],
): number | null {
  let done = 0;
  let all = 0;
  for (const { partition, adding } of reassignments) {
    const view = partitions.find((one) => one.partition === partition);
    const sizeOn = (id: number): number => view?.replicas.find((replica) => replica.brokerId === id)?.sizeBytes ?? 0;
    const whole = view === undefined ? 0 : sizeOn(view.leader);
    for (const id of adding) {
      all += whole;
      done += Math.min(whole, sizeOn(id));
    }
  }
  return all === 0 ? null : done / all;
}
