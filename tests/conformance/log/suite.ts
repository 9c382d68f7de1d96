// What a log leaves on disk and answers, against what Kafka's own log left and answered: segments byte for byte,
// recovery of damaged directories, sequences of producers.

import { join } from 'node:path';
import { toLeaderEpoch } from '../../../main/core/ids.ts';
import { filterBatch } from '../../../main/log/compaction.ts';
import { LogError } from '../../../main/log/log-error.ts';
import type { PartitionLog } from '../../../main/log/partition-log.ts';
import type { AppendResult } from '../../../main/log/log-types.ts';
import { ErrorCode } from '../../../main/protocol/errors.ts';
import { batchesIn, RecordBatch } from '../../../main/records/record-batch.ts';
import { recordsOf } from '../../../main/records/record.ts';
import { SimulatedWorld } from '../../../main/runtime/simulated/simulated-world.ts';
import { readLines, sameJson, show, type Json, type JsonObject, type Report, type Suite } from '../suite.ts';
import { compareFiles, openLog, readFiles, writeFiles, type DiskForTest } from './partition-files.ts';

export function simulatedDisk(): DiskForTest {
  const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  disk.makeDirectory('/data');
  return { disk, root: '/data', dispose: () => undefined };
}

type Check = (line: JsonObject, place: DiskForTest) => string | null;

function suiteOf(name: string, file: string, check: Check, makeDisk: () => DiskForTest): Suite {
  return {
    name,
    run(directory: string, report: Report) {
      for (const line of readLines(join(directory, 'records', file))) {
        const place = makeDisk();
        let problem: string | null;
        try {
          problem = check(line, place);
        } catch (error) {
          problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
        } finally {
          place.dispose();
        }
        report(problem === null, `records/${file} ${line['case'] as string}`, problem ?? undefined);
      }
    },
  };
}

export const segmentsSuite = (makeDisk = simulatedDisk): Suite =>
  suiteOf('log segments', 'segments.jsonl.gz', checkSegments, makeDisk);
export const recoverySuite = (makeDisk = simulatedDisk): Suite =>
  suiteOf('log recovery', 'recovery.jsonl.gz', checkRecovery, makeDisk);
export const sequencesSuite = (makeDisk = simulatedDisk): Suite =>
  suiteOf('producer sequences', 'sequences.jsonl.gz', checkSequences, makeDisk);

export const compactionSuite = (makeDisk = simulatedDisk): Suite =>
  suiteOf('compaction', 'compaction.jsonl.gz', checkCompaction, makeDisk);

/** For the runner. */
export const logSuites: readonly Suite[] = [segmentsSuite(), recoverySuite(), sequencesSuite(), compactionSuite()];

function topicConfigOf(line: JsonObject): Record<string, string> {
  return { ...(line['topicConfig'] as Record<string, string> | undefined) };
}

function checkSegments(line: JsonObject, { disk, root }: DiskForTest): string | null {
  const startOffset = line['startOffset'] as number;
  const log = openLog({ disk, root, nowMs: line['now'] as number, topicConfig: topicConfigOf(line), startOffset });
  for (const step of line['steps'] as readonly JsonObject[]) {
    const problem = segmentStep(log, step);
    if (problem !== null) return problem;
  }
  if (log.logEndOffset !== line['logEndOffset'])
    return `log end offset ${log.logEndOffset}, not ${show(line['logEndOffset'])}`;
  const open = line['sizesWhileOpen'] as JsonObject;
  for (const [name, size] of Object.entries(open)) {
    const path = `${root}/t-0/${name}`;
    const ours = disk.exists(path) ? disk.readFile(path).length : -1;
    // A log that was never written to gets its room with the first batch: ten thousand idle partitions need none.
    const isUnwritten = log.logEndOffset === startOffset && ours === 0;
    if (ours !== size && !isUnwritten) return `${name} has ${ours} bytes while open, not ${show(size)}`;
  }
  log.close();
  return compareFiles(readFiles(disk, `${root}/t-0`), line['filesAfterClose'] as JsonObject);
}

