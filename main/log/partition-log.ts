// The log of one partition: the only door to its files. Everything is synchronous; only `sync` waits for the disk.
// Invariants: logStartOffset ≤ highWatermark ≤ logEndOffset; recoveryPoint ≤ logEndOffset; lastStableOffset ≤
// highWatermark; the last segment is the only one written to.

import { assert, present } from '../core/assert.ts';
import {
  maxOffset,
  minOffset,
  partitionName,
  toLeaderEpoch,
  toOffset,
  type LeaderEpoch,
  type Offset,
  type PartitionId,
  type TopicId,
} from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { forEachBatch, type RecordBatch } from '../records/record-batch.ts';
import { validateForFollower, validateForLeader, type ValidatedAppend } from '../records/validation.ts';
import { epochCheckpointText, partitionMetadataText, readPartitionMetadata, replaceFile } from './checkpoints.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { neverMs, type LogConfig } from './log-config.ts';
import { LogError, OffsetOutOfRange, UnexpectedAppendOffset } from './log-error.ts';
import type {
  AbortedTransaction,
  ActiveProducer,
  AppendAsLeaderOptions,
  AppendOrigin,
  AppendResult,
  EpochEndOffset,
  EpochEntry,
  ReadLimit,
  ReadResult,
  SegmentView,
  TimestampAndOffset,
  TimestampQuery,
  VerificationGuard,
} from './log-types.ts';
import { findDuplicate, type BatchMetadata, type CompletedTransaction, type ProducerAppend } from './producer-entry.ts';
import type { ProducerSnapshots } from './producer-snapshots.ts';
import { loadEpochs, type LoadedEpochs } from './epoch-file.ts';
import { loadLog, rebuildProducers } from './recovery.ts';
import { segmentsToDelete } from './retention.ts';
import { Segment, type SegmentEnvironment } from './segment.ts';
import { epochCheckpointName, joinPath, partitionMetadataName } from './segment-names.ts';
import type { LogTail, TailCache } from './tail-cache.ts';
import { searchTimestamp } from './timestamp-search.ts';

/** What all logs of a node share. */
export type LogEnvironment = SegmentEnvironment & {
  readonly tailCache: TailCache;
  readonly journal?: Journal;
};

export type PartitionLogOptions = {
  readonly environment: LogEnvironment;
  /** The partition's own directory, `…/topic-3`; made when missing. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: PartitionId;
  /** Null: take what partition.metadata says. */
  readonly topicId: TopicId | null;
  readonly config: LogConfig;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
  readonly hadCleanShutdown: boolean;
  /** The log was cut below what a checkpoint may claim to be safe: it must be corrected before new records follow. */
  readonly onRecoveryPointLowered?: () => void;
};

type Removal = { readonly paths: readonly string[]; readonly dueMs: number };

/** What analysing an append against the producers' state gives. */
type ProducerChanges = {
  readonly appends: Map<number, ProducerAppend>;
  readonly completed: CompletedTransaction[];
  readonly duplicate: BatchMetadata | null;
};

export class PartitionLog {
  static open(options: PartitionLogOptions): PartitionLog {
    return new PartitionLog(options);
  }

  readonly topic: string;
  readonly partition: PartitionId;
  /** `topic-3` */
  readonly name: string;
  readonly #environment: LogEnvironment;
  readonly #tail: LogTail;
  readonly #epochs: LeaderEpochs;
  readonly #producers: ProducerSnapshots;
  #directory: string;
  #topicId: TopicId | null;
  #config: LogConfig;
  /** By base offset; never empty while open. */
  #segments: Segment[];
  #logStartOffset: Offset;
  #logEndOffset: Offset;
  #highWatermark: Offset;
  #recoveryPoint: Offset;
  #sizeBytes: number;
  /** Rises with every truncation: a sync that overlaps one proves nothing. */
  #truncationCount = 0;
  #lastFlushMs: number;
  /** The directory's own entries may be lost with the power: a file was made or renamed since. */
  #isDirectoryUnsynced = true;
  #isParentUnsynced: boolean;
  readonly #onRecoveryPointLowered: () => void;
  /** Small files replaced since, by name; their owner is safe only with them. */
  readonly #unsyncedFiles = new Set<string>();
  #removals: Removal[] = [];
  #isClosed = false;

