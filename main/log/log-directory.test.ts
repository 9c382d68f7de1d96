// Facts about a node's log directory: identity, locks, clean and unclean stops, deletion, checkpoints.

import { expect, test } from 'vitest';
import { toOffset, toPartitionId, toTopicId } from '../core/ids.ts';
import type { Disk } from '../runtime/runtime.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { append, contents, movableClock, record, startMs, type MovableClock } from './log.test-kit.ts';
import { logConfigFrom } from './log-config.ts';
import { formatLogDirectory, LogDirectory, readMetaProperties } from './log-directory.ts';
import { LogDirectoryError } from './log-error.ts';

const topicId = toTopicId('CCCCCCCCCCCCCCCCCCCCCC');
const identity = { clusterId: 'a-cluster-of-tests-xyz', nodeId: 3, directoryId: 'DDDDDDDDDDDDDDDDDDDDDD' };

function newDisk(): Disk {
  return new SimulatedWorld({ seed: 1 }).runtimeFor(3).disk;
}

function format(disk: Disk, clock?: MovableClock): void {
  formatLogDirectory({ disk, path: '/node-3', ...identity, ...(clock === undefined ? {} : { clock }) });
}

function open(disk: Disk, changes: { nodeId?: number; clusterId?: string; clock?: MovableClock } = {}): LogDirectory {
  return LogDirectory.open({
    disk,
    clock: changes.clock ?? movableClock(),
    random: seededRandom(1),
    path: '/node-3',
    nodeId: changes.nodeId ?? 3,
    clusterId: changes.clusterId ?? null,
    configFor: () => logConfigFrom({ 'segment.index.bytes': '4096', 'file.delete.delay.ms': '1000' }),
  });
}

function text(disk: Disk, name: string): string {
  return Buffer.from(disk.readFile(`/node-3/${name}`)).toString('utf8');
}

test('meta.properties is written and read as Kafka does', () => {
  const disk = newDisk();
  format(disk, movableClock(Date.UTC(2026, 10, 22, 14, 52, 44)));
  expect(text(disk, 'meta.properties')).toBe(
    '#\n#Sun Nov 22 14:52:44 UTC 2026\ncluster.id=a-cluster-of-tests-xyz\ndirectory.id=DDDDDDDDDDDDDDDDDDDDDD\nnode.id=3\nversion=1\n',
  );
  expect(readMetaProperties(disk, '/node-3')).toEqual(identity);
  expect(() => format(disk)).toThrow(/formatted already, for node 3 of cluster a-cluster-of-tests-xyz/);
});

test('a directory that is missing, not formatted, of another node or of another cluster is refused by name', () => {
  const disk = newDisk();
  expect(() => open(disk)).toThrow(/\/node-3 does not exist/);
  disk.makeDirectory('/node-3');
  expect(() => open(disk)).toThrow(/has no meta.properties/);
  format(disk);
  expect(() => open(disk, { nodeId: 4 })).toThrow(/belongs to node 3, not to node 4/);
  expect(() => open(disk, { clusterId: 'another' })).toThrow(
    /belongs to cluster a-cluster-of-tests-xyz, not to another/,
  );
  // A refusal lets the lock go.
  open(disk).close(1);
});

test('a directory in use is refused until its holder lets go', () => {
  const disk = newDisk();
  format(disk);
  const holder = open(disk);
  expect(() => open(disk)).toThrow(LogDirectoryError);
  holder.close(1);
  open(disk).close(1);
});