function segmentStep(log: PartitionLog, step: JsonObject): string | null {
  if (step['do'] === 'roll') {
    const base = log.roll();
    return base === step['baseOffset'] ? null : `rolled at ${base}, not at ${show(step['baseOffset'])}`;
  }
  const result = log.appendAsLeader(Buffer.from(step['hex'] as string, 'hex'), {
    leaderEpoch: toLeaderEpoch((step['leaderEpoch'] as number | undefined) ?? 0),
    origin: step['do'] === 'marker' ? 'coordinator' : 'client',
    transactionVersion: 0,
    verificationGuard: guardFor(log, step),
  });
  log.updateHighWatermark(log.logEndOffset);
  const expected = step['firstOffset'];
  return expected === undefined || result.firstOffset === expected
    ? null
    : `first offset ${result.firstOffset}, not ${show(expected)}`;
}

/** The vectors' segments come from a log that does not verify transactions. */
function guardFor(log: PartitionLog, step: JsonObject): ReturnType<PartitionLog['startVerification']> {
  if (step['do'] === 'marker') return null;
  const batch = new RecordBatch(Buffer.from(step['hex'] as string, 'hex'));
  if (!batch.isTransactional) return null;
  return log.startVerification(batch.producerId, batch.baseSequence, batch.producerEpoch, false);
}

function checkRecovery(line: JsonObject, { disk, root }: DiskForTest): string | null {
  const directory = `${root}/t-0`;
  writeFiles(disk, directory, line['filesBefore'] as JsonObject);
  const log = openLog({
    disk,
    root,
    nowMs: 1750000060000,
    topicConfig: topicConfigOf(line),
    recoveryPoint: line['recoveryPoint'] as number,
    hadCleanShutdown: line['cleanShutdown'] as boolean,
  });
  const found: Record<string, Json> = {
    logStartOffset: log.logStartOffset,
    logEndOffset: log.logEndOffset,
    segments: log.segments.length,
    latestEpoch: log.latestEpoch,
  };
  for (const [name, value] of Object.entries(found)) {
    if (line[name] !== value) return `${name} is ${show(value)}, not ${show(line[name])}`;
  }
  log.close();
  return compareFiles(readFiles(disk, directory), line['filesAfterOpenAndClose'] as JsonObject);
}

function checkSequences(line: JsonObject, { disk, root }: DiskForTest): string | null {
  const topicConfig = { 'transaction.partition.verification.enable': String(line['transactionVerification']) };
  const log = openLog({ disk, root, nowMs: 1750000060000, topicConfig });
  for (const [index, step] of (line['steps'] as readonly JsonObject[]).entries()) {
    const problem = sequenceStep(log, step);
    if (problem !== null) return `step ${index}: ${problem}`;
  }
  const aborted = log.abortedTransactions(0, log.logEndOffset);
  if (JSON.stringify(aborted) !== JSON.stringify(line['abortedTransactions'])) {
    return `aborted transactions ${JSON.stringify(aborted)}, not ${show(line['abortedTransactions'])}`;
  }
  const stored = Buffer.concat(log.read(0, 1 << 20, 'log-end', true).records).toString('hex');
  return stored === line['storedHex'] ? null : `stored ${stored}, not ${show(line['storedHex'])}`;
}

function sequenceStep(log: PartitionLog, step: JsonObject): string | null {
  const expected = step['result'] as JsonObject;
  const problem = compareResult(trySequenceStep(log, step), expected);
  if (problem !== null) return problem;
  log.updateHighWatermark(log.logEndOffset);
  if (log.logEndOffset !== expected['logEndOffset']) return `log end offset ${log.logEndOffset}`;
  if (log.lastStableOffset !== step['lastStableOffset']) {
    return `last stable offset ${log.lastStableOffset}, not ${show(step['lastStableOffset'])}`;
  }
  return null;
}

