// The edges of an append: what main/records checks and stamps, and what the caller is told. Knows no files.

import { toOffset, type LeaderEpoch, type Offset } from '../core/ids.ts';
import { forEachBatch } from '../records/record-batch.ts';
import {
  validateForFollower,
  validateForLeader,
  type AppendValidation,
  type ValidatedAppend,
} from '../records/validation.ts';
import type { LogConfig } from './log-config.ts';
import { LogError, UnexpectedAppendOffset } from './log-error.ts';
import type { AppendAsLeaderOptions, AppendResult } from './log-types.ts';
import type { BatchMetadata } from './producer-entry.ts';

export type AppendFacts = {
  readonly name: string;
  readonly config: LogConfig;
  readonly logEndOffset: Offset;
  readonly nowMs: number;
};

/** Assigns offsets, epoch and timestamps in place where it can. Throws LogError. */
export function validateAsLeader(records: Buffer, options: AppendAsLeaderOptions, facts: AppendFacts): ValidatedAppend {
  const { config } = facts;
  return accepted(
    validateForLeader(records, {
      topicPartition: facts.name,
      origin: options.origin,
      leaderEpoch: options.leaderEpoch,
      nextOffset: facts.logEndOffset,
      nowMs: facts.nowMs,
      compressionType: config.compressionType,
      ...compressionLevelOf(config),
      timestampType: config.messageTimestampType,
      timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
      timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
      messageBytesMax: config.maxMessageBytes,
      segmentBytesMax: config.segmentBytes,
      isCompacted: config.isCompacted,
    }),
  );
}

/** Takes batches as they are, up to the first of an epoch that the follower has not heard of. */
export function validateAsFollower(
  records: Buffer,
  leaderEpoch: LeaderEpoch | null,
  facts: AppendFacts,
): ValidatedAppend {
  const usable = leaderEpoch === null ? records : upToEpoch(records, leaderEpoch);
  const settings = { topicPartition: facts.name, segmentBytesMax: facts.config.segmentBytes };
  const validated = accepted(validateForFollower(usable, settings));
  if (validated.records.length > 0) checkFollows(validated, facts);
  return validated;
}

export function resultOf(validated: ValidatedAppend, logStartOffset: Offset): AppendResult {
  return {
    firstOffset: toOffset(Math.max(0, validated.firstOffset)),
    lastOffset: toOffset(validated.lastOffset),
    maxTimestamp: validated.maxTimestamp,
    logAppendTimeMs: validated.logAppendTimeMs,
    logStartOffset,
    recordCount: validated.recordCount,
    validBytes: validated.records.length,
    isDuplicate: false,
  };
}

/** What the repeated batch was answered with the first time. */
export function duplicateResult(
  known: BatchMetadata,
  validated: ValidatedAppend,
  logStartOffset: Offset,
): AppendResult {
  return {
    ...resultOf(validated, logStartOffset),
    firstOffset: toOffset(known.firstOffset),
    lastOffset: toOffset(known.lastOffset),
    logAppendTimeMs: known.timestamp,
    isDuplicate: true,
  };
}

/** There was no whole batch. */
export function emptyResult(logEndOffset: Offset, logStartOffset: Offset): AppendResult {
  return {
    firstOffset: logEndOffset,
    lastOffset: logEndOffset,
    maxTimestamp: -1,
    logAppendTimeMs: -1,
    logStartOffset,
    recordCount: 0,
    validBytes: 0,
    isDuplicate: false,
  };
}

function accepted(validation: AppendValidation): ValidatedAppend {
  if (validation.ok) return validation;
  throw new LogError(validation.errorCode, validation.message, validation.recordErrors);
}

function checkFollows(validated: ValidatedAppend, { name, logEndOffset }: AppendFacts): void {
  const first = validated.firstOffset >= 0 ? validated.firstOffset : validated.lastOffsetOfFirstBatch;
  if (first >= logEndOffset) return;
  throw new UnexpectedAppendOffset(
    `Unexpected offset in append to ${name}. First offset ${first} is less than the next offset ${logEndOffset}. ` +
      `Last offset in append: ${validated.lastOffset}`,
    first,
    validated.lastOffset,
    logEndOffset,
  );
}

function upToEpoch(records: Buffer, leaderEpoch: LeaderEpoch): Buffer {
  let end = 0;
  forEachBatch(records, (batch) => {
    if (batch.partitionLeaderEpoch > leaderEpoch) return false;
    end = batch.endPosition;
    return true;
  });
  return records.subarray(0, end);
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
