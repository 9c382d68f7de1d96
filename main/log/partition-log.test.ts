// Facts about a partition's log, through its door, on a simulated disk.

import { describe, expect, test } from 'vitest';
import { toLeaderEpoch, toOffset } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { buildEndTransactionMarker } from '../records/control-records.ts';
import { batchesIn } from '../records/record-batch.ts';
import { DiskError, type Disk } from '../runtime/runtime.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { append, batchOf, contents, movableClock, openKitLog, record, startMs } from './log.test-kit.ts';
import { LogError, OffsetOutOfRange, UnexpectedAppendOffset } from './log-error.ts';
import type { PartitionLog } from './partition-log.ts';

function newDisk(): Disk {
  const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  disk.makeDirectory('/data');
  return disk;
}

const smallSegments = { 'internal.segment.bytes': '600', 'index.interval.bytes': '100' };

function fill(log: PartitionLog, batches: number, seed = 7): string[] {
  const random = seededRandom(seed);
  const expected: string[] = [];
  for (let index = 0; index < batches; index++) {
    const values = Array.from({ length: 1 + random.below(3) }, () => 'v'.repeat(random.below(60)) + index);
    const { firstOffset } = append(log, values);
    values.forEach((value, position) => expected.push(`${firstOffset + position}:${value}`));
  }
  return expected;
}

