// Record vectors: batches of every format read and written, what a leader stores of what came in, and what is
// refused, with which error. Kafka's own classes wrote the expectations.

import { join } from 'node:path';
import { ErrorCode, type ErrorName } from '../../../main/protocol/errors.ts';
import { BatchBuilder, buildEmptyBatch, type BatchOptions } from '../../../main/records/batch-builder.ts';
import { prepareCompression } from '../../../main/records/compression/compression.ts';
import type { CompressionType } from '../../../main/records/compression-type.ts';
import {
  buildControlBatch,
  buildEndTransactionMarker,
  type ControlRecord,
  readControlRecord,
  readEndTransactionMarker,
} from '../../../main/records/control-records.ts';
import { RecordsError } from '../../../main/records/errors.ts';
import { batchesIn, forEachBatch, RecordBatch } from '../../../main/records/record-batch.ts';
import { RecordCursor, recordsOf } from '../../../main/records/record.ts';
import {
  type AppendFailure,
  type AppendValidation,
  checkProduceRecords,
  type LeaderAppendSettings,
  validateForFollower,
  validateForLeader,
} from '../../../main/records/validation.ts';
import { type JsonObject, readLines, type Report, sameJson, show, type Suite } from '../suite.ts';
import { describeBatch } from './describe-batch.ts';

await prepareCompression('zstd');

function suiteOf(name: string, file: string, check: (line: JsonObject) => string | null): Suite {
  return {
    name,
    run(directory: string, report: Report) {
      for (const line of readLines(join(directory, 'records', file))) {
        let problem: string | null;
        try {
          problem = check(line);
        } catch (error) {
          problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
        }
        report(problem === null, `records/${file} ${line['case'] as string}`, problem ?? undefined);
      }
    },
  };
}

function bytesOf(line: JsonObject, name: string): Buffer {
  return Buffer.from(line[name] as string, 'hex');
}

export const batchesSuite = suiteOf('record batches', 'batches.jsonl.gz', checkBatches);
export const legacySuite = suiteOf('old message formats', 'legacy.jsonl.gz', checkBatches);
export const kraftControlSuite = suiteOf('kraft control records', 'kraft-control.jsonl.gz', (line) => {
  return checkBatches(line) ?? checkControlRewrite(line);
});
export const appendSuite = suiteOf('append as leader', 'append.jsonl.gz', checkAppend);
export const invalidSuite = suiteOf('refused records', 'invalid.jsonl.gz', checkInvalid);

export const recordSuites: readonly Suite[] = [batchesSuite, legacySuite, kraftControlSuite, appendSuite, invalidSuite];

function checkBatches(line: JsonObject): string | null {
  const buffer = bytesOf(line, 'hex');
  const found: JsonObject[] = [];
  const end = forEachBatch(buffer, (batch) => {
    batch.ensureValid();
    found.push(describeBatch(batch));
  });
  if (!sameJson(found, line['batches']))
    return `read as ${show(found, 2000)} instead of ${show(line['batches'], 2000)}`;
  const validBytes = (line['validBytes'] ?? buffer.length) as number;
  if (end !== validBytes) return `whole batches end at ${end}, not ${validBytes}`;
  for (const batch of batchesIn(buffer)) {
    // Numbers that a double rounds are read and kept, never built.
    const problem = batch.isLegacy || line['big'] === true ? null : checkRewrite(batch);
    if (problem !== null) return problem;
  }
  return null;
}

/** Builds the batch anew: the same bytes without compression, the same contents with it. */
function checkRewrite(batch: RecordBatch): string | null {
  const options: BatchOptions = {
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression: batch.compression,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    ...(batch.deleteHorizonMs === null ? {} : { deleteHorizonMs: batch.deleteHorizonMs }),
  };
  const cursor = new RecordCursor(batch);
  const builder = new BatchBuilder(options);
  const copier = new BatchBuilder(options);
  while (cursor.next()) {
    const timestamp = batch.baseTimestamp + cursor.timestampDelta;
    builder.append({ ...cursor.toRecord(), timestamp });
    copier.appendFrom(cursor, cursor.offset, timestamp);
  }
  for (const built of [builder.build(batch.lastOffset), copier.build(batch.lastOffset)]) {
    const again = new RecordBatch(batch.recordCount === 0 ? buildEmptyBatch(options, batch.lastOffset) : built);
    if (batch.isLogAppendTime) again.setMaxTimestamp('LogAppendTime', batch.maxTimestamp);
    if (!batch.isCompressed) {
      if (!again.bytes.equals(batch.bytes)) return `built as ${again.bytes.toString('hex')}`;
      continue;
    }
    again.ensureValid();
    const contents = comparable(again);
    if (!sameJson(contents, comparable(batch)))
      return `built with ${batch.compression} it reads ${show(contents, 2000)}`;
  }
  return null;
}