  private constructor(options: PartitionLogOptions) {
    const { environment, directory, config } = options;
    const { disk } = environment.pool;
    this.topic = options.topic;
    this.partition = options.partition;
    this.name = partitionName(options.topic, options.partition);
    this.#environment = environment;
    this.#directory = directory;
    this.#config = config;
    this.#tail = environment.tailCache.newTail();
    const isNew = !disk.isDirectory(directory);
    if (isNew) disk.makeDirectory(directory);
    this.#isParentUnsynced = isNew;
    this.#onRecoveryPointLowered = options.onRecoveryPointLowered ?? (() => undefined);
    this.#topicId = this.#openTopicId(options, isNew);
    const loadedEpochs = isNew ? freshEpochs() : loadEpochs(disk, joinPath(directory, epochCheckpointName));
    const loaded = loadLog({ ...options, name: this.name, epochs: loadedEpochs.epochs });
    this.#epochs = loadedEpochs.epochs;
    this.#segments = loaded.segments;
    this.#producers = loaded.producers;
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.#highWatermark = loaded.logStartOffset;
    this.#recoveryPoint = loaded.recoveryPoint;
    this.#sizeBytes = this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    this.#lastFlushMs = environment.clock.wallMs();
    this.#scheduleRemoval(loaded.deletedPaths);
    if (loadedEpochs.isMissing || loadedEpochs.isDamaged || loaded.epochsChanged) this.#writeEpochs();
    if (loaded.truncatedBytes > 0 || loaded.findings.length > 0 || loadedEpochs.isDamaged) {
      this.#reportRecovery(loaded.truncatedBytes, loaded.findings, loadedEpochs);
    }
  }

  get directory(): string {
    return this.#directory;
  }

  get topicId(): TopicId | null {
    return this.#topicId;
  }

  get config(): LogConfig {
    return this.#config;
  }

  /** Takes effect with the next append, roll or retention run. */
  updateConfig(config: LogConfig): void {
    this.#config = config;
  }

  get logStartOffset(): Offset {
    return this.#logStartOffset;
  }

