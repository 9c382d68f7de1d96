// One segment: a run of batches from a base offset on, with its indexes. It knows nothing of producers, epochs or
// the high watermark; PartitionLog and recovery do.

import { toOffset, type Offset } from '../core/ids.ts';
import { assert } from '../core/assert.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { forEachBatch, headerUpToMagicBytes, RecordBatch, recordBatchOverheadBytes } from '../records/record-batch.ts';
import type { Clock, File } from '../runtime/runtime.ts';
import { PooledFile, type FilePool } from './file-pool.ts';
import { forEachHeader, isHeaderSound, readRange } from './log-file.ts';
import type { LogConfig } from './log-config.ts';
import { LogError } from './log-error.ts';
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
    return (this.#maxTimestamp ??= this.#checkedLastTime());
  }

  /** The last time entry, if its batch says the same: retention goes by it, and it has no checksum. */
  #checkedLastTime(): TimestampOffset {
    const last = this.timeIndex.lastEntry;
    if (last.timestamp < 0 && this.timeIndex.entries.count === 0) return last;
    let isTrue = false;
    this.#walk(last.offset, (header) => {
      if (header.lastOffset < last.offset) return true;
      isTrue = header.maxTimestamp === last.timestamp;
      return false;
    });
    if (isTrue) return last;
    this.#rebuildIndexes();
    return this.#maxTimestamp ?? this.timeIndex.lastEntry;
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
    this.#walk(offset, (header, position) => {
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
    const from = this.positionBefore(startOffset);
    const wanted = Math.min(this.#sizeBytes - from, maxBytes + this.#indexIntervalBytes);
    let chunk = readRange(this.log.get(), from, wanted);
    let start = positionOf(chunk, startOffset);
    if (start === null) {
      // The batch wanted lies behind larger ones, or is itself larger than what was read.
      const found = this.findBatch(startOffset);
      if (found === null) {
        this.#requireWhole(startOffset);
        return null;
      }
      const bytes = Math.min(this.#sizeBytes - found.position, Math.max(maxBytes, minOneBatch ? found.sizeBytes : 0));
      chunk = readRange(this.log.get(), found.position, bytes);
      start = 0;
    }
    return chunk.subarray(start, endOfBatches(chunk, start, limitOffset, maxBytes, minOneBatch));
  }

  /** The offset after the last whole batch. */
  nextOffset(): Offset {
    let { nextOffset } = this.#tail();
    // An entry for what the log does not hold: the next append would find offsets that do not rise.
    if (this.offsetIndex.entries.count > 0 && this.offsetIndex.lastOffset >= nextOffset) {
      this.#rebuildIndexes();
      ({ nextOffset } = this.#tail());
    }
    return toOffset(nextOffset);
  }

  /** Batches back to back up to the last byte, as far as headers tell. */
  get endsWhole(): boolean {
    return this.#tail().endPosition === this.#sizeBytes;
  }

  #tail(): { readonly nextOffset: number; readonly endPosition: number } {
    let nextOffset: number = this.baseOffset;
    const endPosition = this.#walk(this.offsetIndex.lastOffset, (header) => {
      nextOffset = header.nextOffset;
    });
    return { nextOffset, endPosition };
  }

  /**
   * Where to begin looking for `offset`. An index has no checksum: what it says counts only if a batch stands there that
   * does not end behind `offset`; else the indexes are made anew from the batches.
   */
  positionBefore(offset: number): number {
    const position = this.offsetIndex.positionBefore(offset);
    if (position === 0) return 0;
    if (isIndexedBatch(this.log.get(), position, this.#sizeBytes, this.baseOffset, offset)) return position;
    this.#rebuildIndexes();
    return this.offsetIndex.positionBefore(offset);
  }

  /** Headers from the one at or before `offset` on; ends early where offsets are not this segment's or do not rise. */
  #walk(offset: number, visit: (header: RecordBatch, position: number) => boolean | void): number {
    let least: number = this.baseOffset;
    return forEachHeader(this.log, this.positionBefore(offset), this.#sizeBytes, (header, position) => {
      const { lastOffset } = header;
      if (lastOffset < least || !this.canHold(lastOffset)) return false;
      least = lastOffset + 1;
      return visit(header, position);
    });
  }

  /** Throws LogError CORRUPT_MESSAGE when what is looked for in vain may have stood behind bytes that are no batch. */
  #requireWhole(offset: number): void {
    const { endPosition } = this.#tail();
    const position = endPosition === this.#sizeBytes ? this.#walk(offset, () => true) : endPosition;
    if (position === this.#sizeBytes) return;
    throw new LogError(
      ErrorCode.CORRUPT_MESSAGE,
      `${this.log.path} is damaged: no batch stands at position ${position}, where offset ${offset} or more is due. ` +
        `Stop the broker and remove the partition's directory: it is copied from the other replicas.`,
    );
  }

  /** From the headers of the batches. */
  #rebuildIndexes(): void {
    const isActive = this.#isUnsealed;
    this.offsetIndex.entries.reset();
    this.timeIndex.entries.reset();
    this.#isUnsealed = true;
    this.#changeCount++;
    let maxTimestamp: TimestampOffset = { timestamp: -1, offset: this.baseOffset };
    let lastIndexedAt = 0;
    this.#walk(this.baseOffset, (header, position) => {
      const { lastOffset, maxTimestamp: timestamp } = header;
      if (timestamp > maxTimestamp.timestamp) maxTimestamp = { timestamp, offset: lastOffset };
      if (position - lastIndexedAt <= this.#indexIntervalBytes) return;
      this.offsetIndex.append(lastOffset, position);
      this.timeIndex.maybeAppend(maxTimestamp.timestamp, maxTimestamp.offset);
      lastIndexedAt = position;
    });
    this.#maxTimestamp = maxTimestamp;
    if (!isActive) this.seal();
  }

  /** Drops the batch that holds `offset` and all behind it; returns how many bytes went. */
  truncateTo(offset: number): number {
    // Where nothing is found because bytes before it are damaged, those go too: appends must not land behind them.
    const position = this.findBatch(offset)?.position ?? this.#walk(offset, () => true);
    this.#isUnsealed = true;
    this.#changeCount++;
    this.offsetIndex.truncateTo(offset);
    this.timeIndex.truncateTo(offset);
    this.transactionIndex.truncateTo(offset);
    const dropped = this.#sizeBytes - position;
    this.truncateToPosition(position);
    if (this.#sizeBytes === 0) {
      this.#createdMs = this.#environment.clock.wallMs();
      this.#firstBatchTimestamp = null;
    }
    this.#bytesSinceLastIndexEntry = 0;
    // Entries that do not rise survive a search by halves.
    if (this.#hasEntryFrom(offset)) this.#rebuildIndexes();
    this.#maxTimestamp = this.#readMaxTimestamp();
    return dropped;
  }

  #hasEntryFrom(offset: number): boolean {
    const { offsetIndex, timeIndex } = this;
    return (
      (offsetIndex.entries.count > 0 && offsetIndex.lastOffset >= offset) ||
      (timeIndex.entries.count > 0 && timeIndex.lastEntry.offset >= offset)
    );
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
    this.#walk(largest.offset, (header) => {
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
  let lastOffset = -1;
  while (at + 61 <= chunk.length) {
    header.moveTo(chunk, at);
    if (!isHeaderSound(header) || header.lastOffset <= lastOffset) return null;
    lastOffset = header.lastOffset;
    const size = header.sizeInBytes;
    if (lastOffset >= offset) return at + size <= chunk.length ? at : null;
    at += size;
  }
  return null;
}

