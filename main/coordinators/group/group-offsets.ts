// Committed offsets: OffsetCommit, OffsetFetch, OffsetDelete, and their expiry (KIP-211). Works on one partition's
// offsets and on names of topics; topic ids and existence are the handlers' business.

import { ErrorCode } from '../../protocol/errors.ts';
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/messages/offset-commit.ts';
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/messages/offset-delete.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import { ClassicGroup } from './classic-group.ts';
import type { GroupContext } from './group-context.ts';
import { type GroupDecision, type OffsetAndMetadata, offsetCommitRecord, offsetTombstone } from './group-records.ts';
import type { GroupRebalance } from './group-rebalance.ts';
import type { Group } from './group-registry.ts';
import type { Layer, OffsetStore } from './offset-store.ts';

/** One group's part of an OffsetFetch, whatever its version. */
export type OffsetQuery = {
  readonly groupId: string;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  /** Null: all that the group has. */
  readonly topics:
    readonly { readonly name: string; readonly topicId: string; readonly partitionIndexes: readonly number[] }[] | null;
};

export type FetchedPartition = {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: number;
};

export type FetchedTopic = {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly FetchedPartition[];
};

export type CommitTopics = OffsetCommitRequest['topics'];

/** From here on a commit to a group that isn't there has an error of its own. */
const groupNotFoundFrom = 9;
const noRetentionTime = -1;

export class GroupOffsets {
  readonly #context: GroupContext;
  readonly #rebalance: GroupRebalance;
  readonly #store: OffsetStore;

  /** Committed offsets of all groups. */
  count(): number {
    return this.#store.count();
  }

  constructor(context: GroupContext, rebalance: GroupRebalance, store: OffsetStore) {
    this.#context = context;
    this.#rebalance = rebalance;
    this.#store = store;
  }

  // ── OffsetCommit ──

