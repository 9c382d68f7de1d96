// Endpoints of the partition pages: a replica's files, read as they lie on the disk. The screens see what a broker
// wrote so far; index entries that it still keeps in memory are not there yet.

import * as v from 'valibot';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const replica = { topic: v.string(), partition: whole, brokerId: whole };
const segment = { ...replica, baseOffset: whole };

/** Input schemas. */
export const segmentInputs = {
  /** Every replica's log: epochs, checkpoints, ends; and the leader's producers. */
  'partition.replicas': v.object({ topic: v.string(), partition: whole }),
  'partition.segments': v.object(replica),
  /** What compaction would leave of the segments that are closed. */
  'partition.compaction': v.object(replica),
  /** Batches from a file position on; it must be one where a batch begins. */
  'segment.batches': v.object({
    ...segment,
    position: whole,
    limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
  }),
  'segment.indexes': v.object(segment),
  /** How a broker finds an offset: index entry, then batches from there on. */
  'segment.find': v.object({ ...replica, offset: whole }),
  'segment.batch': v.object({ ...segment, position: whole }),
  /** The bytes of one record explained; `index` counts from 0 within the batch. */
  'segment.record': v.object({ ...segment, position: whole, index: whole }),
} as const;

export type LogFile = { readonly name: string; readonly bytes: number; readonly modifiedMs: number };

export type ReplicaLog = {
  readonly brokerId: number;
  readonly directory: string;
  /** null when all could be read. */
  readonly problem: string | null;
  readonly files: readonly LogFile[];
  readonly logBytes: number;
  readonly segmentCount: number;
  /** `leader-epoch-checkpoint`. */
  readonly epochs: readonly { readonly epoch: number; readonly startOffset: number }[];
  readonly checkpoints: {
    readonly logStartOffset: number | null;
    readonly recoveryPoint: number | null;
    readonly highWatermark: number | null;
  };
};

export type ProducerView = {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  /** −1: no open transaction. */
  readonly currentTxnStartOffset: number;
};

export type SegmentView = {
  readonly baseOffset: number;
  readonly logBytes: number;
  readonly indexBytes: number;
  readonly timeIndexBytes: number;
  readonly transactionIndexBytes: number;
  /** Entries in use; the rest of an active segment's index is room. */
  readonly indexEntries: number;
  readonly timeIndexEntries: number;
  /** The first batch's base timestamp and the time index's last; null when not known. */
  readonly firstTimestamp: number | null;
  readonly largestTimestamp: number | null;
  readonly modifiedMs: number;
  readonly isActive: boolean;
  /** Where the next segment begins; null for the active one. */
  readonly nextBaseOffset: number | null;
};

export type BatchView = {
  readonly position: number;
  readonly bytes: number;
  readonly magic: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly recordCount: number;
  readonly leaderEpoch: number;
  readonly compression: string;
  readonly timestampType: string;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** null: not computed, the page was too large. */
  readonly crcHolds: boolean | null;
};

export type IndexEntryView = { readonly offset: number; readonly position: number };
export type TimeIndexEntryView = { readonly timestamp: number; readonly offset: number };

/** A field of the format: its bytes, its value, what it means. */
export type FieldView = {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly value: string;
  readonly meaning: string;
};

export type StoredRecordView = {
  readonly index: number;
  readonly offset: number;
  readonly timestamp: number;
  /** Bytes of the record in `records` (or in `bytes` of an uncompressed batch). */
  readonly from: number;
  readonly to: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly keyBytes: number | null;
  readonly valueBytes: number | null;
  readonly headerCount: number;
};

export type CompactionRecord = {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  /** null: a tombstone. */
  readonly valueBytes: number | null;
  readonly deleteHorizonMs: number | null;
  readonly fate: 'stays' | 'superseded' | 'tombstone' | 'no key';
  /** The newer record of its key. */
  readonly by: number | null;
};

/** What each request answers. */
export type SegmentOutputs = {
  'partition.replicas': {
    readonly replicas: readonly ReplicaLog[];
    readonly producers: readonly ProducerView[];
    /** Why the leader could not be asked. */
    readonly producersProblem: string | null;
  };
  'partition.segments': { readonly directory: string; readonly segments: readonly SegmentView[] };
  'partition.compaction': {
    /** Where the last cleaning ended (`cleaner-offset-checkpoint`); null: none yet. */
    readonly cleanedTo: number | null;
    /** From here on nothing is cleaned. */
    readonly activeBaseOffset: number;
    readonly scannedBytes: number;
    /** False: the log is longer than what was counted. */
    readonly scannedAll: boolean;
    readonly keys: number;
    readonly records: number;
    readonly stay: number;
    /** Of the records themselves, uncompressed and without their batches' headers. */
    readonly stayBytes: number;
    readonly superseded: number;
    /** Of those that stay: they go when `delete.retention.ms` is over. */
    readonly tombstones: number;
    /** Records without a key: the topic had no compaction when they were written, and a cleaning takes them. */
    readonly withoutKey: number;
    readonly sample: readonly CompactionRecord[];
  };
  'segment.batches': {
    readonly batches: readonly BatchView[];
    /** null: the file ends. */
    readonly nextPosition: number | null;
    /** What lies behind the last whole batch, or why reading stopped. */
    readonly problem: string | null;
  };
  'segment.indexes': {
    readonly entries: readonly IndexEntryView[];
    readonly timeEntries: readonly TimeIndexEntryView[];
    /** How many there are in all; the lists hold at most `indexEntriesShownMax`, thinned out evenly. */
    readonly entryCount: number;
    readonly timeEntryCount: number;
  };
  'segment.find': {
    readonly baseOffset: number;
    /** The index entry that the search starts from; null: from the beginning of the segment. */
    readonly entry: IndexEntryView | null;
    readonly entryIndex: number;
    readonly batchesScanned: number;
    readonly bytesScanned: number;
    /** null: no batch of this replica holds the offset. */
    readonly position: number | null;
  };
  'segment.batch': {
    readonly batch: BatchView;
    /** Base64, at most `batchBytesShownMax`. */
    readonly bytes: string;
    readonly fields: readonly FieldView[];
    /** Decompressed records area, base64; null when the batch is not compressed. */
    readonly records: string | null;
    readonly uncompressedBytes: number;
    readonly list: readonly StoredRecordView[];
    readonly listedAll: boolean;
    readonly problem: string | null;
  };
  'segment.record': { readonly fields: readonly FieldView[] };
};

export const indexEntriesShownMax = 2000;
export const batchBytesShownMax = 262_144;
export const batchRecordsShownMax = 1000;