test('a clean stop is told from any other, with the broker epoch it had', () => {
  const disk = newDisk();
  format(disk);
  expect(open(disk)).toMatchObject({ hadCleanShutdown: false, previousBrokerEpoch: null });
  const world = new SimulatedWorld({ seed: 2 });
  const second = world.runtimeFor(3).disk;
  format(second);
  open(second).close(88);
  expect(text(second, '.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":88}');
  const again = open(second);
  expect(again).toMatchObject({ hadCleanShutdown: true, previousBrokerEpoch: 88 });
  expect(second.exists('/node-3/.kafka_cleanshutdown')).toBe(false);
});

test('partitions, their high watermarks and log starts survive a restart; the checkpoints are those of Kafka', () => {
  const disk = newDisk();
  format(disk);
  const directory = open(disk);
  const log = directory.createLog('orders.eu-west', toPartitionId(12), topicId);
  append(log, ['a', 'b', 'c']);
  append(log, ['d']);
  log.updateHighWatermark(3);
  log.incrementLogStartOffset(2);
  directory.createLog('idle', toPartitionId(0), topicId);
  directory.close(1);
  expect(text(disk, 'replication-offset-checkpoint')).toBe('0\n2\norders.eu-west 12 3\nidle 0 0\n');
  expect(text(disk, 'recovery-point-offset-checkpoint')).toBe('0\n2\norders.eu-west 12 4\nidle 0 0\n');
  expect(text(disk, 'log-start-offset-checkpoint')).toBe('0\n1\norders.eu-west 12 2\n');
  const again = open(disk);
  const found = again.getLog('orders.eu-west', toPartitionId(12));
  expect(found).toMatchObject({ topicId, logStartOffset: 2, logEndOffset: 4 });
  expect(again.checkpointedHighWatermark({ topic: 'orders.eu-west', partition: toPartitionId(12) })).toBe(3);
  expect(found === null ? [] : contents(found)).toEqual(['2:c', '3:d']);
  expect(again.logs.size).toBe(2);
});

test('a deleted partition is renamed at once and removed after its delay, also when the node stops between', () => {
  const disk = newDisk();
  format(disk);
  const clock = movableClock();
  const directory = open(disk, { clock });
  append(directory.createLog('t', toPartitionId(0), topicId), ['a']);
  append(directory.createLog('t', toPartitionId(1), topicId), ['a']);
  directory.deleteLog('t', toPartitionId(0));
  const marked = (): string[] => disk.list('/node-3').filter((name) => /^t-\d\.[0-9a-f]{32}-delete$/.test(name));
  expect(marked().length).toBe(1);
  expect(directory.getLog('t', toPartitionId(0))).toBe(null);
  expect(directory.createLog('t', toPartitionId(0), topicId).logEndOffset).toBe(0);
  directory.maintain(startMs + 999);
  expect(marked().length).toBe(1);
  directory.maintain(startMs + 1000);
  expect(marked()).toEqual([]);
  directory.deleteLog('t', toPartitionId(1));
  directory.close(1);
  const again = open(disk, { clock });
  again.maintain(startMs + 60_000);
  expect(marked()).toEqual([]);
});

test('a topic made anew under its name takes over nothing that the checkpoints say of the one before', () => {
  const world = new SimulatedWorld({ seed: 6 });
  let { disk } = world.runtimeFor(3);
  format(disk);
  let directory = open(disk);
  const partition = toPartitionId(0);
  const first = directory.createLog('t', partition, topicId);
  append(first, ['a', 'b', 'c', 'd']);
  first.flush();
  first.updateHighWatermark(toOffset(4));
  directory.checkpointRecoveryPoints();
  directory.checkpointHighWatermarks();
  world.kill(3);
  disk = world.runtimeFor(3).disk;
  directory = open(disk);
  directory.deleteLog('t', partition);
  const second = directory.createLog('t', partition, toTopicId('EEEEEEEEEEEEEEEEEEEEEE'));
  append(second, ['x', 'y']);
  expect(text(disk, 'recovery-point-offset-checkpoint')).not.toMatch(/^t 0 4$/m);
  expect(text(disk, 'replication-offset-checkpoint')).not.toMatch(/^t 0 4$/m);
  expect(directory.checkpointedHighWatermark({ topic: 't', partition })).toBe(0);
  // The power goes: what nobody flushed may be torn, the file with the topic's id, too.
  const file = disk.open('/node-3/t-0/partition.metadata', 'write');
  file.truncate(7);
  file.close();
  world.kill(3);
  const found = open(world.runtimeFor(3).disk).getLog('t', partition);
  expect(found === null ? [] : contents(found)).toEqual(['0:x', '1:y']);
});

test('after a crash the recovery starts at the checkpoint, and a damaged checkpoint only costs time', () => {
  const world = new SimulatedWorld({ seed: 5 });
  let { disk } = world.runtimeFor(3);
  format(disk);
  const directory = open(disk);
  const log = directory.createLog('t', toPartitionId(0), topicId);
  append(log, ['a']);
  log.flush();
  directory.checkpointRecoveryPoints();
  append(log, ['b']);
  world.kill(3);
  disk = world.runtimeFor(3).disk;
  const file = disk.open('/node-3/recovery-point-offset-checkpoint', 'write');
  file.write(Buffer.from('x'), 0);
  file.close();
  const found = open(disk).getLog('t', toPartitionId(0));
  expect(found === null ? [] : contents(found)).toEqual(['0:a', '1:b']);
});

test('cutting below the recovery point corrects its checkpoint at once', () => {
  const disk = newDisk();
  format(disk);
  const directory = open(disk);
  const log = directory.createLog('t', toPartitionId(0), topicId);
  append(log, ['a']);
  append(log, ['b']);
  log.flush();
  directory.checkpointRecoveryPoints();
  log.truncateTo(1);
  expect(text(disk, 'recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 1\n');
});

test('maintenance removes expired segments and says when it wants to be called again', () => {
  const disk = newDisk();
  format(disk);
  const clock = movableClock();
  const directory = LogDirectory.open({
    disk,
    clock,
    random: seededRandom(1),
    path: '/node-3',
    nodeId: 3,
    clusterId: null,
    configFor: () => logConfigFrom({ 'retention.ms': '5000', 'file.delete.delay.ms': '100' }),
    retentionCheckIntervalMs: 1000,
    preallocateIndexes: false,
  });
  const log = directory.createLog('t', toPartitionId(0), topicId);
  append(log, ['a']);
  log.updateHighWatermark(toOffset(1));
  expect(directory.maintain(startMs)).toBe(startMs + 1000);
  clock.nowMs = startMs + 6000;
  expect(directory.maintain(clock.nowMs)).toBe(clock.nowMs + 100);
  expect(log).toMatchObject({ logStartOffset: 1, sizeBytes: 0 });
});

test('compacted logs are cleaned in the course of maintenance, and the checkpoint says how far', () => {
  const disk = newDisk();
  format(disk);
  const clock = movableClock();
  const directory = LogDirectory.open({
    disk,
    clock,
    random: seededRandom(1),
    path: '/node-3',
    nodeId: 3,
    clusterId: null,
    configFor: () => logConfigFrom({ 'cleanup.policy': 'compact', 'internal.segment.bytes': '300' }),
    preallocateIndexes: false,
  });
  const log = directory.createLog('t', toPartitionId(0), topicId);
  for (let index = 0; index < 40; index++) append(log, [record(`value ${index}`, startMs, `key ${index % 4}`)]);
  const before = log.sizeBytes;
  let nowMs = startMs;
  for (let call = 0; nowMs === startMs; call++) {
    nowMs = directory.maintain(nowMs);
    expect(call).toBeLessThan(100);
  }
  expect(log.sizeBytes).toBeLessThan(before / 2);
  expect(contents(log).slice(-4)).toEqual(['36:value 36', '37:value 37', '38:value 38', '39:value 39']);
  const cleanedTo = log.segments.at(-1)?.baseOffset;
  expect(text(disk, 'cleaner-offset-checkpoint')).toBe(`0\n1\nt 0 ${cleanedTo}\n`);
});

test('a topic id that a power loss took is written anew once the metadata says whose log it is', () => {
  const world = new SimulatedWorld({ seed: 10 });
  format(world.runtimeFor(3).disk);
  append(open(world.runtimeFor(3).disk).createLog('t', toPartitionId(0), topicId), ['a']);
  const path = '/node-3/t-0/partition.metadata';
  const file = world.runtimeFor(3).disk.open(path, 'write');
  file.truncate(20);
  file.close();
  world.kill(3);
  const directory = open(world.runtimeFor(3).disk);
  expect(directory.getLog('t', toPartitionId(0))?.topicId).toBeNull();
  expect(directory.createLog('t', toPartitionId(0), topicId).topicId).toBe(topicId);
  expect(Buffer.from(world.runtimeFor(3).disk.readFile(path)).toString()).toContain(topicId);
});

test('a power loss after a clean stop and a start does not bring the note of the clean stop back', () => {
  const world = new SimulatedWorld({ seed: 12 });
  format(world.runtimeFor(3).disk);
  const first = open(world.runtimeFor(3).disk);
  append(first.createLog('t', toPartitionId(0), topicId), ['a']);
  first.close(7);
  append(open(world.runtimeFor(3).disk).createLog('t', toPartitionId(0), topicId), ['b']);
  world.crash(3);
  expect(open(world.runtimeFor(3).disk)).toMatchObject({ hadCleanShutdown: false, previousBrokerEpoch: null });
});

test('what a clean stop left unsynced of an empty log the next flush makes safe', () => {
  const world = new SimulatedWorld({ seed: 14 });
  format(world.runtimeFor(3).disk);
  const first = open(world.runtimeFor(3).disk);
  first.createLog('t', toPartitionId(0), topicId);
  first.close(7);
  const second = open(world.runtimeFor(3).disk);
  const log = second.createLog('t', toPartitionId(0), topicId);
  append(log, ['a']);
  log.flush();
  second.checkpointRecoveryPoints();
  world.crash(3);
  expect(open(world.runtimeFor(3).disk).getLog('t', toPartitionId(0))?.topicId).toBe(topicId);
});

test('a recovery point that the start of the log raises says that the topic id is safe, too', () => {
  const world = new SimulatedWorld({ seed: 13 });
  format(world.runtimeFor(3).disk);
  const first = open(world.runtimeFor(3).disk);
  first.createLog('t', toPartitionId(0), topicId).truncateFullyAndStartAt(50);
  const deleted = first.createLog('t', toPartitionId(1), topicId);
  append(deleted, ['a', 'b']);
  deleted.incrementLogStartOffset(1);
  first.checkpointRecoveryPoints();
  world.crash(3);
  const directory = open(world.runtimeFor(3).disk);
  expect([0, 1].map((index) => directory.getLog('t', toPartitionId(index))?.topicId)).toEqual([topicId, topicId]);
});

test('an empty log whose topic id a power loss took after a clean stop is no reason to refuse the directory', () => {
  const world = new SimulatedWorld({ seed: 11 });
  format(world.runtimeFor(3).disk);
  const first = open(world.runtimeFor(3).disk);
  first.createLog('t', toPartitionId(0), topicId);
  append(first.createLog('t', toPartitionId(1), topicId), ['a']);
  first.close(7);
  // Unsynced bytes of a file whose name was: what the device then holds is anything.
  const file = world.runtimeFor(3).disk.open('/node-3/t-0/partition.metadata', 'write');
  file.truncate(20);
  file.close();
  world.kill(3);
  const directory = open(world.runtimeFor(3).disk);
  expect(directory.hadCleanShutdown).toBe(true);
  expect(directory.getLog('t', toPartitionId(0))?.topicId).toBeNull();
  expect(directory.getLog('t', toPartitionId(1))?.topicId).toBe(topicId);
  expect(directory.createLog('t', toPartitionId(0), topicId).topicId).toBe(topicId);
});

test('settling makes many logs safe at once, and the clean stop finds nothing left to sync', async () => {
  const world = new SimulatedWorld({ seed: 9 });
  const { disk } = world.runtimeFor(3);
  format(disk);
  const directory = open(disk);
  const logs = [0, 1, 2].map((index) => directory.createLog('t', toPartitionId(index), topicId));
  for (const log of logs) append(log, ['a', 'b']);
  let isSettled = false;
  const settled = directory.settle().then(() => {
    isSettled = true;
  });
  await world.runUntil(() => isSettled);
  await settled;
  expect(logs.map((log) => log.recoveryPoint)).toEqual([2, 2, 2]);
});
