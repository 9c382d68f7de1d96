// Where this broker's replicas lie: their log directories, replicas that move between them, and those that are offline
// because their directory failed (KIP-112, 113, 858).

import { partitionName, type PartitionId, type TopicId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { LogDirectories } from '../log/log-directories.ts';
import type { LogDirectory } from '../log/log-directory.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { DiskError } from '../runtime/runtime.ts';
import type { PartitionAssignment } from './contract.ts';
import type { Partition } from './partition.ts';
import { ReplicaMoves, type ReplicaMovesOptions } from './replica-moves.ts';

export type ReplicaDirectoriesOptions = ReplicaMovesOptions & {
  readonly logConfig: (topic: string) => LogConfig;
  readonly partitions: () => Iterable<Partition>;
  /** Stops serving a replica whose directory failed. */
  readonly takeOffline: (partition: Partition) => void;
  /** A directory failed and the broker goes on without it. */
  readonly onDirectoryFailed: (directory: LogDirectory, error: DiskError) => void;
};

/** One row of DescribeLogDirs. */
export type DescribedLog = { readonly log: PartitionLog; readonly isFuture: boolean; readonly offsetLag: number };

export class ReplicaDirectories {
  readonly logs: LogDirectories;
  readonly moves: ReplicaMoves;
  readonly #options: ReplicaDirectoriesOptions;
  /** Replicas that the metadata gives to this broker and whose directory is offline: indexes by topic id. */
  readonly #offline = new Map<TopicId, Set<number>>();

  constructor(options: ReplicaDirectoriesOptions) {
    this.#options = options;
    this.logs = options.logs;
    this.moves = new ReplicaMoves(options);
  }

  get offlineCount(): number {
    return [...this.#offline.values()].reduce((count, indexes) => count + indexes.size, 0);
  }

  isOffline(topicId: TopicId, partition: number): boolean {
    return this.#offline.get(topicId)?.has(partition) === true;
  }

  // ── opening and removing ──

  /** Null when the replica is offline: it lies, or may lie, in a directory that failed. Throws DiskError. */
  openLog({ topic, topicId, partition, directoryId }: PartitionAssignment): PartitionLog | null {
    if (this.isOffline(topicId, partition)) return null;
    const existing = this.logs.getLog(topic, partition);
    // A topic of this name that was deleted while this broker was away.
    const isStale = existing !== null && existing.topicId !== null && existing.topicId !== topicId;
    if (isStale) this.logs.deleteLog(topic, partition);
    if ((existing === null || isStale) && !this.logs.mayCreate(directoryId ?? null)) {
      this.noteOffline(topicId, partition);
      return null;
    }
    return this.logs.createLog(topic, partition, topicId, this.#options.logConfig(topic), directoryId ?? null);
  }

  /** A replica was opened: tells the controller where it lies when that is news, and goes on with a move. */
  opened(partition: Partition): void {
    const future = this.logs.futureOf(partition.topic, partition.partition);
    if (future === null) return;
    if (future.topicId === partition.topicId) this.moves.begin(partition, future);
    else this.logs.directoryOf(future)?.deleteFuture(partition.topic, partition.partition);
  }

  /** The metadata has the replica in `directoryId`; the controller hears where it really is. */
  checkAssignment(partition: Partition, directoryId: string): void {
    const actual = this.logs.directoryOf(partition.log)?.meta.directoryId;
    if (actual === undefined || actual === directoryId) return;
    // A replica that is about to move is where it goes as soon as the controller has agreed.
    if (this.#futureDirectory(partition)?.meta.directoryId === directoryId) return;
    this.#options.assignments.assign(partition.topicId, partition.partition, actual, () => undefined);
  }

  removed(topic: string, topicId: TopicId, index: PartitionId, partition: Partition | null): void {
    if (partition !== null) this.moves.cancel(partition);
    const indexes = this.#offline.get(topicId);
    if (indexes?.delete(index) === true && indexes.size === 0) this.#offline.delete(topicId);
    this.logs.deleteLog(topic, index);
  }

  noteOffline(topicId: TopicId, partition: number): void {
    const indexes = this.#offline.get(topicId) ?? new Set();
    this.#offline.set(topicId, indexes.add(partition));
  }

  // ── failure ──

  /** The directory in which the error happened; null: the node can't go on without it. */
  expendable(error: DiskError): LogDirectory | null {
    const directory = this.logs.online.find(({ path }) => error.path === path || error.path.startsWith(`${path}/`));
    return directory === undefined || directory === this.logs.main ? null : directory;
  }

  /** Everything in the directory is offline from now on. */
  fail(directory: LogDirectory, error: DiskError): void {
    if (!this.logs.online.includes(directory)) return;
    for (const partition of [...this.#options.partitions()]) {
      const future = this.moves.futureOf(partition);
      const isHere = directory.holds(partition.log);
      if (isHere || (future !== null && directory.holds(future))) this.moves.cancel(partition);
      if (!isHere) continue;
      this.noteOffline(partition.topicId, partition.partition);
      this.#options.takeOffline(partition);
    }
    this.logs.fail(directory);
    this.#options.onDirectoryFailed(directory, error);
  }

  // ── AlterReplicaLogDirs and DescribeLogDirs ──

  /** Sends a replica, hosted or not, to the directory at `path`; returns the error code. Throws DiskError. */
  alter(topic: string, index: PartitionId, path: string, partition: Partition | number): number {
    if (!this.logs.paths.includes(path)) return ErrorCode.LOG_DIR_NOT_FOUND;
    const directory = this.logs.byPath(path);
    if (directory === null) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (this.logs.cordoned.includes(directory)) return ErrorCode.INVALID_REPLICA_ASSIGNMENT;
    if (partition === ErrorCode.KAFKA_STORAGE_ERROR) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (typeof partition === 'number') {
      // It is made there when it comes; until then there is none.
      this.logs.prefer(topic, index, directory);
      return ErrorCode.REPLICA_NOT_AVAILABLE;
    }
    const underway = this.#futureDirectory(partition);
    if (underway !== null && underway !== directory) {
      this.moves.cancel(partition);
      underway.deleteFuture(topic, index);
    }
    if (directory.logs.has(partitionName(topic, index)) || underway === directory) return ErrorCode.NONE;
    // The log's copy may lie in the directory that is offline.
    if (this.logs.offlinePaths.length > 0) return ErrorCode.KAFKA_STORAGE_ERROR;
    const future = directory.createFuture(topic, index, partition.topicId, this.#options.logConfig(topic));
    if (future === null) return ErrorCode.INVALID_TOPIC_EXCEPTION;
    this.moves.begin(partition, future);
    return ErrorCode.NONE;
  }

  describe(directory: LogDirectory): DescribedLog[] {
    const current = [...directory.logs.values()].map((log) => ({
      log,
      isFuture: false,
      offsetLag: Math.max(0, log.highWatermark - log.logEndOffset),
    }));
    const futures = [...directory.futures.values()].map((log) => {
      const now = this.logs.getLog(log.topic, log.partition);
      return { log, isFuture: true, offsetLag: now === null ? -1 : now.logEndOffset - log.logEndOffset };
    });
    return [...current, ...futures];
  }

  close(): void {
    this.moves.close();
  }

  #futureDirectory(partition: Partition): LogDirectory | null {
    const future = this.moves.futureOf(partition);
    return future === null ? null : this.logs.directoryOf(future);
  }
}
