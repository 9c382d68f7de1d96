// Share groups at their coordinator (KIP-932): one method per request. Between two steps in the group's own log lie
// calls to the share coordinators, which keep how far the group has come.

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import { ErrorCode, errorName } from '../../../protocol/errors.ts';
import type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '../../../protocol/messages/alter-share-group-offsets.ts';
import type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '../../../protocol/messages/delete-share-group-offsets.ts';
import type {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '../../../protocol/messages/describe-share-group-offsets.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { ShareGroupDescribeResponse } from '../../../protocol/messages/share-group-describe.ts';
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '../../../protocol/messages/share-group-heartbeat.ts';
import type { Writable } from '../../../protocol/schema.ts';
import { zeroUuid } from '../../../protocol/uuid.ts';
import { CoordinatorError, responseErrorCode } from '../../runtime/coordinator-error.ts';
import type { CoordinatorRuntime } from '../../runtime/coordinator-runtime.ts';
import type { ShareStateStore } from '../../share/share-state-store.ts';
import type { ClientIdentity } from '../group-context.ts';
import type { GroupMachine } from '../group-machine.ts';
import type { GroupDecision } from '../group-records.ts';
import { describeShareGroup } from './share-group-description.ts';
import { shareHeartbeatMistake, type ShareHeartbeatOutcome } from './share-heartbeat.ts';
import { unknownTopicMessage } from './share-offsets.ts';
import type { SharePartitions } from './share-topics.ts';

type DescribedOffsets = NonNullable<Writable<DescribeShareGroupOffsetsResponse>['groups']>[number];
type DescribedTopic = NonNullable<DescribedOffsets['topics']>[number];
type DescribedGroup = NonNullable<Writable<ShareGroupDescribeResponse>['groups']>[number];

export type PartitionEnd =
  { readonly errorCode: typeof ErrorCode.NONE; readonly endOffset: number } | { readonly errorCode: number };

export type ShareGroupsOptions = {
  readonly runtime: CoordinatorRuntime<GroupCoordinatorRecord, GroupMachine>;
  readonly state: ShareStateStore;
  /** Where partitions end for readers, asked of their leaders; in the order of the question. */
  readonly endOffsets: (
    partitions: readonly { readonly topic: string; readonly partition: number }[],
  ) => Promise<readonly PartitionEnd[]>;
  readonly image: () => MetadataImage;
  readonly partitionFor: (groupId: string) => number;
};

type Settled<T> =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly value: T }
  | { readonly errorCode: number; readonly errorMessage: string; readonly value: null };

/** Of a partition without any state: no offset, no lag. */
const noOffsets = { startOffset: -1, leaderEpoch: 0, lag: -1 };

export class ShareGroups {
  readonly #options: ShareGroupsOptions;

  constructor(options: ShareGroupsOptions) {
    this.#options = options;
  }

  // ── members ──

