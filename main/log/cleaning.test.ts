// Facts about compaction of a whole log, on a simulated disk.

import { describe, expect, test } from 'vitest';
import { toLeaderEpoch } from '../core/ids.ts';
import { buildEndTransactionMarker } from '../records/control-records.ts';
import { batchesIn } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import type { Disk } from '../runtime/runtime.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { append, batchOf, movableClock, openKitLog, record, startMs, type MovableClock } from './log.test-kit.ts';
import type { PartitionLog } from './partition-log.ts';

const settings = {
  'cleanup.policy': 'compact',
  'internal.segment.bytes': '700',
  'index.interval.bytes': '100',
  'delete.retention.ms': '1000',
};

type Value = { readonly offset: number; readonly key: string; readonly value: string | null };

function newDisk(): Disk {
  const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  disk.makeDirectory('/data');
  return disk;
}

function open(disk: Disk, clock: MovableClock = movableClock()): PartitionLog {
  return openKitLog({ disk, clock, settings, tailCacheBytesMax: 0 });
}

/** All data records, through the door, without those of aborted transactions. */
function values(log: PartitionLog): Value[] {
  const found: Value[] = [];
  for (let offset: number = log.logStartOffset; ;) {
    const { records, abortedTransactions } = log.read(offset, 300, 'last-stable', true);
    if (records.length === 0) return found;
    for (const batch of records.flatMap((chunk) => [...batchesIn(chunk)])) {
      offset = batch.nextOffset;
      const isAborted = abortedTransactions?.some(
        (aborted) =>
          batch.isTransactional &&
          aborted.producerId === batch.producerId &&
          aborted.firstOffset <= batch.baseOffset &&
          batch.baseOffset <= aborted.lastOffset,
      );
      if (batch.isControl || isAborted === true) continue;
      for (const each of recordsOf(batch)) {
        found.push({ offset: each.offset, key: each.key?.toString() ?? '', value: each.value?.toString() ?? null });
      }
    }
  }
}

function latest(all: readonly Value[]): Value[] {
  const byKey = new Map(all.map((each) => [each.key, each]));
  return [...byKey.values()].sort((a, b) => a.offset - b.offset);
}

function fill(log: PartitionLog, batches: number, seed: number): void {
  const random = seededRandom(seed);
  const open = new Map<number, number>();
  for (let index = 0; index < batches; index++) {
    const producerId = random.below(3);
    const isTransactional = producerId > 0;
    const records = Array.from({ length: 1 + random.below(4) }, (_, position) => {
      const key = `k${random.below(12)}`;
      if (random.below(6) === 0) return { key: Buffer.from(key), value: null, timestamp: startMs + index };
      return record(`${index}.${position}`.padEnd(random.below(30), '-'), startMs + index, key);
    });
    const sequence = open.get(producerId) ?? 0;
    const compression = random.below(3) === 0 ? 'gzip' : 'none';
    append(log, records, { compression, producerId, producerEpoch: 0, baseSequence: sequence, isTransactional });
    open.set(producerId, sequence + records.length);
    if (isTransactional && random.below(3) === 0) end(log, producerId, random.below(2) === 0 ? 'ABORT' : 'COMMIT');
  }
  end(log, 1, 'COMMIT');
  end(log, 2, 'ABORT');
  log.roll();
}

function end(log: PartitionLog, producerId: number, type: 'ABORT' | 'COMMIT'): void {
  const marker = buildEndTransactionMarker({
    baseOffset: 0,
    partitionLeaderEpoch: 0,
    producerId,
    producerEpoch: 0,
    timestampMs: startMs,
    type,
    coordinatorEpoch: 1,
  });
  log.appendAsLeader(Buffer.from(marker), { leaderEpoch: toLeaderEpoch(0), origin: 'coordinator' });
  log.updateHighWatermark(log.logEndOffset);
}

