// The directory of one partition besides its segments: the small text files, which names and files a power loss may
// still take, and files that wait to be removed.

import type { TopicId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { Disk } from '../runtime/runtime.ts';
import {
  epochCheckpointText,
  partitionMetadataText,
  readPartitionMetadata,
  replaceFile,
  writeNewFile,
} from './checkpoints.ts';
import { loadEpochs, type LoadedEpochs } from './epoch-file.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { LogError } from './log-error.ts';
import type { EpochEntry } from './log-types.ts';
import { epochCheckpointName, joinPath, partitionMetadataName } from './segment-names.ts';

type Removal = { readonly paths: readonly string[]; readonly dueMs: number };

export class PartitionDirectory {
  readonly path: string;
  /** Made just now: there is nothing in it to look for. */
  readonly isNew: boolean;
  readonly #disk: Disk;
  /** Small files replaced without a sync; the log is safe only with them. */
  readonly #unsyncedFiles = new Set<string>();
  #areNamesUnsynced = true;
  #isParentUnsynced: boolean;
  #removals: Removal[] = [];

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
    this.isNew = !disk.isDirectory(path);
    if (this.isNew) disk.makeDirectory(path);
    this.#isParentUnsynced = this.isNew;
  }

  /**
   * After a crash nobody knows which small files the process before had synced, and an empty log's a clean stop leaves
   * out: the next flush takes them along.
   */
  noteUnsyncedFiles(): void {
    for (const name of [partitionMetadataName, epochCheckpointName]) {
      if (this.#disk.exists(joinPath(this.path, name))) this.#unsyncedFiles.add(name);
    }
  }

  get isUnsynced(): boolean {
    return this.#areNamesUnsynced || this.#unsyncedFiles.size > 0;
  }

  /** The stored topic id, or the given one from now on. `mayBeTorn`: no flush has made the file safe yet. */
  openTopicId(name: string, topicId: TopicId | null, mayBeTorn: boolean): TopicId | null {
    const path = joinPath(this.path, partitionMetadataName);
    const stored = this.isNew ? null : readPartitionMetadata(this.#disk, path, { mayBeTorn });
    if (stored !== null && topicId !== null && topicId !== stored) {
      throw new LogError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `Tried to assign topic ID ${topicId} to log for topic partition ${name}, but log already contained topic ID ${stored}`,
      );
    }
    if (stored === null && topicId !== null) this.#write(partitionMetadataName, partitionMetadataText(topicId));
    return stored ?? topicId;
  }

  loadEpochs(): LoadedEpochs {
    if (this.isNew) return { epochs: new LeaderEpochs(), isMissing: true, isDamaged: false };
    return loadEpochs(this.#disk, joinPath(this.path, epochCheckpointName));
  }

  writeEpochs(entries: readonly EpochEntry[]): void {
    this.#write(epochCheckpointName, epochCheckpointText(entries));
  }

  /** Kafka makes the file empty, before there is an epoch. */
  createEpochFile(): void {
    writeNewFile(this.#disk, joinPath(this.path, epochCheckpointName), '');
    this.#areNamesUnsynced = true;
  }

  /** A file was made, renamed or removed. */
  noteNamesChanged(): void {
    this.#areNamesUnsynced = true;
  }

  syncNow(): void {
    for (const name of this.#unsyncedFiles) {
      const file = this.#disk.open(joinPath(this.path, name), 'write');
      try {
        file.syncNow();
      } finally {
        file.close();
      }
    }
    this.#unsyncedFiles.clear();
    this.#syncNames();
  }

  async sync(): Promise<void> {
    for (const name of [...this.#unsyncedFiles]) {
      const file = this.#disk.open(joinPath(this.path, name), 'write');
      try {
        // Taken out first: a replacement meanwhile puts it in again.
        this.#unsyncedFiles.delete(name);
        await file.sync();
      } catch (error) {
        this.#unsyncedFiles.add(name);
        throw error;
      } finally {
        file.close();
      }
    }
    this.#syncNames();
  }

  removeLater(paths: readonly string[], dueMs: number): void {
    if (paths.length > 0) this.#removals.push({ paths, dueMs });
  }

  /** Returns when the next removal is due. */
  removeDue(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    if (this.#removals.length === 0) return nextMs;
    for (const { paths, dueMs } of this.#removals) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else for (const path of paths) this.#disk.remove(path);
    }
    this.#removals = this.#removals.filter((removal) => removal.dueMs > nowMs);
    return nextMs;
  }

  #write(name: string, text: string): void {
    const path = joinPath(this.path, name);
    if (this.isNew && !this.#unsyncedFiles.has(name) && !this.#disk.exists(path)) writeNewFile(this.#disk, path, text);
    else replaceFile(this.#disk, path, text);
    this.#unsyncedFiles.add(name);
    this.#areNamesUnsynced = true;
  }

  #syncNames(): void {
    if (this.#areNamesUnsynced) this.#disk.syncDirectory(this.path);
    this.#areNamesUnsynced = false;
    if (this.#isParentUnsynced) this.#disk.syncDirectory(this.path.slice(0, this.path.lastIndexOf('/')) || '/');
    this.#isParentUnsynced = false;
  }
}