  async heartbeat(
    client: ClientIdentity,
    request: ShareGroupHeartbeatRequest,
  ): Promise<Writable<ShareGroupHeartbeatResponse>> {
    const mistake = shareHeartbeatMistake(request);
    if (mistake !== null) return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: mistake };
    const { groupId } = request;
    const outcome = await this.#write<ShareHeartbeatOutcome>(groupId, (machine) =>
      machine.shareHeartbeat.heartbeat(client, request),
    );
    if (outcome.value === null) return { errorCode: outcome.errorCode };
    const { response, initialize } = outcome.value;
    // The member need not wait: it is told of its partitions by a later heartbeat.
    if (initialize !== null) void this.#initialize(groupId, initialize.stateEpoch, initialize.partitions);
    return response;
  }

  async #initialize(groupId: string, stateEpoch: number, partitions: SharePartitions): Promise<void> {
    const topics = [...partitions].map(([topicId, indexes]) => ({
      topicId,
      partitions: [...indexes].map((partition) => ({ partition, stateEpoch, startOffset: -1 })),
    }));
    const { results } = await this.#options.state.initialize({ groupId, topics });
    await this.#noteInitialized(groupId, results);
  }

  async #noteInitialized(groupId: string, results: PartitionResults): Promise<void> {
    const { done, failed } = sorted(results);
    if (done.size > 0) await this.#write(groupId, (machine) => machine.shareOffsets.initialized(groupId, done));
    if (failed.size > 0) await this.#write(groupId, (machine) => machine.shareOffsets.notInitialized(groupId, failed));
  }

  async describe(groupId: string): Promise<DescribedGroup> {
    const { runtime, image, partitionFor } = this.#options;
    return new Promise((resolve) =>
      runtime.read(
        partitionFor(groupId),
        (machine) => describeShareGroup(machine.groups.get(groupId), groupId, image()),
        (code, described) => resolve(described ?? { groupId, errorCode: responseErrorCode(code) }),
      ),
    );
  }

  // ── offsets ──

  /** `topics` null: all that the group keeps state of. */
  async describeOffsets({
    groupId,
    topics,
  }: DescribeShareGroupOffsetsRequest['groups'][number]): Promise<DescribedOffsets> {
    const { byName } = this.#options.image().topics;
    const asked = new Map<string, readonly number[]>();
    const unknown: DescribedTopic[] = [];
    if (topics === null) {
      const initialized = await this.#read(groupId, (machine) => machine.initializedSharePartitions(groupId));
      if (initialized.value === null) return { groupId, ...errorOf(initialized) };
      for (const [topicId, partitions] of initialized.value) asked.set(topicId, [...partitions]);
    }
    for (const { topicName, partitions } of topics ?? []) {
      const topic = byName.get(topicName);
      if (topic !== undefined) asked.set(topic.id, partitions);
      else {
        unknown.push({
          topicName,
          topicId: zeroUuid,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            startOffset: -1,
            lag: -1,
            errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            errorMessage: unknownTopicMessage,
          })),
        });
      }
    }
    const described = asked.size === 0 ? [] : await this.#describeTopics(groupId, asked);
    return { groupId, topics: [...described, ...unknown] };
  }

  async #describeTopics(groupId: string, asked: ReadonlyMap<string, readonly number[]>): Promise<DescribedTopic[]> {
    const { state, image, endOffsets } = this.#options;
    const { results } = await state.readSummary({
      groupId,
      topics: [...asked].map(([topicId, partitions]) => ({
        topicId,
        partitions: partitions.map((partition) => ({ partition, leaderEpoch: -1 })),
      })),
    });
    const { byId } = image().topics;
    const rows = results.flatMap(({ topicId, partitions }) =>
      partitions.map((each) => ({ ...each, topicId, topic: byId.get(topicId)?.name ?? '' })),
    );
    const measured = rows.filter(
      ({ errorCode, startOffset, deliveryCompleteCount }) =>
        errorCode === ErrorCode.NONE && startOffset !== -1 && deliveryCompleteCount !== -1,
    );
    const ends = await endOffsets(measured);
    const endOf = new Map(measured.map((row, index) => [row, ends[index]]));
    return results.map(({ topicId }) => ({
      topicId,
      topicName: byId.get(topicId)?.name ?? '',
      partitions: rows
        .filter((row) => row.topicId === topicId)
        .map((row) => {
          const { partition: partitionIndex, startOffset, leaderEpoch } = row;
          // What can't be had is absent, not an error, as with OffsetFetch.
          if (row.errorCode !== ErrorCode.NONE) return { partitionIndex, ...noOffsets };
          const end = endOf.get(row);
          if (end === undefined) return { partitionIndex, startOffset, leaderEpoch, lag: -1 };
          if (!('endOffset' in end)) return { partitionIndex, ...errorOf(end) };
          const lag = end.endOffset - startOffset - row.deliveryCompleteCount;
          return { partitionIndex, startOffset, leaderEpoch, lag };
        }),
    }));
  }

  async alterOffsets({
    groupId,
    topics,
  }: AlterShareGroupOffsetsRequest): Promise<Writable<AlterShareGroupOffsetsResponse>> {
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID };
    const begun = await this.#write(groupId, (machine) => machine.shareOffsets.beginAlteration(groupId, topics));
    if (begun.value === null) return errorOf(begun);
    const { stateEpoch, offsets } = begun.value;
    const { results } = await this.#options.state.initialize({
      groupId,
      topics: [...offsets].map(([topicId, byPartition]) => ({
        topicId,
        partitions: [...byPartition].map(([partition, startOffset]) => ({ partition, stateEpoch, startOffset })),
      })),
    });
    // Only when all went well: what failed is begun anew by whoever tries again.
    if (sorted(results).failed.size === 0) await this.#noteInitialized(groupId, results);
    const { byName } = this.#options.image().topics;
    return {
      responses: topics.map(({ topicName, partitions }) => {
        const topicId = byName.get(topicName)?.id ?? zeroUuid;
        const outcomes = results.find((result) => result.topicId === topicId)?.partitions;
        return {
          topicName,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => {
            const outcome = outcomes?.find(({ partition }) => partition === partitionIndex);
            if (outcome === undefined) {
              const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
              return { partitionIndex, errorCode, errorMessage: unknownTopicMessage };
            }
            const { errorCode, errorMessage } = outcome;
            return { partitionIndex, errorCode, errorMessage };
          }),
        };
      }),
    };
  }

  async deleteOffsets({
    groupId,
    topics,
  }: DeleteShareGroupOffsetsRequest): Promise<Writable<DeleteShareGroupOffsetsResponse>> {
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID };
    const names = topics.map(({ topicName }) => topicName);
    const begun = await this.#write(groupId, (machine) => machine.shareOffsets.beginDeletion(groupId, names));
    if (begun.value === null) return errorOf(begun);
    const { partitions, unknownTopics } = begun.value;
    const unknown = unknownTopics.map((each) => ({ ...each, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }));
    if (partitions.size === 0) return { responses: unknown };
    const results = await this.#deleteState(groupId, partitions);
    const deleted = new Set(
      results.filter(({ errorCode }) => errorCode === ErrorCode.NONE).map((each) => each.topicId),
    );
    if (deleted.size > 0) {
      const noted = await this.#write(groupId, (machine) => machine.shareOffsets.deleted(groupId, deleted));
      if (noted.value === null && noted.errorCode !== ErrorCode.NONE) return errorOf(noted);
    }
    const { byId } = this.#options.image().topics;
    const told = results.map((each) => ({ ...each, topicName: byId.get(each.topicId)?.name ?? '' }));
    return { responses: [...unknown, ...told] };
  }

  /** Before a group is deleted: what the share coordinators keep of it. The error code of what could not be. */
  async deleteStateOf(groupId: string): Promise<number> {
    const begun = await this.#write(groupId, (machine) => machine.shareOffsets.beginGroupDeletion(groupId));
    if (begun.errorCode !== ErrorCode.NONE) return begun.errorCode;
    if (begun.value === null) return ErrorCode.NONE;
    const results = await this.#deleteState(groupId, begun.value);
    return results.find(({ errorCode }) => errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE;
  }

  /** Topic by topic: no error, or the first of its partitions'. */
  async #deleteState(groupId: string, partitions: SharePartitions) {
    const { results } = await this.#options.state.delete({
      groupId,
      topics: [...partitions].map(([topicId, indexes]) => ({
        topicId,
        partitions: [...indexes].map((partition) => ({ partition })),
      })),
    });
    return results.map(({ topicId, partitions: outcomes }) => {
      const failed = outcomes.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
      return { topicId, errorCode: failed?.errorCode ?? ErrorCode.NONE, errorMessage: failed?.errorMessage ?? null };
    });
  }

  // ── the group's log ──

  #write<T>(groupId: string, operation: (machine: GroupMachine) => GroupDecision<T>): Promise<Settled<T>> {
    const { runtime, partitionFor } = this.#options;
    // Runs before `write` returns; an error of the operation itself carries Kafka's words.
    let refusal: CoordinatorError | null = null;
    return new Promise((resolve) =>
      runtime.write(
        partitionFor(groupId),
        (machine) => {
          try {
            return operation(machine);
          } catch (error) {
            if (error instanceof CoordinatorError) refusal = error;
            throw error;
          }
        },
        (code, value) => resolve(settled(code, value, refusal)),
      ),
    );
  }

  #read<T>(groupId: string, look: (machine: GroupMachine) => T): Promise<Settled<T>> {
    const { runtime, partitionFor } = this.#options;
    return new Promise((resolve) =>
      runtime.read(partitionFor(groupId), look, (code, value) => resolve(settled(code, value, null))),
    );
  }
}

function settled<T>(code: number, value: T | null, refusal: CoordinatorError | null): Settled<T> {
  if (code === ErrorCode.NONE) return { errorCode: ErrorCode.NONE, value: value as T };
  const errorCode = responseErrorCode(code);
  return { errorCode, errorMessage: refusal?.message ?? errorName(errorCode), value: null };
}

function errorOf(failed: { readonly errorCode: number; readonly errorMessage?: string }) {
  return { errorCode: failed.errorCode, errorMessage: failed.errorMessage ?? errorName(failed.errorCode) };
}

type PartitionResults = readonly {
  readonly topicId: string;
  readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
}[];

function sorted(results: PartitionResults): { readonly done: SharePartitions; readonly failed: SharePartitions } {
  const done = new Map<string, Set<number>>();
  const failed = new Map<string, Set<number>>();
  for (const { topicId, partitions } of results) {
    for (const { partition, errorCode } of partitions) {
      const target = errorCode === ErrorCode.NONE ? done : failed;
      target.set(topicId, (target.get(topicId) ?? new Set()).add(partition));
    }
  }
  return { done, failed };
}
