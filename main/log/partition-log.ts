// The log of one partition: the only door to its files. Everything is synchronous; only `sync` waits for the disk.

import { AssertionFailure } from '../core/assert.ts';
import type { Offset, LeaderEpoch, PartitionId, TopicId } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import type { Clock, Disk } from '../runtime/runtime.ts';
import type { LogConfig } from './log-config.ts';
import type {
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

export type PartitionLogOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  /** The partition's own directory, `…/topic-3`. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: PartitionId;
  /** Null: take what partition.metadata says. */
  readonly topicId: TopicId | null;
  readonly config: LogConfig;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
  readonly hadCleanShutdown: boolean;
  readonly journal?: Journal;
};

const pending = (): never => {
  throw new AssertionFailure('main/log is being written');
};

export class PartitionLog {
  static open(_options: PartitionLogOptions): PartitionLog {
    return pending();
  }

  readonly topic: string = '';
  readonly partition: PartitionId = pending();
  /** `topic-3` */
  readonly name: string = '';

  get topicId(): TopicId | null {
    return pending();
  }
  get config(): LogConfig {
    return pending();
  }
  updateConfig(_config: LogConfig): void {
    pending();
  }
  get logStartOffset(): Offset {
    return pending();
  }
  get logEndOffset(): Offset {
    return pending();
  }
  get highWatermark(): Offset {
    return pending();
  }
  get lastStableOffset(): Offset {
    return pending();
  }
  get recoveryPoint(): Offset {
    return pending();
  }
  get sizeBytes(): number {
    return pending();
  }
  get latestEpoch(): LeaderEpoch | null {
    return pending();
  }
  get segments(): SegmentView[] {
    return pending();
  }

  /** Validates, assigns offsets and writes. Throws LogError (its code goes to the client) or DiskError. The buffer is the log's afterwards. */
  appendAsLeader(_records: Buffer, _options: AppendAsLeaderOptions): AppendResult {
    return pending();
  }
  /** Writes batches as the leader sent them; what does not follow the log's end throws UnexpectedAppendOffset. Null when there was no whole batch. */
  appendAsFollower(_records: Buffer, _leaderEpoch?: LeaderEpoch): AppendResult | null {
    return pending();
  }
  /** Throws OffsetOutOfRange. At `startOffset` = the limit's end the answer is empty. */
  read(_startOffset: number, _maxBytes: number, _limit: ReadLimit, _minOneBatch: boolean): ReadResult {
    return pending();
  }
  /** Moves the high watermark, kept within [logStartOffset, logEndOffset]; may go back (after truncation). Returns it. */
  updateHighWatermark(_offset: number): Offset {
    return pending();
  }
  /** Returns whether it rose. Throws LogError OFFSET_OUT_OF_RANGE above the high watermark. */
  incrementLogStartOffset(_offset: number): boolean {
    return pending();
  }
  /** Drops everything from `offset` on. Returns false when there was nothing to drop. */
  truncateTo(_offset: number): boolean {
    return pending();
  }
  truncateFullyAndStartAt(_offset: number, _logStartOffset?: number): void {
    pending();
  }
  assignEpoch(_leaderEpoch: LeaderEpoch, _startOffset: Offset): void {
    pending();
  }
  /** Largest epoch ≤ the asked one and where it ends; null when unknown (Kafka's −1, −1). */
  endOffsetForEpoch(_leaderEpoch: number): EpochEndOffset | null {
    return pending();
  }
  epochForOffset(_offset: number): LeaderEpoch | null {
    return pending();
  }
  get epochEntries(): readonly EpochEntry[] {
    return pending();
  }
  /** Null: no record that young. */
  offsetForTimestamp(_query: TimestampQuery): TimestampAndOffset | null {
    return pending();
  }
  activeProducers(): ActiveProducer[] {
    return pending();
  }
  /** Null: the producer's transaction is already open here, so no verification is needed. */
  startVerification(_producerId: number, _sequence: number, _producerEpoch: number): VerificationGuard | null {
    return pending();
  }
  /** Blocks until all records are on the device; the recovery point moves to the end. */
  flush(): void {
    pending();
  }
  /** The same without blocking. */
  sync(): Promise<void> {
    return pending();
  }
  /** Closes the active segment and begins a new one at the end; returns its base offset. */
  roll(): Offset {
    return pending();
  }
  /** Retention; returns how many segments went. */
  deleteOldSegments(_nowMs: number): number {
    return pending();
  }
  /** A clean close: snapshot, indexes trimmed, everything synced. */
  close(): void {
    pending();
  }
}