  get logEndOffset(): Offset {
    return this.#logEndOffset;
  }

  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  get lastStableOffset(): Offset {
    const firstUnstable = this.#producers.state.firstUnstableOffset;
    if (firstUnstable === null || firstUnstable >= this.#highWatermark) return this.#highWatermark;
    return maxOffset(toOffset(firstUnstable), this.#logStartOffset);
  }

  get recoveryPoint(): Offset {
    return this.#recoveryPoint;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get latestEpoch(): LeaderEpoch | null {
    return this.#epochs.latestEpoch;
  }

  get epochEntries(): readonly EpochEntry[] {
    return this.#epochs.entries;
  }

  get segments(): SegmentView[] {
    return this.#segments.map((segment) => ({
      baseOffset: segment.baseOffset,
      sizeBytes: segment.sizeBytes,
      largestTimestamp: segment.largestTimestamp,
    }));
  }

  /**
   * Validates, assigns offsets and writes. Throws LogError (its code goes to the client) or DiskError. The buffer is
   * patched in place and kept: it is the log's from here on.
   */
  appendAsLeader(records: Buffer, options: AppendAsLeaderOptions): AppendResult {
    assert(!this.#isClosed, `${this.name} is closed`);
    const validated = this.#validateForLeader(records, options);
    if (validated.recordCount === 0) return this.#emptyResult();
    const { changes, segment } = this.#prepare(validated, options.origin, options);
    if (changes.duplicate !== null) return this.#duplicateResult(changes.duplicate, validated);
    this.#write(validated, segment, changes);
    return this.#result(validated);
  }

  /**
   * Writes batches as the leader sent them, without changing the buffer, and keeps it. Batches of an epoch above
   * `leaderEpoch` are left out. What does not follow the log's end throws UnexpectedAppendOffset. Null when there was
   * no whole batch.
   */
  appendAsFollower(records: Buffer, leaderEpoch: LeaderEpoch | null = null): AppendResult | null {
    assert(!this.#isClosed, `${this.name} is closed`);
    const usable = leaderEpoch === null ? records : upToEpoch(records, leaderEpoch);
    const validated = validateForFollower(usable, {
      topicPartition: this.name,
      segmentBytesMax: this.#config.segmentBytes,
    });
    if (!validated.ok) throw new LogError(validated.errorCode, validated.message, validated.recordErrors);
    if (validated.records.length === 0) return null;
    this.#checkFollows(validated);
    const { changes, segment } = this.#prepare(validated, 'replication', { transactionVersion: -1 });
    this.#write(validated, segment, changes);
    return this.#result(validated);
  }

  /**
   * Whole batches from the one that holds `startOffset` on. Empty at or above the limit; throws OffsetOutOfRange
   * below the log start and above the log end.
   */
  read(startOffset: number, maxBytes: number, limit: ReadLimit, minOneBatch: boolean): ReadResult {
    assert(!this.#isClosed, `${this.name} is closed`);
    if (startOffset > this.#logEndOffset || startOffset < this.#logStartOffset) {
      throw new OffsetOutOfRange(this.name, startOffset, this.#logStartOffset, this.#logEndOffset);
    }
    const limitOffset = this.#limitOffset(limit);
    const records: Buffer[] = [];
    let sizeBytes = 0;
    if (startOffset < limitOffset && maxBytes >= 0) {
      sizeBytes = this.#tail.read(startOffset, limitOffset, maxBytes, minOneBatch, records);
      if (sizeBytes < 0) sizeBytes = this.#readFromDisk(startOffset, limitOffset, maxBytes, minOneBatch, records);
    }
    return {
      records,
      sizeBytes,
      startOffset: toOffset(startOffset),
      highWatermark: this.#highWatermark,
      lastStableOffset: this.lastStableOffset,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
      abortedTransactions: limit === 'last-stable' ? this.#abortedIn(startOffset, records) : null,
    };
  }

  /** Aborted transactions that touch [from, to). */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (let index = this.#floorIndex(from); index < this.#segments.length; index++) {
      if (this.#segments[index]?.collectAborted(from, to, found) === true) break;
    }
    return found;
  }

  /** Moves the high watermark, kept within [logStartOffset, logEndOffset]. Returns it. */
  updateHighWatermark(offset: number): Offset {
    const bounded = Math.max(this.#logStartOffset, Math.min(offset, this.#logEndOffset));
    this.#highWatermark = toOffset(bounded);
    this.#producers.state.onHighWatermark(bounded);
    return this.#highWatermark;
  }

  /** Returns whether it rose. Throws LogError OFFSET_OUT_OF_RANGE above the high watermark. */
  incrementLogStartOffset(offset: number): boolean {
    if (offset > this.#highWatermark) {
      throw new LogError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot increment the log start offset to ${offset} of partition ${this.name} since it is larger than the ` +
          `high watermark ${this.#highWatermark}`,
      );
    }
    if (offset <= this.#logStartOffset) return false;
    this.#logStartOffset = toOffset(offset);
    this.#recoveryPoint = maxOffset(this.#recoveryPoint, minOffset(this.#logStartOffset, this.#logEndOffset));
    if (this.#epochs.truncateFromStart(offset)) this.#writeEpochs();
    this.#producers.onLogStartOffset(offset);
    return true;
  }

  /** Drops everything from `offset` on. Returns false when there was nothing to drop. */
  truncateTo(offset: number): boolean {
    assert(offset >= 0, `${this.name} cannot be cut at ${offset}`);
    if (offset >= this.#logEndOffset) {
      // An epoch may be noted that never got a record.
      if (this.#epochs.truncateFromEnd(offset)) this.#writeEpochs();
      return false;
    }
    if (offset < (this.#segments[0]?.baseOffset ?? 0)) {
      this.truncateFullyAndStartAt(offset);
      return true;
    }
    this.#truncationCount++;
    this.#tail.truncateTo(offset);
    const keep = this.#floorIndex(offset) + 1;
    const active = present(this.#segments[keep - 1], 'segment to cut');
    this.#dropSegments(this.#segments.splice(keep));
    active.truncateTo(offset);
    this.#recountSize();
    this.#logEndOffset = toOffset(offset);
    const isBelowSafe = offset < this.#recoveryPoint;
    this.#recoveryPoint = minOffset(this.#recoveryPoint, this.#logEndOffset);
    this.#logStartOffset = minOffset(this.#logStartOffset, this.#logEndOffset);
    if (this.#epochs.truncateFromEnd(offset)) this.#writeEpochs();
    this.#rebuildProducers();
    this.updateHighWatermark(this.#highWatermark);
    if (isBelowSafe) this.#onRecoveryPointLowered();
    return true;
  }

  /** Drops all records; the log goes on at `offset`, as a follower does whose leader has deleted what it lacks. */
  truncateFullyAndStartAt(offset: number, logStartOffset: number = offset): void {
    this.#truncationCount++;
    this.#tail.clear();
    this.#dropSegments(this.#segments.splice(0));
    this.#logEndOffset = toOffset(offset);
    this.#logStartOffset = toOffset(logStartOffset);
    this.#recoveryPoint = this.#logEndOffset;
    this.#producers.truncateFullyAndStartAt(offset);
    this.#addSegment(this.#logEndOffset).createFiles();
    this.#recountSize();
    if (this.#epochs.clear()) this.#writeEpochs();
    this.#highWatermark = toOffset(Math.max(this.#logStartOffset, Math.min(this.#highWatermark, this.#logEndOffset)));
    this.#onRecoveryPointLowered();
  }

  /** A new leader notes its epoch here before it serves. */
  assignEpoch(leaderEpoch: LeaderEpoch, startOffset: Offset): void {
    if (this.#epochs.assign(leaderEpoch, startOffset)) this.#writeEpochs();
  }

  /** Largest epoch ≤ the asked one and where it ends; null when unknown (Kafka's −1, −1). */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset | null {
    return this.#epochs.endOffsetFor(leaderEpoch, this.#logEndOffset);
  }

  epochForOffset(offset: number): LeaderEpoch | null {
    return this.#epochs.epochForOffset(offset);
  }

  /** Null: no record that young. */
  offsetForTimestamp(query: TimestampQuery): TimestampAndOffset | null {
    const epochAt = (offset: Offset): LeaderEpoch | null => this.#epochs.epochForOffset(offset);
    switch (query) {
      case 'earliest':
      case 'earliest-local':
        return { timestamp: -1, offset: this.#logStartOffset, leaderEpoch: epochAt(this.#logStartOffset) };
      case 'latest':
        return { timestamp: -1, offset: this.#logEndOffset, leaderEpoch: this.#epochs.latestEpoch };
      default:
        return searchTimestamp(this.#segments, query, this.#logStartOffset);
    }
  }

  activeProducers(): ActiveProducer[] {
    return this.#producers.state.active();
  }

  get producerCount(): number {
    return this.#producers.state.count;
  }

  hasOngoingTransaction(producerId: number, producerEpoch: number): boolean {
    return this.#producers.state.hasOngoingTransaction(producerId, producerEpoch);
  }

  /**
   * Before a transactional append: null when the transaction is open here already, else a guard to hand to
   * appendAsLeader once the coordinator has confirmed. Throws LogError INVALID_PRODUCER_EPOCH for a fenced producer.
   */
  startVerification(
    producerId: number,
    sequence: number,
    producerEpoch: number,
    supportsEpochBump: boolean,
  ): VerificationGuard | null {
    this.#checkNotFenced(producerId, producerEpoch);
    const { state } = this.#producers;
    if (state.hasOngoingTransaction(producerId, producerEpoch)) return null;
    const nowMs = this.#environment.clock.wallMs();
    return state.startVerification(producerId, sequence, producerEpoch, supportsEpochBump, nowMs);
  }

  /** Blocks until all records are on the device; the recovery point moves to the end. */
  flush(): void {
    if (this.#recoveryPoint >= this.#logEndOffset && this.#unsyncedFiles.size === 0) return;
    for (const segment of this.#unflushedSegments()) this.#isActive(segment) ? segment.syncLogNow() : segment.syncNow();
    this.#syncNamesNow();
    this.#recoveryPoint = this.#logEndOffset;
    this.#lastFlushMs = this.#environment.clock.wallMs();
  }

  /** The same without blocking; records appended meanwhile are not waited for. */
  async sync(): Promise<void> {
    if (this.#recoveryPoint >= this.#logEndOffset || this.#isClosed) return;
    const { truncations, end } = { truncations: this.#truncationCount, end: this.#logEndOffset };
    this.#lastFlushMs = this.#environment.clock.wallMs();
    const segments = this.#unflushedSegments();
    this.#syncNamesNow();
    for (const segment of segments) {
      if (this.#isClosed || truncations !== this.#truncationCount) return;
      await segment.sync();
    }
    // Cut meanwhile: what was synced is not what is in the log now.
    if (this.#isClosed || truncations !== this.#truncationCount) return;
    this.#recoveryPoint = maxOffset(this.#recoveryPoint, end);
  }

  /** Begins a new segment at the end and returns its base offset. */
  roll(): Offset {
    return this.#roll(this.#logEndOffset).baseOffset;
  }

  /** Retention by time, size and log start; returns how many segments went. */
  deleteOldSegments(nowMs: number): number {
    const count = segmentsToDelete(this.#segments, {
      config: this.#config,
      nowMs,
      logStartOffset: this.#logStartOffset,
      highWatermark: this.#highWatermark,
      logEndOffset: this.#logEndOffset,
    });
    if (count === 0) return 0;
    if (count === this.#segments.length) this.#roll(this.#logEndOffset);
    const first = present(this.#segments[count], 'segment after the deleted ones');
    this.incrementLogStartOffset(Math.max(this.#logStartOffset, first.baseOffset));
    this.#dropSegments(this.#segments.splice(0, count));
    this.#recountSize();
    return count;
  }

  /**
   * Removes files whose delay is over, flushes by `flush.ms`, forgets producers that were silent too long. Returns
   * when it wants to be called again.
   */
  maintain(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    if (this.#removals.length > 0) {
      for (const removal of this.#removals) {
        if (removal.dueMs <= nowMs) this.#removeFiles(removal.paths);
        else nextMs = Math.min(nextMs, removal.dueMs);
      }
      this.#removals = this.#removals.filter((removal) => removal.dueMs > nowMs);
    }
    if (this.#recoveryPoint < this.#logEndOffset && this.#config.flushMs < neverMs) {
      if (nowMs - this.#lastFlushMs >= this.#config.flushMs) this.flush();
      else nextMs = Math.min(nextMs, this.#lastFlushMs + this.#config.flushMs);
    }
    const { state } = this.#producers;
    if (state.count > 0) state.removeExpired(nowMs, this.#config.producerIdExpirationMs);
    return nextMs;
  }

  /** Lets go of memory and descriptors until the next use. */
  releaseIdle(): void {
    for (const segment of this.#segments) segment.release();
  }

  /** Null unless records were deleted inside the first segment: what log-start-offset-checkpoint must remember. */
  get logStartOffsetToCheckpoint(): Offset | null {
    return this.#logStartOffset > (this.#segments[0]?.baseOffset ?? 0) ? this.#logStartOffset : null;
  }

  /** A clean close: everything synced, a snapshot at the end, indexes cut to their entries. */
  close(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#producers.take({ syncNow: true });
    for (const segment of this.#segments) {
      segment.seal();
      segment.release();
    }
    this.#tail.clear();
    this.#isClosed = true;
  }

  /** As after a crash: descriptors go, nothing is written. */
  abandon(): void {
    this.#isClosed = true;
    this.#tail.clear();
    for (const segment of this.#segments) segment.closeFiles();
  }

  #openTopicId(options: PartitionLogOptions, isNew: boolean): TopicId | null {
    const { topicId } = options;
    const { disk } = this.#environment.pool;
    const path = joinPath(this.#directory, partitionMetadataName);
    // Written without a sync and made safe by the first flush: before that a power loss may have torn it.
    const mayBeTorn = !options.hadCleanShutdown && options.recoveryPoint === 0;
    const stored = isNew ? null : readPartitionMetadata(disk, path, { mayBeTorn });
    if (stored !== null) {
      if (topicId === null || topicId === stored) return stored;
      throw new LogError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `Tried to assign topic ID ${topicId} to log for topic partition ${this.name}, but log already contained topic ID ${stored}`,
      );
    }
    if (topicId !== null) {
      replaceFile(disk, path, partitionMetadataText(topicId));
      this.#unsyncedFiles.add(partitionMetadataName);
    }
    return topicId;
  }

  #validateForLeader(records: Buffer, options: AppendAsLeaderOptions): ValidatedAppend {
    const config = this.#config;
    const validated = validateForLeader(records, {
      topicPartition: this.name,
      origin: options.origin,
      leaderEpoch: options.leaderEpoch,
      nextOffset: this.#logEndOffset,
      nowMs: this.#environment.clock.wallMs(),
      compressionType: config.compressionType,
      ...compressionLevelOf(config),
      timestampType: config.messageTimestampType,
      timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
      timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
      messageBytesMax: config.maxMessageBytes,
      segmentBytesMax: config.segmentBytes,
      isCompacted: config.isCompacted,
    });
    if (!validated.ok) throw new LogError(validated.errorCode, validated.message, validated.recordErrors);
    return validated;
  }

  #prepare(
    validated: ValidatedAppend,
    origin: AppendOrigin | 'replication',
    options: { readonly verificationGuard?: VerificationGuard | null; readonly transactionVersion?: number },
  ): { readonly changes: ProducerChanges; readonly segment: Segment } {
    const lastOffset = validated.lastOffset;
    // The order is Kafka's: epoch, roll, producers. A refused producer may leave a fresh, empty segment behind.
    forEachBatch(validated.records, (batch) => this.#noteEpoch(batch));
    let segment = this.#active();
    if (segment.shouldRoll(validated.records.length, lastOffset, validated.maxTimestamp, this.#config)) {
      segment = this.#roll(toOffset(Math.max(this.#logEndOffset, validated.firstOffset)));
    }
    return { changes: this.#analyzeProducers(validated.records, origin, options), segment };
  }

  #noteEpoch(batch: RecordBatch): void {
    const epoch = batch.partitionLeaderEpoch;
    if (epoch < 0 || epoch === this.#epochs.latestEpoch) return;
    if (this.#epochs.assign(epoch, batch.baseOffset)) this.#writeEpochs();
  }

  #analyzeProducers(
    records: Buffer,
    origin: AppendOrigin | 'replication',
    options: { readonly verificationGuard?: VerificationGuard | null; readonly transactionVersion?: number },
  ): ProducerChanges {
    const { state } = this.#producers;
    const appends = new Map<number, ProducerAppend>();
    const completed: CompletedTransaction[] = [];
    let duplicate: BatchMetadata | null = null;
    forEachBatch(records, (batch) => {
      if (!batch.hasProducerId) return true;
      const { producerId } = batch;
      const known = state.entry(producerId);
      if (origin === 'client' && known !== null) {
        duplicate = findDuplicate(known, batch);
        if (duplicate !== null) return false;
      }
      if (origin === 'client' || origin === 'coordinator')
        this.#checkVerified(batch, options.verificationGuard ?? null);
      let append = appends.get(producerId);
      if (append === undefined) {
        append = state.prepare(producerId, {
          origin,
          partitionName: this.name,
          transactionVersion: options.transactionVersion ?? 0,
        });
        appends.set(producerId, append);
      }
      const ended = append.append(batch);
      if (ended !== null) completed.push(ended);
      if (batch.isTransactional) state.clearVerification(producerId);
      return true;
    });
    return { appends, completed, duplicate };
  }

  /** A transaction's first batch may only be written once its coordinator has confirmed that it is open. */
  #checkVerified(batch: RecordBatch, guard: VerificationGuard | null): void {
    const { state } = this.#producers;
    const { producerId, producerEpoch } = batch;
    if (!batch.isTransactional || state.hasOngoingTransaction(producerId, producerEpoch)) return;
    this.#checkNotFenced(producerId, producerEpoch);
    if (!this.#config.transactionPartitionVerificationEnable || batch.isControl) return;
    if (state.isVerified(producerId, guard)) return;
    throw new LogError(ErrorCode.INVALID_TXN_STATE, 'Record was not part of an ongoing transaction');
  }

  #checkNotFenced(producerId: number, producerEpoch: number): void {
    const known = this.#producers.state.entry(producerId);
    if (known === null || producerEpoch >= known.producerEpoch) return;
    throw new LogError(
      ErrorCode.INVALID_PRODUCER_EPOCH,
      `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${known.producerEpoch}`,
    );
  }

  #checkFollows(validated: ValidatedAppend): void {
    const first = validated.firstOffset >= 0 ? validated.firstOffset : validated.lastOffsetOfFirstBatch;
    if (first >= this.#logEndOffset) return;
    throw new UnexpectedAppendOffset(
      `Unexpected offset in append to ${this.name}. First offset ${first} is less than the next offset ` +
        `${this.#logEndOffset}. Last offset in append: ${validated.lastOffset}. Log start offset = ${this.#logStartOffset}`,
      first,
      this.#logEndOffset,
    );
  }

  #write(validated: ValidatedAppend, segment: Segment, changes: ProducerChanges): void {
    const { records, lastOffset } = validated;
    segment.append(records, lastOffset);
    this.#tail.append(records, this.#logEndOffset, lastOffset + 1);
    this.#sizeBytes += records.length;
    this.#logEndOffset = toOffset(lastOffset + 1);
    const { state } = this.#producers;
    for (const append of changes.appends.values()) state.update(append);
    for (const completed of changes.completed) {
      const aborted = state.complete(completed);
      if (completed.isAborted) segment.transactionIndex.append(aborted);
    }
    this.#producers.mapEndOffset = lastOffset + 1;
    if (this.#logEndOffset - this.#recoveryPoint >= this.#config.flushMessages) this.flush();
  }

  #result(validated: ValidatedAppend): AppendResult {
    return {
      firstOffset: toOffset(Math.max(0, validated.firstOffset)),
      lastOffset: toOffset(validated.lastOffset),
      maxTimestamp: validated.maxTimestamp,
      logAppendTimeMs: validated.logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      recordCount: validated.recordCount,
      validBytes: validated.records.length,
      isDuplicate: false,
    };
  }

  #duplicateResult(duplicate: BatchMetadata, validated: ValidatedAppend): AppendResult {
    return {
      ...this.#result(validated),
      firstOffset: toOffset(duplicate.firstOffset),
      lastOffset: toOffset(duplicate.lastOffset),
      logAppendTimeMs: duplicate.timestamp,
      isDuplicate: true,
    };
  }

  #emptyResult(): AppendResult {
    return {
      firstOffset: this.#logEndOffset,
      lastOffset: this.#logEndOffset,
      maxTimestamp: -1,
      logAppendTimeMs: -1,
      logStartOffset: this.#logStartOffset,
      recordCount: 0,
      validBytes: 0,
      isDuplicate: false,
    };
  }

  #limitOffset(limit: ReadLimit): Offset {
    if (limit === 'log-end') return this.#logEndOffset;
    return limit === 'high-watermark' ? this.#highWatermark : this.lastStableOffset;
  }

  #readFromDisk(startOffset: number, limit: number, maxBytes: number, minOneBatch: boolean, into: Buffer[]): number {
    for (let index = this.#floorIndex(startOffset); index < this.#segments.length; index++) {
      // Null: the segment ends below the start, as compacted ones may; the next one goes on.
      const read = this.#segments[index]?.read(startOffset, limit, maxBytes, minOneBatch) ?? null;
      if (read === null) continue;
      if (read.length > 0) into.push(read);
      return read.length;
    }
    return 0;
  }

  #abortedIn(startOffset: number, records: readonly Buffer[]): AbortedTransaction[] {
    const last = records.at(-1);
    if (last === undefined) return [];
    let end = startOffset;
    forEachBatch(last, (batch) => {
      end = batch.nextOffset;
    });
    return this.abortedTransactions(startOffset, end);
  }

  #active(): Segment {
    return present(this.#segments.at(-1), 'active segment');
  }

  #isActive(segment: Segment): boolean {
    return segment === this.#segments.at(-1);
  }

  /** Index of the segment that holds `offset`; 0 below the first. */
  #floorIndex(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#segments[middle]?.baseOffset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #addSegment(baseOffset: Offset): Segment {
    const { directory, config } = { directory: this.#directory, config: this.#config };
    const segment = new Segment({ environment: this.#environment, directory, baseOffset, config, names: new Set() });
    this.#segments.push(segment);
    this.#isDirectoryUnsynced = true;
    return segment;
  }

  #roll(baseOffset: Offset): Segment {
    const active = this.#active();
    if (active.baseOffset === baseOffset && active.sizeBytes === 0) {
      // Nothing in it yet, only its settings were those of another day.
      this.#segments.pop();
      active.remove();
    } else active.seal();
    this.#producers.mapEndOffset = baseOffset;
    this.#producers.take({ syncNow: false });
    const segment = this.#addSegment(baseOffset);
    segment.log.get();
    this.#flushRolled(baseOffset);
    return segment;
  }

  /** Kafka hands this to its scheduler: the rolled segments become safe soon, the append does not wait. */
  #flushRolled(newBaseOffset: Offset): void {
    const truncations = this.#truncationCount;
    const rolled = this.#unflushedSegments().filter((segment) => !this.#isActive(segment));
    const flush = async (): Promise<void> => {
      for (const segment of rolled) {
        if (this.#isClosed || truncations !== this.#truncationCount) return;
        await segment.sync();
      }
      if (this.#isClosed || truncations !== this.#truncationCount) return;
      await this.#producers.sync(newBaseOffset);
      if (this.#isClosed || truncations !== this.#truncationCount) return;
      this.#syncNamesNow();
      this.#recoveryPoint = maxOffset(this.#recoveryPoint, newBaseOffset);
    };
    flush().catch((error: unknown) => {
      this.#flushFailure ??= error;
    });
  }

  /** A background flush failed; the owner takes the directory offline. */
  #flushFailure: unknown = null;

  get flushFailure(): unknown {
    return this.#flushFailure;
  }

  #unflushedSegments(): Segment[] {
    return this.#segments.filter((segment) => segment.isUnsynced);
  }

  #syncNamesNow(): void {
    const { disk } = this.#environment.pool;
    for (const name of this.#unsyncedFiles) {
      const file = disk.open(joinPath(this.#directory, name), 'write');
      file.syncNow();
      file.close();
      this.#isDirectoryUnsynced = true;
    }
    this.#unsyncedFiles.clear();
    if (!this.#isDirectoryUnsynced) return;
    disk.syncDirectory(this.#directory);
    this.#isDirectoryUnsynced = false;
    if (!this.#isParentUnsynced) return;
    disk.syncDirectory(parentOf(this.#directory));
    this.#isParentUnsynced = false;
  }

  #writeEpochs(): void {
    const { disk } = this.#environment.pool;
    const { entries } = this.#epochs;
    const path = joinPath(this.#directory, epochCheckpointName);
    // A new log's checkpoint is empty until there is an epoch, as Kafka makes it.
    const text = entries.length === 0 && !disk.exists(path) ? '' : epochCheckpointText(entries);
    replaceFile(disk, path, text);
    this.#unsyncedFiles.add(epochCheckpointName);
  }

  #rebuildProducers(): void {
    rebuildProducers({
      producers: this.#producers,
      segments: this.#segments,
      name: this.name,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
      nowMs: this.#environment.clock.wallMs(),
      hadCleanShutdown: false,
    });
  }

  #dropSegments(segments: readonly Segment[]): void {
    // A background flush may have these in hand: what it proves no longer counts.
    this.#truncationCount++;
    for (const segment of segments) {
      this.#scheduleRemoval(segment.markDeleted());
      this.#producers.remove(segment.baseOffset);
    }
    if (segments.length > 0) this.#isDirectoryUnsynced = true;
  }

  #scheduleRemoval(paths: readonly string[]): void {
    if (paths.length === 0) return;
    this.#removals.push({ paths, dueMs: this.#environment.clock.wallMs() + this.#config.fileDeleteDelayMs });
  }

  #removeFiles(paths: readonly string[]): void {
    for (const path of paths) this.#environment.pool.disk.remove(path);
  }

  #recountSize(): void {
    this.#sizeBytes = this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  #reportRecovery(truncatedBytes: number, findings: readonly string[], epochs: LoadedEpochs): void {
    const detail = [...findings, ...(epochs.isDamaged ? ['leader-epoch-checkpoint was damaged'] : [])].join('; ');
    this.#environment.journal?.record({
      kind: 'log.recovered',
      topic: this.topic,
      partition: this.partition,
      truncatedBytes,
      detail,
    });
  }
}

function parentOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf('/')) || '/';
}

function freshEpochs(): LoadedEpochs {
  return { epochs: new LeaderEpochs(), isMissing: true, isDamaged: false };
}

function compressionLevelOf(config: LogConfig): { readonly compressionLevel?: number } {
  switch (config.compressionType) {
    case 'gzip':
      return { compressionLevel: config.compressionGzipLevel };
    case 'lz4':
      return { compressionLevel: config.compressionLz4Level };
    case 'zstd':
      return { compressionLevel: config.compressionZstdLevel };
    default:
      return {};
  }
}

/** The batches before the first one of an epoch that the follower has not heard of. */
function upToEpoch(records: Buffer, leaderEpoch: LeaderEpoch): Buffer {
  let end = 0;
  forEachBatch(records, (batch) => {
    if (toLeaderEpoch(batch.partitionLeaderEpoch) > leaderEpoch) return false;
    end = batch.endPosition;
    return true;
  });
  return records.subarray(0, end);
}
