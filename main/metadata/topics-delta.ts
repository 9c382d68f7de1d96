// What changed in topics and partitions between two images, and what that means for one broker's replicas.

import type { TopicId } from '../core/ids.ts';
import { assert, present } from '../core/assert.ts';
import type { PartitionChangeRecord, PartitionRecord, TopicRecord } from '../protocol/messages/metadata-records.ts';
import {
  mergePartition,
  newTopicImage,
  partitionFromRecord,
  type PartitionRegistration,
  type TopicImage,
  type TopicsImage,
} from './topics-image.ts';

/** One topic that is new or changed. */
export type TopicChange = {
  readonly topic: TopicImage;
  /** As it was before; null when the topic is new. */
  readonly before: TopicImage | null;
  /** New and changed partitions, as they are now. */
  readonly partitions: ReadonlyMap<number, PartitionRegistration>;
};

export type LocalPartition = {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: number;
  readonly registration: PartitionRegistration;
  /** As it was before; null when the broker held no replica. */
  readonly before: PartitionRegistration | null;
};

export type RemovedPartition = { readonly topic: string; readonly topicId: TopicId; readonly partition: number };

/** What one broker must do: lead, follow, drop. */
export type LocalReplicaChanges = {
  /** Partitions that this broker leads now and whose registration changed. */
  readonly leading: readonly LocalPartition[];
  /** Partitions of which it holds another replica and whose registration changed. */
  readonly following: readonly LocalPartition[];
  readonly removed: readonly RemovedPartition[];
};

type MutableTopicChange = {
  topic: TopicImage;
  readonly before: TopicImage | null;
  readonly partitions: Map<number, PartitionRegistration>;
  /** The partitions map of `topic`, owned by this delta until it is applied. */
  readonly all: Map<number, PartitionRegistration>;
};

export class TopicsDelta {
  readonly before: TopicsImage;
  readonly #changes = new Map<string, MutableTopicChange>();
  readonly #deleted = new Map<string, TopicImage>();

  constructor(before: TopicsImage) {
    this.before = before;
  }

  /** New and changed topics by id. */
  get changes(): ReadonlyMap<string, TopicChange> {
    return this.#changes;
  }

  /** Topics that were there before and are gone, by id. */
  get deleted(): ReadonlyMap<string, TopicImage> {
    return this.#deleted;
  }

  /** A topic as it is with what was replayed so far. */
  topicByName(name: string): TopicImage | null {
    for (const change of this.#changes.values()) {
      if (change.topic.name === name) return change.topic;
    }
    const known = this.before.byName.get(name);
    return known === undefined || this.#deleted.has(known.id) ? null : known;
  }

  replayTopic(record: TopicRecord): void {
    this.#open(newTopicImage(record.name, record.topicId), null);
  }

  replayPartition(record: PartitionRecord): void {
    this.#set(record.topicId, record.partitionId, partitionFromRecord(record));
  }

  replayPartitionChange(record: PartitionChangeRecord): void {
    const change = this.#changeOf(record.topicId);
    const before = change.all.get(record.partitionId);
    const what = `partition ${record.partitionId} of topic ${record.topicId}`;
    this.#set(record.topicId, record.partitionId, mergePartition(present(before, what), record));
  }

  /** Returns the name of the topic that is gone. */
  replayRemoveTopic(topicId: string): string {
    const change = this.#changes.get(topicId);
    const before = change === undefined ? (this.before.byId.get(topicId) ?? null) : change.before;
    const topic = present(change?.topic ?? before, `topic ${topicId}`);
    this.#changes.delete(topicId);
    if (before !== null) this.#deleted.set(topicId, before);
    return topic.name;
  }

  /** Forgets the eligible leaders of all partitions of a topic, or of all topics when the name is empty. */
  replayClearElr(topicName: string): void {
    const named = topicName === '' ? this.#allTopics() : [this.topicByName(topicName)];
    for (const topic of named) {
      if (topic === null) continue;
      for (const [index, partition] of topic.partitions) {
        if (partition.eligibleLeaderReplicas.length + partition.lastKnownEligibleLeaders.length === 0) continue;
        const partitionEpoch = partition.partitionEpoch + 1;
        const cleared = { eligibleLeaderReplicas: [], lastKnownEligibleLeaders: [], partitionEpoch };
        this.#set(topic.id, index, { ...partition, ...cleared });
      }
    }
  }

  /** A snapshot replaces everything: what it does not name is gone. */
  finishSnapshot(): void {
    for (const topic of this.before.byId.values()) {
      if (!this.#changes.has(topic.id)) this.#deleted.set(topic.id, topic);
    }
  }

  /** As replayTopic, but for a snapshot: the topic may be known already. */
  replaySnapshotTopic(record: TopicRecord): void {
    this.#open(newTopicImage(record.name, record.topicId), this.before.byId.get(record.topicId) ?? null);
  }

  apply(): TopicsImage {
    if (this.#changes.size === 0 && this.#deleted.size === 0) return this.before;
    const byId = new Map(this.before.byId);
    const byName = new Map(this.before.byName);
    for (const topic of this.#deleted.values()) {
      byId.delete(topic.id);
      byName.delete(topic.name);
    }
    for (const { topic } of this.#changes.values()) {
      byId.set(topic.id, topic);
      byName.set(topic.name, topic);
    }
    return { byId, byName };
  }

  localChanges(brokerId: number): LocalReplicaChanges {
    const leading: LocalPartition[] = [];
    const following: LocalPartition[] = [];
    const removed: RemovedPartition[] = [];
    for (const { id, name, partitions } of this.#deleted.values()) {
      for (const [partition, registration] of partitions) {
        if (registration.replicas.includes(brokerId)) removed.push({ topic: name, topicId: id, partition });
      }
    }
    for (const { topic, before, partitions } of this.#changes.values()) {
      for (const [partition, registration] of partitions) {
        const previous = before?.partitions.get(partition) ?? null;
        const wasLocal = previous?.replicas.includes(brokerId) ?? false;
        const name = { topic: topic.name, topicId: topic.id, partition };
        if (!registration.replicas.includes(brokerId)) {
          if (wasLocal) removed.push(name);
          continue;
        }
        const local = { ...name, registration, before: wasLocal ? previous : null };
        if (registration.leader === brokerId) leading.push(local);
        else following.push(local);
      }
    }
    return { leading, following, removed };
  }

  *#allTopics(): Generator<TopicImage> {
    for (const topic of this.before.byId.values()) {
      if (!this.#deleted.has(topic.id) && !this.#changes.has(topic.id)) yield topic;
    }
    for (const change of [...this.#changes.values()]) yield change.topic;
  }

  #open(topic: TopicImage, before: TopicImage | null): MutableTopicChange {
    const all = new Map(topic.partitions);
    const change = { topic: { ...topic, partitions: all }, before, partitions: new Map(), all };
    this.#changes.set(topic.id, change);
    this.#deleted.delete(topic.id);
    return change;
  }

  #changeOf(topicId: string): MutableTopicChange {
    const known = this.#changes.get(topicId);
    if (known !== undefined) return known;
    assert(!this.#deleted.has(topicId), `topic ${topicId} was deleted before`);
    const topic = present(this.before.byId.get(topicId), `topic ${topicId}`);
    return this.#open(topic, topic);
  }

  #set(topicId: string, index: number, registration: PartitionRegistration): void {
    const change = this.#changeOf(topicId);
    change.all.set(index, registration);
    change.partitions.set(index, registration);
  }
}
