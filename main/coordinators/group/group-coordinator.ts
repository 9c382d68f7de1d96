// The group coordinator of one broker: one method per request, for the groups whose partition of `__consumer_offsets`
// this broker leads. Answers with Kafka's error codes and never throws for what a client did.

import type { LeaderEpoch } from '../../core/ids.ts';
import type { Journal } from '../../core/journal.ts';
import type { VerificationGuard } from '../../log/log-types.ts';
import type { MetadataDelta } from '../../metadata/metadata-delta.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/consumer-group-heartbeat.ts';
import type { DeleteGroupsResponse } from '../../protocol/messages/delete-groups.ts';
import {
  groupCoordinatorRecords,
  type GroupCoordinatorRecord,
} from '../../protocol/messages/group-coordinator-records.ts';
import type { HeartbeatRequest } from '../../protocol/messages/heartbeat.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages/leave-group.ts';
import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/messages/list-groups.ts';
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/messages/offset-commit.ts';
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/messages/offset-delete.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/sync-group.ts';
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../protocol/messages/txn-offset-commit.ts';
import { coordinatorPartition } from '../../protocol/partitioning.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { PartitionHost } from '../../replication/contract.ts';
import type { Clock, Random } from '../../runtime/runtime.ts';
import { responseErrorCode } from '../runtime/coordinator-error.ts';
import type { EndTransaction, Settle } from '../runtime/coordinator-partition.ts';
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import type { JoinReply, SyncReply } from './classic-group-member.ts';
import type { DescribedConsumerGroup } from './consumer-group-description.ts';
import { countGroups, type GroupCounts } from './group-counts.ts';
import { heartbeatRefusal } from './heartbeat-refusal.ts';
import type { GroupCoordinatorConfig } from './group-config.ts';
import type { ClientIdentity } from './group-context.ts';
import { type DescribedGroup, GroupMachine, type ListedGroup } from './group-machine.ts';
import { ShareGroups, type ShareGroupsOptions } from './share/share-groups.ts';
import { StreamsGroups } from './streams/streams-groups.ts';
import type { CommitTopics, FetchedTopic, OffsetQuery } from './group-offsets.ts';
import { type GroupDecision, proofOfLeadership } from './group-records.ts';
import { type GroupChanges, type GroupReport, reportOf } from './group-reports.ts';
import type { Layer } from './offset-store.ts';

export const offsetsTopic = '__consumer_offsets';
/** Read and replayed in one event while loading: some 5 ms. Kafka's buffer size would hold up the broker for 100. */
const loadChunkBytesMax = 256 * 1024;

export type GroupCoordinatorOptions = {
  readonly nodeId: number;
  readonly config: GroupCoordinatorConfig;
  readonly host: PartitionHost;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly image: () => MetadataImage;
  readonly shares: Pick<ShareGroupsOptions, 'state' | 'endOffsets'>;
  /** False when another broker may lead by now and this one not know: reads then prove that it still leads. */
  readonly isLeadershipCertain?: () => boolean;
  /** A partition could not be loaded and has no coordinator until its next election. */
  readonly onLoadFailed?: (partition: number, error: unknown) => void;
};

type Answer<T> = T | Promise<T>;

