// Recovery of a log directory: files that a broker wrote are spoilt, then the directory is opened. It serves what was
// written, or refuses and names the file; it never dies of it and never serves other bytes under a good checksum.

import { toLeaderEpoch, toOffset, toPartitionId, toTopicId } from '../../main/core/ids.ts';
import { formatLogDirectory, LogDirectory } from '../../main/log/log-directory.ts';
import { logConfigFrom } from '../../main/log/log-config.ts';
import { LogDirectoryError, LogError } from '../../main/log/log-error.ts';
import type { PartitionLog } from '../../main/log/partition-log.ts';
import { buildBatch, type NewRecord } from '../../main/records/batch-builder.ts';
import { prepareCompression } from '../../main/records/compression/compression.ts';
import { buildEndTransactionMarker } from '../../main/records/control-records.ts';
import { RecordsError } from '../../main/records/errors.ts';
import { batchesIn } from '../../main/records/record-batch.ts';
import { DiskError, type Disk, type Random, type Runtime } from '../../main/runtime/runtime.ts';
import { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { Finding, isBug, oneOf, type FuzzTarget } from './fuzz-target.ts';
import { mutateOnce } from './mutate.ts';

const root = '/data';
const topics = ['plain', 'compacted', 'transactional'] as const;
const topicIds: Readonly<Record<string, string>> = {
  plain: 'GOTMrur6GjUcg58XWgCh-A',
  compacted: 'GOTMrur6GjUcg58XWgCh-B',
  transactional: 'GOTMrur6GjUcg58XWgCh-C',
};
/** Attributes and all behind them: what a batch's checksum covers. */
const protectedFrom = 21;

const common = {
  'segment.index.bytes': '4096',
  'index.interval.bytes': '100',
  'transaction.partition.verification.enable': 'false',
  'min.cleanable.dirty.ratio': '0.01',
};

function open(runtime: Runtime, segmentBytes: number): LogDirectory {
  return LogDirectory.open({
    disk: runtime.disk,
    clock: runtime.clock,
    random: runtime.random,
    path: root,
    nodeId: 1,
    clusterId: 'fuzzed-cluster',
    configFor: (topic) =>
      logConfigFrom({
        ...common,
        'internal.segment.bytes': String(segmentBytes),
        ...(topic === 'compacted' ? { 'cleanup.policy': 'compact' } : {}),
      }),
    tailCacheBytesMax: 0,
    preallocateIndexes: false,
    cleanerBackoffMs: 0,
  });
}

function row(random: Random, nowMs: number): NewRecord {
  return {
    key: Buffer.from(`k${random.below(6)}`),
    value: random.below(12) === 0 ? null : Buffer.from('v'.repeat(random.below(80)) + random.below(1e9)),
    timestamp: nowMs + random.below(1000),
  };
}

type Producer = { sequence: number; isOpen: boolean };

/** Fills a log as clients, an idempotent producer and a transactional one do. */
function fill(log: PartitionLog, random: Random, nowMs: number, batches: number): void {
  let epoch = 0;
  const producer: Producer = { sequence: 0, isOpen: false };
  for (let index = 0; index < batches; index++) {
    if (random.below(12) === 0) {
      epoch += 1 + random.below(2);
      log.assignEpoch(toLeaderEpoch(epoch), log.logEndOffset);
    }
    const rows = Array.from({ length: 1 + random.below(4) }, () => row(random, nowMs));
    const isProducer = log.topic !== 'compacted' && random.below(2) === 0;
    const isTransactional = log.topic === 'transactional' && isProducer;
    const compression = random.below(4) === 0 ? oneOf(random, ['gzip', 'snappy', 'lz4', 'zstd'] as const) : 'none';
    const owner = isProducer
      ? { producerId: isTransactional ? 8 : 7, producerEpoch: 0, baseSequence: producer.sequence, isTransactional }
      : {};
    const leader = { leaderEpoch: toLeaderEpoch(epoch), origin: 'client' as const };
    log.appendAsLeader(Buffer.from(buildBatch({ compression, ...owner }, rows)), leader);
    if (isProducer) producer.sequence += rows.length;
    producer.isOpen ||= isTransactional;
    if (producer.isOpen && random.below(3) === 0) {
      const marker = buildEndTransactionMarker({
        baseOffset: 0,
        partitionLeaderEpoch: 0,
        producerId: 8,
        producerEpoch: 0,
        // Else two markers have the same bytes.
        timestampMs: nowMs + index,
        type: random.below(2) === 0 ? 'ABORT' : 'COMMIT',
        coordinatorEpoch: 1,
      });
      log.appendAsLeader(Buffer.from(marker), { ...leader, origin: 'coordinator' });
      producer.isOpen = false;
    }
    log.updateHighWatermark(log.logEndOffset);
    if (random.below(30) === 0) log.flush();
  }
}

type Written = {
  /** By topic: each batch's protected bytes with its base offset. */
  readonly bodies: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly order: ReadonlyMap<string, readonly string[]>;
};

function bodyOf(bytes: Buffer): string {
  return bytes.subarray(protectedFrom).toString('latin1');
}

/** Every batch from `from` on, in order, by reads of `maxBytes`. */
function readAll(log: PartitionLog, maxBytes: number, visit: (bytes: Buffer, baseOffset: number) => void): void {
  let offset: number = log.logStartOffset;
  for (;;) {
    const { records } = log.read(offset, maxBytes, 'log-end', true);
    if (records.length === 0) return;
    const before = offset;
    for (const batch of records.flatMap((chunk) => [...batchesIn(chunk)])) {
      if (batch.lastOffset < offset) throw new Finding(`${log.name}: asked for ${offset}, got ${batch.lastOffset}`);
      offset = batch.nextOffset;
      visit(Buffer.from(batch.bytes), batch.baseOffset);
    }
    if (offset === before) throw new Finding(`${log.name}: a read at ${offset} brings nobody further`);
  }
}

function remember(directory: LogDirectory): Written {
  const bodies = new Map<string, ReadonlyMap<string, number>>();
  const order = new Map<string, readonly string[]>();
  for (const log of directory.logs.values()) {
    const found = new Map<string, number>();
    readAll(log, 1000, (bytes, baseOffset) => found.set(bodyOf(bytes), baseOffset));
    bodies.set(log.topic, found);
    order.set(log.topic, [...found.keys()]);
  }
  return { bodies, order };
}

export function filesUnder(disk: Disk, path: string): string[] {
  return disk.list(path).flatMap((name) => {
    const full = `${path}/${name}`;
    return disk.isDirectory(full) ? filesUnder(disk, full) : [full];
  });
}

export function replace(disk: Disk, path: string, bytes: Uint8Array): void {
  const file = disk.open(path, 'create');
  file.truncate(0);
  if (bytes.length > 0) file.write(bytes, 0);
  file.close();
}

export type Damage = { readonly path: string; readonly how: string };

/** One file spoilt, removed, or exchanged with another. */
export function damage(disk: Disk, path: string, random: Random): Damage {
  const files = filesUnder(disk, path);
  const target = oneOf(random, files);
  switch (random.below(12)) {
    case 0:
      disk.remove(target);
      return { path: target, how: 'removed' };
    case 1: {
      const other = oneOf(random, files);
      const [a, b] = [disk.readFile(target), disk.readFile(other)];
      replace(disk, target, b);
      replace(disk, other, a);
      return { path: target, how: `swapped with ${other}` };
    }
    default: {
      const { how, bytes } = mutateOnce(Buffer.from(disk.readFile(target)), random);
      replace(disk, target, bytes);
      return { path: target, how };
    }
  }
}

function isLogDamage({ path, how }: Damage): boolean {
  return path.endsWith('.log') || /swapped with .*\.log$/.test(how);
}

function isExpected(error: unknown): boolean {
  return error instanceof LogError || error instanceof RecordsError || error instanceof DiskError;
}

/** What the directory serves after it was opened on spoilt files. */
function examine(log: PartitionLog, written: Written, spoilt: Damage, random: Random): void {
  if (log.logStartOffset > log.logEndOffset || log.highWatermark > log.logEndOffset) {
    throw new Finding(`${log.name}: ${log.logStartOffset} ≤ ${log.highWatermark} ≤ ${log.logEndOffset} does not hold`);
  }
  const known = written.bodies.get(log.topic);
  const served = new Set<string>();
  let position = -1;
  try {
    readAll(log, oneOf(random, [0, 100, 400, 3000]), (bytes, baseOffset) => {
      const [batch] = [...batchesIn(bytes)];
      if (batch === undefined || !batch.isValid) return;
      const body = bodyOf(bytes);
      const at = known?.get(body);
      // Two logs that changed places hold good batches, each in the other's.
      if (at === undefined && spoilt.how.startsWith('swapped')) return;
      if (at === undefined) throw new Finding(`${log.name}: serves a batch at ${baseOffset} that was never written`);
      if (at !== baseOffset && !isLogDamage(spoilt)) {
        throw new Finding(`${log.name}: serves the batch of ${at} at ${baseOffset}`);
      }
      if (baseOffset <= position) throw new Finding(`${log.name}: ${baseOffset} follows ${position}`);
      position = baseOffset;
      served.add(body);
    });
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (!isLogDamage(spoilt)) throw error;
  }
  const isWhole = !isLogDamage(spoilt) && !/checkpoint/.test(`${spoilt.path}${spoilt.how}`);
  const lost = (written.order.get(log.topic) ?? []).filter(
    (body) => !served.has(body) && (known?.get(body) ?? 0) >= log.logStartOffset,
  );
  if (isWhole && lost.length > 0) throw new Finding(`${log.name}: ${lost.length} batches are not served any more`);
}

/** A broker goes on with it: looks up, cuts, appends. */
function use(log: PartitionLog, random: Random, nowMs: number): void {
  const guarded = (action: () => unknown): void => {
    try {
      action();
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
  };
  for (const query of ['earliest', 'latest', 'max-timestamp', nowMs + random.below(1000), 0] as const) {
    guarded(() => log.offsetForTimestamp(query));
  }
  guarded(() => log.abortedTransactions(log.logStartOffset, log.logEndOffset));
  guarded(() => log.endOffsetForEpoch(random.below(5)));
  guarded(() => log.activeProducers());
  if (random.below(2) === 0) {
    const span = log.logEndOffset - log.logStartOffset + 1;
    guarded(() => log.truncateTo(log.logStartOffset + random.below(span)));
  }
  const end = log.logEndOffset;
  guarded(() => {
    const epoch = Math.max(9, log.latestEpoch ?? 0);
    const { firstOffset } = log.appendAsLeader(Buffer.from(buildBatch({}, [row(random, nowMs)])), {
      leaderEpoch: toLeaderEpoch(epoch),
      origin: 'client',
    });
    if (firstOffset !== end) throw new Finding(`${log.name}: the end was ${end}, the append landed at ${firstOffset}`);
    log.updateHighWatermark(log.logEndOffset);
    const { records } = log.read(firstOffset, 1000, 'log-end', true);
    const [batch] = records.flatMap((chunk) => [...batchesIn(chunk)]);
    if (batch?.baseOffset !== firstOffset) {
      throw new Finding(`${log.name}: what was appended at ${firstOffset} reads as ${batch?.baseOffset ?? 'nothing'}`);
    }
  });
}

function refusal(error: unknown): void {
  if (error instanceof LogDirectoryError && !isBug(error.cause) && error.message.includes(root)) return;
  if (error instanceof LogDirectoryError && error.cause === undefined && error.message.includes(root)) return;
  throw error;
}

/** Makes a directory, spoils it and opens it, twice. */
function runOnce(random: Random): number {
  const world = new SimulatedWorld({ seed: random.below(1e9) });
  const runtime = world.runtimeFor(1);
  const nowMs = runtime.clock.wallMs();
  const segmentBytes = oneOf(random, [600, 1500, 6000]);
  formatLogDirectory({
    disk: runtime.disk,
    path: root,
    clusterId: 'fuzzed-cluster',
    nodeId: 1,
    directoryId: 'GOTMrur6GjUcg58XWgCh-D',
  });
  const first = open(runtime, segmentBytes);
  for (const topic of topics) {
    fill(
      first.createLog(topic, toPartitionId(0), toTopicId(topicIds[topic] ?? '')),
      random,
      nowMs,
      10 + random.below(40),
    );
  }
  for (let step = 0; step < 20; step++) first.maintain(nowMs + 60_000 * step);
  const written = remember(first);
  if (random.below(3) === 0) first.getLog('plain', toPartitionId(0))?.incrementLogStartOffset(toOffset(2));
  first.checkpointHighWatermarks();
  first.checkpointRecoveryPoints();
  first.checkpointLogStartOffsets();
  if (random.below(2) === 0) first.close(5);
  else first.abandon();
  const spoilt = damage(runtime.disk, root, random);
  try {
    openAndExamine(runtime, segmentBytes, written, spoilt, random);
  } catch (error) {
    if (error instanceof Error) error.message += ` [${spoilt.path} ${spoilt.how}]`;
    throw error;
  }
  return 1;
}

function openAndExamine(
  runtime: Runtime,
  segmentBytes: number,
  written: Written,
  spoilt: Damage,
  random: Random,
): void {
  let directory: LogDirectory;
  try {
    directory = open(runtime, segmentBytes);
  } catch (error) {
    return refusal(error);
  }
  const nowMs = runtime.clock.wallMs();
  // The metadata names the topic's id, which a torn partition.metadata takes back.
  for (const topic of topics) directory.createLog(topic, toPartitionId(0), toTopicId(topicIds[topic] ?? ''));
  for (const log of directory.logs.values()) {
    if (log.topic in topicIds) examine(log, written, spoilt, random);
  }
  for (const log of directory.logs.values()) use(log, random, nowMs);
  const ends = new Map([...directory.logs.values()].map((log) => [log.name, log.logEndOffset]));
  directory.close(6);
  const again = open(runtime, segmentBytes);
  for (const log of again.logs.values()) {
    const end = ends.get(log.name);
    // Bytes spoilt in the midst of a segment come to light when the index entry behind them is gone.
    if (end !== log.logEndOffset && !isLogDamage(spoilt))
      throw new Finding(`${log.name}: closed at ${end}, opened at ${log.logEndOffset}`);
  }
  again.abandon();
}

export const logRecovery: FuzzTarget = {
  name: 'recovery:log-directory',
  run: async (random) => {
    await prepareCompression('zstd');
    return runOnce(random);
  },
};
