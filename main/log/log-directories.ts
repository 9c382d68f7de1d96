// All log directories of a node (`log.dirs`): finds logs in them, chooses where new ones go, moves them, and goes on
// with the others when one fails (KIP-112, 113, 858). Each directory has its own lock, identity and checkpoints.

import { assert, present } from '../core/assert.ts';
import { partitionName, type PartitionId, type TopicId } from '../core/ids.ts';
import type { DiskError } from '../runtime/runtime.ts';
import type { LogConfig } from './log-config.ts';
import type { LogDirectory } from './log-directory.ts';
import { LogDirectoryError } from './log-error.ts';
import type { PartitionLog } from './partition-log.ts';

/** What the metadata may say instead of a directory (KIP-858): unassigned, lost, migrating. */
const reservedIdPrefix = 'AAAAAAAAAAAAAAAAAAAAA';

export class LogDirectories {
  readonly #online: LogDirectory[];
  /** Paths of those that failed, now or at the start. */
  readonly #offline: string[];
  /** In the order of `log.dirs`. */
  readonly #paths: readonly string[];
  /** Paths of directories that get no new logs (KIP-1066). */
  #cordoned: ReadonlySet<string> = new Set();
  /** Where logs that do not exist yet were asked to go, by `topic-n`. */
  readonly #preferred = new Map<string, LogDirectory>();

  /** The first directory is the one with the metadata log. Throws LogDirectoryError when two hold the same log. */
  constructor(directories: readonly LogDirectory[], offlinePaths: readonly string[] = []) {
    assert(directories.length > 0, 'a node has a log directory');
    this.#online = [...directories];
    this.#offline = [...offlinePaths];
    this.#paths = [...directories.map(({ path }) => path), ...offlinePaths];
    this.#refuseDoubles();
  }

