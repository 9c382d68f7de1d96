// All partitions that this broker hosts: the door of replication. Takes what metadata decides, serves appends, fetches
// and questions about offsets, follows other leaders. Knows nothing of connections, handlers or the controller.

import {
  metadataTopicName,
  partitionName,
  zeroTopicId,
  type BrokerId,
  type LeaderEpoch,
  type Offset,
  type PartitionId,
  type TopicId,
} from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import type { AppendResult } from '../log/log-types.ts';
import type { LogDirectories } from '../log/log-directories.ts';
import type { LogDirectory } from '../log/log-directory.ts';
import type { FetchParameters } from './partition-fetch.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { LogError, OffsetOutOfRange } from '../log/log-error.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { Writable } from '../protocol/schema.ts';
import { DiskError, type Runtime, type Timer } from '../runtime/runtime.ts';
import { AlterPartitionSender } from './alter-partition-sender.ts';
import { Appends, type AppendOutcome, type AppendTarget, type AppendTerms } from './appends.ts';
import {
  ReplicationError,
  type AlterPartitionChannel,
  type AssignmentChanges,
  type ClusterMetadata,
  type CoordinatorAppend,
  type CoordinatorRead,
  type LeaderConnections,
  type PartitionAssignment,
  type PartitionHost,
  type ReplicationConfig,
  type TransactionalTerms,
  type ReplicationThrottles,
} from './contract.ts';
import { DeadlineQueue } from './deadlines.ts';
import { FetchRequests } from './fetch-requests.ts';
import { Partition, type PartitionSurroundings } from './partition.ts';
import { ReplicaDirectories } from './replica-directories.ts';
import { ReplicaFetcher } from './replica-fetcher.ts';
import type { DirectoryAssignments } from './replica-moves.ts';
import { ReplicaReports, type ReplicaChanges } from './replica-reports.ts';
import {
  addTopicCounters,
  newTopicCounters,
  type IsrCounters,
  type ReplicationCounters,
  type TopicCounters,
} from './replication-counters.ts';

export type ReplicaManagerOptions = {
  readonly runtime: Runtime;
  readonly nodeId: BrokerId;
  readonly logs: LogDirectories;
  readonly assignments: DirectoryAssignments;
  readonly config: ReplicationConfig;
  readonly metadata: ClusterMetadata;
  readonly alterPartitions: AlterPartitionChannel;
  readonly connections: LeaderConnections;
  readonly journal: Journal;
  /** This broker's epoch of registration; −1 before. */
  readonly brokerEpoch: () => number;
  /** Without: replication is never slowed down. */
  readonly throttles?: ReplicationThrottles;
  /** A log directory failed and this broker goes on with the others. */
  readonly onDirectoryFailed?: (directory: LogDirectory, error: DiskError) => void;
  /** A log directory failed without which this broker can't go on. */
  readonly onStorageError: (topic: string, partition: number, error: DiskError) => void;
};

export class ReplicaManager implements PartitionHost {
  readonly counters: ReplicationCounters = {
    bytesIn: 0,
    messagesIn: 0,
    bytesOut: 0,
    replicationBytesIn: 0,
    replicationBytesOut: 0,
  };
  readonly isrCounters: IsrCounters = { expands: 0, shrinks: 0, failedUpdates: 0 };
  /** Of hosted topics; what the others had counts in `formerTopics`. */
  readonly topicCounters = new Map<string, TopicCounters>();
  private readonly formerTopics = newTopicCounters();
  readonly metadata: ClusterMetadata;
  readonly nodeId: BrokerId;
  private readonly options: ReplicaManagerOptions;
  private readonly hosted = new Map<TopicId, Map<number, Partition>>();
  /** Topic ids of hosted topics: what a client that speaks names means. */
  private readonly topicIds = new Map<string, TopicId>();
  private readonly fetchers = new Map<BrokerId, ReplicaFetcher>();
  private readonly deadlines: DeadlineQueue;
  private readonly surroundings: PartitionSurroundings;
  private readonly alterPartitions: AlterPartitionSender;
  private readonly fetches: FetchRequests;
  private readonly appends: Appends;
  readonly directories: ReplicaDirectories;
  private readonly reports: ReplicaReports;
  private inSyncTimer: Timer | null = null;
  private inSyncDueMs = 0;
  private isClosed = false;

