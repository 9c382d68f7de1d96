// The leader's half of validation: checks each record and gives the batch its offsets, leader epoch and timestamps,
// in place where the bytes allow it, else by building the batch anew (other compression, old format).

import { ErrorCode } from '../protocol/errors.ts';
import type { LeaderAppendSettings } from './append-settings.ts';
import { BatchBuilder, type BatchOptions } from './batch-builder.ts';
import type { CompressionType } from './compression-type.ts';
import { invalidRecord, type RecordError, RecordsError } from './errors.ts';
import { readLegacyMessages } from './legacy.ts';
import { forEachBatch, RecordBatch } from './record-batch.ts';
import { RecordCursor } from './record.ts';

export type Assigned = {
  readonly records: Buffer;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly offsetOfMaxTimestamp: number;
  readonly isRebuilt: boolean;
};

/** Java's Long.MAX_VALUE as a number: how "no limit" arrives in message.timestamp.before.max.ms. */
const longMax = 2 ** 63;
const recordErrorsShown = 3;

/** `records` are whole batches with a right checksum. Throws RecordsError. */
export function assignOffsets(records: Buffer, source: CompressionType, settings: LeaderAppendSettings): Assigned {
  const target = settings.compressionType === 'producer' ? source : settings.compressionType;
  const first = new RecordBatch(records);
  checkOneBatch(records, first, source);
  if (first.isLegacy) return convertLegacy(records, first.magic, target, settings);

  checkClientBatch(first, settings);
  const cursor = new RecordCursor(first, limitsOf(settings));
  const walk = checkRecords(cursor, first, settings);
  // Kafka writes control records uncompressed unless they came compressed. It also tolerates odd offset deltas
  // in place when nothing is compressed, and rebuilds when something is.
  const isInPlace =
    (source === 'none' && (target === 'none' || first.isControl)) || (source === target && walk.hasExactOffsetDeltas);
  return isInPlace ? patch(records, first, walk, settings) : rebuild(first, cursor.rewind(), target, walk, settings);
}

function limitsOf(settings: LeaderAppendSettings): { outputBytesMax?: number } {
  return settings.decompressedBytesMax === undefined ? {} : { outputBytesMax: settings.decompressedBytesMax };
}

function checkOneBatch(records: Buffer, first: RecordBatch, source: CompressionType): void {
  if (first.isLegacy && source === 'none') return;
  if (first.sizeInBytes !== records.length) throw invalidRecord('Compressed outer record has more than one batch');
}

function checkClientBatch(batch: RecordBatch, settings: LeaderAppendSettings): void {
  if (settings.origin !== 'client') return;
  const where = `in topic partition ${settings.topicPartition}`;
  const count = batch.recordCount ?? 0;
  const range = `[${batch.baseOffset}, ${batch.lastOffset}]`;
  if (batch.lastOffset < batch.baseOffset) throw invalidRecord(`Batch has an invalid offset range: ${range} ${where}`);
  if (count <= 0) throw invalidRecord(`Invalid reported count for record batch: ${count} ${where}`);
  if (batch.lastOffset - batch.baseOffset + 1 !== count) {
    throw invalidRecord(`Inconsistent batch offset range ${range} and count of records ${count} ${where}`);
  }
  if (batch.isControl) throw invalidRecord(`Clients are not allowed to write control records ${where}`);
  if (!batch.hasProducerId) return;
  if (batch.baseSequence < 0) {
    throw invalidRecord(
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId} ${where}`,
    );
  }
  // No broker hands out such ids, and rounding would take two producers for one.
  if (!Number.isSafeInteger(batch.producerId)) {
    throw invalidRecord(`Producer id ${batch.producerId} in record batch is beyond 2^53 ${where}`);
  }
}

type Walk = { count: number; maxTimestamp: number; hasExactOffsetDeltas: boolean };

function checkRecords(cursor: RecordCursor, batch: RecordBatch, settings: LeaderAppendSettings): Walk {
  const walk: Walk = { count: 0, maxTimestamp: -1, hasExactOffsetDeltas: true };
  const earliest = settings.nowMs - settings.timestampBeforeMaxMs;
  const latest = settings.nowMs + settings.timestampAfterMaxMs;
  const isCreateTime = settings.timestampType === 'CreateTime';
  const claimsLogAppendTime = batch.isLogAppendTime;
  let errors: Rejection[] | null = null;
  while (cursor.next()) {
    const index = walk.count++;
    const timestamp = cursor.timestamp;
    if (settings.isCompacted && cursor.keyLength < 0) {
      errors = addRejection(errors, ErrorCode.INVALID_RECORD, index, missingKey(settings));
    } else if (isCreateTime && timestamp !== -1) {
      if (timestamp < earliest || timestamp > latest) {
        const message = outOfRange(timestamp, cursor.offset, settings);
        errors = addRejection(errors, ErrorCode.INVALID_TIMESTAMP, index, message);
      }
    } else if (claimsLogAppendTime) {
      errors = addRejection(errors, ErrorCode.INVALID_TIMESTAMP, index, wrongTimestampType(cursor));
    }
    if (timestamp > walk.maxTimestamp) walk.maxTimestamp = timestamp;
    if (cursor.offsetDelta !== index) walk.hasExactOffsetDeltas = false;
  }
  if (errors !== null) throw rejected(errors);
  return walk;
}

function patch(records: Buffer, batch: RecordBatch, walk: Walk, settings: LeaderAppendSettings): Assigned {
  const lastOffset = settings.nextOffset + walk.count - 1;
  const maxTimestamp = settings.timestampType === 'LogAppendTime' ? settings.nowMs : walk.maxTimestamp;
  batch.setLastOffset(lastOffset);
  batch.setPartitionLeaderEpoch(settings.leaderEpoch);
  batch.setMaxTimestamp(settings.timestampType, maxTimestamp);
  return {
    records,
    lastOffset,
    maxTimestamp,
    offsetOfMaxTimestamp: maxTimestamp > -1 ? lastOffset : -1,
    isRebuilt: false,
  };
}

function rebuild(
  batch: RecordBatch,
  cursor: RecordCursor,
  target: CompressionType,
  walk: Walk,
  settings: LeaderAppendSettings,
): Assigned {
  const builder = new BatchBuilder({
    ...targetOptions(target, settings),
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    initialBytes: batch.sizeInBytes,
  });
  while (cursor.next()) builder.appendFrom(cursor, builder.nextOffset);
  return finish(builder, walk.maxTimestamp, settings);
}

function convertLegacy(
  records: Buffer,
  magic: number,
  target: CompressionType,
  settings: LeaderAppendSettings,
): Assigned {
  const builder = new BatchBuilder({ ...targetOptions(target, settings), initialBytes: records.length });
  let maxTimestamp = -1;
  forEachBatch(records, (batch) => {
    if (batch.magic !== magic) {
      throw invalidRecord(
        `Batch magic ${batch.magic} is not the same as the first batch's magic byte ${magic} ` +
          `in topic partition ${settings.topicPartition}`,
      );
    }
    const rejections: Rejection[] = [];
    for (const [index, message] of readLegacyMessages(batch.buffer, batch.position).entries()) {
      if (settings.isCompacted && message.key === null) {
        addRejection(rejections, ErrorCode.INVALID_RECORD, index, missingKey(settings));
      } else if (settings.timestampType === 'CreateTime' && message.timestamp !== -1) {
        const age = settings.nowMs - message.timestamp;
        if (age > settings.timestampBeforeMaxMs || -age > settings.timestampAfterMaxMs) {
          const text = outOfRange(message.timestamp, message.offset, settings);
          addRejection(rejections, ErrorCode.INVALID_TIMESTAMP, index, text);
        }
      }
      maxTimestamp = Math.max(maxTimestamp, message.timestamp);
      builder.append({ key: message.key, value: message.value, timestamp: message.timestamp });
    }
    if (rejections.length > 0) throw rejected(rejections);
  });
  return finish(builder, maxTimestamp, settings);
}

