// One segment: a run of batches from a base offset on, with its indexes. It knows nothing of producers, epochs or
// the high watermark; PartitionLog and recovery do.

import { toOffset, type Offset } from '../core/ids.ts';
import { assert } from '../core/assert.ts';
import { forEachBatch, wholeBatchSize, RecordBatch } from '../records/record-batch.ts';
import type { Clock } from '../runtime/runtime.ts';
import { PooledFile, type FilePool } from './file-pool.ts';
import { forEachHeader, readRange } from './log-file.ts';
import type { LogConfig } from './log-config.ts';
import type { AbortedTransaction } from './log-types.ts';
import { OffsetIndex } from './offset-index.ts';
import {
  cleanedSuffix,
  deletedSuffix,
  joinPath,
  logSuffix,
  offsetIndexSuffix,
  offsetName,
  timeIndexSuffix,
  transactionIndexSuffix,
} from './segment-names.ts';
import { TimeIndex, type TimestampOffset } from './time-index.ts';
import { TransactionIndex } from './transaction-index.ts';

const relativeOffsetMax = 0x7fff_ffff;

export type SegmentEnvironment = {
  readonly pool: FilePool;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads the rolls of partitions that were made together. */
  readonly jitter: () => number;
  /** Off in the simulation, where room kept ahead costs memory. */
  readonly preallocateIndexes: boolean;
};

export type SegmentOptions = {
  readonly environment: SegmentEnvironment;
  readonly directory: string;
  readonly baseOffset: Offset;
  readonly config: LogConfig;
  /** `.swap` or `.cleaned`, behind each file's name. */
  readonly suffix?: string;
  /** What the directory holds, when that is known: saves asking the disk for each file. */
  readonly names?: ReadonlySet<string>;
};

export class Segment {
  /** An empty segment under `.cleaned` names; what an interrupted cleaning left there goes. */
  static createCleaned(options: SegmentOptions): Segment {
    const settings = { ...options, suffix: cleanedSuffix };
    new Segment(settings).remove();
    const segment = new Segment(settings);
    segment.createFiles();
    return segment;
  }

  readonly baseOffset: Offset;
  readonly log: PooledFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly transactionIndex: TransactionIndex;
  readonly #environment: SegmentEnvironment;
  readonly #indexIntervalBytes: number;
  readonly #rollJitterMs: number;
  #sizeBytes: number;
  #createdMs: number;
  #bytesSinceLastIndexEntry = 0;
  /** Largest timestamp and the last offset of the batch that holds it; null until looked up. */
  #maxTimestamp: TimestampOffset | null = null;
  /** Timestamp of the first batch, which time-based rolling counts from; null until known. */
  #firstBatchTimestamp: number | null = null;
  /** Its indexes have room kept ahead, or lack the last time entry. */
  #isUnsealed = false;
  /** Something in its files may not survive a power loss. */
  #changeCount = 0;
  #syncedChangeCount = 0;

