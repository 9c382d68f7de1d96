// Data directories of a live Kafka cluster, crashed and cleanly stopped: each opens, and every partition holds what
// Kafka's own log class found in it.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toOffset, toPartitionId } from '../../../main/core/ids.ts';
import { LogDirectory } from '../../../main/log/log-directory.ts';
import { logConfigFrom } from '../../../main/log/log-config.ts';
import { PartitionLog } from '../../../main/log/partition-log.ts';
import type { Disk } from '../../../main/runtime/runtime.ts';
import { forEachBatch } from '../../../main/records/record-batch.ts';
import { parseJson, sameJson, show, type Json, type JsonObject, type Report, type Suite } from '../suite.ts';
import { standingClock, type DiskForTest } from './partition-files.ts';
import { simulatedDisk } from './suite.ts';
import { readTarGz } from './tar.ts';

/** Soon after the vectors were made: no producer has expired. */
const nowMs = 1_795_360_000_000;
const config = logConfigFrom({ 'segment.index.bytes': '65536' });

export const datadirSuite = (makeDisk: () => DiskForTest = simulatedDisk): Suite => ({
  name: 'data directories of a live cluster',
  run(directory, report) {
    const path = join(directory, 'datadir', 'expected.json');
    if (!existsSync(path)) return;
    for (const [name, expected] of Object.entries(parseJson(readFileSync(path, 'utf8')) as JsonObject)) {
      const place = makeDisk();
      try {
        checkNode(join(directory, 'datadir', `${name}.tar.gz`), name, expected as JsonObject, place, report);
      } catch (error) {
        report(false, `datadir/${name}`, error instanceof Error ? error.stack : String(error));
      } finally {
        place.dispose();
      }
    }
  },
});

function checkNode(archive: string, name: string, expected: JsonObject, place: DiskForTest, report: Report): void {
  const nodeId = Number(name.at(-1));
  unpack(archive, place);
  const directory = openDirectory(place, nodeId);
  report(directory.hadCleanShutdown === expected['cleanShutdown'], `datadir/${name} clean shutdown`);
  const metadata = PartitionLog.open({
    environment: directory.environment,
    directory: `${directory.path}/__cluster_metadata-0`,
    topic: '__cluster_metadata',
    partition: toPartitionId(0),
    topicId: null,
    config,
    recoveryPoint: toOffset(0),
    logStartOffset: toOffset(0),
    hadCleanShutdown: false,
  });
  const partitions = Object.entries(expected['partitions'] as JsonObject);
  const findAll = (phase: string, logs: ReadonlyMap<string, PartitionLog>): void => {
    for (const [partition, facts] of partitions) {
      const log = partition === '__cluster_metadata-0' ? metadata : logs.get(partition);
      const problem = log === undefined ? 'is missing' : compare(factsOf(place.disk, log), facts as JsonObject);
      report(problem === null, `datadir/${name}/${partition}${phase}`, problem ?? undefined);
    }
  };
  findAll('', directory.logs);
  directory.close(7);
  const again = openDirectory(place, nodeId);
  report(again.previousBrokerEpoch === 7, `datadir/${name} broker epoch of our clean stop`);
  for (const [partition, facts] of partitions) {
    const log = again.logs.get(partition);
    if (log === undefined) continue;
    const problem = compare(factsOf(place.disk, log), facts as JsonObject);
    report(problem === null, `datadir/${name}/${partition} after our clean stop`, problem ?? undefined);
  }
  again.abandon();
  metadata.close();
}

function unpack(archive: string, { disk, root }: DiskForTest): void {
  for (const entry of readTarGz(readFileSync(archive))) {
    const path = `${root}/${entry.name}`.replace(/\/$/, '');
    if (entry.isDirectory) {
      if (!disk.isDirectory(path)) disk.makeDirectory(path);
      continue;
    }
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (!disk.isDirectory(parent)) disk.makeDirectory(parent);
    const file = disk.open(path, 'create');
    file.write(entry.bytes, 0);
    file.close();
    disk.setModifiedMs(path, entry.modifiedMs);
  }
}

function openDirectory({ disk, root }: DiskForTest, nodeId: number): LogDirectory {
  return LogDirectory.open({
    disk,
    clock: standingClock(nowMs),
    random: { next: () => 0, below: () => 0, bytes: (count) => new Uint8Array(count) },
    path: `${root}/node-${nodeId}`,
    nodeId,
    clusterId: null,
    configFor: () => config,
  });
}

function factsOf(disk: Disk, log: PartitionLog): JsonObject {
  log.updateHighWatermark(log.logEndOffset);
  const hash = createHash('sha256');
  const counts = { batches: 0, controlBatches: 0, records: 0, readable: 0 };
  // The vectors count whole segments, from before the log start on: the files, not what a reader may see.
  for (const { baseOffset } of log.segments) {
    const bytes = Buffer.from(disk.readFile(`${log.directory}/${String(baseOffset).padStart(20, '0')}.log`));
    hash.update(bytes);
    forEachBatch(bytes, (batch) => {
      counts.batches++;
      if (batch.isControl) counts.controlBatches++;
      counts.records += batch.recordCount ?? 1;
    });
  }
  counts.readable = readAll(log);
  return {
    logStartOffset: log.logStartOffset,
    logEndOffset: log.logEndOffset,
    lastStableOffset: log.lastStableOffset,
    topicId: log.topicId,
    leaderEpochs: log.epochEntries.map(({ epoch, startOffset }) => ({ epoch, startOffset })),
    segments: log.segments.map((segment) => ({
      baseOffset: segment.baseOffset,
      size: segment.sizeBytes,
      largestTimestamp: segment.largestTimestamp,
    })),
    ...counts,
    logSha256: hash.digest('hex'),
    producers: log
      .activeProducers()
      .map(({ producerId, producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset }) => ({
        producerId,
        producerEpoch,
        lastSequence,
        coordinatorEpoch,
        currentTxnStartOffset,
      }))
      .sort((a, b) => a.producerId - b.producerId),
    abortedTransactions: log.abortedTransactions(0, log.logEndOffset),
  } as unknown as JsonObject;
}

/** Reads through the door from the log start to the end; returns where it got to. */
function readAll(log: PartitionLog): number {
  let offset: number = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const { records } = log.read(offset, 64 * 1024, 'log-end', true);
    if (records.length === 0) break;
    for (const chunk of records) {
      forEachBatch(chunk, (batch) => {
        offset = batch.nextOffset;
      });
    }
  }
  return offset;
}

/** An empty segment's timestamp is its file's, of which the archive keeps the seconds only. */
function wholeSeconds(facts: Json | undefined): Json | undefined {
  if (!Array.isArray(facts)) return facts;
  return (facts as readonly JsonObject[]).map((fact) =>
    fact['size'] === 0 ? { ...fact, largestTimestamp: Math.floor((fact['largestTimestamp'] as number) / 1000) } : fact,
  );
}

function compare(found: JsonObject, expected: JsonObject): string | null {
  if (found['readable'] !== expected['logEndOffset']) return `reading ended at ${show(found['readable'])}`;
  const differing = Object.keys(expected).filter(
    (name) => !sameJson(wholeSeconds(found[name]), wholeSeconds(expected[name])),
  );
  const line = (name: string): string => `${name}: ours ${show(found[name])}, Kafka ${show(expected[name] as Json)}`;
  return differing.length === 0 ? null : differing.map(line).join('; ');
}