  /** The directory with the metadata log: without it the node can't go on. */
  get main(): LogDirectory {
    return present(this.#online[0], 'main log directory');
  }

  get online(): readonly LogDirectory[] {
    return this.#online;
  }

  get offlinePaths(): readonly string[] {
    return this.#offline;
  }

  get paths(): readonly string[] {
    return this.#paths;
  }

  /** Of the last clean stop of all that are online; null after any other. */
  get previousBrokerEpoch(): number | null {
    const [first = null, ...others] = this.#online.map((each) => each.previousBrokerEpoch);
    return others.every((each) => each === first) ? first : null;
  }

  /** Those that get no new logs, unless all are; those that are none of this node's are passed over. */
  get cordoned(): readonly LogDirectory[] {
    return this.#online.filter(({ path }) => this.#cordoned.has(path));
  }

  setCordoned(paths: ReadonlySet<string>): void {
    this.#cordoned = paths;
  }

  byPath(path: string): LogDirectory | null {
    return this.#online.find((each) => each.path === path) ?? null;
  }

  /** The online directory in which the log lies. */
  directoryOf(log: PartitionLog): LogDirectory | null {
    return this.#online.find((each) => each.holds(log)) ?? null;
  }

  // ── logs ──

  *logs(): Generator<PartitionLog> {
    for (const directory of this.#online) yield* directory.logs.values();
  }

  *futures(): Generator<PartitionLog> {
    for (const directory of this.#online) yield* directory.futures.values();
  }

  getLog(topic: string, partition: PartitionId): PartitionLog | null {
    for (const directory of this.#online) {
      const log = directory.getLog(topic, partition);
      if (log !== null) return log;
    }
    return null;
  }

  futureOf(topic: string, partition: PartitionId): PartitionLog | null {
    const name = partitionName(topic, partition);
    for (const directory of this.#online) {
      const log = directory.futures.get(name);
      if (log !== undefined) return log;
    }
    return null;
  }

  /** Whether a log that the metadata has in `directoryId` may be made here, or may lie in a directory that failed. */
  mayCreate(directoryId: string | null): boolean {
    if (this.#offline.length === 0 || directoryId === null || directoryId.startsWith(reservedIdPrefix)) return true;
    return this.#online.some((each) => each.meta.directoryId === directoryId);
  }

  /**
   * The existing log, or a new one: where it was asked to go, else in the directory that the metadata names, else in
   * the one that holds the fewest logs.
   */
  createLog(
    topic: string,
    partition: PartitionId,
    topicId: TopicId,
    config?: LogConfig,
    directoryId: string | null = null,
  ): PartitionLog {
    const name = partitionName(topic, partition);
    const existing = this.#online.find((each) => each.logs.has(name));
    const directory = existing ?? this.#preferred.get(name) ?? this.#byId(directoryId) ?? this.#emptiest();
    const log = directory.createLog(topic, partition, topicId, config);
    this.#preferred.delete(name);
    return log;
  }

  deleteLog(topic: string, partition: PartitionId): void {
    this.#preferred.delete(partitionName(topic, partition));
    for (const directory of this.#online) {
      directory.deleteFuture(topic, partition);
      directory.deleteLog(topic, partition);
    }
  }

  /** A log that is made later goes there; no effect where the log, or its copy, is there already. */
  prefer(topic: string, partition: PartitionId, directory: LogDirectory): void {
    const name = partitionName(topic, partition);
    if (directory.logs.has(name) || directory.futures.has(name)) return;
    this.#preferred.set(name, directory);
  }

  /** Puts the copy in the place of the log. Both are synced first; the former log's files are removed later. */
  replaceByFuture(log: PartitionLog, future: PartitionLog): PartitionLog {
    const { topic, partition, highWatermark } = log;
    const from = present(this.directoryOf(log), `directory of ${log.name}`);
    const to = present(this.directoryOf(future), `directory of the future ${future.name}`);
    future.flush();
    // In this order: a crash in between leaves a copy without a log, which the next start can tell by the metadata.
    from.deleteLog(topic, partition);
    // Or a power loss brings the former log back beside the new one.
    from.syncNames();
    const promoted = to.promoteFuture(topic, partition);
    promoted.updateHighWatermark(highWatermark);
    this.#preferred.delete(log.name);
    return promoted;
  }

  /** After a crash between the two steps of a move: the copy that the metadata names becomes the log. */
  promoteAbandoned(directoryIdOf: (log: PartitionLog) => string | null): PartitionLog[] {
    const promoted: PartitionLog[] = [];
    for (const directory of this.#online) {
      for (const future of [...directory.futures.values()]) {
        const { topic, partition } = future;
        if (this.getLog(topic, partition) !== null || directoryIdOf(future) !== directory.meta.directoryId) continue;
        promoted.push(directory.promoteFuture(topic, partition));
      }
    }
    return promoted;
  }

  // ── failure ──

  /** Lets go of a directory that failed, as after a crash. Not of the main one. */
  fail(directory: LogDirectory): void {
    assert(directory !== this.main, `${directory.path} holds the metadata log`);
    const index = this.#online.indexOf(directory);
    if (index < 0) return;
    this.#online.splice(index, 1);
    this.#offline.push(directory.path);
    for (const [name, preferred] of this.#preferred) if (preferred === directory) this.#preferred.delete(name);
    directory.abandon();
  }

  // ── for timers ──

  checkpointHighWatermarks(): void {
    for (const directory of this.#online) directory.checkpointHighWatermarks();
  }

  checkpointRecoveryPoints(): void {
    for (const directory of this.#online) directory.checkpointRecoveryPoints();
  }

  checkpointLogStartOffsets(): void {
    for (const directory of this.#online) directory.checkpointLogStartOffsets();
  }

  /** As of one directory. */
  maintain(nowMs: number): number {
    return Math.min(...this.#online.map((each) => each.maintain(nowMs)));
  }

  /** A failure in the background that nobody was told of: of a flush, of cleaning, of retention. */
  get failure(): DiskError | null {
    for (const { failure } of this.#online) if (failure !== null) return failure;
    return null;
  }

  // ── the end ──

  async settle(): Promise<void> {
    await Promise.all(this.#online.map((each) => each.settle()));
  }

  close(brokerEpoch: number): void {
    for (const directory of this.#online) directory.close(brokerEpoch);
  }

  #byId(directoryId: string | null): LogDirectory | null {
    if (directoryId === null) return null;
    return this.#online.find((each) => each.meta.directoryId === directoryId) ?? null;
  }

  /** Copies on their way count where they go. Where all are cordoned, a log that must be made goes to the first. */
  #emptiest(): LogDirectory {
    const sizeOf = ({ logs, futures }: LogDirectory): number => logs.size + futures.size;
    const open = this.#online.filter(({ path }) => !this.#cordoned.has(path));
    const first = open[0] ?? this.main;
    return open.reduce((least, each) => (sizeOf(each) < sizeOf(least) ? each : least), first);
  }

  #refuseDoubles(): void {
    const pathByName = new Map<string, string>();
    for (const { logs, path } of this.#online) {
      for (const name of logs.keys()) {
        const other = pathByName.get(name);
        if (other !== undefined) {
          throw new LogDirectoryError(
            `${name} lies in ${other} and in ${path}: one of them had failed while the replica was moved. Delete the one in the directory that failed.`,
          );
        }
        pathByName.set(name, path);
      }
    }
  }
}
