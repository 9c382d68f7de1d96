// One node's log directory (`node-I`): its lock, identity, checkpoints and all partition logs. What the broker does
// on timers is a method here; nothing runs by itself.

import { assert, present } from '../core/assert.ts';
import {
  metadataTopicName,
  partitionName,
  toOffset,
  zeroOffset,
  type Offset,
  type PartitionId,
  type TopicId,
  type TopicPartition,
} from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import { DiskError, type Clock, type Disk, type File, type Random } from '../runtime/runtime.ts';
import {
  DamagedCheckpoint,
  readOffsetCheckpoint,
  writeOffsetCheckpoint,
  type OffsetCheckpointLine,
} from './checkpoints.ts';
import { FilePool } from './file-pool.ts';
import { cleanerBackoffMsDefault, LogCleaner } from './log-cleaner.ts';
import { defaultLogConfig, type LogConfig } from './log-config.ts';
import { LogDirectoryError } from './log-error.ts';
import { metaPropertiesName, readMetaProperties, writeMetaProperties, type MetaProperties } from './meta-properties.ts';
import { PartitionLog, type LogEnvironment } from './partition-log.ts';
import { deletedDirectoryName, futureDirectoryName, joinPath, parsePartitionDirectory } from './segment-names.ts';
import { TailCache, tailCacheBytesMaxDefault } from './tail-cache.ts';

export { readMetaProperties, type MetaProperties } from './meta-properties.ts';

const lockName = '.lock';
const holderName = '.highwater-lock';
const cleanShutdownName = '.kafka_cleanshutdown';
const bootstrapName = 'bootstrap.checkpoint';
const highWatermarksName = 'replication-offset-checkpoint';
const recoveryPointsName = 'recovery-point-offset-checkpoint';
const logStartsName = 'log-start-offset-checkpoint';
const cleanedToName = 'cleaner-offset-checkpoint';
/** Files of so many logs are synced at once: the device takes several syncs in one go. */
const settledAtOnceMax = 16;
/** Files that were not used between two such moments are closed. */
const idleCheckIntervalMs = 60_000;

export type LogDirectoryOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly path: string;
  readonly nodeId: number;
  /** Null: whatever the directory says. */
  readonly clusterId: string | null;
  readonly configFor: (topic: string) => LogConfig;
  readonly tailCacheBytesMax?: number;
  readonly openFilesMax?: number;
  /** `log.retention.check.interval.ms` */
  readonly retentionCheckIntervalMs?: number;
  /** `log.cleaner.backoff.ms` */
  readonly cleanerBackoffMs?: number;
  /** Kafka keeps room in open indexes; false saves memory where the disk is simulated. */
  readonly preallocateIndexes?: boolean;
  readonly journal?: Journal;
  /** Where the lock that names its holder lies; in the directory itself when not given. */
  readonly lockFile?: string;
  /** Of a node's other directories: files and cached tails are bounded together. */
  readonly environment?: LogEnvironment;
};

export type FormatOptions = MetaProperties & {
  readonly disk: Disk;
  /** For the date that Kafka notes in meta.properties. */
  readonly clock?: Clock;
  readonly path: string;
  /** Batches with the first records of a new cluster, in the form of a metadata snapshot. */
  readonly bootstrapCheckpoint?: Uint8Array;
};

/** Writes meta.properties (and bootstrap.checkpoint) into a new directory, as `kafka-storage format` does. */
export function formatLogDirectory(options: FormatOptions): void {
  const { disk, path } = options;
  if (!disk.isDirectory(path)) disk.makeDirectory(path);
  const existing = readMetaProperties(disk, path);
  if (existing !== null) {
    throw new LogDirectoryError(
      `${path} is formatted already, for node ${existing.nodeId} of cluster ${existing.clusterId}. Use it as it is, or another directory.`,
    );
  }
  if (options.bootstrapCheckpoint !== undefined) {
    disk.writeFileAtomic(joinPath(path, bootstrapName), options.bootstrapCheckpoint);
  }
  writeMetaProperties(disk, path, options, options.clock?.wallMs() ?? null);
}

type DirectoryRemoval = { readonly path: string; readonly dueMs: number };

