// What a leader and a follower check before bytes enter a log, and what a leader stamps in: Kafka's produce-request
// checks, its log analysis and its LogValidator. Pure: bytes and settings in, bytes and facts out.

import { ErrorCode } from '../protocol/errors.ts';
import { unreachable } from '../core/assert.ts';
import type { AppendOrigin, LeaderAppendSettings } from './append-settings.ts';
import type { CompressionType } from './compression-type.ts';
import { corruptRecord, invalidRecord, type RecordError, RecordsError } from './errors.ts';
import { assignOffsets } from './offset-assignment.ts';
import { forEachBatch, RecordBatch, recordBatchOverheadBytes, wholeBatchSize } from './record-batch.ts';

export type { AppendOrigin, LeaderAppendSettings };

export type FollowerAppendSettings = {
  readonly topicPartition: string;
  readonly segmentBytesMax: number;
};

export type AppendFailure = {
  readonly ok: false;
  /** Kafka's error code. */
  readonly errorCode: number;
  readonly message: string;
  readonly recordErrors: readonly RecordError[];
};

export type ValidatedAppend = {
  readonly ok: true;
  /** What to write: the input patched in place where possible, else rebuilt. Empty when nothing was whole. */
  readonly records: Buffer;
  /** −1 when a follower gets an old format, which does not tell without decompressing. */
  readonly firstOffset: number;
  /** −1 when there is nothing to append. */
  readonly lastOffset: number;
  /** Last offset of the first batch: orders old formats too. */
  readonly lastOffsetOfFirstBatch: number;
  readonly maxTimestamp: number;
  /** Last offset of the batch with the greatest timestamp: what the time index stores. */
  readonly offsetOfMaxTimestamp: number;
  /** −1 unless the topic uses LogAppendTime. */
  readonly logAppendTimeMs: number;
  /** Epoch in the last batch; −1 when unknown. */
  readonly lastLeaderEpoch: number;
  readonly batchCount: number;
  readonly recordCount: number;
};

export type AppendValidation = ValidatedAppend | AppendFailure;

const nothingToAppend: ValidatedAppend = {
  ok: true,
  records: Buffer.alloc(0),
  firstOffset: -1,
  lastOffset: -1,
  lastOffsetOfFirstBatch: -1,
  maxTimestamp: -1,
  offsetOfMaxTimestamp: -1,
  logAppendTimeMs: -1,
  lastLeaderEpoch: -1,
  batchCount: 0,
  recordCount: 0,
};

/**
 * The checks that come with the Produce request itself, before any log is asked: exactly one batch, format 2.
 * Null when they pass. Throws nothing.
 */
export function checkProduceRecords(records: Buffer | null, apiVersion: number): AppendFailure | null {
  return asFailure(() => {
    if (apiVersion < 3) return;
    const bytes = records ?? nothingToAppend.records;
    const firstSize = wholeBatchSize(bytes, 0);
    const request = `Produce requests with version ${apiVersion}`;
    if (firstSize === 0) throw invalidRecord(`${request} must have at least one record batch per partition`);
    const batch = new RecordBatch(bytes);
    if (batch.magic !== 2) {
      throw invalidRecord(`${request} are only allowed to contain record batches with magic version 2`);
    }
    if (apiVersion < 7 && batch.compressionId === 4) {
      throw new RecordsError(
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        `${request} are not allowed to use ZStandard compression`,
      );
    }
    if (wholeBatchSize(bytes, firstSize) !== 0) {
      throw invalidRecord(`${request} are only allowed to contain exactly one record batch per partition`);
    }
  });
}

/** The codec that `validateForLeader` will need, so that its user can prepare it first; null when none. */
export function compressionNeededBy(
  records: Buffer,
  compressionType: CompressionType | 'producer' = 'producer',
): CompressionType | null {
  if (records.length < recordBatchOverheadBytes) return null;
  const batch = new RecordBatch(records);
  if (batch.magic === 2 && batch.compressionId === 4) return 'zstd';
  return compressionType === 'zstd' ? 'zstd' : null;
}