  constructor(options: ReplicaManagerOptions) {
    this.options = options;
    this.metadata = options.metadata;
    this.nodeId = options.nodeId;
    const { nodeId, config, metadata, journal, brokerEpoch } = options;
    const { clock, random } = options.runtime;
    this.deadlines = new DeadlineQueue(clock);
    this.alterPartitions = new AlterPartitionSender({
      nodeId,
      clock,
      channel: options.alterPartitions,
      brokerEpoch,
      afterResponse: () => {
        this.checkInSync();
        this.endEvent();
      },
    });
    this.reports = new ReplicaReports();
    this.surroundings = {
      nodeId,
      clock,
      config,
      metadata,
      journal,
      isrCounters: this.isrCounters,
      alterPartitions: this.alterPartitions,
      changed: this.reports.changed,
      lagging: new Set(),
      truncated: (partition) => this.directories.moves.truncated(partition),
    };
    this.directories = new ReplicaDirectories({
      clock,
      logs: options.logs,
      assignments: options.assignments,
      throttle: options.throttles?.moves ?? null,
      logConfig: (topic) => metadata.logConfig(topic),
      partitions: () => this.partitions(),
      takeOffline: (partition) => this.takeOffline(partition),
      onDirectoryFailed: options.onDirectoryFailed ?? (() => undefined),
      onDiskError: (error) => this.diskFailed(error, null),
    });
    const onStorageError = (partition: Partition, error: DiskError): void => this.storageFailed(partition, error);
    this.appends = new Appends({
      clock,
      deadlines: this.deadlines,
      onAppended: (bytes, messages) => {
        this.counters.bytesIn += bytes;
        this.counters.messagesIn += messages;
      },
      onStorageError,
    });
    this.fetches = new FetchRequests({
      clock,
      random,
      config,
      metadata,
      deadlines: this.deadlines,
      lookup: (topicId, topic, index) => this.find(topicId, topic, index),
      throttle: options.throttles?.leader ?? null,
      onBytesOut: (bytes, isFollower) => {
        if (isFollower) this.counters.replicationBytesOut += bytes;
        else this.counters.bytesOut += bytes;
      },
    });
  }

  // ── metadata ──

  /** Takes in one metadata delta. Leaders come first: a follower elsewhere may already be asking. */
  applyChanges(changes: AssignmentChanges): void {
    if (this.isClosed) return;
    for (const { topic, topicId, partition } of changes.removed) this.removePartition(topic, topicId, partition);
    const following: PartitionAssignment[] = [];
    for (const assignment of changes.changed) {
      if (assignment.leader === this.nodeId) this.lead(assignment);
      else following.push(assignment);
    }
    const touched = new Set<ReplicaFetcher>();
    for (const assignment of following) this.follow(assignment, touched);
    for (const fetcher of touched) fetcher.kick();
    for (const { topicId, partition: index, directoryId } of changes.changed) {
      const partition = this.hosted.get(topicId)?.get(index);
      if (partition !== undefined && directoryId !== undefined)
        this.directories.checkAssignment(partition, directoryId);
    }
    this.checkInSync();
    this.endEvent();
  }

  /** Brokers came, went or changed: followers may now be eligible for the ISR. */
  brokersChanged(): void {
    if (this.isClosed) return;
    this.checkInSync();
    this.endEvent();
  }

  /** A topic's configuration changed. */
  topicConfigChanged(topic: string): void {
    const topicId = this.topicIds.get(topic);
    const partitions = topicId === undefined ? undefined : this.hosted.get(topicId);
    if (partitions === undefined) return;
    const config = this.metadata.logConfig(topic);
    for (const partition of partitions.values()) {
      partition.log.updateConfig(config);
      this.directories.moves.futureOf(partition)?.updateConfig(config);
      // min.insync.replicas may have fallen.
      partition.raiseHighWatermark();
    }
    this.endEvent();
  }

  private lead(assignment: PartitionAssignment): void {
    const partition = this.open(assignment);
    if (partition === null) return;
    const wasFollowing = partition.role.kind === 'follower' ? partition.role.leader : -1;
    if (wasFollowing !== -1) this.fetchers.get(wasFollowing)?.remove(partition);
    partition.becomeLeader(assignment);
    this.armInSyncCheck(this.options.config.replicaLagTimeMaxMs / 2);
  }