export class LogDirectory {
  /** Takes the lock, checks identity and opens every partition. Throws LogDirectoryError. */
  static open(options: LogDirectoryOptions): LogDirectory {
    const lock = takeLock(options);
    try {
      return new LogDirectory(options, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  readonly path: string;
  readonly meta: MetaProperties;
  readonly hadCleanShutdown: boolean;
  /** Broker epoch that the last clean stop noted; null after any other. */
  readonly previousBrokerEpoch: number | null;
  readonly #options: LogDirectoryOptions;
  readonly #environment: LogEnvironment;
  readonly #lock: { release(): void };
  readonly #logs = new Map<string, PartitionLog>();
  /** Copies of logs of the node's other directories, on their way to replace them; by `topic-n`. */
  readonly #futures = new Map<string, PartitionLog>();
  readonly #highWatermarks: Map<string, number>;
  readonly #cleaner: LogCleaner;
  /** What stands in each checkpoint file: unchanged ones are not written again. */
  readonly #written = new Map<string, string>();
  /** By checkpoint file: the logs that it says something of. */
  readonly #noted = new Map<string, ReadonlySet<string>>();
  readonly #checkpoints: ReadonlyMap<string, (log: PartitionLog) => number | null> = new Map([
    [highWatermarksName, (log) => log.highWatermark],
    [recoveryPointsName, (log) => log.recoveryPoint],
    [logStartsName, (log) => log.logStartOffsetToCheckpoint],
    [cleanedToName, (log) => this.#cleaner.cleanedTo(log)],
  ]);
  #removals: DirectoryRemoval[] = [];
  #nextRetentionMs: number;
  #nextIdleCheckMs: number;
  #isClosed = false;

  private constructor(options: LogDirectoryOptions, lock: { release(): void }) {
    const { disk, path, clock } = options;
    this.path = path;
    this.#options = options;
    this.#lock = lock;
    this.meta = identify(options);
    this.previousBrokerEpoch = takeCleanShutdown(disk, path);
    this.hadCleanShutdown = this.previousBrokerEpoch !== null;
    this.#environment = options.environment ?? {
      pool: new FilePool(disk, options.openFilesMax),
      clock,
      jitter: () => options.random.next(),
      preallocateIndexes: options.preallocateIndexes ?? true,
      tailCache: new TailCache(options.tailCacheBytesMax ?? tailCacheBytesMaxDefault),
      ...(options.journal === undefined ? {} : { journal: options.journal }),
    };
    this.#highWatermarks = this.#readCheckpoint(highWatermarksName);
    this.#cleaner = new LogCleaner({
      backoffMs: options.cleanerBackoffMs ?? cleanerBackoffMsDefault,
      cleanedTo: this.#readCheckpoint(cleanedToName),
      onCleaned: () => this.#writeCheckpoint(cleanedToName),
    });
    this.#openLogs();
    const nowMs = clock.wallMs();
    this.#nextRetentionMs = nowMs + this.#retentionIntervalMs;
    this.#nextIdleCheckMs = nowMs + idleCheckIntervalMs;
  }

  /** Every partition here but __cluster_metadata, by `topic-n`. */
  get logs(): ReadonlyMap<string, PartitionLog> {
    return this.#logs;
  }

  /** Logs that are being copied here, by `topic-n`. */
  get futures(): ReadonlyMap<string, PartitionLog> {
    return this.#futures;
  }

  /** Whether the log's files lie here. */
  holds(log: PartitionLog): boolean {
    return this.#logs.get(log.name) === log || this.#futures.get(log.name) === log;
  }

  getLog(topic: string, partition: PartitionId): PartitionLog | null {
    return this.#logs.get(partitionName(topic, partition)) ?? null;
  }

  /** The existing log, or a new one. */
  createLog(topic: string, partition: PartitionId, topicId: TopicId, config?: LogConfig): PartitionLog {
    assert(!this.#isClosed, `${this.path} is closed`);
    const existing = this.getLog(topic, partition);
    if (existing !== null) {
      existing.adoptTopicId(topicId);
      return existing;
    }
    this.#forgetFormer(partitionName(topic, partition));
    const log = PartitionLog.open({
      environment: this.#environment,
      directory: joinPath(this.path, partitionName(topic, partition)),
      topic,
      partition,
      topicId,
      config: config ?? this.#options.configFor(topic),
      recoveryPoint: zeroOffset,
      logStartOffset: zeroOffset,
      hadCleanShutdown: true,
      onRecoveryPointLowered: () => this.checkpointRecoveryPoints(),
    });
    this.#logs.set(log.name, log);
    return log;
  }

  /** An empty log beside the live one of another directory; null where the topic's name is too long for it. */
  createFuture(topic: string, partition: PartitionId, topicId: TopicId, config: LogConfig): PartitionLog | null {
    assert(!this.#isClosed, `${this.path} is closed`);
    const name = partitionName(topic, partition);
    const directory = futureDirectoryName(topic, partition, this.#randomHex());
    if (directory === null) return null;
    this.#forgetFormer(name);
    const log = PartitionLog.open({
      environment: this.#environment,
      directory: joinPath(this.path, directory),
      topic,
      partition,
      topicId,
      config,
      recoveryPoint: zeroOffset,
      logStartOffset: zeroOffset,
      hadCleanShutdown: true,
      onRecoveryPointLowered: () => this.checkpointRecoveryPoints(),
    });
    this.#futures.set(name, log);
    return log;
  }

  /** The copy is not wanted any more. */
  deleteFuture(topic: string, partition: PartitionId): void {
    const name = partitionName(topic, partition);
    const log = this.#futures.get(name);
    if (log === undefined) return;
    this.#futures.delete(name);
    this.#renameToDelete(log);
  }

  /**
   * Makes a copy the log: closes it, all synced, takes the mark off its directory and opens it anew. The former log
   * must be out of the way by then, or a crash would leave two.
   */
  promoteFuture(topic: string, partition: PartitionId): PartitionLog {
    const name = partitionName(topic, partition);
    const future = present(this.#futures.get(name), `future log of ${name} in ${this.path}`);
    const { logStartOffset, config, topicId, highWatermark } = future;
    future.close();
    this.#futures.delete(name);
    const directory = joinPath(this.path, name);
    this.#options.disk.rename(future.directory, directory);
    this.syncNames();
    const log = PartitionLog.open({
      environment: this.#environment,
      directory,
      topic,
      partition,
      topicId,
      config,
      recoveryPoint: future.recoveryPoint,
      logStartOffset,
      hadCleanShutdown: true,
      onRecoveryPointLowered: () => this.checkpointRecoveryPoints(),
    });
    log.updateHighWatermark(highWatermark);
    this.#logs.set(name, log);
    return log;
  }

  /**
   * A topic of this name was here before, and the checkpoints may still tell how far its log was flushed, cleaned and
   * trimmed. Nothing of that is true of the new log: after a crash it would not be recovered, or begin too late.
   */
  #forgetFormer(name: string): void {
    this.#highWatermarks.delete(name);
    for (const [file, names] of [...this.#noted]) if (names.has(name)) this.#writeCheckpoint(file);
  }

  /** What the logs here share, for the metadata log: raft opens that one itself, with `PartitionLog.open`. */
  get environment(): LogEnvironment {
    return this.#environment;
  }

  /** Renames the directory to `…-delete`; maintain() removes it after file.delete.delay.ms. */
  deleteLog(topic: string, partition: PartitionId): void {
    const log = this.getLog(topic, partition);
    if (log === null) return;
    this.#cleaner.forget(log);
    this.#logs.delete(log.name);
    this.#renameToDelete(log);
  }

  /** Makes renames and removals of partition directories safe from power loss. */
  syncNames(): void {
    this.#options.disk.syncDirectory(this.path);
  }

  #renameToDelete(log: PartitionLog): void {
    log.abandon();
    const to = joinPath(this.path, deletedDirectoryName(log.topic, log.partition, this.#randomHex()));
    this.#options.disk.rename(log.directory, to);
    this.#scheduleRemoval(to, log.config.fileDeleteDelayMs);
  }

  #randomHex(): string {
    return Buffer.from(this.#options.random.bytes(16)).toString('hex');
  }

  #everyLog(): PartitionLog[] {
    return [...this.#logs.values(), ...this.#futures.values()];
  }

  /** The high watermark that the last checkpoint of the previous run held; 0 when none. */
  checkpointedHighWatermark(partition: TopicPartition): Offset {
    return toOffset(this.#highWatermarks.get(partitionName(partition.topic, partition.partition)) ?? 0);
  }

  /** For timers: `replica.high.watermark.checkpoint.interval.ms`. */
  checkpointHighWatermarks(): void {
    this.#writeCheckpoint(highWatermarksName);
  }

  /** For timers: `log.flush.offset.checkpoint.interval.ms`; and after truncation, before anything new is written. */
  checkpointRecoveryPoints(): void {
    this.#writeCheckpoint(recoveryPointsName);
  }

  /** For timers: `log.flush.start.offset.checkpoint.interval.ms`. */
  checkpointLogStartOffsets(): void {
    this.#writeCheckpoint(logStartsName);
  }

  /**
   * What is due of retention, compaction, delayed deletion, time-based flushing and closing of idle files. Returns
   * when it wants to be called again (wall clock), `nowMs` when there is more to do right away.
   */
  maintain(nowMs: number): number {
    if (this.#isClosed) return Number.POSITIVE_INFINITY;
    this.#removeDirectories(nowMs);
    const isRetentionDue = nowMs >= this.#nextRetentionMs;
    let nextMs = Math.min(...this.#removals.map((removal) => removal.dueMs), Number.POSITIVE_INFINITY);
    for (const log of this.#everyLog()) {
      if (isRetentionDue) log.deleteOldSegments(nowMs);
      nextMs = Math.min(nextMs, log.maintain(nowMs));
    }
    if (isRetentionDue) this.#nextRetentionMs = nowMs + this.#retentionIntervalMs;
    if (nowMs >= this.#nextIdleCheckMs) {
      this.#environment.pool.closeIdle();
      this.#nextIdleCheckMs = nowMs + idleCheckIntervalMs;
    }
    nextMs = Math.min(nextMs, this.#cleaner.step(this.#logs.values(), nowMs));
    return Math.min(nextMs, this.#nextRetentionMs, this.#nextIdleCheckMs);
  }

  /** Space of the volume under the directory. */
  usage(): { readonly totalBytes: number; readonly usableBytes: number } {
    return this.#options.disk.volume(this.path);
  }

  /**
   * Makes everything written so far safe without blocking, many logs at once: before a clean stop it leaves `close`
   * little to wait for. A failing disk shows in `failure`.
   */
  async settle(): Promise<void> {
    const waiting = this.#everyLog();
    const settleNext = async (): Promise<void> => {
      for (let log = waiting.pop(); log !== undefined; log = waiting.pop()) {
        try {
          await log.settle();
        } catch (error) {
          if (!(error instanceof DiskError)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: settledAtOnceMax }, settleNext));
  }

  /** The first failure of a log's files since the start; after one, only a restart with recovery helps. */
  get failure(): DiskError | null {
    for (const log of this.#everyLog()) if (log.failure !== null) return log.failure;
    return null;
  }

  /**
   * A clean stop: closes all logs, writes the checkpoints and .kafka_cleanshutdown, releases the lock. After a failure
   * it does what `abandon` does: the next start must recover.
   */
  close(brokerEpoch: number): void {
    if (this.#isClosed) return;
    if (this.failure !== null) return this.abandon();
    for (const log of this.#everyLog()) log.close();
    this.checkpointHighWatermarks();
    this.checkpointRecoveryPoints();
    this.checkpointLogStartOffsets();
    this.#options.disk.writeFileAtomic(
      joinPath(this.path, cleanShutdownName),
      Buffer.from(JSON.stringify({ version: 0, brokerEpoch })),
    );
    this.#isClosed = true;
    this.#lock.release();
  }

  /** After a failure of the disk: lets go of everything and writes nothing. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const log of this.#everyLog()) log.abandon();
    this.#lock.release();
  }

  get #retentionIntervalMs(): number {
    return this.#options.retentionCheckIntervalMs ?? 300_000;
  }

  #openLogs(): void {
    const { disk } = this.#options;
    const recoveryPoints = this.#readCheckpoint(recoveryPointsName);
    const logStarts = this.#readCheckpoint(logStartsName);
    for (const name of disk.list(this.path)) {
      const parsed = parsePartitionDirectory(name);
      if (parsed === null || parsed.topic === metadataTopicName || !disk.isDirectory(joinPath(this.path, name)))
        continue;
      switch (parsed.state) {
        case 'delete':
          this.#scheduleRemoval(joinPath(this.path, name), defaultLogConfig.fileDeleteDelayMs);
          break;
        case 'live': {
          const log = this.#openLog(name, parsed.topic, parsed.partition, recoveryPoints, logStarts);
          this.#logs.set(log.name, log);
          break;
        }
        case 'future': {
          const log = this.#openLog(name, parsed.topic, parsed.partition, recoveryPoints, logStarts);
          this.#futures.set(log.name, log);
          break;
        }
        // Kafka puts aside what the metadata does not know: kept, not served.
        case 'stray':
          break;
      }
    }
  }

  #openLog(
    directory: string,
    topic: string,
    partition: PartitionId,
    recoveryPoints: ReadonlyMap<string, number>,
    logStarts: ReadonlyMap<string, number>,
  ): PartitionLog {
    const name = partitionName(topic, partition);
    try {
      return PartitionLog.open({
        environment: this.#environment,
        directory: joinPath(this.path, directory),
        topic,
        partition,
        topicId: null,
        config: this.#options.configFor(topic),
        recoveryPoint: toOffset(recoveryPoints.get(name) ?? 0),
        logStartOffset: toOffset(logStarts.get(name) ?? 0),
        hadCleanShutdown: this.hadCleanShutdown,
        onRecoveryPointLowered: () => this.checkpointRecoveryPoints(),
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new LogDirectoryError(`${joinPath(this.path, directory)} can't be opened: ${reason}`, { cause: error });
    }
  }

  #readCheckpoint(name: string): Map<string, number> {
    try {
      const offsets = readOffsetCheckpoint(this.#options.disk, joinPath(this.path, name)) ?? new Map<string, number>();
      this.#noted.set(name, new Set(offsets.keys()));
      return offsets;
    } catch (error) {
      if (!(error instanceof DamagedCheckpoint)) throw error;
      // Every one of these only saves work or narrows a window: without it the logs are read from their starts.
      return new Map();
    }
  }

  #writeCheckpoint(name: string): void {
    const offsetOf = present(this.#checkpoints.get(name), `checkpoint ${name}`);
    const lines: OffsetCheckpointLine[] = [];
    const names = new Set<string>();
    for (const log of this.#everyLog()) {
      const offset = offsetOf(log);
      if (offset === null) continue;
      lines.push({ topic: log.topic, partition: log.partition, offset });
      names.add(log.name);
    }
    const text = lines.map((line) => `${line.topic} ${line.partition} ${line.offset}`).join('\n');
    if (this.#written.get(name) === text) return;
    writeOffsetCheckpoint(this.#options.disk, joinPath(this.path, name), lines);
    this.#written.set(name, text);
    this.#noted.set(name, names);
  }

  #scheduleRemoval(path: string, delayMs: number): void {
    this.#removals.push({ path, dueMs: this.#options.clock.wallMs() + delayMs });
  }

  #removeDirectories(nowMs: number): void {
    if (this.#removals.length === 0) return;
    for (const removal of this.#removals) if (removal.dueMs <= nowMs) this.#options.disk.removeTree(removal.path);
    this.#removals = this.#removals.filter((removal) => removal.dueMs > nowMs);
  }
}

/** Kafka's empty `.lock`, held open, for Kafka's tools; and a lock that names its holder, for us. */
function takeLock(options: LogDirectoryOptions): { release(): void } {
  const { disk, path } = options;
  if (!disk.isDirectory(path)) {
    throw new LogDirectoryError(`${path} does not exist. Create the cluster first, or correct the data directory.`);
  }
  let holder: { release(): void };
  let file: File;
  try {
    holder = disk.lock(options.lockFile ?? joinPath(path, holderName));
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const wayOut =
      error.code === 'busy'
        ? 'Stop that process, or use another data directory.'
        : 'Make the directory writable for this user.';
    throw new LogDirectoryError(`${path} can't be locked: ${error.message}. ${wayOut}`, { cause: error });
  }
  try {
    file = disk.open(joinPath(path, lockName), 'create');
  } catch (error) {
    holder.release();
    throw error;
  }
  return {
    release: () => {
      file.close();
      // On a disk that fails the empty file stays: it locks nothing.
      ignoringDiskErrors(() => disk.remove(joinPath(path, lockName)));
      ignoringDiskErrors(() => holder.release());
    },
  };
}

function ignoringDiskErrors(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
  }
}

function identify(options: LogDirectoryOptions): MetaProperties {
  const { disk, path, nodeId, clusterId } = options;
  const meta = readMetaProperties(disk, path);
  if (meta === null) {
    throw new LogDirectoryError(
      `${path} has no ${metaPropertiesName}: it was not formatted as a log directory. Use an empty data directory, or restore the file.`,
    );
  }
  if (meta.nodeId !== nodeId) {
    throw new LogDirectoryError(
      `${path} belongs to node ${meta.nodeId}, not to node ${nodeId}. Start that node on it, or use another directory.`,
    );
  }
  if (clusterId !== null && meta.clusterId !== clusterId) {
    throw new LogDirectoryError(
      `${path} belongs to cluster ${meta.clusterId}, not to ${clusterId}. Use the data directory of one cluster for all nodes.`,
    );
  }
  return meta;
}

/** The broker epoch of the last clean stop (−1 when it noted none); null after any other end. The note is used up. */
function takeCleanShutdown(disk: Disk, path: string): number | null {
  const note = joinPath(path, cleanShutdownName);
  if (!disk.exists(note)) return null;
  const text = Buffer.from(disk.readFile(note)).toString('utf8');
  disk.remove(note);
  // Or a power loss brings the note back, and the next start takes torn logs for whole ones.
  disk.syncDirectory(path);
  const epoch = /"brokerEpoch"\s*:\s*(-?\d+)/.exec(text)?.[1];
  return epoch === undefined ? -1 : Number(epoch);
}
