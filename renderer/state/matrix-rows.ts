// Which rows the partition matrix has, and the questions that a row answers. Pure.

import type { BrokerView, PartitionView, ReplicaView, TopicView } from '../../main/api/views.ts';

export type MatrixRow =
  | { readonly kind: 'topic'; readonly key: string; readonly topic: TopicView; readonly folded: boolean }
  | { readonly kind: 'partition'; readonly key: string; readonly topic: string; readonly partition: number };

/** all · not every replica in sync · no leader. */
export type Condition = 'all' | 'under-replicated' | 'offline';

export type RowChoice = {
  readonly filter: string;
  readonly condition: Condition;
  readonly showInternal: boolean;
  readonly folded: ReadonlySet<string>;
};

export function matrixRows(
  topics: readonly TopicView[],
  partitions: ReadonlyMap<string, readonly PartitionView[]>,
  choice: RowChoice,
): readonly MatrixRow[] {
  const rows: MatrixRow[] = [];
  const words = choice.filter.toLowerCase().split(/\s+/).filter(Boolean);
  for (const topic of topics) {
    // A filter that names an internal topic finds it even while internal topics are hidden.
    if (
      topic.internal &&
      !choice.showInternal &&
      !(words.length > 0 && topic.topic.toLowerCase().includes(words[0] ?? ''))
    )
      continue;
    const matching = (partitions.get(topic.topic) ?? []).filter(
      (partition) =>
        meets(partition, choice.condition) &&
        words.every((word) => names(topic.topic, partition.partition).includes(word)),
    );
    if (matching.length === 0 && (words.length > 0 || choice.condition !== 'all')) continue;
    // What someone searches for is shown even inside a folded topic.
    const folded = choice.folded.has(topic.topic) && words.length === 0;
    rows.push({ kind: 'topic', key: topic.topic, topic, folded });
    if (folded) continue;
    for (const { partition } of matching) {
      rows.push({ kind: 'partition', key: `${topic.topic}-${partition}`, topic: topic.topic, partition });
    }
  }
  return rows;
}

/** Changes exactly when the set of rows may change while nothing is filtered by condition. */
export function matrixShape(
  topics: readonly TopicView[],
  partitions: ReadonlyMap<string, readonly PartitionView[]>,
): string {
  return topics.map((topic) => `${topic.topic}:${partitions.get(topic.topic)?.length ?? 0}`).join();
}

function names(topic: string, partition: number): string {
  return `${topic}-${partition}`.toLowerCase();
}

function meets(partition: PartitionView, condition: Condition): boolean {
  if (condition === 'offline') return isOffline(partition);
  if (condition === 'under-replicated') return isUnderReplicated(partition);
  return true;
}

export function isOffline(partition: PartitionView): boolean {
  return partition.leader < 0;
}

export function isUnderReplicated(partition: PartitionView): boolean {
  return partition.inSyncReplicas.length < partition.replicas.length;
}

export function replicaOn(partition: PartitionView, brokerId: number): ReplicaView | null {
  return partition.replicas.find((replica) => replica.brokerId === brokerId) ?? null;
}

export function preferredLeader(partition: PartitionView): number {
  return partition.replicas[0]?.brokerId ?? -1;
}

/** Records by which a replica trails the leader's log end; null where one of both is not reported. */
export function behindBy(partition: PartitionView, replica: ReplicaView): number | null {
  const leaderEnd = replicaOn(partition, partition.leader)?.logEndOffset ?? partition.logEndOffset;
  if (leaderEnd === null || replica.logEndOffset === null) return null;
  return Math.max(0, leaderEnd - replica.logEndOffset);
}

export type TopicSummary = {
  readonly underReplicated: number;
  readonly offline: number;
  readonly messagesInPerSecond: number;
};

export function summarise(partitions: readonly PartitionView[]): TopicSummary {
  let underReplicated = 0;
  let offline = 0;
  let messagesInPerSecond = 0;
  for (const partition of partitions) {
    if (isOffline(partition)) offline += 1;
    if (isUnderReplicated(partition)) underReplicated += 1;
    messagesInPerSecond += partition.messagesInPerSecond;
  }
  return { underReplicated, offline, messagesInPerSecond };
}

/** How a broker stands: what the supervisor sees of the process and what the cluster believes, as one word. */
export type BrokerStanding =
  'starting' | 'fenced' | 'active' | 'frozen' | 'stopping' | 'stopped' | 'killed' | 'crashed';

export function standingOf(broker: BrokerView): BrokerStanding {
  if (broker.process === 'paused') return 'frozen';
  if (broker.process !== 'running') return broker.process;
  if (broker.registration === 'controlled-shutdown') return 'stopping';
  if (broker.registration === 'active') return 'active';
  return broker.registration === 'fenced' ? 'fenced' : 'starting';
}

export function isUp(broker: BrokerView): boolean {
  return broker.process === 'running' && broker.registration === 'active';
}