/** End of the last whole batch that begins below `limitOffset` and fits; before bytes that can't be one. */
function endOfBatches(
  chunk: Buffer,
  start: number,
  limitOffset: number,
  maxBytes: number,
  minOneBatch: boolean,
): number {
  const batch = new RecordBatch(chunk);
  let end = start;
  let previousOffset = -1;
  while (chunk.length - end >= headerUpToMagicBytes) {
    const isWhole = isHeaderSound(batch.moveTo(chunk, end)) && batch.sizeInBytes <= chunk.length - end;
    if (!isWhole) return end;
    const { sizeInBytes, lastOffset } = batch;
    if (end + sizeInBytes - start > maxBytes && !(minOneBatch && end === start)) return end;
    if (lastOffset >= limitOffset || lastOffset <= previousOffset) return end;
    previousOffset = lastOffset;
    end += sizeInBytes;
  }
  return end;
}

/** Whether a batch begins at `position` of `file`, of this segment, and ends at `offset` or before. */
function isIndexedBatch(file: File, position: number, sizeBytes: number, baseOffset: number, offset: number): boolean {
  if (position < 0 || position >= sizeBytes) return false;
  const header = new RecordBatch(readRange(file, position, Math.min(recordBatchOverheadBytes, sizeBytes - position)));
  if (header.buffer.length < headerUpToMagicBytes || !isHeaderSound(header)) return false;
  if (!header.isLegacy && header.buffer.length < recordBatchOverheadBytes) return false;
  const { lastOffset } = header;
  return lastOffset >= baseOffset && lastOffset <= offset && position + header.sizeInBytes <= sizeBytes;
}