  constructor(options: SegmentOptions) {
    const { environment, baseOffset, config } = options;
    const suffix = options.suffix ?? '';
    const file = (ending: string): PooledFile =>
      new PooledFile(environment.pool, joinPath(options.directory, offsetName(baseOffset) + ending + suffix));
    this.baseOffset = baseOffset;
    this.log = file(logSuffix);
    this.offsetIndex = new OffsetIndex(file(offsetIndexSuffix), baseOffset, config.segmentIndexBytes);
    this.timeIndex = new TimeIndex(file(timeIndexSuffix), baseOffset, config.segmentIndexBytes);
    this.transactionIndex = new TransactionIndex(file(transactionIndexSuffix), baseOffset);
    this.#environment = environment;
    this.#indexIntervalBytes = config.indexIntervalBytes;
    this.#rollJitterMs =
      config.segmentJitterMs <= 0
        ? 0
        : Math.floor(environment.jitter() * Math.min(config.segmentJitterMs, config.segmentMs));
    this.#sizeBytes = this.log.sizeBytes();
    if (options.names?.has(offsetName(baseOffset) + transactionIndexSuffix) === false)
      this.transactionIndex.setMissing();
    this.#createdMs = environment.clock.wallMs();
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isUnsynced(): boolean {
    return this.#changeCount !== this.#syncedChangeCount;
  }

  canHold(lastOffset: number): boolean {
    const relative = lastOffset - this.baseOffset;
    return relative >= 0 && relative <= relativeOffsetMax;
  }

  shouldRoll(incomingBytes: number, lastOffset: number, maxTimestamp: number, config: LogConfig): boolean {
    if (this.#sizeBytes > config.segmentBytes - incomingBytes) return true;
    if (!this.canHold(lastOffset)) return true;
    if (this.#sizeBytes > 0 && this.#waitedForRollMs(maxTimestamp) > config.segmentMs - this.#rollJitterMs) return true;
    return this.offsetIndex.isFull || this.timeIndex.isFull;
  }

  /** Whole batches with their final offsets; one write. */
  append(records: Buffer, lastOffset: number): void {
    assert(this.canHold(lastOffset), `${this.log.path} cannot hold offset ${lastOffset}`);
    if (!this.#isUnsealed) this.#prepareToWrite();
    this.#changeCount++;
    let position = this.#sizeBytes;
    this.log.get().write(records, position);
    this.#sizeBytes += records.length;
    let maxTimestamp = this.maxTimestamp;
    forEachBatch(records, (batch) => {
      const batchMaxTimestamp = batch.maxTimestamp;
      if (batchMaxTimestamp > maxTimestamp.timestamp) {
        maxTimestamp = { timestamp: batchMaxTimestamp, offset: batch.lastOffset };
        this.#maxTimestamp = maxTimestamp;
      }
      this.#firstBatchTimestamp ??= batchMaxTimestamp;
      if (this.#bytesSinceLastIndexEntry > this.#indexIntervalBytes) {
        this.offsetIndex.append(batch.lastOffset, position);
        this.timeIndex.maybeAppend(maxTimestamp.timestamp, maxTimestamp.offset);
        this.#bytesSinceLastIndexEntry = 0;
      }
      position += batch.sizeInBytes;
      this.#bytesSinceLastIndexEntry += batch.sizeInBytes;
    });
  }

  get maxTimestamp(): TimestampOffset {
    this.#maxTimestamp ??= this.timeIndex.lastEntry;
    return this.#maxTimestamp;
  }

  /** The file's own time where no record has one. */
  get largestTimestamp(): number {
    const { timestamp } = this.maxTimestamp;
    return timestamp >= 0 ? timestamp : Math.floor(this.#environment.pool.disk.modifiedMs(this.log.path));
  }

  /** Timestamp of the first batch; infinity when there is none. Compaction lag counts from it. */
  get firstBatchTimestamp(): number {
    const timestamp = this.#loadFirstBatchTimestamp();
    return timestamp !== null && timestamp >= 0 ? timestamp : Number.POSITIVE_INFINITY;
  }

  /** Where the first batch starts that ends at `offset` or later, and its size; null when none does. */
  findBatch(
    offset: number,
  ): { readonly position: number; readonly sizeBytes: number; readonly baseOffset: number } | null {
    let found: { position: number; sizeBytes: number; baseOffset: number } | null = null;
    forEachHeader(this.log, this.offsetIndex.positionBefore(offset), this.#sizeBytes, (header, position) => {
      if (header.lastOffset < offset) return true;
      // The base offset as stored: in old formats the last, which is all that a header tells.
      found = { position, sizeBytes: header.sizeInBytes, baseOffset: header.lastOffset - header.lastOffsetDelta };
      return false;
    });
    return found;
  }

  /**
   * Whole batches from the one that holds `startOffset` on, below `limitOffset`, together at most `maxBytes` (the
   * first even if larger, with `minOneBatch`). Null when the segment ends before `startOffset`.
   */
  read(startOffset: number, limitOffset: number, maxBytes: number, minOneBatch: boolean): Buffer | null {
    const from = this.offsetIndex.positionBefore(startOffset);
    const wanted = Math.min(this.#sizeBytes - from, maxBytes + this.#indexIntervalBytes);
    let chunk = readRange(this.log.get(), from, wanted);
    let start = positionOf(chunk, startOffset);
    if (start === null) {
      // The batch wanted lies behind larger ones, or is itself larger than what was read.
      const found = this.findBatch(startOffset);
      if (found === null) return null;
      const bytes = Math.min(this.#sizeBytes - found.position, Math.max(maxBytes, minOneBatch ? found.sizeBytes : 0));
      chunk = readRange(this.log.get(), found.position, bytes);
      start = 0;
    }
    return chunk.subarray(start, endOfBatches(chunk, start, limitOffset, maxBytes, minOneBatch));
  }

  /** The offset after the last whole batch. */
  nextOffset(): Offset {
    let next: number = this.baseOffset;
    forEachHeader(this.log, this.offsetIndex.positionBefore(this.offsetIndex.lastOffset), this.#sizeBytes, (header) => {
      next = header.nextOffset;
    });
    return toOffset(next);
  }

  /** Drops the batch that holds `offset` and all behind it; returns how many bytes went. */
  truncateTo(offset: number): number {
    const found = this.findBatch(offset);
    this.#isUnsealed = true;
    this.#changeCount++;
    this.offsetIndex.truncateTo(offset);
    this.timeIndex.truncateTo(offset);
    this.transactionIndex.truncateTo(offset);
    const dropped = found === null ? 0 : this.#sizeBytes - found.position;
    if (found !== null) this.truncateToPosition(found.position);
    if (this.#sizeBytes === 0) {
      this.#createdMs = this.#environment.clock.wallMs();
      this.#firstBatchTimestamp = null;
    }
    this.#bytesSinceLastIndexEntry = 0;
    this.#maxTimestamp = this.#readMaxTimestamp();
    return dropped;
  }

  truncateToPosition(position: number): void {
    if (position === this.#sizeBytes) return;
    this.log.get().truncate(position);
    this.#sizeBytes = position;
  }

  /** Recovery found this while it rebuilt the indexes. */
  setRecovered(sizeBytes: number, maxTimestamp: TimestampOffset): void {
    this.truncateToPosition(sizeBytes);
    this.#maxTimestamp = maxTimestamp;
    this.#firstBatchTimestamp = null;
    this.#bytesSinceLastIndexEntry = 0;
  }

  collectAborted(from: number, to: number, into: AbortedTransaction[]): boolean {
    return this.transactionIndex.collect(from, to, into);
  }

  /** Adds the last time entry and cuts the indexes to their entries. */
  seal(): void {
    if (!this.#isUnsealed) return;
    const { timestamp, offset } = this.maxTimestamp;
    this.timeIndex.maybeAppend(timestamp, offset);
    this.offsetIndex.entries.trim();
    this.timeIndex.entries.trim();
    this.#isUnsealed = false;
    this.#changeCount++;
  }

  syncNow(): void {
    this.offsetIndex.entries.writePending();
    this.timeIndex.entries.writePending();
    for (const file of this.#files()) file.syncNow();
    this.#syncedChangeCount = this.#changeCount;
  }

  /** Only the batches: the indexes of the active segment are rebuilt after a crash anyway. */
  syncLogNow(): void {
    this.log.syncNow();
    this.#syncedChangeCount = this.#changeCount;
  }

  async sync(): Promise<void> {
    this.offsetIndex.entries.writePending();
    this.timeIndex.entries.writePending();
    // What is written while the device works is not covered.
    const covered = this.#changeCount;
    for (const file of this.#files()) await file.sync();
    this.#syncedChangeCount = Math.max(this.#syncedChangeCount, covered);
  }

  /** Makes the index files of a segment that is the first of a new log; a rolled one gets them with its first batch. */
  createFiles(): void {
    this.log.get();
    this.offsetIndex.entries.file.get();
    this.timeIndex.entries.file.get();
  }

  /** Rebuilds the indexes empty. */
  resetIndexes(): void {
    this.offsetIndex.entries.reset();
    this.timeIndex.entries.reset();
    this.transactionIndex.reset();
    this.#isUnsealed = true;
    this.#changeCount++;
  }

  get indexIntervalBytes(): number {
    return this.#indexIntervalBytes;
  }

  get modifiedMs(): number {
    return this.#environment.pool.disk.modifiedMs(this.log.path);
  }

  /** A compacted segment keeps the time of the last of its sources, which retention may go by. */
  setModifiedMs(ms: number): void {
    const { disk } = this.#environment.pool;
    for (const file of [this.log, this.offsetIndex.entries.file, this.timeIndex.entries.file]) {
      if (file.exists()) disk.setModifiedMs(file.path, ms);
    }
  }

  /** Lets go of descriptors and buffers; the next use takes them again. */
  release(): void {
    this.offsetIndex.entries.releaseMemory();
    this.timeIndex.entries.releaseMemory();
    this.transactionIndex.releaseMemory();
    for (const file of this.#files()) file.close();
  }

  /** Without writing anything more. */
  closeFiles(): void {
    for (const file of this.#files()) file.close();
  }

  renameSuffix(from: string, to: string): void {
    for (const file of this.#files()) {
      const path = from === '' ? file.path : file.path.slice(0, -from.length);
      file.rename(path + to);
    }
  }

  /** Renames the files so that the next open takes them for rubbish; returns the paths to remove later. */
  markDeleted(): string[] {
    this.offsetIndex.entries.releaseMemory();
    this.timeIndex.entries.releaseMemory();
    this.renameSuffix('', deletedSuffix);
    return this.#files().map((file) => file.path);
  }

  remove(): void {
    for (const file of this.#files()) file.remove();
  }

  #files(): [PooledFile, PooledFile, PooledFile, PooledFile] {
    return [this.log, this.offsetIndex.entries.file, this.timeIndex.entries.file, this.transactionIndex.file];
  }

  #prepareToWrite(): void {
    this.#isUnsealed = true;
    if (!this.#environment.preallocateIndexes) return;
    this.offsetIndex.entries.preallocate();
    this.timeIndex.entries.preallocate();
  }

  #waitedForRollMs(maxTimestamp: number): number {
    const first = this.#loadFirstBatchTimestamp();
    if (first !== null && first >= 0) return maxTimestamp - first;
    return this.#environment.clock.wallMs() - this.#createdMs;
  }

  #loadFirstBatchTimestamp(): number | null {
    if (this.#firstBatchTimestamp === null && this.#sizeBytes > 0) {
      forEachHeader(this.log, 0, this.#sizeBytes, (header) => {
        this.#firstBatchTimestamp = header.maxTimestamp;
        return false;
      });
    }
    return this.#firstBatchTimestamp;
  }

  /** The last time entry, or a younger batch behind it. */
  #readMaxTimestamp(): TimestampOffset {
    let largest = this.timeIndex.lastEntry;
    forEachHeader(this.log, this.offsetIndex.positionBefore(largest.offset), this.#sizeBytes, (header) => {
      if (header.maxTimestamp > largest.timestamp)
        largest = { timestamp: header.maxTimestamp, offset: header.lastOffset };
    });
    return largest;
  }
}

/** Where in `chunk` the first whole header stands whose batch ends at `offset` or later; null when not in it. */
function positionOf(chunk: Buffer, offset: number): number | null {
  const header = new RecordBatch(chunk);
  let at = 0;
  while (at + 61 <= chunk.length) {
    header.moveTo(chunk, at);
    const size = header.sizeInBytes;
    if (header.lastOffset >= offset) return at + size <= chunk.length ? at : null;
    at += size;
  }
  return null;
}

/** End of the last whole batch that begins below `limitOffset` and fits. */
function endOfBatches(
  chunk: Buffer,
  start: number,
  limitOffset: number,
  maxBytes: number,
  minOneBatch: boolean,
): number {
  const batch = new RecordBatch(chunk);
  let end = start;
  for (;;) {
    const size = wholeBatchSize(chunk, end);
    if (size === 0) return end;
    if (end + size - start > maxBytes && !(minOneBatch && end === start)) return end;
    if (batch.moveTo(chunk, end).lastOffset >= limitOffset) return end;
    end += size;
  }
}
