// What crosses the door of a partition's log: arguments and answers of PartitionLog. Offsets are positions,
// end offsets are exclusive.

import type { LeaderEpoch, Offset } from '../core/ids.ts';
import type { AppendOrigin } from '../records/validation.ts';

export type { AppendOrigin } from '../records/validation.ts';

/** Proof that the transaction coordinator has confirmed a producer's transaction; made by `startVerification`. */
export type VerificationGuard = { readonly producerId: number };

export type AppendAsLeaderOptions = {
  readonly leaderEpoch: LeaderEpoch;
  readonly origin: AppendOrigin;
  readonly verificationGuard?: VerificationGuard | null;
  /** Of WriteTxnMarkers; 2 demands a producer epoch above the last one seen (KIP-890). */
  readonly transactionVersion?: number;
};

export type AppendResult = {
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
  readonly maxTimestamp: number;
  /** −1 under CreateTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: Offset;
  readonly recordCount: number;
  readonly validBytes: number;
  /** True when these batches were in the log already: nothing was written, the offsets are the old ones. */
  readonly isDuplicate: boolean;
};

/** How far a read may see: all, up to the high watermark, or up to the last stable offset. */
export type ReadLimit = 'log-end' | 'high-watermark' | 'last-stable';

export type AbortedTransaction = {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
};

export type ReadResult = {
  /** Whole batches, in order, as slices: of the tail in memory, or of one buffer read from disk. */
  readonly records: Buffer[];
  readonly sizeBytes: number;
  readonly startOffset: Offset;
  readonly highWatermark: Offset;
  readonly lastStableOffset: Offset;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  /** Only for `last-stable`; else null. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
};

export type EpochEntry = { readonly epoch: LeaderEpoch; readonly startOffset: Offset };

export type EpochEndOffset = { readonly epoch: LeaderEpoch; readonly endOffset: Offset };

export type TimestampQuery = number | 'earliest' | 'latest' | 'max-timestamp' | 'earliest-local';

export type TimestampAndOffset = {
  /** −1 where the question was not about a timestamp. */
  readonly timestamp: number;
  readonly offset: Offset;
  readonly leaderEpoch: LeaderEpoch | null;
};

/** One row of DescribeProducers. */
export type ActiveProducer = {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** −1: none. */
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  /** −1: no open transaction. */
  readonly currentTxnStartOffset: number;
};

export type SegmentView = {
  readonly baseOffset: Offset;
  readonly sizeBytes: number;
  readonly largestTimestamp: number;
};
