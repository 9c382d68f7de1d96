// Names of the files in a partition directory. A segment is named by 20 digits: its base offset.

import { AssertionFailure } from '../core/assert.ts';
import { toOffset, toPartitionId, type Offset, type PartitionId } from '../core/ids.ts';

export const logSuffix = '.log';
export const offsetIndexSuffix = '.index';
export const timeIndexSuffix = '.timeindex';
export const transactionIndexSuffix = '.txnindex';
export const snapshotSuffix = '.snapshot';
/** Renamed away, to be removed after file.delete.delay.ms. */
export const deletedSuffix = '.deleted';
/** What compaction writes before it is complete. */
export const cleanedSuffix = '.cleaned';
/** A complete compacted segment about to take its place. */
export const swapSuffix = '.swap';
export const epochCheckpointName = 'leader-epoch-checkpoint';
export const partitionMetadataName = 'partition.metadata';

export function offsetName(offset: number): string {
  return String(offset).padStart(20, '0');
}

export function joinPath(directory: string, name: string): string {
  return `${directory}/${name}`;
}

/** The offset in front of a file's name; null where the name does not start with 20 digits and a dot. */
export function offsetInName(name: string): Offset | null {
  const digits = /^(\d{20})\./.exec(name)?.[1];
  return digits === undefined ? null : toOffset(Number(digits));
}

const deletedDirectory = /^(.+)\.([0-9a-f]{32})-(delete|stray|future)$/;

/** Reads `topic-3` and `topic-3.<32 hex>-delete`; null for anything else. */
export function parsePartitionDirectory(name: string): {
  readonly topic: string;
  readonly partition: PartitionId;
  readonly state: 'live' | 'delete' | 'stray' | 'future';
} | null {
  const marked = deletedDirectory.exec(name);
  const live = marked?.[1] ?? name;
  const dash = live.lastIndexOf('-');
  const digits = live.slice(dash + 1);
  if (dash < 1 || !/^\d{1,10}$/.test(digits)) return null;
  const topic = live.slice(0, dash);
  // Kafka cuts long topic names when it renames a directory to delete it: such a name may lack its partition.
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic)) return null;
  const mark = marked?.[3];
  const state = mark === 'delete' || mark === 'stray' || mark === 'future' ? mark : 'live';
  return { topic, partition: toPartitionId(Number(digits)), state };
}

const fileNameCharactersMax = 255;

/** `topic-3.<32 hex>-future`; null where the topic's name is too long for that, as in Kafka (KAFKA-4893). */
export function futureDirectoryName(topic: string, partition: number, hex: string): string | null {
  if (hex.length !== 32) throw new AssertionFailure(`32 hex digits are needed to mark a directory future: ${hex}`);
  const name = `${topic}-${partition}.${hex}-future`;
  return name.length > fileNameCharactersMax ? null : name;
}

/** `topic-3.<32 hex>-delete`, the topic cut where the name would be too long for a file system. */
export function deletedDirectoryName(topic: string, partition: number, hex: string): string {
  if (hex.length !== 32) throw new AssertionFailure(`32 hex digits are needed to mark a directory deleted: ${hex}`);
  const suffix = `-${partition}.${hex}-delete`;
  return topic.slice(0, fileNameCharactersMax - suffix.length) + suffix;
}