  commit(
    request: OffsetCommitRequest,
    topics: CommitTopics,
    apiVersion: number,
  ): GroupDecision<Writable<OffsetCommitResponse>> {
    const { groupId, memberId } = request;
    const group = this.#context.groups.get(groupId);
    if (group === null) {
      // Without a generation it is a group of offsets only, which replay makes.
      if (request.generationIdOrMemberEpoch >= 0) {
        throw new CoordinatorError(
          apiVersion >= groupNotFoundFrom ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
        );
      }
    } else if (group instanceof ClassicGroup) {
      validateClassicCommit(group, request);
      const member = group.members.get(memberId);
      const isSign = group.state === 'Stable' || group.state === 'PreparingRebalance';
      if (member !== undefined && isSign) this.#rebalance.touch(group, member);
    } else {
      group.validateOffsetCommit(memberId, request.generationIdOrMemberEpoch, apiVersion, topics);
    }
    const nowMs = this.#context.clock.wallMs();
    const { retentionTimeMs } = request;
    const expireTimestampMs = retentionTimeMs === noRetentionTime ? -1 : nowMs + retentionTimeMs;
    const records: GroupCoordinatorRecord[] = [];
    const answers = topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
        const metadata = committedMetadata ?? '';
        if (metadata.length > this.#context.config.offsetMetadataMaxBytes) {
          return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE };
        }
        const committed: OffsetAndMetadata = {
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata,
          commitTimestampMs: nowMs,
          expireTimestampMs,
          topicId,
        };
        records.push(offsetCommitRecord(groupId, name, partitionIndex, committed));
        return { partitionIndex, errorCode: ErrorCode.NONE };
      }),
    }));
    return { records, response: { topics: answers } };
  }

  // ── OffsetFetch ──

  /** `requireStable`: partitions with offsets in open transactions say so instead. */
  fetch(query: OffsetQuery, layer: Layer, requireStable: boolean): FetchedTopic[] {
    const { groupId, memberId, memberEpoch } = query;
    const group = this.#context.groups.get(groupId);
    if (group !== null && !(group instanceof ClassicGroup)) group.validateOffsetFetch(memberId, memberEpoch);
    if (query.topics === null) return group === null ? [] : this.#fetchAll(groupId, layer, requireStable);
    return query.topics.map(({ name, topicId, partitionIndexes }) => ({
      name,
      topicId,
      partitions: partitionIndexes.map((partition) => {
        const found = group === null ? null : this.#store.get(groupId, name, partition, layer);
        // An offset of a topic of the same name that is gone says nothing about this one.
        const isOther = found !== null && isMismatch(found.topicId, topicId);
        return this.#answer(groupId, name, partition, isOther ? null : found, requireStable);
      }),
    }));
  }

  #fetchAll(groupId: string, layer: Layer, requireStable: boolean): FetchedTopic[] {
    const topics = new Map<string, { topicId: string; partitions: FetchedPartition[] }>();
    for (const [name, partition, committed] of this.#store.all(groupId, layer)) {
      let topic = topics.get(name);
      if (topic === undefined) {
        topic = { topicId: committed.topicId, partitions: [] };
        topics.set(name, topic);
      }
      topic.partitions.push(this.#answer(groupId, name, partition, committed, requireStable));
    }
    return [...topics].map(([name, topic]) => ({ name, ...topic }));
  }

  #answer(
    groupId: string,
    topic: string,
    partitionIndex: number,
    committed: OffsetAndMetadata | null,
    requireStable: boolean,
  ): FetchedPartition {
    const isUnstable = requireStable && this.#store.hasPending(groupId, topic, partitionIndex);
    if (committed === null || isUnstable) {
      const errorCode = isUnstable ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE;
      return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
    }
    return {
      partitionIndex,
      committedOffset: committed.offset,
      committedLeaderEpoch: committed.leaderEpoch,
      metadata: committed.metadata,
      errorCode: ErrorCode.NONE,
    };
  }

  // ── OffsetDelete ──

  delete(request: OffsetDeleteRequest): GroupDecision<Writable<OffsetDeleteResponse>> {
    const { groupId } = request;
    const group = this.#context.groups.get(groupId);
    if (group === null) throw new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND);
    if (group instanceof ClassicGroup && !group.isEmpty && !group.hasConsumers) {
      throw new CoordinatorError(ErrorCode.NON_EMPTY_GROUP);
    }
    const records: GroupCoordinatorRecord[] = [];
    const topics = request.topics.map(({ name, partitions }) => {
      const isSubscribed = group.isSubscribedTo(name);
      const errorCode = isSubscribed ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
      for (const { partitionIndex } of isSubscribed ? [] : partitions) {
        if (this.#has(groupId, name, partitionIndex)) records.push(offsetTombstone(groupId, name, partitionIndex));
      }
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
    });
    return { records, response: { errorCode: ErrorCode.NONE, topics } };
  }

  #has(groupId: string, topic: string, partition: number): boolean {
    return (
      this.#store.get(groupId, topic, partition, 'newest') !== null || this.#store.hasPending(groupId, topic, partition)
    );
  }

  /** Tombstones for all of a group's offsets. */
  tombstones(groupId: string): GroupCoordinatorRecord[] {
    const records: GroupCoordinatorRecord[] = [];
    for (const [topic, partition] of this.#store.all(groupId, 'newest')) {
      records.push(offsetTombstone(groupId, topic, partition));
    }
    for (const [topic, partition] of this.#store.allPending(groupId)) {
      if (this.#store.get(groupId, topic, partition, 'newest') !== null) continue;
      records.push(offsetTombstone(groupId, topic, partition));
    }
    return records;
  }

  /** Tombstones for offsets of partitions that no longer exist. */
  tombstonesOfTopics(isGone: (topic: string, partition: number) => boolean): GroupCoordinatorRecord[] {
    const records: GroupCoordinatorRecord[] = [];
    for (const { groupId } of this.#context.groups.values()) {
      for (const record of this.tombstones(groupId)) {
        if (record.name === 'OffsetCommit' && isGone(record.key.topic, record.key.partition)) records.push(record);
      }
    }
    return records;
  }

  // ── expiry ──

  /** Tombstones for what has expired, and whether that is all the group has. */
  expired(group: Group): { readonly records: GroupCoordinatorRecord[]; readonly isAll: boolean } {
    const { groupId } = group;
    const records: GroupCoordinatorRecord[] = [];
    const retainedSince = retentionStart(group);
    let isAll = !this.#store.hasOpenTransaction(groupId);
    for (const [topic, partition, committed] of this.#store.all(groupId, 'newest')) {
      const isExpired =
        retainedSince !== null &&
        !group.isSubscribedTo(topic) &&
        this.#isExpired(committed, retainedSince(committed)) &&
        !this.#store.hasPending(groupId, topic, partition);
      if (isExpired) records.push(offsetTombstone(groupId, topic, partition));
      else isAll = false;
    }
    return { records, isAll };
  }

  #isExpired(committed: OffsetAndMetadata, sinceMs: number): boolean {
    const nowMs = this.#context.clock.wallMs();
    if (committed.expireTimestampMs >= 0) return nowMs >= committed.expireTimestampMs;
    return nowMs - sinceMs >= this.#context.config.offsetsRetentionMs;
  }
}

/** From when on retention counts for a group's offsets; null while nothing may expire. */
function retentionStart(group: Group): ((committed: OffsetAndMetadata) => number) | null {
  const sinceCommit = (committed: OffsetAndMetadata): number => committed.commitTimestampMs;
  if (!(group instanceof ClassicGroup)) return sinceCommit;
  if (group.protocolType === null) return sinceCommit;
  if (group.isEmpty) return (committed) => group.stateTimestampMs ?? committed.commitTimestampMs;
  // In use, but perhaps no longer for this topic.
  return group.hasConsumers && group.subscribedTopics !== null && group.state === 'Stable' ? sinceCommit : null;
}

function validateClassicCommit(group: ClassicGroup, request: OffsetCommitRequest): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  if (group.state === 'Dead') throw new CoordinatorError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  // A consumer that manages its partitions itself, in a group without members.
  if (generationId < 0 && group.isEmpty) return;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
  }
  group.validateMember(memberId, groupInstanceId);
  if (generationId !== group.generationId) throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
  // Its partitions may be someone else's as soon as the leader has assigned.
  if (group.state === 'CompletingRebalance') throw new CoordinatorError(ErrorCode.REBALANCE_IN_PROGRESS);
}

function isMismatch(a: string, b: string): boolean {
  return a !== zeroUuid && b !== zeroUuid && a !== b;
}