/** Without what depends on the compressor. */
function comparable(batch: RecordBatch): JsonObject {
  return { ...describeBatch(batch), position: 0, sizeInBytes: 0, crc: 0 };
}

function checkControlRewrite(line: JsonObject): string | null {
  const parts: Buffer[] = [];
  for (const batch of batchesIn(bytesOf(line, 'hex'))) {
    const options = {
      baseOffset: batch.baseOffset,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      timestampMs: batch.maxTimestamp,
    };
    const records = [...recordsOf(batch)].map((record) => readControlRecord(record));
    const known = records.filter((record): record is Exclude<ControlRecord, { type: 'UNKNOWN' }> => {
      return record.type !== 'UNKNOWN';
    });
    const marker = readEndTransactionMarker(batch);
    const { producerId, producerEpoch } = batch;
    parts.push(
      marker === null
        ? buildControlBatch(options, known)
        : buildEndTransactionMarker({ ...options, ...marker, producerId, producerEpoch }),
    );
  }
  const built = Buffer.concat(parts).toString('hex');
  return built === line['hex'] ? null : `built as ${built}`;
}

const defaults: LeaderAppendSettings = {
  topicPartition: 't-0',
  origin: 'client',
  leaderEpoch: 5,
  nextOffset: 0,
  nowMs: 1750000060000,
  compressionType: 'producer',
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: 2 ** 63,
  timestampAfterMaxMs: 3600000,
  messageBytesMax: 1048588,
  segmentBytesMax: 1073741824,
  isCompacted: false,
};

function settingsOf(line: JsonObject): LeaderAppendSettings {
  const config = (line['topicConfig'] ?? {}) as Readonly<Record<string, string>>;
  const compression = config['compression.type'] ?? 'producer';
  return {
    ...defaults,
    leaderEpoch: (line['leaderEpoch'] ?? defaults.leaderEpoch) as number,
    nowMs: (line['now'] ?? defaults.nowMs) as number,
    nextOffset: Math.max(0, (line['firstOffset'] ?? 0) as number),
    compressionType: compression === 'uncompressed' ? 'none' : (compression as CompressionType | 'producer'),
    timestampType: (config['message.timestamp.type'] ?? 'CreateTime') as 'CreateTime' | 'LogAppendTime',
    timestampBeforeMaxMs: Number(config['message.timestamp.before.max.ms'] ?? defaults.timestampBeforeMaxMs),
    messageBytesMax: Number(config['max.message.bytes'] ?? defaults.messageBytesMax),
    segmentBytesMax: Number(config['internal.segment.bytes'] ?? defaults.segmentBytesMax),
    isCompacted: config['cleanup.policy'] === 'compact',
  };
}

function checkAppend(line: JsonObject): string | null {
  const settings = settingsOf(line);
  const result = validateForLeader(bytesOf(line, 'inputHex'), settings);
  if (!result.ok) return `refused: ${result.message}`;
  for (const name of ['firstOffset', 'lastOffset', 'maxTimestamp'] as const) {
    if (result[name] !== line[name]) return `${name} is ${result[name]}, not ${show(line[name])}`;
  }
  if (result.logAppendTimeMs !== line['logAppendTime']) return `logAppendTime is ${result.logAppendTimeMs}`;
  const stored = new RecordBatch(result.records);
  stored.ensureValid();
  const expected = new RecordBatch(bytesOf(line, 'hex'));
  if (settings.compressionType === 'gzip') {
    if (!sameJson(comparable(stored), comparable(expected))) return `stored ${show(describeBatch(stored), 2000)}`;
  } else if (result.records.toString('hex') !== line['hex']) {
    return `stored ${result.records.toString('hex')}`;
  }
  return null;
}

