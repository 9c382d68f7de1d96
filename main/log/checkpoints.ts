// Kafka's small text files: offset checkpoints, the epoch checkpoint and partition.metadata. Reading is strict: a
// damaged checkpoint is told apart from a missing one, and the caller decides what to do without it.

import { toLeaderEpoch, toOffset, toTopicId, type TopicId } from '../core/ids.ts';
import type { Disk } from '../runtime/runtime.ts';
import type { EpochEntry } from './log-types.ts';

const version = '0';

export class DamagedCheckpoint extends Error {
  override readonly name = 'DamagedCheckpoint';
}

/** Lines `topic partition offset` by `topic-partition`; null when the file is missing. */
export function readOffsetCheckpoint(disk: Disk, path: string): Map<string, number> | null {
  const lines = readLines(disk, path);
  if (lines === null) return null;
  const offsets = new Map<string, number>();
  for (const line of lines) {
    const [topic, partition, offset, ...rest] = line.split(' ');
    if (topic === undefined || partition === undefined || rest.length > 0) throw damaged(path, line);
    offsets.set(`${topic}-${wholeNumber(partition, path, line)}`, wholeNumber(offset, path, line));
  }
  return offsets;
}

export type OffsetCheckpointLine = { readonly topic: string; readonly partition: number; readonly offset: number };

/** Replaces the file, all or nothing. */
export function writeOffsetCheckpoint(disk: Disk, path: string, lines: readonly OffsetCheckpointLine[]): void {
  const rows = lines.map((line) => `${line.topic} ${line.partition} ${line.offset}\n`);
  disk.writeFileAtomic(path, Buffer.from(`${version}\n${lines.length}\n${rows.join('')}`));
}

/** Null when the file is missing; Kafka makes it empty before there is an epoch. */
export function readEpochCheckpoint(disk: Disk, path: string): EpochEntry[] | null {
  const lines = readLines(disk, path);
  if (lines === null) return null;
  return lines.map((line) => {
    const [epoch, startOffset, ...rest] = line.split(' ');
    if (rest.length > 0) throw damaged(path, line);
    return {
      epoch: toLeaderEpoch(wholeNumber(epoch, path, line)),
      startOffset: toOffset(wholeNumber(startOffset, path, line)),
    };
  });
}

export function epochCheckpointText(entries: readonly EpochEntry[]): string {
  const rows = entries.map((entry) => `${entry.epoch} ${entry.startOffset}\n`);
  return `${version}\n${entries.length}\n${rows.join('')}`;
}

/** Null when missing; also when it means nothing, if it may be torn. */
export function readPartitionMetadata(
  disk: Disk,
  path: string,
  options: { readonly mayBeTorn: boolean },
): TopicId | null {
  if (!disk.exists(path)) return null;
  const text = Buffer.from(disk.readFile(path)).toString('utf8');
  const found = /^version: 0\s+topic_id: ([A-Za-z0-9_-]{22})\s*$/.exec(text)?.[1];
  if (found !== undefined) return toTopicId(found);
  if (options.mayBeTorn) return null;
  throw new DamagedCheckpoint(
    `${path} is not a partition.metadata of version 0. Restore it, or remove the partition's directory so that it is copied from the other replicas.`,
  );
}

export function partitionMetadataText(topicId: TopicId): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

/**
 * Replaces a small file without waiting for the device: a reader sees the old or the new. For files whose loss
 * recovery makes good; the others go through writeFileAtomic.
 */
export function replaceFile(disk: Disk, path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const file = disk.open(temporary, 'create');
  try {
    file.truncate(0);
    file.write(Buffer.from(text), 0);
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
}

/** The same for a file that does not exist yet. */
export function writeNewFile(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, 'create');
  try {
    if (text !== '') file.write(Buffer.from(text), 0);
  } finally {
    file.close();
  }
}

function readLines(disk: Disk, path: string): string[] | null {
  if (!disk.exists(path)) return null;
  const text = Buffer.from(disk.readFile(path)).toString('utf8');
  if (text.length === 0) return [];
  // Without its last newline the file is cut, and the last number may be: "73" reads as "7".
  if (!text.endsWith('\n')) throw new DamagedCheckpoint(`${path} ends inside a line`);
  const [first, count, ...lines] = text.slice(0, -1).split('\n');
  if (first !== version) throw new DamagedCheckpoint(`${path} has version ${first ?? ''}, not ${version}`);
  if (wholeNumber(count, path, count) !== lines.length) {
    throw new DamagedCheckpoint(`${path} announces ${count ?? ''} lines and has ${lines.length}`);
  }
  return lines;
}

function wholeNumber(text: string | undefined, path: string, line: string | undefined): number {
  if (text === undefined || !/^\d{1,19}$/.test(text) || !Number.isSafeInteger(Number(text))) throw damaged(path, line);
  return Number(text);
}

function damaged(path: string, line: string | undefined): DamagedCheckpoint {
  return new DamagedCheckpoint(`${path} has a line that means nothing: ${line ?? ''}`);
}
