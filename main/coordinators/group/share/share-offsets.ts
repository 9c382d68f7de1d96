// What becomes of the state that a share group keeps at the share coordinators: begun and finished initialization,
// offsets altered and deleted, the group's end (KIP-932). Each decides from the group's newest state; the calls to the
// share coordinator between them are share-groups.ts's.

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { AlterShareGroupOffsetsRequest } from '../../../protocol/messages/alter-share-group-offsets.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import type { GroupContext } from '../group-context.ts';
import type { GroupDecision } from '../group-records.ts';
import { ShareGroup } from './share-group.ts';
import {
  everythingToDelete,
  hasTopicOf,
  type SharePartitions,
  type ShareTopic,
  type ShareTopics,
  shareTopicsRecord,
  withInitialized,
  withInitializing,
  withoutInitializing,
  withoutTopics,
} from './share-topics.ts';

/** New start offsets by topic id and partition, to be told to the share coordinator under this epoch. */
export type BegunAlteration = {
  readonly stateEpoch: number;
  readonly offsets: ReadonlyMap<string, ReadonlyMap<number, number>>;
};

/** State to delete, and topics of which there is none. */
export type BegunDeletion = { readonly partitions: SharePartitions; readonly unknownTopics: readonly UnknownTopic[] };
export type UnknownTopic = { readonly topicName: string; readonly errorMessage: string };

export const unknownTopicMessage = 'This server does not host this topic-partition.';
const nonEmptyMessage = 'The group is not empty.';

export class ShareOffsets {
  readonly #context: GroupContext;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  initialized(groupId: string, done: SharePartitions): GroupDecision<null> {
    const group = this.#find(groupId);
    if (group === null || done.size === 0) return { records: [], response: null };
    const topics = withInitialized(group.topics, done, this.#image, this.#context.clock.wallMs());
    return { records: [this.#record(groupId, topics)], response: null };
  }

  notInitialized(groupId: string, failed: SharePartitions): GroupDecision<null> {
    const group = this.#find(groupId);
    if (group === null || group.topics.initializing.size === 0) return { records: [], response: null };
    return { records: [this.#record(groupId, withoutInitializing(group.topics, failed))], response: null };
  }

  beginAlteration(groupId: string, topics: AlterShareGroupOffsetsRequest['topics']): GroupDecision<BegunAlteration> {
    const known = this.#context.groups.get(groupId);
    const group = known === null ? new ShareGroup(groupId) : this.#share(groupId);
    refuseMembers(group);
    const nowMs = this.#context.clock.wallMs();
    const initializing = new Map<string, ShareTopic>();
    const offsets = new Map<string, ReadonlyMap<number, number>>();
    for (const { topicName: name, partitions } of topics) {
      const topic = this.#image.topics.byName.get(name);
      if (topic === undefined) continue;
      const existing = partitions.filter(({ partitionIndex }) => topic.partitions.has(partitionIndex));
      const byPartition = new Map(existing.map(({ partitionIndex, startOffset }) => [partitionIndex, startOffset]));
      if (byPartition.size === 0) continue;
      initializing.set(topic.id, { name, partitions: new Set(byPartition.keys()), sinceMs: nowMs });
      offsets.set(topic.id, byPartition);
    }
    const response = { stateEpoch: group.epoch, offsets };
    if (initializing.size === 0) return { records: [], response };
    return { records: [this.#record(groupId, withInitializing(group.topics, initializing))], response };
  }

  beginDeletion(groupId: string, topicNames: readonly string[]): GroupDecision<BegunDeletion> {
    const group = this.#share(groupId);
    refuseMembers(group);
    const { topics } = group;
    const partitions = new Map<string, ReadonlySet<number>>();
    const unknownTopics: UnknownTopic[] = [];
    for (const topicName of topicNames) {
      const topic = this.#image.topics.byName.get(topicName);
      const initialized = topic === undefined ? undefined : topics.initialized.get(topic.id);
      if (topic === undefined) unknownTopics.push({ topicName, errorMessage: unknownTopicMessage });
      else if (initialized !== undefined) partitions.set(topic.id, initialized.partitions);
      else if (topics.deleting.has(topic.id)) partitions.set(topic.id, new Set(topic.partitions.keys()));
      else unknownTopics.push({ topicName, errorMessage: 'There is no offset information to delete.' });
    }
    const response = { partitions, unknownTopics };
    if (partitions.size === 0) return { records: [], response };
    const initialized = new Map([...topics.initialized].filter(([topicId]) => !partitions.has(topicId)));
    const deleting = new Set([...topics.deleting, ...partitions.keys()]);
    return { records: [this.#record(groupId, { ...topics, initialized, deleting })], response };
  }

  deleted(groupId: string, topicIds: ReadonlySet<string>): GroupDecision<null> {
    const group = this.#find(groupId);
    if (group === null) return { records: [], response: null };
    const deleting = new Set([...group.topics.deleting].filter((topicId) => !topicIds.has(topicId)));
    return { records: [this.#record(groupId, { ...group.topics, deleting })], response: null };
  }

  /** All state of a group that is to go; null for a group of another kind, which keeps none. */
  beginGroupDeletion(groupId: string): GroupDecision<SharePartitions | null> {
    const group = this.#find(groupId);
    if (group === null) return { records: [], response: null };
    refuseMembers(group);
    const { topics, partitions } = everythingToDelete(group.topics, this.#image);
    if (partitions.size === 0) return { records: [], response: null };
    return { records: [this.#record(groupId, topics)], response: partitions };
  }

  /** The share coordinators let go of what they have of deleted topics by themselves. */
  withoutDeletedTopics(topicIds: ReadonlySet<string>): GroupCoordinatorRecord[] {
    const records: GroupCoordinatorRecord[] = [];
    for (const group of this.#context.groups.values()) {
      if (!(group instanceof ShareGroup) || !hasTopicOf(group.topics, topicIds)) continue;
      records.push(this.#record(group.groupId, withoutTopics(group.topics, topicIds)));
    }
    return records;
  }

  get #image(): MetadataImage {
    return this.#context.image();
  }

  #record(groupId: string, topics: ShareTopics): GroupCoordinatorRecord {
    return shareTopicsRecord(groupId, topics, this.#image);
  }

  #find(groupId: string): ShareGroup | null {
    const group = this.#context.groups.get(groupId);
    return group instanceof ShareGroup ? group : null;
  }

  #share(groupId: string): ShareGroup {
    const group = this.#context.groups.get(groupId);
    if (group instanceof ShareGroup) return group;
    const why = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a share group.`;
    throw new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND, why);
  }
}

function refuseMembers(group: ShareGroup): void {
  if (!group.isEmpty) throw new CoordinatorError(ErrorCode.NON_EMPTY_GROUP, nonEmptyMessage);
}