export type FetchedOffsets = { readonly errorCode: number; readonly topics: readonly FetchedTopic[] };

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #runtime: CoordinatorRuntime<GroupCoordinatorRecord, GroupMachine>;
  /** One object for all partitions, so that all see what is changed at run time. */
  readonly #config: GroupCoordinatorConfig;
  readonly #changedGroups = new Set<string>();
  /** Groups that telemetry has been told of and may have to be told are gone. */
  readonly #reportedGroups = new Set<string>();
  readonly #shares: ShareGroups;
  readonly #streams: StreamsGroups;
  #isActive = true;

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    const { config, host, clock, random, journal, image, onLoadFailed } = options;
    this.#config = { ...config };
    const changed = (groupId: string): void => void this.#changedGroups.add(groupId);
    this.#runtime = new CoordinatorRuntime({
      topic: offsetsTopic,
      host,
      clock,
      journal,
      family: groupCoordinatorRecords,
      createMachine: (services) =>
        new GroupMachine({ config: this.#config, clock, random, journal, image, changed }, services),
      compression: config.offsetsTopicCompression,
      batchBytesMax: config.messageMaxBytes,
      loadBytes: Math.min(config.offsetsLoadBufferSize, loadChunkBytesMax),
      writeTimeoutMs: config.offsetsCommitTimeoutMs,
      ...(onLoadFailed === undefined ? {} : { onLoadFailed }),
    });
    const partitionFor = (groupId: string): number => this.partitionFor(groupId);
    this.#shares = new ShareGroups({ ...options.shares, runtime: this.#runtime, image, partitionFor });
    this.#streams = new StreamsGroups({ runtime: this.#runtime, partitionFor });
  }

  // ── which partitions are ours ──

  /** Call after replicas have taken over what the delta gives them. */
  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void {
    if (delta.topics === null || !this.#isActive) return;
    const { leading, following, removed } = delta.topics.localChanges(this.#options.nodeId);
    for (const { topic, partition, registration } of leading) {
      if (topic === offsetsTopic) this.onElection(partition, registration.leaderEpoch);
    }
    for (const { topic, partition, registration } of following) {
      if (topic === offsetsTopic) this.onResignation(partition, registration.leaderEpoch);
    }
    for (const { topic, partition } of removed) if (topic === offsetsTopic) this.onResignation(partition, null);
    const deleted = new Set<string>();
    for (const { name } of delta.topics.deleted.values()) if (!image.topics.byName.has(name)) deleted.add(name);
    deleted.delete(offsetsTopic);
    this.#onTopicsChanged(delta.topics, image);
    if (deleted.size > 0) this.onTopicsDeleted(deleted);
    if (delta.topics.deleted.size > 0) this.#forgetShareState(new Set(delta.topics.deleted.keys()));
  }

  #forgetShareState(topicIds: ReadonlySet<string>): void {
    for (const partition of this.#runtime.partitions) {
      const operation = (machine: GroupMachine): GroupDecision<null> => ({
        records: machine.shareOffsets.withoutDeletedTopics(topicIds),
        response: null,
      });
      this.#runtime.write(partition, operation, () => {});
    }
  }

  /** Members' heartbeats look at the topics anew. */
  #onTopicsChanged({ changes, deleted }: NonNullable<MetadataDelta['topics']>, image: MetadataImage): void {
    const names = new Set<string>();
    let hasNewTopics = false;
    for (const change of changes.values()) {
      names.add(change.topic.name);
      if (change.before === null) hasNewTopics = true;
    }
    for (const { name } of deleted.values()) names.add(name);
    for (const machine of this.#runtime.machines()) {
      machine.onTopicsChanged(names, hasNewTopics, image.provenance.lastContainedOffset);
    }
  }

  /** Settings of the broker were changed at run time. */
  onConfigChange(config: GroupCoordinatorConfig): void {
    Object.assign(this.#config, config);
  }

  onElection(partition: number, leaderEpoch: LeaderEpoch): void {
    this.#runtime.onElection(partition, leaderEpoch);
  }

  onResignation(partition: number, leaderEpoch: LeaderEpoch | null): void {
    this.#runtime.onResignation(partition, leaderEpoch);
  }

  /** Their committed offsets mean nothing any more. */
  onTopicsDeleted(topics: ReadonlySet<string>): void {
    for (const partition of this.#runtime.partitions) {
      const operation = (machine: GroupMachine): GroupDecision<null> => ({
        records: machine.offsets.tombstonesOfTopics((topic) => topics.has(topic)),
        response: null,
      });
      this.#runtime.write(partition, operation, () => {});
    }
  }

  partitionFor(groupId: string): number {
    const topic = this.#options.image().topics.byName.get(offsetsTopic);
    return coordinatorPartition(groupId, topic?.partitions.size ?? this.#config.offsetsTopicPartitions);
  }

  shutdown(): void {
    this.#isActive = false;
    this.#runtime.close();
  }

  /** What concerns share groups; null once this coordinator has shut down. */
  get shares(): ShareGroups | null {
    return this.#isActive ? this.#shares : null;
  }

  /** What concerns streams groups; null once this coordinator has shut down. */
  get streams(): StreamsGroups | null {
    return this.#isActive ? this.#streams : null;
  }

  // ── membership ──

  joinGroup(client: ClientIdentity, request: JoinGroupRequest): Answer<Writable<JoinGroupResponse>> {
    const { groupId, memberId, sessionTimeoutMs } = request;
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.#config;
    const errorCode = this.#refusal(groupId);
    if (errorCode !== ErrorCode.NONE) return { memberId, errorCode };
    if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
      return { memberId, errorCode: ErrorCode.INVALID_SESSION_TIMEOUT };
    }
    return replied((reply: JoinReply) =>
      this.#runtime.write(
        this.partitionFor(groupId),
        (machine) => machine.classicJoin.join(client, request, reply),
        (code) => {
          if (code !== ErrorCode.NONE) reply({ memberId: '', errorCode: responseErrorCode(code) });
        },
      ),
    );
  }

  syncGroup(request: SyncGroupRequest): Answer<Writable<SyncGroupResponse>> {
    const errorCode = this.#refusal(request.groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode };
    return replied((reply: SyncReply) =>
      this.#runtime.write(
        this.partitionFor(request.groupId),
        (machine) => machine.membership.sync(request, reply),
        (code) => {
          if (code !== ErrorCode.NONE) reply({ errorCode: responseErrorCode(code) });
        },
      ),
    );
  }

  heartbeat(request: HeartbeatRequest): Answer<{ readonly errorCode: number }> {
    const errorCode = this.#refusal(request.groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode };
    return this.#write(
      this.partitionFor(request.groupId),
      (machine) => machine.membership.heartbeat(request),
      // Nothing is known yet that could speak against this member.
      (code) => ({ errorCode: code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : code }),
    );
  }

  leaveGroup(groupId: string, members: LeaveGroupRequest['members']): Answer<Writable<LeaveGroupResponse>> {
    const errorCode = this.#refusal(groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode, members: [] };
    return this.#write(
      this.partitionFor(groupId),
      (machine) => machine.membership.leave(groupId, members),
      (code) => {
        if (code !== ErrorCode.UNKNOWN_MEMBER_ID) return { errorCode: code, members: [] };
        // There is no such group: no such members, then.
        const unknown = members.map(({ memberId, groupInstanceId }) => ({
          memberId,
          groupInstanceId,
          errorCode: code,
        }));
        return { errorCode: ErrorCode.NONE, members: unknown };
      },
    );
  }

  consumerGroupHeartbeat(
    client: ClientIdentity,
    request: ConsumerGroupHeartbeatRequest,
  ): Answer<Writable<ConsumerGroupHeartbeatResponse>> {
    if (!this.#isActive) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    const refusal = heartbeatRefusal(request, client.apiVersion, this.#config.groupConsumerAssignors);
    if (refusal !== null) return refusal;
    return this.#write(
      this.partitionFor(request.groupId),
      (machine) => machine.consumers.heartbeat(client, request),
      (errorCode) => ({ errorCode }),
    );
  }

  // ── offsets ──

  /** `topics`: those of the request that exist, with name and id. */
  commitOffsets(
    request: OffsetCommitRequest,
    topics: CommitTopics,
    apiVersion: number,
  ): Answer<Writable<OffsetCommitResponse>> {
    const failed = (errorCode: number): Writable<OffsetCommitResponse> => ({
      topics: topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    });
    if (!this.#isActive) return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    return this.#write(
      this.partitionFor(request.groupId),
      (machine) => machine.offsets.commit(request, topics, apiVersion),
      failed,
    );
  }

  fetchOffsets(query: OffsetQuery, requireStable: boolean): Answer<FetchedOffsets> {
    if (!this.#isActive) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, topics: [] };
    const partition = this.partitionFor(query.groupId);
    const failed = (code: number): FetchedOffsets => ({ errorCode: fetchErrorCode(code), topics: [] });
    const isCertain = this.#options.isLeadershipCertain?.() ?? true;
    const fetch = (machine: GroupMachine, layer: Layer): FetchedOffsets => ({
      errorCode: ErrorCode.NONE,
      topics: machine.offsets.fetch(query, layer, requireStable),
    });
    if (!requireStable && isCertain) {
      const look = (machine: GroupMachine): FetchedOffsets => fetch(machine, 'committed');
      return answered<FetchedOffsets>((settle) => this.#runtime.read(partition, look, settle), failed);
    }
    // Waits until what is on its way is committed, and shows that. In doubt a record goes along: only who still
    // leads gets it committed. A coordinator that was frozen could otherwise show what others have overtaken.
    const operation = (machine: GroupMachine): GroupDecision<FetchedOffsets> => ({
      records: isCertain ? [] : [proofOfLeadership(query.groupId)],
      isReplayed: false,
      response: fetch(machine, 'newest'),
    });
    return answered<FetchedOffsets>((settle) => this.#runtime.write(partition, operation, settle), failed);
  }

  /** `verificationGuard`: the transaction coordinator has confirmed the transaction; null when the log knows it. */
  commitTransactionalOffsets(
    request: TxnOffsetCommitRequest,
    verificationGuard: VerificationGuard | null,
  ): Answer<Writable<TxnOffsetCommitResponse>> {
    const { groupId, producerId, producerEpoch } = request;
    const failed = (code: number): Writable<TxnOffsetCommitResponse> =>
      failedTxnOffsetCommit(request, responseErrorCode(code));
    const errorCode = this.#refusal(groupId);
    if (errorCode !== ErrorCode.NONE) return failed(errorCode);
    return answered<Writable<TxnOffsetCommitResponse>>(
      (settle) =>
        this.#runtime.writeInTransaction(
          this.partitionFor(groupId),
          { producerId, producerEpoch, verificationGuard },
          (machine) => machine.transactionalOffsets.commit(request),
          settle,
        ),
      failed,
    );
  }

  /** Ends a transaction in one partition of the offsets topic. Resolves to the log's error code. */
  endTransaction(partition: number, marker: EndTransaction): Promise<number> {
    return new Promise((resolve) => this.#runtime.endTransaction(partition, marker, resolve));
  }

  deleteOffsets(request: OffsetDeleteRequest): Answer<Writable<OffsetDeleteResponse>> {
    const errorCode = this.#refusal(request.groupId);
    if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] };
    return this.#write(
      this.partitionFor(request.groupId),
      (machine) => machine.offsets.delete(request),
      (code) => ({ errorCode: code, topics: [] }),
    );
  }

  // ── administration ──

  listGroups({
    statesFilter,
    typesFilter,
  }: Pick<ListGroupsRequest, 'statesFilter' | 'typesFilter'>): Writable<ListGroupsResponse> {
    if (!this.#isActive) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] };
    if (this.#runtime.isLoading()) return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, groups: [] };
    const states = new Set(statesFilter.map((state) => state.trim().toLowerCase()));
    const types = new Set(typesFilter.map((type) => type.trim().toLowerCase()));
    const groups: ListedGroup[] = [];
    for (const machine of this.#runtime.machines()) {
      for (const group of machine.list()) {
        if (states.size > 0 && !states.has(group.groupState.toLowerCase())) continue;
        if (types.size > 0 && !types.has(group.groupType)) continue;
        groups.push(group);
      }
    }
    return { errorCode: ErrorCode.NONE, groups };
  }

  describeGroup(groupId: string, apiVersion: number): Answer<DescribedGroup> {
    if (!this.#isActive) return { groupId, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    return answered<DescribedGroup>(
      (settle) =>
        this.#runtime.read(this.partitionFor(groupId), (machine) => machine.describe(groupId, apiVersion), settle),
      (code) => ({ groupId, errorCode: responseErrorCode(code) }),
    );
  }

  describeConsumerGroup(groupId: string): Answer<DescribedConsumerGroup> {
    if (!this.#isActive) return { groupId, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    if (groupId === '') return { groupId, errorCode: ErrorCode.INVALID_GROUP_ID };
    return answered<DescribedConsumerGroup>(
      (settle) =>
        this.#runtime.read(this.partitionFor(groupId), (machine) => machine.describeConsumerGroup(groupId), settle),
      (code) => ({ groupId, errorCode: responseErrorCode(code) }),
    );
  }

  async deleteGroups(groupIds: readonly string[]): Promise<Writable<DeleteGroupsResponse>> {
    const results = [...new Set(groupIds)].map(async (groupId) => {
      if (!this.#isActive) return { groupId, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE as number };
      const failure = await this.#shares.deleteStateOf(groupId);
      if (failure !== ErrorCode.NONE) return { groupId, errorCode: failure };
      const done = this.#write(
        this.partitionFor(groupId),
        (machine) => ({ ...machine.deleteGroup(groupId), response: ErrorCode.NONE as number }),
        (code) => code,
      );
      return { groupId, errorCode: await done };
    });
    return { results: await Promise.all(results) };
  }

  // ── telemetry ──

  counts(): GroupCounts {
    return countGroups(this.#runtime.machines());
  }

  takeReports(): GroupChanges {
    if (this.#changedGroups.size === 0) return { changed: [], removed: [] };
    const changed: GroupReport[] = [];
    const machines = [...this.#runtime.machines()];
    const asked = [...this.#changedGroups];
    this.#changedGroups.clear();
    const removed: string[] = [];
    for (const groupId of asked) {
      const report = firstReport(machines, groupId, this.#options.image());
      if (report !== null) {
        changed.push(report);
        this.#reportedGroups.add(groupId);
      } else if (this.#reportedGroups.delete(groupId)) removed.push(groupId);
    }
    return { changed, removed };
  }

  #refusal(groupId: string): number {
    if (!this.#isActive) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    return groupId === '' ? ErrorCode.INVALID_GROUP_ID : ErrorCode.NONE;
  }

  #write<Response>(
    partition: number,
    operation: (machine: GroupMachine) => GroupDecision<Response>,
    failed: (errorCode: number) => Response,
  ): Answer<Response> {
    return answered<Response>(
      (settle) => this.#runtime.write(partition, operation, settle),
      (code) => failed(responseErrorCode(code)),
    );
  }
}

export function failedTxnOffsetCommit(
  { topics }: Pick<TxnOffsetCommitRequest, 'topics'>,
  errorCode: number,
): Writable<TxnOffsetCommitResponse> {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  };
}

/** Runs `start`, which settles now or later: only the latter costs a promise. */
function answered<Response>(
  start: (settle: Settle<Response>) => void,
  failed: (errorCode: number) => Response,
): Answer<Response> {
  return replied<Response>((reply) =>
    start((errorCode, response) => {
      const isFine = errorCode === ErrorCode.NONE && response !== null;
      reply(isFine ? response : failed(errorCode === ErrorCode.NONE ? ErrorCode.UNKNOWN_SERVER_ERROR : errorCode));
    }),
  );
}

/** The first reply counts. */
function replied<Response>(start: (reply: (response: Response) => void) => void): Answer<Response> {
  const early: Response[] = [];
  let resolve: (response: Response) => void = (response) => void early.push(response);
  start((response) => resolve(response));
  const [first] = early;
  if (early.length > 0 && first !== undefined) return first;
  return new Promise((settle) => {
    resolve = settle;
  });
}

function firstReport(machines: readonly GroupMachine[], groupId: string, image: MetadataImage): GroupReport | null {
  for (const machine of machines) {
    const group = machine.groups.get(groupId);
    if (group !== null) return reportOf(group, machine, image);
  }
  return null;
}

/** Consumers before 3.9 know no "not available" here; and looking for the coordinator anew is what helps. */
function fetchErrorCode(code: number): number {
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.NOT_COORDINATOR;
    default:
      return responseErrorCode(code);
  }
}