function cleanAll(log: PartitionLog, nowMs: number, cleanedTo: number | null = null): number | null {
  const range = log.cleaningRange(cleanedTo, nowMs);
  if (range === null) return cleanedTo;
  const steps = log.clean(range, nowMs);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe.each(Array.from({ length: 12 }, (_, seed) => seed))('seed %i', (seed) => {
  test('the last value of each key stays at its offset, aborted and outdated records go, the log shrinks', () => {
    const disk = newDisk();
    const log = open(disk);
    fill(log, 80, seed);
    const before = values(log);
    const { logEndOffset, sizeBytes } = log;
    expect(cleanAll(log, startMs)).toBe(logEndOffset);
    const after = values(log);
    expect(after).toEqual(latest(before));
    expect(log.sizeBytes).toBeLessThan(sizeBytes / 2);
    log.close();
    const again = open(disk);
    again.updateHighWatermark(again.logEndOffset);
    expect(again.logEndOffset).toBe(logEndOffset);
    expect(values(again)).toEqual(after);
  });

  test('a stop at any point of a cleaning loses nothing', () => {
    for (let stopAfter = 0; ; stopAfter++) {
      const world = new SimulatedWorld({ seed });
      let { disk } = world.runtimeFor(1);
      disk.makeDirectory('/data');
      disk.syncDirectory('/');
      const log = open(disk);
      fill(log, 40, seed);
      log.flush();
      const before = values(log);
      const range = log.cleaningRange(null, startMs);
      if (range === null) throw new Error('there is nothing to clean');
      const steps = log.clean(range, startMs);
      let isDone = false;
      for (let step = 0; step < stopAfter && !isDone; step++) isDone = steps.next().done === true;
      log.abandon();
      world.crash(1);
      disk = world.runtimeFor(1).disk;
      const again = openKitLog({ disk, settings, hadCleanShutdown: false, recoveryPoint: 0 });
      again.updateHighWatermark(again.logEndOffset);
      expect(again.logEndOffset).toBe(log.logEndOffset);
      expect(latest(values(again))).toEqual(latest(before));
      if (isDone) break;
    }
  });
});

test('tombstones stay for delete.retention.ms after the first cleaning that saw them, then they go', () => {
  const clock = movableClock();
  const log = open(newDisk(), clock);
  append(log, [record('old', startMs, 'a')]);
  append(log, [{ key: Buffer.from('a'), value: null, timestamp: startMs }, record('b', startMs, 'b')]);
  log.roll();
  const cleanedTo = cleanAll(log, startMs);
  expect(values(log)).toEqual([
    { offset: 1, key: 'a', value: null },
    { offset: 2, key: 'b', value: 'b' },
  ]);
  append(log, [record('more', startMs, 'c')]);
  log.roll();
  const again = cleanAll(log, startMs + 999, cleanedTo);
  expect(values(log).map((each) => each.key)).toEqual(['a', 'b', 'c']);
  append(log, [record('even more', startMs, 'd')]);
  log.roll();
  cleanAll(log, startMs + 1000, again);
  expect(values(log).map((each) => each.key)).toEqual(['b', 'c', 'd']);
});

test('the last batch of a producer stays, empty, so that its next sequence still follows', () => {
  const disk = newDisk();
  const log = open(disk);
  append(log, [record('1', startMs, 'a')], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  append(log, [record('2', startMs, 'a')]);
  log.roll();
  cleanAll(log, startMs);
  expect(values(log)).toEqual([{ offset: 1, key: 'a', value: '2' }]);
  const batches = log.read(0, 1000, 'log-end', true).records.flatMap((chunk) => [...batchesIn(chunk)]);
  expect(batches.map((batch) => [batch.producerId, batch.recordCount])).toEqual([
    [7, 0],
    [-1, 1],
  ]);
});

test('neither the active segment nor what is above the last stable offset is cleaned', () => {
  const log = open(newDisk());
  append(log, [record('1', startMs, 'a')]);
  append(log, [record('2', startMs, 'a')]);
  expect(log.cleaningRange(null, startMs)).toBe(null);
  log.roll();
  append(log, [record('3', startMs, 'a')], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true });
  log.roll();
  expect(log.cleaningRange(null, startMs)).toMatchObject({ firstUncleanableOffset: 2, dirtyRatio: 1 });
  expect(cleanAll(log, startMs)).toBe(2);
});

test('a log that is cut while it is cleaned is left as it is', () => {
  const log = open(newDisk());
  fill(log, 40, 3);
  const range = log.cleaningRange(null, startMs);
  if (range === null) throw new Error('there is nothing to clean');
  const steps = log.clean(range, startMs);
  steps.next();
  log.truncateTo(5);
  const rest = values(log);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  expect(step.value).toBe(null);
  expect(values(log)).toEqual(rest);
});

test('a record without a key never enters a compacted log', () => {
  const log = open(newDisk());
  expect(() => log.appendAsLeader(batchOf(['no key']), { leaderEpoch: toLeaderEpoch(0), origin: 'client' })).toThrow(
    /key/,
  );
});
