// For the tests of this folder: a partition on a simulated disk, batches to put into it, and what it then holds.

import { toLeaderEpoch, toOffset, toPartitionId, zeroTopicId } from '../core/ids.ts';
import { buildBatch, type BatchOptions, type NewRecord } from '../records/batch-builder.ts';
import { batchesIn } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import type { Clock, Disk } from '../runtime/runtime.ts';
import { FilePool } from './file-pool.ts';
import { logConfigFrom } from './log-config.ts';
import type { AppendResult, ReadLimit } from './log-types.ts';
import { PartitionLog, type LogEnvironment } from './partition-log.ts';
import { TailCache } from './tail-cache.ts';

export const startMs = 1_750_000_000_000;

export type MovableClock = Clock & { nowMs: number };

export function movableClock(nowMs: number = startMs): MovableClock {
  const never = { cancel: (): undefined => undefined };
  return {
    nowMs,
    wallMs() {
      return this.nowMs;
    },
    monotonicMs() {
      return this.nowMs;
    },
    at: () => never,
    soon: () => never,
  };
}

export type KitOptions = {
  readonly disk: Disk;
  readonly clock?: Clock;
  readonly settings?: Readonly<Record<string, string>>;
  readonly tailCacheBytesMax?: number;
  readonly openFilesMax?: number;
  readonly recoveryPoint?: number;
  readonly logStartOffset?: number;
  readonly hadCleanShutdown?: boolean;
};

export function kitEnvironment(options: KitOptions): LogEnvironment {
  return {
    pool: new FilePool(options.disk, options.openFilesMax ?? 16),
    clock: options.clock ?? movableClock(),
    jitter: () => 0,
    preallocateIndexes: false,
    tailCache: new TailCache(options.tailCacheBytesMax),
  };
}

/** `/data/t-0`, made when missing. */
export function openKitLog(options: KitOptions): PartitionLog {
  const settings = { 'segment.index.bytes': '4096', 'transaction.partition.verification.enable': 'false' };
  return PartitionLog.open({
    environment: kitEnvironment(options),
    directory: '/data/t-0',
    topic: 't',
    partition: toPartitionId(0),
    topicId: zeroTopicId,
    config: logConfigFrom({ ...settings, ...options.settings }),
    recoveryPoint: toOffset(options.recoveryPoint ?? 0),
    logStartOffset: toOffset(options.logStartOffset ?? 0),
    hadCleanShutdown: options.hadCleanShutdown ?? true,
  });
}

export function record(value: string, timestamp: number = startMs, key: string | null = null): NewRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), timestamp };
}

export function batchOf(values: readonly (string | NewRecord)[], options: BatchOptions = {}): Buffer {
  const records = values.map((value) => (typeof value === 'string' ? record(value) : value));
  // A copy: builders hand out slices of larger buffers, frames of a network do not.
  return Buffer.from(buildBatch(options, records));
}

export function append(
  log: PartitionLog,
  values: readonly (string | NewRecord)[],
  options: BatchOptions = {},
  leaderEpoch = 0,
): AppendResult {
  const result = log.appendAsLeader(batchOf(values, options), {
    leaderEpoch: toLeaderEpoch(leaderEpoch),
    origin: 'client',
  });
  log.updateHighWatermark(log.logEndOffset);
  return result;
}

/** `offset:value` of all records from `from` on that a reader gets, in steps of `maxBytes`. */
export function contents(
  log: PartitionLog,
  from: number = log.logStartOffset,
  maxBytes = 1000,
  limit: ReadLimit = 'log-end',
): string[] {
  const found: string[] = [];
  let offset = from;
  for (;;) {
    const { records } = log.read(offset, maxBytes, limit, true);
    if (records.length === 0) return found;
    for (const batch of records.flatMap((chunk) => [...batchesIn(chunk)])) {
      for (const stored of recordsOf(batch)) {
        if (stored.offset >= from) found.push(`${stored.offset}:${stored.value?.toString() ?? 'null'}`);
      }
      offset = batch.nextOffset;
    }
  }
}
