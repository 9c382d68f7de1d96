// A partition directory on any disk, for the log's vectors: files in and out as hex, a clock that stands still.

import { toOffset, toPartitionId, toTopicId } from '../../../main/core/ids.ts';
import { FilePool } from '../../../main/log/file-pool.ts';
import { logConfigFrom } from '../../../main/log/log-config.ts';
import { PartitionLog, type LogEnvironment } from '../../../main/log/partition-log.ts';
import { TailCache } from '../../../main/log/tail-cache.ts';
import type { Clock, Disk } from '../../../main/runtime/runtime.ts';
import type { JsonObject } from '../suite.ts';

/** Made anew for each case. `root` exists and is empty. */
export type DiskForTest = { readonly disk: Disk; readonly root: string; dispose(): void };

export function standingClock(nowMs: number): Clock {
  const never = { cancel: () => undefined };
  return { wallMs: () => nowMs, monotonicMs: () => nowMs, at: () => never, soon: () => never };
}

export function environmentFor(disk: Disk, nowMs: number): LogEnvironment {
  return {
    pool: new FilePool(disk, 8),
    clock: standingClock(nowMs),
    jitter: () => 0,
    preallocateIndexes: true,
    tailCache: new TailCache(),
  };
}

export type OpenForTest = {
  readonly disk: Disk;
  readonly root: string;
  readonly nowMs: number;
  readonly topicConfig: Readonly<Record<string, string>>;
  readonly startOffset?: number;
  readonly recoveryPoint?: number;
  readonly hadCleanShutdown?: boolean;
};

/** Partition `t-0`, with the topic id that the vectors' log has. */
export function openLog(options: OpenForTest): PartitionLog {
  return PartitionLog.open({
    environment: environmentFor(options.disk, options.nowMs),
    directory: `${options.root}/t-0`,
    topic: 't',
    partition: toPartitionId(0),
    topicId: toTopicId('AAAAAAAAAAAAAAAAAAAAAQ'),
    config: logConfigFrom(options.topicConfig),
    recoveryPoint: toOffset(options.recoveryPoint ?? 0),
    logStartOffset: toOffset(options.startOffset ?? 0),
    hadCleanShutdown: options.hadCleanShutdown ?? true,
  });
}

export function readFiles(disk: Disk, directory: string): Record<string, string> {
  return Object.fromEntries(
    disk.list(directory).map((name) => [name, Buffer.from(disk.readFile(`${directory}/${name}`)).toString('hex')]),
  );
}

export function writeFiles(disk: Disk, directory: string, files: JsonObject): void {
  disk.makeDirectory(directory);
  for (const [name, hex] of Object.entries(files)) {
    const file = disk.open(`${directory}/${name}`, 'create');
    file.write(Buffer.from(hex as string, 'hex'), 0);
    file.close();
  }
}

/** Null when equal; else the first few names that differ, with both contents. */
export function compareFiles(actual: Readonly<Record<string, string>>, expected: JsonObject): string | null {
  const names = [...new Set([...Object.keys(actual), ...Object.keys(expected)])].sort();
  const differing = names.filter((name) => actual[name] !== expected[name]);
  if (differing.length === 0) return null;
  const show = (hex: unknown): string =>
    typeof hex === 'string' ? `${hex.length / 2} bytes ${hex.slice(0, 240)}` : 'missing';
  return differing
    .slice(0, 5)
    .map((name) => `${name}\n    ours:  ${show(actual[name])}\n    Kafka: ${show(expected[name])}`)
    .join('\n  ');
}