/**
 * Checks a client's (or coordinator's, or raft leader's) batches, gives them offsets, leader epoch and timestamps.
 * Patches `records` in place when it can: the caller must own them. zstd must have been prepared.
 */
export function validateForLeader(records: Buffer, settings: LeaderAppendSettings): AppendValidation {
  return catching(() => {
    const analysis = analyze(records, { ...settings, isFollower: false });
    if (analysis.validBytes === 0) return nothingToAppend;
    const assigned = assignOffsets(records.subarray(0, analysis.validBytes), analysis.compression, settings);
    if (assigned.isRebuilt && settings.origin !== 'raft') checkRebuiltSizes(assigned.records, settings);
    checkSegmentSize(assigned.records.length, settings);
    return {
      ok: true,
      records: assigned.records,
      firstOffset: settings.nextOffset,
      lastOffset: assigned.lastOffset,
      lastOffsetOfFirstBatch: assigned.lastOffset,
      maxTimestamp: assigned.maxTimestamp,
      offsetOfMaxTimestamp: assigned.offsetOfMaxTimestamp,
      logAppendTimeMs: settings.timestampType === 'LogAppendTime' ? settings.nowMs : -1,
      lastLeaderEpoch: settings.leaderEpoch,
      batchCount: analysis.batchCount,
      recordCount: assigned.lastOffset - settings.nextOffset + 1,
    };
  });
}

/** Checks batches that a leader has already given offsets to. Nothing is changed; a cut tail is left out. */
export function validateForFollower(records: Buffer, settings: FollowerAppendSettings): AppendValidation {
  return catching(() => {
    const { topicPartition, segmentBytesMax } = settings;
    const analysis = analyze(records, { topicPartition, isFollower: true, origin: 'coordinator', leaderEpoch: -1 });
    if (analysis.validBytes === 0) return nothingToAppend;
    if (!analysis.isMonotonic) {
      throw new RecordsError(
        ErrorCode.UNKNOWN_SERVER_ERROR,
        `Out of order offsets found in append to ${settings.topicPartition}: batches end at ${lastOffsetsIn(records)}`,
      );
    }
    if (!Number.isSafeInteger(analysis.lastOffset)) {
      throw invalidRecord(`Offset ${analysis.lastOffset} in append to ${settings.topicPartition} is beyond 2^53`);
    }
    checkSegmentSize(analysis.validBytes, { topicPartition, segmentBytesMax });
    return {
      ok: true,
      records: records.subarray(0, analysis.validBytes),
      firstOffset: analysis.firstOffset,
      lastOffset: analysis.lastOffset,
      lastOffsetOfFirstBatch: analysis.lastOffsetOfFirstBatch,
      maxTimestamp: analysis.maxTimestamp,
      offsetOfMaxTimestamp: analysis.offsetOfMaxTimestamp,
      logAppendTimeMs: -1,
      lastLeaderEpoch: analysis.lastLeaderEpoch,
      batchCount: analysis.batchCount,
      recordCount: analysis.recordCount,
    };
  });
}

type Analysis = {
  firstOffset: number;
  lastOffset: number;
  lastOffsetOfFirstBatch: number;
  lastLeaderEpoch: number;
  maxTimestamp: number;
  offsetOfMaxTimestamp: number;
  compression: CompressionType;
  isMonotonic: boolean;
  validBytes: number;
  batchCount: number;
  recordCount: number;
};

type AnalysisSettings = {
  readonly topicPartition: string;
  readonly isFollower: boolean;
  readonly origin: AppendOrigin;
  readonly leaderEpoch: number;
  readonly messageBytesMax?: number;
};

function analyze(records: Buffer, settings: AnalysisSettings): Analysis {
  const analysis: Analysis = {
    firstOffset: -1,
    lastOffset: -1,
    lastOffsetOfFirstBatch: -1,
    lastLeaderEpoch: -1,
    maxTimestamp: -1,
    offsetOfMaxTimestamp: -1,
    compression: 'none',
    isMonotonic: true,
    validBytes: 0,
    batchCount: 0,
    recordCount: 0,
  };
  analysis.validBytes = forEachBatch(records, (batch) => {
    checkBatch(batch, settings);
    analyzeBatch(batch, analysis);
  });
  return analysis;
}