  private follow(assignment: PartitionAssignment, touched: Set<ReplicaFetcher>): void {
    const partition = this.open(assignment);
    if (partition === null) return;
    const before = partition.role.kind === 'follower' ? partition.role.leader : -1;
    const isNewEpoch = partition.becomeFollower(assignment);
    if (partition.role.kind !== 'follower') return;
    const { leader } = partition.role;
    if (!isNewEpoch && leader === before) return;
    if (before !== -1 && before !== leader) this.fetchers.get(before)?.remove(partition);
    if (leader === -1) return;
    const fetcher = this.fetcherOf(leader);
    fetcher.add(partition);
    touched.add(fetcher);
  }

  private fetcherOf(leader: BrokerId): ReplicaFetcher {
    let fetcher = this.fetchers.get(leader);
    if (fetcher === undefined) {
      const { runtime, nodeId, config, connections, brokerEpoch } = this.options;
      fetcher = new ReplicaFetcher({
        leader,
        nodeId,
        clock: runtime.clock,
        config,
        connections,
        deadlines: this.deadlines,
        brokerEpoch,
        throttle: this.options.throttles?.follower ?? null,
        onBytes: (count) => (this.counters.replicationBytesIn += count),
        onStorageError: (partition, error) => this.storageFailed(partition, error),
        afterEvent: () => this.endEvent(),
      });
      this.fetchers.set(leader, fetcher);
    }
    return fetcher;
  }

  /** Null when its log can't be opened: the partition stays unhosted, the broker hears of it. */
  private open(assignment: PartitionAssignment): Partition | null {
    const { topic, topicId, partition: index } = assignment;
    const known = this.hosted.get(topicId)?.get(index);
    if (known !== undefined) return known;
    let log: PartitionLog | null;
    try {
      log = this.directories.openLog(assignment);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.directories.noteOffline(topicId, index);
      this.diskFailed(error, { topic, partition: index });
      return null;
    }
    if (log === null) return null;
    let counters = this.topicCounters.get(topic);
    if (counters === undefined) this.topicCounters.set(topic, (counters = newTopicCounters()));
    const partition = new Partition(topic, topicId, index, log, this.surroundings, counters);
    let partitions = this.hosted.get(topicId);
    if (partitions === undefined) this.hosted.set(topicId, (partitions = new Map()));
    partitions.set(index, partition);
    this.topicIds.set(topic, topicId);
    this.directories.opened(partition);
    return partition;
  }

  /** Its log directory failed: it is served and followed no more, until the broker starts anew. */
  private takeOffline(partition: Partition): void {
    const { topic, topicId, partition: index, role } = partition;
    if (role.kind === 'follower' && role.leader !== -1) this.fetchers.get(role.leader)?.remove(partition);
    partition.close(ErrorCode.KAFKA_STORAGE_ERROR);
    this.unhost(topic, topicId, index);
    this.reports.removed(partition.name);
  }

  private unhost(topic: string, topicId: TopicId, index: PartitionId): void {
    const partitions = this.hosted.get(topicId);
    partitions?.delete(index);
    if (partitions?.size !== 0) return;
    this.hosted.delete(topicId);
    if (this.topicIds.get(topic) !== topicId) return;
    this.topicIds.delete(topic);
    this.forgetCounters(topic);
  }

  private removePartition(topic: string, topicId: TopicId, index: PartitionId): void {
    const partition = this.hosted.get(topicId)?.get(index);
    if (partition === undefined) return this.directories.removed(topic, topicId, index, null);
    if (partition.role.kind === 'follower' && partition.role.leader !== -1) {
      this.fetchers.get(partition.role.leader)?.remove(partition);
    }
    this.unhost(topic, topicId, index);
    const isTopicGone = this.metadata.topicName(topicId) === null;
    partition.close(isTopicGone ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NOT_LEADER_OR_FOLLOWER);
    this.reports.removed(partition.name);
    this.directories.removed(topic, topicId, index, partition);
  }

  private forgetCounters(topic: string): void {
    const counters = this.topicCounters.get(topic);
    if (counters !== undefined) addTopicCounters(this.formerTopics, counters);
    this.topicCounters.delete(topic);
  }

  /** Totals of this broker: of the topics that it hosts and of those that it hosted. */
  allTopicCounters(): TopicCounters {
    const sum = { ...this.formerTopics };
    for (const counters of this.topicCounters.values()) addTopicCounters(sum, counters);
    return sum;
  }

  // ── finding partitions ──

