// What a committed change means, in the words of the journal. Recorded by the active controller only, so that every
// change of the cluster stands there once, with its cause: a fencing leads to the elections of the same batch.

import type { EventId, Journal, JournalEntry } from '../core/journal.ts';
import type { MetadataDelta } from '../metadata/metadata-delta.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { ConfigResourceType, configValues, type ConfigResource } from '../metadata/settings-image.ts';
import type { PartitionRegistration } from '../metadata/topics-image.ts';

const resourceNames: ReadonlyMap<number, string> = new Map([
  [ConfigResourceType.TOPIC, 'topic'],
  [ConfigResourceType.BROKER, 'broker'],
  [ConfigResourceType.CLIENT_METRICS, 'client-metrics'],
  [ConfigResourceType.GROUP, 'group'],
]);

export type CommittedChange = {
  readonly delta: MetadataDelta;
  readonly after: MetadataImage;
  /** The request, or what else led to the change. */
  readonly cause: string;
};

export function journalChange(journal: Journal, change: CommittedChange): void {
  const brokerEvent = journalBrokers(journal, change);
  journalConfigs(journal, change);
  journalTopics(journal, change, brokerEvent ?? change.cause);
}

/** Returns the event that explains the partition changes of the same batch, if there is one. */
function journalBrokers(journal: Journal, { delta, after, cause }: CommittedChange): EventId | null {
  let explaining: EventId | null = null;
  for (const brokerId of delta.changedBrokers) {
    const before = delta.image.cluster.brokers.get(brokerId);
    const now = after.cluster.brokers.get(brokerId);
    const record = (entry: JournalEntry): void => {
      explaining = journal.record(entry, cause);
    };
    if (now === undefined) {
      record({ kind: 'broker.fenced', brokerId, reason: 'unregistered' });
      continue;
    }
    if (before?.incarnationId !== now.incarnationId) {
      record({ kind: 'broker.registered', brokerId, brokerEpoch: now.epoch });
      continue;
    }
    if (!before.inControlledShutdown && now.inControlledShutdown)
      record({ kind: 'broker.controlledShutdown', brokerId });
    if (!before.isFenced && now.isFenced) record({ kind: 'broker.fenced', brokerId, reason: cause });
    if (before.isFenced && !now.isFenced) record({ kind: 'broker.unfenced', brokerId });
  }
  return explaining;
}

function journalConfigs(journal: Journal, { delta, after, cause }: CommittedChange): void {
  for (const resource of delta.changedConfigs.values()) {
    // A topic's configuration goes with the topic: its deletion says it all.
    if (resource.type === ConfigResourceType.TOPIC && !after.topics.byName.has(resource.name)) continue;
    const before = configValues(delta.image.configs, resource.type, resource.name);
    const now = configValues(after.configs, resource.type, resource.name);
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      const value = now.get(name) ?? null;
      if (value === (before.get(name) ?? null)) continue;
      journal.record({ kind: 'config.changed', resource: resourceName(resource), name, value }, cause);
    }
  }
}

function resourceName({ type, name }: ConfigResource): string {
  return `${resourceNames.get(type) ?? String(type)} ${name === '' ? '(all)' : name}`;
}

function journalTopics(journal: Journal, { delta, cause }: CommittedChange, partitionCause: string): void {
  const { topics } = delta;
  if (topics === null) return;
  for (const topic of topics.deleted.values()) journal.record({ kind: 'topic.deleted', topic: topic.name }, cause);
  for (const { topic, before, partitions } of topics.changes.values()) {
    if (before === null) {
      const replicationFactor = topic.partitions.get(0)?.replicas.length ?? 0;
      const entry = {
        kind: 'topic.created',
        topic: topic.name,
        partitions: topic.partitions.size,
        replicationFactor,
      } as const;
      journal.record(entry, cause);
      continue;
    }
    for (const [partition, now] of partitions) {
      const previous = before.partitions.get(partition);
      if (previous !== undefined) journalPartition(journal, topic.name, partition, previous, now, partitionCause);
    }
  }
}

function journalPartition(
  journal: Journal,
  topic: string,
  partition: number,
  before: PartitionRegistration,
  now: PartitionRegistration,
  cause: string,
): void {
  const { leaderEpoch, inSyncReplicas } = now;
  let partitionCause = cause;
  if (now.leaderEpoch !== before.leaderEpoch) {
    const { leader } = now;
    const unclean = leader >= 0 && now.leaderRecoveryState === 1 && before.leaderRecoveryState === 0;
    const entry = {
      kind: 'partition.leaderElected',
      topic,
      partition,
      leader,
      previousLeader: before.leader,
      leaderEpoch,
      inSyncReplicas,
      unclean,
    } as const;
    partitionCause = journal.record(entry, cause);
  }
  const lost = before.inSyncReplicas.filter((id) => !inSyncReplicas.includes(id));
  const gained = inSyncReplicas.filter((id) => !before.inSyncReplicas.includes(id));
  const isr = { topic, partition, inSyncReplicas, leaderEpoch };
  if (lost.length > 0) journal.record({ kind: 'partition.isrShrunk', ...isr, changed: lost }, partitionCause);
  if (gained.length > 0) journal.record({ kind: 'partition.isrExpanded', ...isr, changed: gained }, partitionCause);
}
