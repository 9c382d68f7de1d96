// Topics as rows of a list: sums over their partitions, worked out again only where partitions changed. Pure.

import type { PartitionView, TopicView } from '../../main/api/views.ts';
import { isOffline, isUnderReplicated, preferredLeader, replicaOn } from './matrix-rows.ts';

export type TopicRow = {
  readonly topic: string;
  readonly internal: boolean;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Offsets between log start and log end: exact without compaction and transactions. */
  readonly records: number | null;
  /** The leaders' logs alone, and all replicas together. */
  readonly leaderBytes: number | null;
  readonly bytes: number | null;
  readonly messagesInPerSecond: number;
  readonly underReplicated: number;
  readonly offline: number;
  /** Partitions that another replica than the first leads. */
  readonly misplaced: number;
};

export class TopicRows {
  /** By the list of partitions, which keeps its identity while nothing in it changes. */
  readonly #known = new WeakMap<readonly PartitionView[], TopicRow>();

  of(topics: readonly TopicView[], partitions: ReadonlyMap<string, readonly PartitionView[]>): readonly TopicRow[] {
    return topics.map((topic) => {
      const list = partitions.get(topic.topic) ?? [];
      const known = this.#known.get(list);
      if (known) return known;
      const row = topicRow(topic, list);
      this.#known.set(list, row);
      return row;
    });
  }
}

export function topicRow(topic: TopicView, partitions: readonly PartitionView[]): TopicRow {
  return {
    topic: topic.topic,
    internal: topic.internal,
    partitionCount: topic.partitionCount,
    replicationFactor: topic.replicationFactor,
    records: total(partitions, recordsOf),
    leaderBytes: total(partitions, (partition) => replicaOn(partition, partition.leader)?.sizeBytes ?? null),
    bytes: total(partitions, (partition) => total(partition.replicas, (replica) => replica.sizeBytes)),
    messagesInPerSecond: partitions.reduce((sum, partition) => sum + partition.messagesInPerSecond, 0),
    underReplicated: partitions.filter(isUnderReplicated).length,
    offline: partitions.filter(isOffline).length,
    misplaced: partitions.filter((partition) => partition.leader !== preferredLeader(partition)).length,
  };
}

export function recordsOf(partition: PartitionView): number | null {
  if (partition.logEndOffset === null) return null;
  return Math.max(0, partition.logEndOffset - (partition.logStartOffset ?? 0));
}

/** null when nothing is known of any; what is not known counts nothing. */
function total<Item>(items: readonly Item[], valueOf: (item: Item) => number | null): number | null {
  let sum: number | null = null;
  for (const item of items) {
    const value = valueOf(item);
    if (value !== null) sum = (sum ?? 0) + value;
  }
  return sum;
}
