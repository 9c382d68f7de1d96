// One node's log directory (`node-I`): its lock, identity, checkpoints and all partition logs.

import { AssertionFailure } from '../core/assert.ts';
import type { Offset, PartitionId, TopicId, TopicPartition } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import type { Clock, Disk, Random } from '../runtime/runtime.ts';
import type { LogConfig } from './log-config.ts';
import type { PartitionLog } from './partition-log.ts';

export type MetaProperties = {
  readonly clusterId: string;
  readonly nodeId: number;
  /** 22 characters of url-safe base64. */
  readonly directoryId: string;
};

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
  readonly journal?: Journal;
};

const pending = (): never => {
  throw new AssertionFailure('main/log is being written');
};

/** Writes meta.properties (and bootstrap.checkpoint when its bytes are given) into a new directory; like `kafka-storage format`. */
export function formatLogDirectory(
  _options: { readonly disk: Disk; readonly path: string; readonly bootstrapCheckpoint?: Uint8Array } & MetaProperties,
): void {
  pending();
}

/** Null: not formatted. */
export function readMetaProperties(_disk: Disk, _path: string): MetaProperties | null {
  return pending();
}

export class LogDirectory {
  /** Takes the lock, checks identity and opens every partition. Throws LogDirectoryError. */
  static open(_options: LogDirectoryOptions): LogDirectory {
    return pending();
  }
  readonly path: string = '';
  readonly meta: MetaProperties = pending();
  /** Whether the previous run ended with a clean stop, and the broker epoch it had. */
  readonly previousBrokerEpoch: number | null = null;
  readonly hadCleanShutdown: boolean = false;

  /** Every partition here but __cluster_metadata. */
  get logs(): ReadonlyMap<string, PartitionLog> {
    return pending();
  }
  getLog(_topic: string, _partition: PartitionId): PartitionLog | null {
    return pending();
  }
  /** The existing log, or a new one. */
  createLog(_topic: string, _partition: PartitionId, _topicId: TopicId, _config?: LogConfig): PartitionLog {
    return pending();
  }
  /** `__cluster_metadata-0`, opened on first use; made when missing. */
  metadataLog(_config: LogConfig): PartitionLog {
    return pending();
  }
  /** Renames the directory to `…-delete`; maintain() removes it after file.delete.delay.ms. */
  deleteLog(_topic: string, _partition: PartitionId): void {
    pending();
  }
  /** The high watermark that the last checkpoint of the previous run held. */
  checkpointedHighWatermark(_partition: TopicPartition): Offset {
    return pending();
  }
  /** The broker calls these on its timers: replica.high.watermark.checkpoint.interval.ms and log.flush.*.checkpoint.interval.ms. */
  checkpointHighWatermarks(): void {
    pending();
  }
  checkpointRecoveryPoints(): void {
    pending();
  }
  checkpointLogStartOffsets(): void {
    pending();
  }
  /** Retention, compaction, delayed deletion, flush.ms, closing of idle files. One slice of work per call. */
  maintain(_nowMs: number): void {
    pending();
  }
  usage(): { readonly totalBytes: number; readonly usableBytes: number } {
    return pending();
  }
  /** A clean stop: closes all logs, writes the checkpoints and .kafka_cleanshutdown, releases the lock. */
  close(_brokerEpoch: number): void {
    pending();
  }
}