type Expected = {
  readonly ok: boolean;
  readonly error?: ErrorName;
  readonly errorCode?: number;
  readonly message?: string | null;
  readonly inner?: string;
  readonly innerMessage?: string;
  readonly recordErrors?: JsonObject[];
  readonly firstOffset?: number;
  readonly lastOffset?: number;
  readonly validBytes?: number;
};

/** Kafka's 32-bit sum of sizes runs over here and it fails with an internal error; for us it is a cut tail. */
const overflows = 'batch-length-2147483647';

function checkInvalid(line: JsonObject): string | null {
  const buffer = bytesOf(line, 'hex');
  const settings = settingsOf(line);
  const steps: readonly (readonly [string, () => AppendFailure | AppendValidation | null])[] = [
    ['iterate', () => iterate(buffer, true)],
    ['iterateWithoutCheck', () => iterate(buffer, false)],
    ['produceRequest', () => checkProduceRecords(buffer, 13)],
    ['appendAsLeader', () => validateForLeader(Buffer.from(buffer), settings)],
    ['appendAsFollower', () => appendAsFollower(buffer, settings)],
  ];
  if (line['case'] === overflows) return iterate(buffer, true) === null ? null : 'a cut tail is no error';
  const problems = steps.map(([name, run]) => {
    const problem = compare(line[name] as unknown as Expected, run());
    return problem === null ? null : `${name}: ${problem}`;
  });
  problems.push(checkProduceError(line, buffer, settings));
  const found = problems.filter((problem) => problem !== null);
  return found.length === 0 ? null : found.join('; ');
}

function iterate(buffer: Buffer, checks: boolean): AppendFailure | null {
  try {
    forEachBatch(buffer, (batch) => {
      if (checks) batch.ensureValid();
      for (const record of recordsOf(batch)) void record;
    });
    return null;
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    return { ok: false, errorCode: error.errorCode, message: error.message, recordErrors: error.recordErrors };
  }
}

/** A follower's log also reads the transaction markers for its producer state. */
function appendAsFollower(buffer: Buffer, settings: LeaderAppendSettings): AppendValidation {
  const stamped = Buffer.from(buffer);
  const result = validateForFollower(stamped, settings);
  if (!result.ok) return result;
  try {
    for (const batch of batchesIn(result.records)) if (batch.hasProducerId) readEndTransactionMarker(batch);
    return result;
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    return { ok: false, errorCode: error.errorCode, message: error.message, recordErrors: error.recordErrors };
  }
}

function compare(expected: Expected, result: AppendFailure | AppendValidation | null): string | null {
  if (expected.ok) {
    if (result === null) return null;
    if (!result.ok) return `refused: ${result.message}`;
    for (const name of ['firstOffset', 'lastOffset'] as const) {
      if (expected[name] !== undefined && expected[name] !== result[name]) return `${name} is ${result[name]}`;
    }
    return null;
  }
  if (result === null || result.ok) return `accepted, Kafka says ${expected.message ?? expected.error ?? ''}`;
  // Where Kafka fails with an internal error any refusal will do.
  if (expected.error === 'UNKNOWN_SERVER_ERROR') return null;
  if (result.errorCode !== expected.errorCode) return `error ${result.errorCode} (${result.message})`;
  const message = expected.innerMessage ?? expected.message;
  if (result.message !== message) return `says "${result.message}" instead of "${message ?? ''}"`;
  const recordErrors = expected.recordErrors ?? [];
  if (!sameJson(result.recordErrors, recordErrors)) return `record errors ${show(result.recordErrors)}`;
  return null;
}

function checkProduceError(line: JsonObject, buffer: Buffer, settings: LeaderAppendSettings): string | null {
  const expected = line['produceError'] as ErrorName;
  // The transactional bit without a transactional id is the Produce handler's to refuse.
  if (expected === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED') {
    return new RecordBatch(buffer).isTransactional ? null : 'produceError: the transactional bit is not seen';
  }
  const first = checkProduceRecords(buffer, 13) ?? validateForLeader(Buffer.from(buffer), settings);
  const code = first.ok ? ErrorCode.NONE : first.errorCode;
  if (expected === 'UNKNOWN_SERVER_ERROR') return first.ok ? 'produceError: accepted' : null;
  return code === ErrorCode[expected] ? null : `produceError: ${code} instead of ${expected}`;
}