function errorOf(action: () => unknown): LogError {
  try {
    action();
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('reading', () => {
  test('the tail in memory and the files give the same batches, whatever the start and the size', () => {
    const cached = openKitLog({ disk: newDisk(), settings: smallSegments });
    const uncached = openKitLog({ disk: newDisk(), settings: smallSegments, tailCacheBytesMax: 0 });
    const half = openKitLog({ disk: newDisk(), settings: smallSegments, tailCacheBytesMax: 2000 });
    const expected = fill(cached, 60);
    for (const log of [uncached, half]) expect(fill(log, 60)).toEqual(expected);
    for (const log of [cached, uncached, half]) {
      expect(log.segments.length).toBeGreaterThan(5);
      for (const maxBytes of [0, 1, 90, 300, 5000]) expect(contents(log, 0, maxBytes)).toEqual(expected);
      for (let from = 0; from < expected.length; from++) expect(contents(log, from, 150)).toEqual(expected.slice(from));
    }
  });

  test('nothing is cut: a size too small for one batch gives none, or one if asked for', () => {
    for (const tailCacheBytesMax of [0, 1 << 20]) {
      const log = openKitLog({ disk: newDisk(), tailCacheBytesMax });
      append(log, ['x'.repeat(500)]);
      append(log, ['y']);
      expect(log.read(0, 100, 'log-end', false).records).toEqual([]);
      const one = log.read(0, 100, 'log-end', true);
      expect(one.records.flatMap((chunk) => [...batchesIn(chunk)]).length).toBe(1);
      expect(one.sizeBytes).toBeGreaterThan(500);
    }
  });

  test('a reader sees up to its limit: log end, high watermark, last stable offset', () => {
    for (const tailCacheBytesMax of [0, 1 << 20]) {
      const log = openKitLog({ disk: newDisk(), tailCacheBytesMax });
      append(log, ['a', 'b']);
      append(log, ['open'], { producerId: 4, producerEpoch: 0, baseSequence: 0, isTransactional: true });
      append(log, ['c']);
      log.updateHighWatermark(3);
      expect(contents(log, 0, 1000, 'log-end')).toEqual(['0:a', '1:b', '2:open', '3:c']);
      expect(contents(log, 0, 1000, 'high-watermark')).toEqual(['0:a', '1:b', '2:open']);
      expect(contents(log, 0, 1000, 'last-stable')).toEqual(['0:a', '1:b']);
      expect(log.read(4, 1000, 'log-end', true).records).toEqual([]);
      expect(() => log.read(5, 1000, 'log-end', true)).toThrow(OffsetOutOfRange);
    }
  });

  test('aborted transactions come with what is read, and not with what is not', () => {
    const log = openKitLog({ disk: newDisk(), settings: smallSegments });
    append(log, ['a'], { producerId: 4, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    const marker = buildEndTransactionMarker({
      baseOffset: 0,
      partitionLeaderEpoch: 0,
      producerId: 4,
      producerEpoch: 0,
      timestampMs: startMs,
      type: 'ABORT',
      coordinatorEpoch: 1,
    });
    log.appendAsLeader(Buffer.from(marker), { leaderEpoch: toLeaderEpoch(0), origin: 'coordinator' });
    fill(log, 20);
    const aborted = [{ producerId: 4, firstOffset: 0, lastOffset: 1, lastStableOffset: 2 }];
    expect(log.read(0, 100, 'last-stable', true).abortedTransactions).toEqual(aborted);
    expect(log.read(2, 100, 'last-stable', true).abortedTransactions).toEqual([]);
    expect(log.read(0, 100, 'high-watermark', true).abortedTransactions).toBe(null);
  });

  test('files close when too many are open, and open again when needed', () => {
    const log = openKitLog({ disk: newDisk(), settings: smallSegments, openFilesMax: 2, tailCacheBytesMax: 0 });
    const expected = fill(log, 60);
    expect(contents(log)).toEqual(expected);
  });
});

describe('truncating', () => {
  test('cuts the batch that holds the offset, in any segment, and goes on from there', () => {
    for (const offset of [0, 1, 17, 40, 77]) {
      const disk = newDisk();
      const log = openKitLog({ disk, settings: smallSegments });
      const expected = fill(log, 60);
      const boundary = log
        .read(offset, 1, 'log-end', true)
        .records.map((chunk) => [...batchesIn(chunk)][0]?.baseOffset)[0];
      expect(log.truncateTo(boundary ?? 0)).toBe(true);
      expect(log.logEndOffset).toBe(boundary);
      expect(log.highWatermark).toBe(boundary);
      append(log, ['new']);
      const kept = [...expected.slice(0, boundary), `${boundary}:new`];
      expect(contents(log)).toEqual(kept);
      log.close();
      const again = openKitLog({ disk, settings: smallSegments });
      expect(contents(again)).toEqual(kept);
    }
  });

  test('to the end or beyond changes nothing but epochs that never got a record', () => {
    const log = openKitLog({ disk: newDisk() });
    append(log, ['a'], {}, 3);
    log.assignEpoch(toLeaderEpoch(5), toOffset(1));
    expect(log.truncateTo(1)).toBe(false);
    expect(log.latestEpoch).toBe(3);
  });

  test('fully, the log goes on at the given offset, also after a restart', () => {
    const disk = newDisk();
    const log = openKitLog({ disk, settings: smallSegments });
    fill(log, 30);
    log.truncateFullyAndStartAt(1000);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([1000, 1000, 0]);
    append(log, ['on']);
    log.close();
    expect(contents(openKitLog({ disk, settings: smallSegments }))).toEqual(['1000:on']);
  });

  test('forgets sequences behind the cut', () => {
    const log = openKitLog({ disk: newDisk() });
    const producer = (baseSequence: number) => ({ producerId: 9, producerEpoch: 0, baseSequence });
    append(log, ['a'], producer(0));
    append(log, ['b'], producer(1));
    log.truncateTo(1);
    expect(append(log, ['b again'], producer(1)).isDuplicate).toBe(false);
  });
});

describe('a follower', () => {
  test('takes batches with their offsets, gaps included, and notes their epochs', () => {
    const log = openKitLog({ disk: newDisk() });
    const first = batchOf(['a'], { baseOffset: 0, partitionLeaderEpoch: 1 });
    const second = batchOf(['b'], { baseOffset: 10, partitionLeaderEpoch: 4 });
    log.appendAsFollower(Buffer.concat([first, second]));
    expect(contents(log)).toEqual(['0:a', '10:b']);
    expect(log.epochEntries).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 4, startOffset: 10 },
    ]);
    expect(log.endOffsetForEpoch(2)).toEqual({ epoch: 1, endOffset: 10 });
  });

  test('takes more at once than one of its segments holds, as a leader with larger ones hands it out', () => {
    const log = openKitLog({ disk: newDisk(), settings: { 'internal.segment.bytes': '200' } });
    const batches = ['a', 'b', 'c', 'd', 'e', 'f'].map((value, baseOffset) =>
      batchOf([value], { baseOffset, partitionLeaderEpoch: 1 }),
    );
    const result = log.appendAsFollower(Buffer.concat(batches));
    expect(result).toMatchObject({ firstOffset: 0, lastOffset: 5, recordCount: 6 });
    expect(contents(log)).toEqual(['0:a', '1:b', '2:c', '3:d', '4:e', '5:f']);
  });

  test('refuses what it has already, and leaves out batches of an epoch that it does not follow', () => {
    const log = openKitLog({ disk: newDisk() });
    log.appendAsFollower(batchOf(['a', 'b'], { baseOffset: 0, partitionLeaderEpoch: 1 }));
    const stale = batchOf(['b'], { baseOffset: 1, partitionLeaderEpoch: 1 });
    expect(() => log.appendAsFollower(stale)).toThrow(UnexpectedAppendOffset);
    const newer = batchOf(['c'], { baseOffset: 2, partitionLeaderEpoch: 2 });
    expect(log.appendAsFollower(newer, toLeaderEpoch(1))).toBe(null);
    expect(log.logEndOffset).toBe(2);
  });
});

describe('retention', () => {
  test('by time removes whole old segments below the high watermark, and the files after their delay', () => {
    const clock = movableClock(startMs);
    const disk = newDisk();
    const settings = { ...smallSegments, 'retention.ms': '1000', 'file.delete.delay.ms': '500' };
    const log = openKitLog({ disk, clock, settings });
    for (let index = 0; index < 30; index++) append(log, [record('v'.repeat(40), startMs + index * 100)]);
    const before = log.segments.length;
    clock.nowMs = startMs + 2500;
    expect(log.deleteOldSegments(clock.nowMs)).toBeGreaterThan(0);
    const firstKept = log.segments[0];
    expect(firstKept?.largestTimestamp).toBeGreaterThanOrEqual(clock.nowMs - 1000);
    expect(log.logStartOffset).toBe(firstKept?.baseOffset);
    expect(log.segments.length).toBeLessThan(before);
    const deleted = (): number => disk.list('/data/t-0').filter((name) => name.endsWith('.deleted')).length;
    expect(deleted()).toBeGreaterThan(0);
    expect(log.maintain(clock.nowMs)).toBe(clock.nowMs + 500);
    log.maintain(clock.nowMs + 500);
    expect(deleted()).toBe(0);
    expect(() => log.read(0, 100, 'log-end', true)).toThrow(OffsetOutOfRange);
  });

  test('of everything rolls first, so that the offsets go on', () => {
    const clock = movableClock(startMs);
    const log = openKitLog({ disk: newDisk(), clock, settings: { 'retention.ms': '1000' } });
    append(log, ['a', 'b']);
    clock.nowMs += 5000;
    expect(log.deleteOldSegments(clock.nowMs)).toBe(1);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([2, 2, 0]);
    expect(append(log, ['c']).firstOffset).toBe(2);
  });

  test('by size keeps at least the size; nothing goes above the high watermark', () => {
    const settings = { ...smallSegments, 'retention.ms': '-1', 'retention.bytes': '1500' };
    const log = openKitLog({ disk: newDisk(), settings });
    fill(log, 40);
    const size = log.sizeBytes;
    log.updateHighWatermark(0);
    expect(log.deleteOldSegments(startMs)).toBe(0);
    log.updateHighWatermark(log.logEndOffset);
    expect(log.deleteOldSegments(startMs)).toBeGreaterThan(0);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(1500);
    expect(log.sizeBytes).toBeLessThan(size);
  });

  test('a raised log start is kept over a restart and lets the segments before it go', () => {
    const disk = newDisk();
    const log = openKitLog({ disk, settings: smallSegments });
    const expected = fill(log, 40);
    expect(log.incrementLogStartOffset(25)).toBe(true);
    expect(log.logStartOffsetToCheckpoint).toBe(25);
    expect(contents(log)).toEqual(expected.slice(25));
    expect(errorOf(() => log.incrementLogStartOffset(1e6)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(log.deleteOldSegments(startMs)).toBeGreaterThan(0);
    log.close();
    const again = openKitLog({ disk, settings: smallSegments, logStartOffset: 25 });
    expect(contents(again)).toEqual(expected.slice(25));
  });
});

describe('time', () => {
  test('a timestamp finds the first record not older, in any segment', () => {
    const log = openKitLog({ disk: newDisk(), settings: smallSegments });
    for (let index = 0; index < 40; index++) append(log, [record('v'.repeat(30), startMs + index * 10)]);
    for (const index of [0, 1, 13, 39]) {
      expect(log.offsetForTimestamp(startMs + index * 10 - 5)).toMatchObject({
        offset: index,
        timestamp: startMs + index * 10,
      });
    }
    expect(log.offsetForTimestamp(startMs + 1000)).toBe(null);
    expect(log.offsetForTimestamp('max-timestamp')).toMatchObject({ offset: 39, timestamp: startMs + 390 });
    expect(log.offsetForTimestamp('latest')).toEqual({ timestamp: -1, offset: 40, leaderEpoch: 0 });
    expect(log.offsetForTimestamp('earliest')).toEqual({ timestamp: -1, offset: 0, leaderEpoch: 0 });
  });

  test('producers that were silent too long are forgotten, those in a transaction are not', () => {
    const clock = movableClock(startMs);
    const log = openKitLog({ disk: newDisk(), clock, settings: { 'producer.id.expiration.ms': '1000' } });
    append(log, ['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    append(log, ['b'], { producerId: 2, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    log.maintain(startMs + 2000);
    expect(log.activeProducers().map((producer) => producer.producerId)).toEqual([2]);
  });
});

describe('after a stop', () => {
  test('a clean one, a repeated batch is still answered with its old offset', () => {
    const disk = newDisk();
    const log = openKitLog({ disk });
    const options = { producerId: 5, producerEpoch: 0, baseSequence: 0 };
    append(log, ['a', 'b'], options);
    log.close();
    const again = openKitLog({ disk });
    expect(append(again, ['a', 'b'], options)).toMatchObject({ isDuplicate: true, firstOffset: 0, lastOffset: 1 });
  });

  test('what the process before left unsynced is safe after the next flush', () => {
    const world = new SimulatedWorld({ seed: 1 });
    world.runtimeFor(1).disk.makeDirectory('/data');
    append(openKitLog({ disk: world.runtimeFor(1).disk }), ['a']);
    world.kill(1);
    const again = openKitLog({ disk: world.runtimeFor(1).disk, hadCleanShutdown: false });
    append(again, ['b']);
    again.flush();
    world.crash(1);
    const { disk } = world.runtimeFor(1);
    expect(Buffer.from(disk.readFile('/data/t-0/partition.metadata')).toString()).toMatch(/^version: 0\ntopic_id: /);
    expect(Buffer.from(disk.readFile('/data/t-0/leader-epoch-checkpoint')).toString()).toBe('0\n1\n0 0\n');
  });

  test('an unclean one, the batches name the epochs, not a checkpoint that is younger than they are', () => {
    const disk = newDisk();
    const log = openKitLog({ disk });
    append(log, ['a'], {}, 1);
    append(log, ['b', 'c'], {}, 2);
    log.abandon();
    // As after a power loss that undid a truncation to 0, but not the epoch that began there since.
    const file = disk.open('/data/t-0/leader-epoch-checkpoint', 'write');
    file.truncate(0);
    file.write(Buffer.from('0\n1\n3 0\n'), 0);
    file.close();
    const again = openKitLog({ disk, hadCleanShutdown: false });
    expect(contents(again)).toEqual(['0:a', '1:b', '2:c']);
    expect(again.epochEntries).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 2, startOffset: 1 },
    ]);
  });

  test('another topic id than the stored one is refused', () => {
    const disk = newDisk();
    openKitLog({ disk }).close();
    const file = disk.open('/data/t-0/partition.metadata', 'write');
    file.truncate(0);
    file.write(Buffer.from('version: 0\ntopic_id: BBBBBBBBBBBBBBBBBBBBBB'), 0);
    file.close();
    expect(errorOf(() => openKitLog({ disk })).errorCode).toBe(ErrorCode.INCONSISTENT_TOPIC_ID);
  });

  test.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'seed %i: power loss at any moment leaves all that was flushed, and behind it only what was once written there',
    (seed) => {
      const world = new SimulatedWorld({ seed });
      const random = seededRandom(seed, 'script');
      let { disk } = world.runtimeFor(1);
      disk.makeDirectory('/data');
      disk.syncDirectory('/');
      let written: string[] = [];
      const everWritten = new Set<string>();
      let recoveryPoint = 0;
      for (let life = 0; life < 4; life++) {
        const log = openKitLog({ disk, settings: smallSegments, hadCleanShutdown: false, recoveryPoint });
        const found = contents(log);
        // A cut that was not flushed may be undone: then what it took away is back.
        expect(found.slice(0, recoveryPoint)).toEqual(written.slice(0, recoveryPoint));
        expect(found.filter((line) => !everWritten.has(line))).toEqual([]);
        const lives = found.map((line) => Number(/:(\d+)/.exec(line)?.[1]));
        expect(lives).toEqual([...lives].sort((a, b) => a - b));
        written = found;
        for (let step = random.below(40); step > 0; step--) {
          const dice = random.below(20);
          if (dice === 0) {
            log.flush();
            recoveryPoint = log.recoveryPoint;
          } else if (dice === 1 && log.logEndOffset > recoveryPoint) {
            const batches = log
              .read(recoveryPoint, 1 << 20, 'log-end', true)
              .records.flatMap((chunk) => [...batchesIn(chunk)]);
            const cut = batches[random.below(batches.length)]?.baseOffset ?? log.logEndOffset;
            log.truncateTo(Math.max(cut, recoveryPoint));
            written = written.slice(0, log.logEndOffset);
          } else {
            const values = Array.from({ length: 1 + random.below(3) }, () =>
              `${life}-${step}`.padEnd(4 + random.below(90), '.'),
            );
            const { firstOffset } = append(log, values, {}, life);
            values.forEach((value, index) => written.push(`${firstOffset + index}:${value}`));
            for (const line of written.slice(firstOffset)) everWritten.add(line);
          }
          recoveryPoint = Math.min(recoveryPoint, log.recoveryPoint);
        }
        log.abandon();
        world.crash(1, { torn: random.below(2) === 0 });
        disk = world.runtimeFor(1).disk;
      }
    },
  );
});

describe('when the disk fails', () => {
  test('the log takes nothing more, says so, and leaves it to recovery to find its end', () => {
    const world = new SimulatedWorld({ seed: 1 });
    const { disk } = world.runtimeFor(1);
    disk.makeDirectory('/data');
    const log = openKitLog({ disk });
    append(log, ['a']);
    world.disk(1).fault = 'no-space';
    expect(() => append(log, ['b'])).toThrow(DiskError);
    world.disk(1).fault = null;
    expect(() => append(log, ['c'])).toThrow(DiskError);
    expect(log.failure).toMatchObject({ code: 'no-space' });
    expect(contents(log)).toEqual(['0:a']);
    log.close();
    expect(contents(openKitLog({ disk, hadCleanShutdown: false }))).toEqual(['0:a']);
  });
});

describe('damaged files', () => {
  const path = '/data/t-0/00000000000000000000';

  function spoil(disk: Disk, name: string, change: (bytes: Buffer) => Buffer): void {
    const bytes = change(Buffer.from(disk.readFile(name)));
    const file = disk.open(name, 'write');
    file.truncate(0);
    file.write(bytes, 0);
    file.close();
  }

  const flipped = (at: number, bit: number) => (bytes: Buffer) => {
    bytes[at] = (bytes[at] ?? 0) ^ bit;
    return bytes;
  };
  const indexed = { 'index.interval.bytes': '100' };
  const settings = { ...indexed, 'internal.segment.bytes': '100000' };

  test('whatever bit of an offset index is wrong after a clean stop, all is served and appends go on', () => {
    const disk = newDisk();
    const first = openKitLog({ disk, settings });
    const expected = fill(first, 12);
    first.close();
    const index = Buffer.from(disk.readFile(`${path}.index`));
    expect(index.length).toBeGreaterThan(24);
    for (let bit = 0; bit < index.length * 8; bit++) {
      spoil(disk, `${path}.index`, () => flipped(bit >> 3, 1 << (bit & 7))(Buffer.from(index)));
      const log = openKitLog({ disk, settings, tailCacheBytesMax: 0 });
      expect(log.logEndOffset, `bit ${bit}`).toBe(expected.length);
      for (let from = 0; from < expected.length; from += 3) {
        expect(contents(log, from, 150), `bit ${bit} from ${from}`).toEqual(expected.slice(from));
      }
      // Enough for the next index entry, which must not find the last one above it.
      for (let count = 0; count < 3; count++) append(log, ['more'.repeat(20)]);
      log.truncateTo(expected.length);
      log.close();
    }
  });

  test('an index longer than its entries, or of another segment, is made anew', () => {
    for (const change of [
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(40, 0xee)]),
      (bytes: Buffer) => Buffer.concat([bytes, bytes]),
      (bytes: Buffer) => Buffer.alloc(bytes.length, 0xff),
    ]) {
      const disk = newDisk();
      const first = openKitLog({ disk, settings });
      const expected = fill(first, 12);
      first.close();
      spoil(disk, `${path}.index`, change);
      const log = openKitLog({ disk, settings, tailCacheBytesMax: 0 });
      for (let from = 0; from < expected.length; from++) expect(contents(log, from, 150)).toEqual(expected.slice(from));
      append(log, ['more']);
      log.close();
    }
  });

  test('a segment that lost its index in an unclean stop keeps the batches before its last epoch', () => {
    const disk = newDisk();
    const first = openKitLog({ disk, settings });
    for (const epoch of [1, 3, 5]) {
      first.assignEpoch(toLeaderEpoch(epoch), first.logEndOffset);
      append(first, [`a${epoch}`], {}, epoch);
      append(first, [`b${epoch}`], {}, epoch);
    }
    const expected = contents(first);
    const epochs = first.epochEntries;
    first.abandon();
    disk.remove(`${path}.index`);
    const log = openKitLog({ disk, settings, hadCleanShutdown: false });
    expect(contents(log)).toEqual(expected);
    expect(log.epochEntries).toEqual(epochs);
  });

  test('a time index that names a wrong last time does not make a segment older or younger than it is', () => {
    const disk = newDisk();
    const first = openKitLog({ disk, settings });
    fill(first, 12);
    const largest = first.segments[0]?.largestTimestamp;
    first.close();
    for (const at of [0, 1, 5]) {
      spoil(disk, `${path}.timeindex`, (bytes) => flipped(bytes.length - 12 + at, 0x20)(bytes));
      const log = openKitLog({ disk, settings });
      expect(log.segments[0]?.largestTimestamp).toBe(largest);
      log.close();
    }
  });

  test('what is appended after a clean stop does not land behind bytes that are no batch', () => {
    for (const change of [
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(500)]),
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('garbage'.repeat(20))]),
      (bytes: Buffer) => bytes.subarray(0, bytes.length - 5),
      (bytes: Buffer) => Buffer.alloc(bytes.length),
    ]) {
      const disk = newDisk();
      const first = openKitLog({ disk, settings });
      fill(first, 12);
      first.close();
      spoil(disk, `${path}.log`, change);
      const log = openKitLog({ disk, settings, tailCacheBytesMax: 0 });
      const kept = contents(log);
      const { firstOffset } = append(log, ['new']);
      expect(contents(log)).toEqual([...kept, `${firstOffset}:new`]);
      log.close();
      expect(contents(openKitLog({ disk, settings, tailCacheBytesMax: 0 }))).toEqual([...kept, `${firstOffset}:new`]);
    }
  });

  test('a read that comes to a damaged place gives what is before it, then CORRUPT_MESSAGE naming file and way out', () => {
    const disk = newDisk();
    const first = openKitLog({ disk, settings: smallSegments });
    const expected = fill(first, 30);
    const second = first.segments[1]?.baseOffset ?? 0;
    first.close();
    // The first batch's length, in a segment that recovery does not look at after a clean stop.
    spoil(disk, `${path}.log`, (bytes) => {
      const size = bytes.readInt32BE(8) + 12;
      bytes.writeInt32BE(-5, size + 8);
      return bytes;
    });
    const log = openKitLog({ disk, settings: smallSegments, tailCacheBytesMax: 0 });
    const [head] = log.read(0, 10_000, 'log-end', true).records.flatMap((chunk) => [...batchesIn(chunk)]);
    expect(head?.baseOffset).toBe(0);
    const next = head?.nextOffset ?? 0;
    const error = errorOf(() => log.read(next, 10_000, 'log-end', true));
    expect(error.errorCode).toBe(ErrorCode.CORRUPT_MESSAGE);
    expect(error.message).toContain(`${path}.log is damaged`);
    expect(error.message).toContain('copied from the other replicas');
    expect(contents(log, second)).toEqual(expected.slice(second));
  });
});