function targetOptions(target: CompressionType, settings: LeaderAppendSettings): BatchOptions {
  return {
    baseOffset: settings.nextOffset,
    partitionLeaderEpoch: settings.leaderEpoch,
    compression: target,
    ...(settings.compressionLevel === undefined ? {} : { compressionLevel: settings.compressionLevel }),
    ...(settings.timestampType === 'LogAppendTime' ? { logAppendTimeMs: settings.nowMs } : {}),
  };
}

function finish(builder: BatchBuilder, maxCreateTime: number, settings: LeaderAppendSettings): Assigned {
  const maxTimestamp = settings.timestampType === 'LogAppendTime' ? settings.nowMs : maxCreateTime;
  const lastOffset = builder.nextOffset - 1;
  return {
    records: builder.build(),
    lastOffset,
    maxTimestamp,
    offsetOfMaxTimestamp: maxTimestamp > -1 ? lastOffset : -1,
    isRebuilt: true,
  };
}

type Rejection = { readonly errorCode: number; readonly error: RecordError };

function addRejection(list: Rejection[] | null, errorCode: number, batchIndex: number, message: string): Rejection[] {
  const rejections = list ?? [];
  rejections.push({ errorCode, error: { batchIndex, message } });
  return rejections;
}

function rejected(rejections: readonly Rejection[]): RecordsError {
  const recordErrors = rejections.map((rejection) => rejection.error);
  if (rejections.some((rejection) => rejection.errorCode === ErrorCode.INVALID_TIMESTAMP)) {
    const message = 'One or more records have been rejected due to invalid timestamp';
    return new RecordsError(ErrorCode.INVALID_TIMESTAMP, message, recordErrors);
  }
  const shown = recordErrors
    .slice(0, recordErrorsShown)
    .map((error) => `RecordError(batchIndex=${error.batchIndex}, message='${error.message}')`);
  return new RecordsError(
    ErrorCode.INVALID_RECORD,
    `One or more records have been rejected due to ${recordErrors.length} record errors in total, ` +
      `and only showing the first three errors at most: [${shown.join(', ')}]`,
    recordErrors,
  );
}

function missingKey(settings: LeaderAppendSettings): string {
  return `Compacted topic cannot accept message without key in topic partition ${settings.topicPartition}`;
}

function outOfRange(timestamp: number, offset: number, settings: LeaderAppendSettings): string {
  const now = BigInt(settings.nowMs);
  const earliest = BigInt.asIntN(64, now - toLong(settings.timestampBeforeMaxMs));
  const latest = BigInt.asIntN(64, now + toLong(settings.timestampAfterMaxMs));
  return (
    `Timestamp ${timestamp} of message with offset ${offset} is out of range. ` +
    `The timestamp should be within [${earliest}, ${latest}]`
  );
}

function toLong(value: number): bigint {
  return value >= longMax ? 0x7fff_ffff_ffff_ffffn : BigInt(value);
}

function wrongTimestampType(cursor: RecordCursor): string {
  const record =
    `DefaultRecord(offset=${cursor.offset}, timestamp=${cursor.timestamp}, ` +
    `key=${Math.max(0, cursor.keyLength)} bytes, value=${Math.max(0, cursor.valueLength)} bytes)`;
  return `Invalid timestamp type in message ${record}. Producer should not set timestamp type to LogAppendTime.`;
}
