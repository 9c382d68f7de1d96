// Which partitions of which topics a share group keeps state of: what is being initialized at the share coordinator,
// what is, and what is being deleted there. Pure. As a record: ShareGroupStatePartitionMetadata.

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { ShareGroupStatePartitionMetadataValue } from '../../../protocol/messages/share-group-records.ts';

export type ShareTopic = {
  readonly name: string;
  readonly partitions: ReadonlySet<number>;
  /** Wall clock of when it came here; not in the records. */
  readonly sinceMs: number;
};

export type ShareTopics = {
  /** By topic id. */
  readonly initializing: ReadonlyMap<string, ShareTopic>;
  readonly initialized: ReadonlyMap<string, ShareTopic>;
  readonly deleting: ReadonlySet<string>;
};

/** Partitions by topic id. */
export type SharePartitions = ReadonlyMap<string, ReadonlySet<number>>;

export const noShareTopics: ShareTopics = { initializing: new Map(), initialized: new Map(), deleting: new Set() };
const unknownTopic = '<UNKNOWN>';

export function shareTopicsOf(value: ShareGroupStatePartitionMetadataValue, nowMs: number): ShareTopics {
  const read = (stored: ShareGroupStatePartitionMetadataValue['initializedTopics']): ReadonlyMap<string, ShareTopic> =>
    new Map(
      stored.map(({ topicId, topicName, partitions }) => [
        topicId,
        { name: topicName, partitions: new Set(partitions), sinceMs: nowMs },
      ]),
    );
  return {
    initializing: read(value.initializingTopics),
    initialized: read(value.initializedTopics),
    deleting: new Set(value.deletingTopics.map(({ topicId }) => topicId)),
  };
}

export function shareTopicsRecord(groupId: string, topics: ShareTopics, image: MetadataImage): GroupCoordinatorRecord {
  const stored = (each: ReadonlyMap<string, ShareTopic>) =>
    [...each].map(([topicId, { name, partitions }]) => ({
      topicId,
      topicName: name,
      partitions: [...partitions].sort((a, b) => a - b),
    }));
  return {
    name: 'ShareGroupStatePartitionMetadata',
    key: { groupId },
    valueVersion: 0,
    value: {
      initializingTopics: stored(topics.initializing),
      initializedTopics: stored(topics.initialized),
      deletingTopics: [...topics.deleting].map((topicId) => ({
        topicId,
        topicName: image.topics.byId.get(topicId)?.name ?? unknownTopic,
      })),
    },
  };
}

/** Subscribed partitions without state, and those whose initialization was begun so long ago that it must have failed. */
export function uninitialized(
  topics: ShareTopics,
  subscribedNames: Iterable<string>,
  image: MetadataImage,
  { nowMs, retryIntervalMs }: { readonly nowMs: number; readonly retryIntervalMs: number },
): ReadonlyMap<string, ShareTopic> {
  const found = new Map<string, ShareTopic>();
  for (const name of subscribedNames) {
    const topic = image.topics.byName.get(name);
    if (topic === undefined) continue;
    const begun = topics.initializing.get(topic.id);
    const isRecent = begun !== undefined && nowMs - begun.sinceMs < retryIntervalMs;
    const known = new Set([
      ...(topics.initialized.get(topic.id)?.partitions ?? []),
      ...(isRecent ? begun.partitions : []),
    ]);
    const partitions = new Set([...topic.partitions.keys()].filter((partition) => !known.has(partition)));
    if (partitions.size > 0) found.set(topic.id, { name, partitions, sinceMs: nowMs });
  }
  return found;
}

export function withInitializing(topics: ShareTopics, added: ReadonlyMap<string, ShareTopic>): ShareTopics {
  const initializing = united(topics.initializing, added);
  return { ...topics, initializing, deleting: without(topics.deleting, initializing.keys()) };
}

/** The share coordinator has them now. */
export function withInitialized(
  topics: ShareTopics,
  done: SharePartitions,
  image: MetadataImage,
  nowMs: number,
): ShareTopics {
  const added = new Map(
    [...done].map(([topicId, partitions]) => [
      topicId,
      { name: image.topics.byId.get(topicId)?.name ?? unknownTopic, partitions, sinceMs: nowMs },
    ]),
  );
  return {
    ...topics,
    initializing: lessPartitions(topics.initializing, done),
    initialized: united(topics.initialized, added),
  };
}

/** It could not be told: the next heartbeat begins anew. */
export function withoutInitializing(topics: ShareTopics, failed: SharePartitions): ShareTopics {
  return { ...topics, initializing: lessPartitions(topics.initializing, failed) };
}

export function withoutTopics(topics: ShareTopics, topicIds: ReadonlySet<string>): ShareTopics {
  const keep = <T>(each: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...each].filter(([topicId]) => !topicIds.has(topicId)));
  return {
    initializing: keep(topics.initializing),
    initialized: keep(topics.initialized),
    deleting: without(topics.deleting, topicIds),
  };
}

export function hasTopicOf(topics: ShareTopics, topicIds: ReadonlySet<string>): boolean {
  for (const topicId of topicIds) {
    if (topics.initializing.has(topicId) || topics.initialized.has(topicId) || topics.deleting.has(topicId))
      return true;
  }
  return false;
}

/** All of the group's state goes. What was being deleted and still exists is deleted again. */
export function everythingToDelete(
  topics: ShareTopics,
  image: MetadataImage,
): { readonly topics: ShareTopics; readonly partitions: SharePartitions } {
  const partitions = new Map<string, ReadonlySet<number>>();
  for (const [topicId, topic] of united(topics.initialized, topics.initializing)) {
    partitions.set(topicId, topic.partitions);
  }
  for (const topicId of topics.deleting) {
    const topic = image.topics.byId.get(topicId);
    if (topic !== undefined) partitions.set(topicId, new Set(topic.partitions.keys()));
  }
  return { topics: { ...noShareTopics, deleting: new Set(partitions.keys()) }, partitions };
}

export function toPartitions(topics: ReadonlyMap<string, ShareTopic>): SharePartitions {
  return new Map([...topics].map(([topicId, { partitions }]) => [topicId, partitions]));
}

function united(
  a: ReadonlyMap<string, ShareTopic>,
  b: ReadonlyMap<string, ShareTopic>,
): ReadonlyMap<string, ShareTopic> {
  const result = new Map(a);
  for (const [topicId, topic] of b) {
    const partitions = new Set([...(a.get(topicId)?.partitions ?? []), ...topic.partitions]);
    result.set(topicId, { ...topic, partitions });
  }
  return result;
}

function lessPartitions(
  topics: ReadonlyMap<string, ShareTopic>,
  gone: SharePartitions,
): ReadonlyMap<string, ShareTopic> {
  const result = new Map<string, ShareTopic>();
  for (const [topicId, topic] of topics) {
    const removed = gone.get(topicId);
    const partitions = removed === undefined ? topic.partitions : without(topic.partitions, removed);
    if (partitions.size > 0) result.set(topicId, { ...topic, partitions });
  }
  return result;
}

function without<T>(set: ReadonlySet<T>, gone: Iterable<T>): ReadonlySet<T> {
  const result = new Set(set);
  for (const each of gone) result.delete(each);
  return result;
}
