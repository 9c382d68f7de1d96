// The log of one partition: the only door to its files. Everything is synchronous; only `sync` waits for the disk.
// Invariants: logStartOffset ≤ highWatermark ≤ logEndOffset; recoveryPoint ≤ logEndOffset; lastStableOffset ≤
// highWatermark; the last segment is the only one written to.

import { assert, present } from '../core/assert.ts';
import {
  maxOffset,
  minOffset,
  partitionName,
  toOffset,
  type LeaderEpoch,
  type Offset,
  type PartitionId,
  type TopicId,
} from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { forEachBatch, type RecordBatch } from '../records/record-batch.ts';
import type { ValidatedAppend } from '../records/validation.ts';
import { DiskError } from '../runtime/runtime.ts';
import { appendInParts } from './append-parts.ts';
import { duplicateResult, emptyResult, resultOf, validateAsFollower, validateAsLeader } from './appending.ts';
import { clean, type CleanableLog } from './cleaning.ts';
import { cleaningRange, type CleaningRange } from './cleaning-range.ts';
import { Durability } from './durability.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import { neverMs, type LogConfig } from './log-config.ts';
import type { LogEnvironment, PartitionLogOptions } from './log-environment.ts';
import { LogError, OffsetOutOfRange, UnexpectedAppendOffset } from './log-error.ts';
import type {
  AbortedTransaction,
  ActiveProducer,
  AppendAsLeaderOptions,
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
import { PartitionDirectory } from './partition-directory.ts';
import type { BatchMetadata, ProducerOrigin } from './producer-entry.ts';
import { checkNotFenced, checkProducers, type ProducerChanges } from './producer-gate.ts';
import type { ProducerSnapshots } from './producer-snapshots.ts';
import { loadLog, rebuildProducers } from './recovery.ts';
import { segmentsToDelete } from './retention.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { cleanedSuffix, swapSuffix } from './segment-names.ts';
import type { LogTail } from './tail-cache.ts';
import { findOffset } from './timestamp-search.ts';

export type { LogEnvironment, PartitionLogOptions } from './log-environment.ts';

type ProducerOptions = Pick<AppendAsLeaderOptions, 'verificationGuard' | 'transactionVersion'>;

export class PartitionLog {
  static open(options: PartitionLogOptions): PartitionLog {
    return new PartitionLog(options);
  }

  readonly topic: string;
  readonly partition: PartitionId;
  /** `topic-3` */
  readonly name: string;
  readonly #environment: LogEnvironment;
  readonly #directory: PartitionDirectory;
  readonly #tail: LogTail;
  readonly #epochs: LeaderEpochs;
  readonly #producers: ProducerSnapshots;
  readonly #segments: SegmentList;
  #topicId: TopicId | null;
  readonly #onRecoveryPointLowered: () => void;
  #config: LogConfig;
  #logStartOffset: Offset;
  #logEndOffset: Offset;
  #highWatermark: Offset;
  readonly #durability: Durability;
  #failure: DiskError | null = null;
  #isClosed = false;

  private constructor(options: PartitionLogOptions) {
    const { environment } = options;
    this.topic = options.topic;
    this.partition = options.partition;
    this.name = partitionName(options.topic, options.partition);
    this.#environment = environment;
    this.#config = options.config;
    this.#onRecoveryPointLowered = options.onRecoveryPointLowered ?? (() => undefined);
    this.#tail = environment.tailCache.newTail();
    this.#directory = new PartitionDirectory(environment.pool.disk, options.directory);
    // A clean close flushes no small files of an empty log: what a power loss then takes holds nothing but the id.
    const mayBeTorn = options.recoveryPoint === 0;
    this.#topicId = this.#directory.openTopicId(this.name, options.topicId, mayBeTorn);
    if (!options.hadCleanShutdown || mayBeTorn) this.#directory.noteUnsyncedFiles();
    const { epochs, isMissing, isDamaged } = this.#directory.loadEpochs();
    const loaded = loadLog({ ...options, name: this.name, epochs, isNew: this.#directory.isNew });
    this.#epochs = epochs;
    this.#segments = new SegmentList(loaded.segments);
    this.#producers = loaded.producers;
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.#highWatermark = loaded.logStartOffset;
    this.#durability = new Durability({
      segments: this.#segments,
      directory: this.#directory,
      producers: this.#producers,
      clock: environment.clock,
      recoveryPoint: loaded.recoveryPoint,
    });
    this.#removeLater(loaded.deletedPaths);
    if (loaded.epochsChanged || isDamaged) this.#writeEpochs();
    else if (isMissing) this.#directory.createEpochFile();
    const findings = isDamaged ? [...loaded.findings, 'leader-epoch-checkpoint was damaged'] : loaded.findings;
    if (loaded.truncatedBytes > 0 || findings.length > 0) this.#reportRecovery(loaded.truncatedBytes, findings);
  }

  get directory(): string {
    return this.#directory.path;
  }

  get topicId(): TopicId | null {
    return this.#topicId;
  }

  /** For a log whose partition.metadata a power loss took: writes it anew, or the next start would refuse the log. */
  adoptTopicId(topicId: TopicId): void {
    this.#topicId ??= this.#directory.openTopicId(this.name, topicId, true);
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
    return this.#durability.recoveryPoint;
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes;
  }

  get latestEpoch(): LeaderEpoch | null {
    return this.#epochs.latestEpoch;
  }

  get epochEntries(): readonly EpochEntry[] {
    return this.#epochs.entries;
  }

  get segments(): SegmentView[] {
    return this.#segments.views();
  }

  /**
   * Validates, assigns offsets and writes. Throws LogError (its code goes to the client) or DiskError. The buffer is
   * patched in place and kept: it is the log's from here on.
   */
  appendAsLeader(records: Buffer, options: AppendAsLeaderOptions): AppendResult {
    this.#requireUsable();
    const nowMs = this.#environment.clock.wallMs();
    const facts = { name: this.name, config: this.#config, logEndOffset: this.#logEndOffset, nowMs };
    const validated = validateAsLeader(records, options, facts);
    if (validated.recordCount === 0) return emptyResult(this.#logEndOffset, this.#logStartOffset);
    const duplicate = this.#append(validated, options.origin, options);
    if (duplicate !== null) return duplicateResult(duplicate, validated, this.#logStartOffset);
    return resultOf(validated, this.#logStartOffset);
  }

  /**
   * Writes and keeps batches as the leader sent them, up to the first of an epoch above `leaderEpoch`. What does not
   * follow the log's end throws UnexpectedAppendOffset. Null when there was no whole batch.
   */
  appendAsFollower(records: Buffer, leaderEpoch: LeaderEpoch | null = null): AppendResult | null {
    this.#requireUsable();
    try {
      return this.#appendAsFollower(records, leaderEpoch);
    } catch (error) {
      if (!(error instanceof UnexpectedAppendOffset) || !this.#beginsWithin(error)) throw error;
      // As Kafka: the leader's log starts inside a batch (DeleteRecords), and this one has nothing yet. It begins with
      // the whole batch, or it could never begin.
      this.truncateFullyAndStartAt(error.firstOffset, this.#logStartOffset);
      return this.#appendAsFollower(records, leaderEpoch);
    }
  }

  #beginsWithin({ firstOffset, lastOffset }: UnexpectedAppendOffset): boolean {
    const isEmpty = this.#logEndOffset === this.#logStartOffset;
    return isEmpty && firstOffset < this.#logEndOffset && lastOffset >= this.#logEndOffset;
  }

  #appendAsFollower(records: Buffer, leaderEpoch: LeaderEpoch | null): AppendResult | null {
    return appendInParts(records, this.#config.segmentBytes, (part) => {
      const facts = { name: this.name, config: this.#config, logEndOffset: this.#logEndOffset, nowMs: 0 };
      const validated = validateAsFollower(part, leaderEpoch, facts);
      if (validated.records.length === 0) return null;
      this.#append(validated, 'replication', { transactionVersion: -1 });
      return resultOf(validated, this.#logStartOffset);
    });
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
      if (sizeBytes < 0) sizeBytes = this.#segments.read(startOffset, limitOffset, maxBytes, minOneBatch, records);
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
    return this.#segments.abortedTransactions(from, to);
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
    this.#syncFirstFiles();
    this.#durability.raiseTo(minOffset(this.#logStartOffset, this.#logEndOffset));
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
    if (offset < this.#segments.first.baseOffset) {
      this.truncateFullyAndStartAt(offset);
      return true;
    }
    this.#durability.noteRemoval();
    this.#tail.truncateTo(offset);
    this.#dropSegments(this.#segments.removeFrom(this.#segments.floorIndex(offset) + 1));
    this.#guarded(() => this.#segments.active.truncateTo(offset));
    this.#logEndOffset = toOffset(offset);
    const isBelowSafe = this.#durability.lowerTo(this.#logEndOffset);
    this.#logStartOffset = minOffset(this.#logStartOffset, this.#logEndOffset);
    if (this.#epochs.truncateFromEnd(offset)) this.#writeEpochs();
    this.#rebuildProducers();
    this.updateHighWatermark(this.#highWatermark);
    if (isBelowSafe) this.#onRecoveryPointLowered();
    return true;
  }

  /** Drops all records; the log goes on at `offset`, as a follower does whose leader has deleted what it lacks. */
  truncateFullyAndStartAt(offset: number, logStartOffset: number = offset): void {
    this.#tail.clear();
    this.#dropSegments(this.#segments.removeFrom(0));
    this.#logEndOffset = toOffset(offset);
    this.#logStartOffset = toOffset(logStartOffset);
    this.#durability.lowerTo(this.#logEndOffset);
    this.#syncFirstFiles();
    this.#durability.raiseTo(this.#logEndOffset);
    this.#producers.truncateFullyAndStartAt(offset);
    this.#addSegment(this.#logEndOffset).createFiles();
    if (this.#epochs.clear()) this.#writeEpochs();
    this.#highWatermark = toOffset(Math.max(this.#logStartOffset, Math.min(this.#highWatermark, this.#logEndOffset)));
    this.#onRecoveryPointLowered();
  }

  /** A recovery point above 0 says that the small files are safe, the topic's id among them. */
  #syncFirstFiles(): void {
    if (this.recoveryPoint === 0 && this.#directory.isUnsynced) this.#directory.syncNow();
  }

  /** A new leader notes its epoch here before it serves. */
  assignEpoch(leaderEpoch: LeaderEpoch, startOffset: Offset): void {
    if (this.#epochs.assign(leaderEpoch, startOffset)) this.#writeEpochs();
  }

  /** Largest epoch ≤ the asked one and where it ends; null when unknown (Kafka's −1, −1). */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset | null {
    return this.#epochs.endOffsetFor(leaderEpoch, this.#logEndOffset);
  }

  /** Null: no record that young. */
  offsetForTimestamp(query: TimestampQuery): TimestampAndOffset | null {
    return findOffset(query, this.#segments.all, this.#epochs, this);
  }

  activeProducers(): ActiveProducer[] {
    return this.#producers.state.active();
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
    const { state } = this.#producers;
    checkNotFenced(state, producerId, producerEpoch);
    if (state.hasOngoingTransaction(producerId, producerEpoch)) return null;
    const nowMs = this.#environment.clock.wallMs();
    return state.startVerification(producerId, sequence, producerEpoch, supportsEpochBump, nowMs);
  }

  /** Blocks until all records are on the device; the recovery point moves to the end. */
  flush(): void {
    this.#requireUsable();
    this.#guarded(() => this.#durability.flush(this.#logEndOffset));
  }

  /** The same without blocking; records appended meanwhile are not waited for. */
  sync(): Promise<void> {
    return this.#durability.sync(this.#logEndOffset);
  }

  /** Of a write or a background flush; null while all is well. The owner takes the directory offline. */
  get failure(): DiskError | null {
    return this.#failure ?? this.#durability.failure;
  }

  /** Begins a new segment at the end and returns its base offset. */
  roll(): Offset {
    return this.#roll(this.#logEndOffset).baseOffset;
  }

  /** Retention by time, size and log start; returns how many segments went. */
  deleteOldSegments(nowMs: number): number {
    const segments = this.#segments.all;
    const count = segmentsToDelete(segments, nowMs, this);
    if (count === 0) return 0;
    if (count === segments.length) this.#roll(this.#logEndOffset);
    const first = present(segments[count], 'segment after the deleted ones');
    this.incrementLogStartOffset(Math.max(this.#logStartOffset, first.baseOffset));
    this.#dropSegments(this.#segments.removeFirst(count));
    return count;
  }

  /**
   * Removes files whose delay is over, flushes by `flush.ms`, forgets producers that were silent too long. Returns
   * when it wants to be called again.
   */
  maintain(nowMs: number): number {
    let nextMs = this.#directory.removeDue(nowMs);
    if (this.recoveryPoint < this.#logEndOffset && this.#config.flushMs < neverMs) {
      const dueMs = this.#durability.lastFlushMs + this.#config.flushMs;
      if (nowMs >= dueMs) this.flush();
      else nextMs = Math.min(nextMs, dueMs);
    }
    const { state } = this.#producers;
    if (state.count > 0) state.removeExpired(nowMs, this.#config.producerIdExpirationMs);
    return nextMs;
  }

  /** Null unless records were deleted inside the first segment: what log-start-offset-checkpoint must remember. */
  get logStartOffsetToCheckpoint(): Offset | null {
    return this.#logStartOffset > this.#segments.first.baseOffset ? this.#logStartOffset : null;
  }

  /** What of a compacted log may be cleaned; null when nothing may. `cleanedTo`: where the last cleaning ended. */
  cleaningRange(cleanedTo: number | null, nowMs: number): CleaningRange | null {
    return cleaningRange(this.#segments.all, cleanedTo, nowMs, this);
  }

  /** Cleans in steps; ends with where the next cleaning begins, or with null when the log was cut meanwhile. */
  clean(range: CleaningRange, nowMs: number): Generator<void, number | null, undefined> {
    const removals = this.#durability.removalCount;
    const log: CleanableLog = {
      segments: [...this.#segments.all],
      config: this.#config,
      nowMs,
      abortedTransactions: (from, to) => this.abortedTransactions(from, to),
      lastRecordOf: (producerId) => this.#producers.state.lastRecordOf(producerId),
      createCleaned: (baseOffset) => {
        const options = { environment: this.#environment, directory: this.directory, config: this.#config };
        return Segment.createCleaned({ ...options, baseOffset });
      },
      replace: (cleaned, sources) => this.#replaceSegments(cleaned, sources),
      isStale: () => this.#isClosed || removals !== this.#durability.removalCount,
    };
    return clean(log, range);
  }

  /** Does what `close` needs without blocking for the device: what is not written to afterwards closes at once. */
  async settle(): Promise<void> {
    if (this.#isClosed || this.failure !== null) return;
    this.#segments.active.seal();
    this.#producers.take({ syncNow: false });
    await this.sync();
    if (!this.#isClosed) await this.#producers.sync(this.#logEndOffset);
  }

  /** A clean close: everything synced, a snapshot at the end, indexes cut to their entries. After a failure: abandon. */
  close(): void {
    if (this.#isClosed) return;
    if (this.failure !== null) return this.abandon();
    this.#producers.take({ syncNow: true });
    for (const segment of this.#segments.all) {
      segment.seal();
      if (segment.isUnsynced) segment.syncNow();
      segment.release();
    }
    if (this.#directory.isUnsynced && this.#logEndOffset > 0) this.#directory.syncNow();
    this.#durability.raiseTo(this.#logEndOffset);
    this.#durability.close();
    this.#tail.clear();
    this.#isClosed = true;
  }

  /** As after a crash: descriptors go, nothing is written. */
  abandon(): void {
    this.#isClosed = true;
    this.#durability.close();
    this.#tail.clear();
    for (const segment of this.#segments.all) segment.closeFiles();
  }

  /** Returns the batch that is repeated, when nothing is to be written. */
  #append(validated: ValidatedAppend, origin: ProducerOrigin, options: ProducerOptions): BatchMetadata | null {
    return this.#guarded(() => {
      const changes = this.#prepare(validated, origin, options);
      if (changes.duplicate === null) this.#write(validated, changes);
      return changes.duplicate;
    });
  }

  /** A failed write leaves files and memory apart: from then on the log is only good for recovery. */
  #guarded<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof DiskError) this.#failure ??= error;
      throw error;
    }
  }

  #requireUsable(): void {
    assert(!this.#isClosed, `${this.name} is closed`);
    if (this.#failure !== null) throw this.#failure;
  }

  /** The order is Kafka's: epoch, roll, producers. A refused producer may leave a fresh, empty segment behind. */
  #prepare(validated: ValidatedAppend, origin: ProducerOrigin, options: ProducerOptions): ProducerChanges {
    const { records, lastOffset } = validated;
    forEachBatch(records, (batch) => this.#noteEpoch(batch));
    if (this.#segments.active.shouldRoll(records.length, lastOffset, validated.maxTimestamp, this.#config)) {
      this.#roll(toOffset(Math.max(this.#logEndOffset, validated.firstOffset)));
    }
    return checkProducers(this.#producers.state, records, {
      origin,
      partitionName: this.name,
      transactionVersion: options.transactionVersion ?? 0,
      isVerificationRequired: this.#config.transactionPartitionVerificationEnable,
      guard: options.verificationGuard ?? null,
    });
  }

  #noteEpoch(batch: RecordBatch): void {
    const epoch = batch.partitionLeaderEpoch;
    if (epoch < 0 || epoch === this.#epochs.latestEpoch) return;
    if (this.#epochs.assign(epoch, batch.baseOffset)) this.#writeEpochs();
  }

  #write(validated: ValidatedAppend, changes: ProducerChanges): void {
    const { records, lastOffset } = validated;
    const segment = this.#segments.active;
    segment.append(records, lastOffset);
    this.#tail.append(records, this.#logEndOffset, lastOffset + 1);
    this.#logEndOffset = toOffset(lastOffset + 1);
    const { state } = this.#producers;
    for (const append of changes.appends) state.update(append);
    for (const producerId of changes.verified) state.clearVerification(producerId);
    for (const completed of changes.completed) {
      const aborted = state.complete(completed);
      if (completed.isAborted) segment.transactionIndex.append(aborted);
    }
    this.#producers.mapEndOffset = lastOffset + 1;
    if (this.#logEndOffset - this.recoveryPoint >= this.#config.flushMessages) this.flush();
  }

  #limitOffset(limit: ReadLimit): Offset {
    if (limit === 'log-end') return this.#logEndOffset;
    return limit === 'high-watermark' ? this.#highWatermark : this.lastStableOffset;
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

  #addSegment(baseOffset: Offset): Segment {
    const options = { environment: this.#environment, directory: this.directory, config: this.#config };
    const segment = new Segment({ ...options, baseOffset, names: new Set() });
    this.#segments.add(segment);
    this.#directory.noteNamesChanged();
    return segment;
  }

  #roll(baseOffset: Offset): Segment {
    const { active } = this.#segments;
    if (active.baseOffset === baseOffset && active.sizeBytes === 0) {
      // Nothing in it yet, only its settings were those of another day.
      this.#segments.removeFrom(this.#segments.all.length - 1);
      active.remove();
    } else active.seal();
    this.#producers.mapEndOffset = baseOffset;
    this.#producers.take({ syncNow: false });
    const segment = this.#addSegment(baseOffset);
    segment.log.get();
    this.#durability.flushRolled(baseOffset);
    return segment;
  }

  #writeEpochs(): void {
    this.#directory.writeEpochs(this.#epochs.entries);
  }

  #rebuildProducers(): void {
    rebuildProducers({
      producers: this.#producers,
      segments: this.#segments.all,
      name: this.name,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#logEndOffset,
      nowMs: this.#environment.clock.wallMs(),
      hadCleanShutdown: false,
    });
  }

  #dropSegments(segments: readonly Segment[]): void {
    if (segments.length === 0) return;
    this.#durability.noteRemoval();
    for (const segment of segments) {
      this.#removeLater(segment.markDeleted());
      this.#producers.remove(segment.baseOffset);
    }
    this.#directory.noteNamesChanged();
  }

  /** The order is Kafka's: after a stop at any point, recovery finishes it or undoes it. */
  #replaceSegments(cleaned: Segment, sources: readonly Segment[]): void {
    cleaned.renameSuffix(cleanedSuffix, swapSuffix);
    this.#segments.replace(sources, cleaned);
    for (const source of sources) {
      this.#removeLater(source.markDeleted());
      if (source.baseOffset !== cleaned.baseOffset) this.#producers.remove(source.baseOffset);
    }
    cleaned.renameSuffix(swapSuffix, '');
    this.#directory.noteNamesChanged();
    this.#directory.syncNow();
  }

  #removeLater(paths: readonly string[]): void {
    this.#directory.removeLater(paths, this.#environment.clock.wallMs() + this.#config.fileDeleteDelayMs);
  }

  #reportRecovery(truncatedBytes: number, findings: readonly string[]): void {
    this.#environment.journal?.record({
      kind: 'log.recovered',
      topic: this.topic,
      partition: this.partition,
      truncatedBytes,
      detail: findings.join('; '),
    });
  }
}