function trySequenceStep(log: PartitionLog, step: JsonObject): AppendResult | LogError {
  const records = Buffer.from(step['hex'] as string, 'hex');
  const isMarker = step['do'] !== 'write';
  try {
    const guard =
      step['verified'] === true
        ? log.startVerification(
            step['producerId'] as number,
            step['sequence'] as number,
            step['epoch'] as number,
            false,
          )
        : null;
    return log.appendAsLeader(records, {
      leaderEpoch: toLeaderEpoch(1),
      origin: isMarker ? 'coordinator' : 'client',
      transactionVersion: (step['transactionVersion'] as number | undefined) ?? 0,
      // The harness kept the guard of its first verification: one that was used up no longer opens anything.
      verificationGuard: step['sequence'] === 0 ? guard : null,
    });
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
}

function compareResult(result: AppendResult | LogError, expected: JsonObject): string | null {
  if (result instanceof LogError) {
    if (expected['ok'] === true) return `refused: ${result.message}`;
    if (result.errorCode !== expected['errorCode'])
      return `error ${result.errorCode} (${result.message}), not ${show(expected)}`;
    if (result.errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) return null;
    return result.message === expected['message'] ? null : `says "${result.message}", not ${show(expected['message'])}`;
  }
  if (expected['ok'] !== true) return `accepted, but ${show(expected)}`;
  for (const name of ['firstOffset', 'lastOffset', 'validBytes'] as const) {
    if (result[name] !== expected[name]) return `${name} is ${result[name]}, not ${show(expected[name])}`;
  }
  return null;
}

/** The harness decided by offset which records survive: those that the result holds. */
function checkCompaction(line: JsonObject): string | null {
  const batches = line['batches'] as readonly JsonObject[];
  const survivors = new Set(
    batches.flatMap((batch) => (batch['records'] as readonly JsonObject[]).map((record) => record['offset'] as number)),
  );
  const result = { messagesRead: 0, messagesRetained: 0, bytesRead: 0, bytesRetained: 0 };
  const output: Buffer[] = [];
  for (const batch of batchesIn(Buffer.from(line['inputHex'] as string, 'hex'))) {
    const filtered = filterBatch(batch, {
      nowMs: line['now'] as number,
      deleteRetentionMs: line['deleteRetentionMs'] as number,
      decide: () => ({
        retention: line['batchRetention'] === 'RETAIN_EMPTY' ? 'retain-empty' : 'delete-empty',
        isMarkerOfEmptyTransaction: line['emptyTxnMarker'] as boolean,
      }),
      keeps: (_batch, record) => survivors.has(record.offset),
    });
    result.messagesRead += filtered.recordsRead;
    result.messagesRetained += filtered.recordsKept;
    result.bytesRead += batch.sizeInBytes;
    result.bytesRetained += filtered.bytes?.length ?? 0;
    if (filtered.bytes !== null) output.push(filtered.bytes);
  }
  const isCompressed = batches.some((batch) => batch['compression'] !== 'none' && batch['count'] !== 0);
  const expected = { ...(line['result'] as JsonObject) };
  // Compressors differ: there the contents are compared, not the bytes.
  if (isCompressed) expected['bytesRetained'] = result.bytesRetained;
  if (!sameJson(result, expected)) return `${show(result)}, not ${show(expected)}`;
  const ours = Buffer.concat(output);
  if (!isCompressed)
    return ours.toString('hex') === line['hex'] ? null : `${ours.toString('hex')}, not ${show(line['hex'])}`;
  const theirs = Buffer.from(line['hex'] as string, 'hex');
  return describeContents(ours) === describeContents(theirs)
    ? null
    : `${describeContents(ours)}, not ${describeContents(theirs)}`;
}

function describeContents(bytes: Buffer): string {
  const view = [...batchesIn(bytes)].map((batch) => ({
    fields: [batch.baseOffset, batch.lastOffset, batch.attributes, batch.baseTimestamp, batch.maxTimestamp],
    producer: [batch.producerId, batch.producerEpoch, batch.baseSequence, batch.partitionLeaderEpoch],
    records: [...recordsOf(batch)].map((record) => [
      record.offset,
      record.timestamp,
      record.key?.toString('hex'),
      record.value?.toString('hex'),
      record.headers.length,
    ]),
  }));
  return JSON.stringify(view);
}