  /** The hosted partition, or the error code that Kafka gives for why it can't be had here. Empty topic: by id. */
  find(topicId: TopicId, topic: string, index: number): Partition | number {
    const id = topicId !== zeroTopicId ? topicId : this.topicIds.get(topic);
    const partition = id === undefined ? undefined : this.hosted.get(id)?.get(index);
    if (partition !== undefined) return partition;
    const offlineId = id ?? this.metadata.topicId(topic);
    if (offlineId !== null && this.directories.isOffline(offlineId, index)) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (topicId !== zeroTopicId) {
      if (this.metadata.topicName(topicId) === null) return ErrorCode.UNKNOWN_TOPIC_ID;
      return this.metadata.partitionExists(topicId, index)
        ? ErrorCode.NOT_LEADER_OR_FOLLOWER
        : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    }
    const known = this.metadata.topicId(topic);
    const exists = known !== null && this.metadata.partitionExists(known, index);
    return exists ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  findByName(topic: string, index: number): Partition | number {
    return this.find(zeroTopicId, topic, index);
  }

  *partitions(): Generator<Partition> {
    for (const partitions of this.hosted.values()) yield* partitions.values();
  }

  // ── the data plane ──

  /** Appends to all targets as the leader. Without a promise unless acks=all has to wait. */
  appendRecords(targets: readonly AppendTarget[], terms: AppendTerms): AppendOutcome[] | Promise<AppendOutcome[]> {
    const outcomes = this.appends.append(targets, terms);
    this.endEvent();
    return outcomes;
  }

  /** Serves a Fetch of a consumer or follower; see FetchRequests. */
  fetch(
    request: FetchRequest,
    version: number,
    refuses: FetchParameters['refuses'] = null,
  ): Writable<FetchResponse> | Promise<Writable<FetchResponse>> {
    const response = this.fetches.handle(request, version, refuses);
    this.endEvent();
    return response;
  }

  /** Raises the log start of a led partition; settles when all live replicas have followed, or with what went wrong. */
  deleteRecords(
    partition: Partition,
    offset: number,
    timeoutMs: number,
    settle: (errorCode: number, lowWatermark: number) => void,
  ): void {
    let isSettled = false;
    const settleOnce = (errorCode: number, lowWatermark: number): void => {
      if (isSettled) return;
      isSettled = true;
      this.deadlines.cancel(deadline);
      settle(errorCode, lowWatermark);
    };
    const deadline = this.deadlines.schedule(this.options.runtime.clock.monotonicMs() + timeoutMs, () =>
      settleOnce(ErrorCode.REQUEST_TIMED_OUT, -1),
    );
    try {
      partition.deleteRecordsBefore(offset, settleOnce);
    } catch (error) {
      if (error instanceof ReplicationError) settleOnce(error.code, -1);
      else if (error instanceof LogError) settleOnce(error.errorCode, -1);
      else throw error;
    }
    this.endEvent();
  }

  /** Sends a replica to another log directory of this broker; the error code as AlterReplicaLogDirs has it. */
  alterLogDirectory(topic: string, index: PartitionId, path: string): number {
    try {
      return this.directories.alter(topic, index, path, this.findByName(topic, index));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.diskFailed(error, { topic, partition: index });
      return ErrorCode.KAFKA_STORAGE_ERROR;
    }
  }

  // ── for coordinators ──

  append(
    topic: string,
    partition: PartitionId,
    records: Buffer,
    leaderEpoch: LeaderEpoch,
    terms: TransactionalTerms = {},
  ): CoordinatorAppend {
    const hosted = this.led(topic, partition);
    if (hosted.leaderEpoch !== leaderEpoch) {
      throw new ReplicationError(
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        `${hosted.name} is led in epoch ${hosted.leaderEpoch}, not ${leaderEpoch}`,
      );
    }
    const { firstOffset, lastOffset, validBytes, recordCount } = this.appendForCoordinator(hosted, records, terms);
    this.counters.bytesIn += validBytes;
    this.counters.messagesIn += recordCount;
    hosted.counters.bytesIn += validBytes;
    hosted.counters.messagesIn += recordCount;
    const committed = new Promise<void>((resolve, reject) => {
      const settle = (errorCode: number): void => {
        if (errorCode === ErrorCode.NONE) resolve();
        else reject(new ReplicationError(errorCode, `${hosted.name}: the record at ${lastOffset} was not committed`));
      };
      hosted.whenCommitted({ requiredOffset: lastOffset + 1, isSettled: false, settle });
    });
    this.endEvent();
    return { firstOffset, lastOffset, committed };
  }

  private appendForCoordinator(partition: Partition, records: Buffer, terms: TransactionalTerms): AppendResult {
    try {
      return partition.appendAsLeader(records, -1, { ...terms, origin: 'coordinator' });
    } catch (error) {
      if (error instanceof LogError) throw new ReplicationError(error.errorCode, error.message);
      if (!(error instanceof DiskError)) throw error;
      this.storageFailed(partition, error);
      throw new ReplicationError(ErrorCode.KAFKA_STORAGE_ERROR, error.message);
    }
  }

  read(topic: string, partition: PartitionId, fromOffset: Offset, bytesMax: number): CoordinatorRead {
    const { log } = this.led(topic, partition);
    try {
      const { records, logStartOffset, logEndOffset, highWatermark } =
        fromOffset >= log.logEndOffset
          ? {
              records: [],
              logStartOffset: log.logStartOffset,
              logEndOffset: log.logEndOffset,
              highWatermark: log.highWatermark,
            }
          : log.read(fromOffset, bytesMax, 'log-end', true);
      return { records, logStartOffset, logEndOffset, highWatermark };
    } catch (error) {
      if (error instanceof OffsetOutOfRange) throw new ReplicationError(ErrorCode.OFFSET_OUT_OF_RANGE, error.message);
      throw error;
    }
  }

  onHighWatermark(topic: string, partition: PartitionId, listener: (highWatermark: Offset) => void): () => void {
    return this.led(topic, partition).onHighWatermark(listener);
  }

  private led(topic: string, index: PartitionId): Partition {
    const found = this.findByName(topic, index);
    if (typeof found === 'number')
      throw new ReplicationError(found, `${partitionName(topic, index)} is not hosted by this broker`);
    found.leaderRole();
    return found;
  }

  // ── in-sync replicas ──

  private armInSyncCheck(inMs: number): void {
    if (this.isClosed || this.surroundings.lagging.size === 0) return;
    const { clock } = this.options.runtime;
    const dueMs = clock.monotonicMs() + inMs;
    if (this.inSyncTimer !== null && this.inSyncDueMs <= dueMs) return;
    this.inSyncTimer?.cancel();
    this.inSyncDueMs = dueMs;
    this.inSyncTimer = clock.at(dueMs, () => {
      this.inSyncTimer = null;
      this.checkInSync();
      this.endEvent();
    });
  }

  private checkInSync(): void {
    const nowMs = this.options.runtime.clock.monotonicMs();
    let againMs = Infinity;
    for (const partition of [...this.surroundings.lagging]) {
      const partitionAgainMs = partition.checkInSync(nowMs);
      if (partitionAgainMs === Infinity) this.surroundings.lagging.delete(partition);
      againMs = Math.min(againMs, partitionAgainMs);
    }
    if (againMs < Infinity) this.armInSyncCheck(againMs);
  }

  /** What every event ends with: whoever can be answered now is. */
  private endEvent(): void {
    this.fetches.wakeAll();
    if (this.inSyncTimer === null) this.armInSyncCheck(this.options.config.replicaLagTimeMaxMs / 2);
  }

  private storageFailed(partition: Partition, error: DiskError): void {
    this.diskFailed(error, partition);
  }

  /** A directory failed in the background: a flush, a checkpoint, maintenance. */
  directoryFailed(error: DiskError): void {
    this.diskFailed(error, null);
  }

  /** Not in the same event: whoever met the error is amid its partitions. */
  private diskFailed(
    error: DiskError,
    where: { readonly topic: string; readonly partition: PartitionId } | null,
  ): void {
    const directory = this.directories.expendable(error);
    if (directory === null) {
      return this.options.onStorageError(where?.topic ?? metadataTopicName, where?.partition ?? 0, error);
    }
    this.options.runtime.clock.soon(() => {
      if (this.isClosed) return;
      this.directories.fail(directory, error);
      this.endEvent();
    });
  }

  // ── telemetry and the end ──

  /** Replicas that changed since the last call. */
  takeReports(): ReplicaChanges {
    return this.reports.take();
  }

  /** All replicas anew: for a reader that has just come. */
  reportAll(): void {
    for (const partition of this.partitions()) this.reports.changed.add(partition);
  }

  /** Leads and follows nothing any more; the logs stay open, they are the log directory's. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.inSyncTimer?.cancel();
    this.alterPartitions.close();
    this.directories.close();
    for (const fetcher of this.fetchers.values()) fetcher.close();
    for (const partition of this.partitions()) partition.close(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    this.fetches.wakeAll();
    this.fetches.close();
    this.deadlines.close();
  }
}