function checkBatch(batch: RecordBatch, settings: AnalysisSettings): void {
  const size = batch.sizeInBytes;
  const { topicPartition } = settings;
  if (!settings.isFollower) {
    switch (settings.origin) {
      case 'raft':
        if (batch.partitionLeaderEpoch !== settings.leaderEpoch) {
          throw invalidRecord('Append from Raft leader did not set the batch epoch correctly');
        }
        break;
      case 'client':
        if (!batch.isLegacy && batch.baseOffset !== 0) {
          throw invalidRecord(
            `The baseOffset of the record batch in the append to ${topicPartition} should be 0, but it is ${batch.baseOffset}`,
          );
        }
        break;
      case 'coordinator':
        break;
      default:
        unreachable(settings.origin);
    }
  }
  // A raft leader made its batches itself and bounds them itself.
  if (settings.messageBytesMax !== undefined && settings.origin !== 'raft' && size > settings.messageBytesMax) {
    throw new RecordsError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `The record batch size in the append to ${topicPartition} is ${size} bytes ` +
        `which exceeds the maximum configured value of ${settings.messageBytesMax}).`,
    );
  }
  if (!batch.isValid) {
    throw corruptRecord(`Record is corrupt (stored crc = ${batch.crc}) in topic partition ${topicPartition}.`);
  }
}

function analyzeBatch(batch: RecordBatch, analysis: Analysis): void {
  const lastOffset = batch.lastOffset;
  if (analysis.batchCount === 0) {
    if (!batch.isLegacy) analysis.firstOffset = batch.baseOffset;
    analysis.lastOffsetOfFirstBatch = lastOffset;
  }
  if (analysis.lastOffset >= lastOffset) analysis.isMonotonic = false;
  analysis.lastOffset = lastOffset;
  analysis.lastLeaderEpoch = batch.partitionLeaderEpoch;
  if (batch.maxTimestamp > analysis.maxTimestamp) {
    analysis.maxTimestamp = batch.maxTimestamp;
    analysis.offsetOfMaxTimestamp = lastOffset;
  }
  const compression = batch.compression;
  if (compression !== 'none') analysis.compression = compression;
  analysis.batchCount++;
  analysis.recordCount += batch.recordCount ?? 1;
}

function checkRebuiltSizes(records: Buffer, settings: LeaderAppendSettings): void {
  forEachBatch(records, (batch) => {
    if (batch.sizeInBytes > settings.messageBytesMax) {
      throw new RecordsError(
        ErrorCode.MESSAGE_TOO_LARGE,
        `Message batch size is ${batch.sizeInBytes} bytes in append to partition ${settings.topicPartition} ` +
          `which exceeds the maximum configured size of ${settings.messageBytesMax}.`,
      );
    }
  });
}

function checkSegmentSize(bytes: number, settings: FollowerAppendSettings): void {
  if (bytes > settings.segmentBytesMax) {
    throw new RecordsError(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `Message batch size is ${bytes} bytes in append to partition ${settings.topicPartition}, ` +
        `which exceeds the maximum configured segment size of ${settings.segmentBytesMax}.`,
    );
  }
}

function lastOffsetsIn(records: Buffer): string {
  const offsets: number[] = [];
  forEachBatch(records, (batch) => offsets.push(batch.lastOffset) < 10);
  return offsets.join(',');
}

function catching(validate: () => ValidatedAppend): AppendValidation {
  try {
    return validate();
  } catch (error) {
    return toFailure(error);
  }
}

function asFailure(check: () => void): AppendFailure | null {
  try {
    check();
    return null;
  } catch (error) {
    return toFailure(error);
  }
}

function toFailure(error: unknown): AppendFailure {
  if (!(error instanceof RecordsError)) throw error;
  return { ok: false, errorCode: error.errorCode, message: error.message, recordErrors: error.recordErrors };
}
