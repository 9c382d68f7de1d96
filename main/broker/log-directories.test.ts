// Brokers with two log directories each, in a simulated world: where replicas go, how they move, what a directory that
// fails takes with it.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { alterReplicaLogDirsApi } from '../protocol/messages/alter-replica-log-dirs.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { describeLogDirsApi } from '../protocol/messages/describe-log-dirs.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { SimulatedCluster } from './simulated-cluster.test-kit.ts';

const [first, second] = ['/data', '/data-b'];
const topic = 'orders';

async function start(
  seed: number,
  brokers: number,
  partitions: number,
  replicationFactor: number,
  properties: Readonly<Record<string, string>> = {},
) {
  const cluster = new SimulatedCluster(seed, brokers, { 'log.dirs': `${first},${second}`, ...properties });
  await cluster.startAll();
  await create(cluster, topic, partitions, replicationFactor);
  return cluster;
}

async function create(cluster: SimulatedCluster, name: string, numPartitions: number, replicationFactor: number) {
  const topics = [{ name, numPartitions, replicationFactor, assignments: [], configs: [] }];
  const created = await cluster.ask(1, createTopicsApi, { topics, timeoutMs: 5000 });
  expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  for (const id of cluster.ids) {
    await cluster.until(
      id,
      name,
      (each) => each.length === numPartitions && each.every(({ leaderId }) => leaderId > 0),
    );
  }
  await cluster.world.runFor(500);
}

type Place = { readonly partition: number; readonly isFuture: boolean; readonly lag: number };

/** What each directory of a broker holds of the topic; null: offline. */
async function placesOn(cluster: SimulatedCluster, id: number): Promise<Record<string, readonly Place[] | null>> {
  const { results } = await cluster.ask(id, describeLogDirsApi, { topics: null });
  return Object.fromEntries(
    results.map(({ logDir, errorCode, topics }) => [
      logDir,
      errorCode === ErrorCode.KAFKA_STORAGE_ERROR
        ? null
        : topics
            .filter(({ name }) => name === topic)
            .flatMap(({ partitions }) => partitions)
            .map(({ partitionIndex, isFutureKey, offsetLag }) => ({
              partition: partitionIndex,
              isFuture: isFutureKey,
              lag: offsetLag,
            })),
    ]),
  );
}

const indexesIn = (places: readonly Place[] | null | undefined): number[] =>
  (places ?? []).map(({ partition }) => partition).sort((one, other) => one - other);

async function alter(cluster: SimulatedCluster, id: number, path: string, partitions: readonly number[], name = topic) {
  const dirs = [{ path, topics: [{ name, partitions }] }];
  const { results } = await cluster.ask(id, alterReplicaLogDirsApi, { dirs });
  return results.flatMap((each) => each.partitions.map(({ errorCode }) => errorCode));
}

/** Until no replica of the broker is on its way. */
async function untilMoved(cluster: SimulatedCluster, id: number): Promise<Record<string, readonly Place[] | null>> {
  for (let tries = 0; tries < 200; tries++) {
    const places = await placesOn(cluster, id);
    if (!Object.values(places).some((each) => each?.some(({ isFuture }) => isFuture) === true)) return places;
    await cluster.world.runFor(50);
  }
  throw new Error(`seed ${cluster.world.seed}: replicas of broker ${id} are still on their way`);
}

async function readAll(cluster: SimulatedCluster, writer: ReturnType<SimulatedCluster['writer']>): Promise<number[][]> {
  const values: number[][] = [];
  for (const partition of writer.acknowledged.keys()) {
    values.push(await cluster.world.settle(writer.readAll(partition), 30_000));
  }
  return values;
}

describe('new replicas', () => {
  it('go to the directory that holds the fewest', async () => {
    const cluster = await start(1, 3, 6, 3);
    for (const id of cluster.ids) {
      const places = await placesOn(cluster, id);
      expect([places[first]?.length, places[second]?.length]).toEqual([3, 3]);
    }
    // Nothing has to be moved or made anew after a restart.
    await cluster.stop(2);
    await cluster.start(2);
    const places = await placesOn(cluster, 2);
    expect([...indexesIn(places[first]), ...indexesIn(places[second])].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    await cluster.until(1, topic, (each) => each.every(({ isrNodes }) => isrNodes.length === 3));
  });

  it('go where AlterReplicaLogDirs has said before they came', async () => {
    const cluster = await start(2, 1, 1, 1);
    expect(await alter(cluster, 1, second, [0, 1, 2], 'later')).toEqual([
      ErrorCode.REPLICA_NOT_AVAILABLE,
      ErrorCode.REPLICA_NOT_AVAILABLE,
      ErrorCode.REPLICA_NOT_AVAILABLE,
    ]);
    await create(cluster, 'later', 3, 1);
    const { results } = await cluster.send(1, describeLogDirsApi, {
      topics: [{ topic: 'later', partitions: [0, 1, 2] }],
    });
    expect(results.map(({ topics }) => topics.flatMap(({ partitions }) => partitions).length)).toEqual([0, 3]);
  });
});

describe('a replica that moves between directories', () => {
  it.each([1, 2, 3])('seed %i: is written to and followed all the while, and nothing is lost', async (seed) => {
    const cluster = await start(seed, 3, 4, 3);
    const writer = cluster.writer(topic, 4);
    writer.start();
    await cluster.world.runFor(1000);
    for (const id of cluster.ids) {
      expect(await alter(cluster, id, second, [0, 1, 2, 3])).toEqual([0, 0, 0, 0]);
    }
    for (const id of cluster.ids) {
      const places = await untilMoved(cluster, id);
      expect([indexesIn(places[first]), indexesIn(places[second])]).toEqual([[], [0, 1, 2, 3]]);
    }
    await cluster.world.runFor(1000);
    await cluster.world.settle(writer.stop(), 30_000);
    expect(writer.count).toBeGreaterThan(50);
    const read = await readAll(cluster, writer);
    for (const [partition, values] of writer.acknowledged.entries()) {
      expect(read[partition]).toEqual(expect.arrayContaining(values));
    }
    // The old files are on their way out, and a restart finds the replicas in their new place.
    for (const id of cluster.ids) {
      await cluster.stop(id);
      await cluster.start(id);
      const places = await placesOn(cluster, id);
      expect([indexesIn(places[first]), indexesIn(places[second])]).toEqual([[], [0, 1, 2, 3]]);
    }
    expect(await readAll(cluster, writer)).toEqual(read);
  });

  it.each(Array.from({ length: 15 }, (_, index) => index + 1))(
    'seed %i: goes on after its broker died at any moment, without losing what the only replica held',
    async (seed) => {
      const losesPower = seed % 3 === 0;
      // A replica that is alone keeps over a power loss what was synced: here all.
      const cluster = await start(seed, 1, 2, 1, losesPower ? { 'log.flush.interval.messages': '1' } : {});
      const writer = cluster.writer(topic, 2);
      writer.start();
      await cluster.world.runFor(2000);
      await cluster.world.settle(writer.stop(), 30_000);
      const [from, to] = seed % 2 === 0 ? [first, second] : [second, first];
      expect(await alter(cluster, 1, to, [0, 1])).toEqual([0, 0]);
      await cluster.world.runFor(cluster.world.random.next() * 20);
      if (losesPower) cluster.world.crash(1, { torn: seed % 2 === 0 });
      else cluster.world.kill(1);
      await cluster.start(1);
      const places = await untilMoved(cluster, 1);
      expect(indexesIn([...(places[from] ?? []), ...(places[to] ?? [])])).toEqual([0, 1]);
      const read = await readAll(cluster, writer);
      for (const [partition, values] of writer.acknowledged.entries()) {
        expect(read[partition]).toEqual(expect.arrayContaining(values));
      }
    },
  );

  it('may be sent elsewhere, or back, on the way', async () => {
    const cluster = await start(4, 1, 1, 1);
    const [home = first, away = second] =
      (await placesOn(cluster, 1))[first]?.length === 1 ? [first, second] : [second, first];
    expect(await alter(cluster, 1, away, [0])).toEqual([0]);
    expect(await alter(cluster, 1, home, [0])).toEqual([0]);
    const places = await untilMoved(cluster, 1);
    expect(indexesIn(places[home]).length + indexesIn(places[away]).length).toBe(1);
  });

  it('is refused for a path that is no log directory', async () => {
    const cluster = await start(5, 1, 1, 1);
    expect(await alter(cluster, 1, '/elsewhere', [0])).toEqual([ErrorCode.LOG_DIR_NOT_FOUND]);
  });
});

describe('moves and cordons that are asked for at run time', () => {
  async function set(cluster: SimulatedCluster, name: string, value: string): Promise<void> {
    const configs = [{ name, configOperation: 0, value }];
    const resources = [{ resourceType: 4, resourceName: '1', configs }];
    const { responses } = await cluster.send(1, incrementalAlterConfigsApi, { resources, validateOnly: false });
    expect(responses[0]?.errorCode).toBe(ErrorCode.NONE);
    await cluster.world.runFor(200);
  }

  it('a move takes as long as replica.alter.log.dirs.io.max.bytes.per.second makes it', async () => {
    const cluster = await start(8, 1, 2, 1);
    const writer = cluster.writer(topic, 2);
    writer.start();
    await cluster.world.runFor(3000);
    await cluster.world.settle(writer.stop(), 30_000);
    await set(cluster, 'replica.alter.log.dirs.io.max.bytes.per.second', '100');
    expect(await alter(cluster, 1, second, [0, 1])).toEqual([0, 0]);
    await cluster.world.runFor(5000);
    const places = Object.values(await placesOn(cluster, 1)).flatMap((each) => each ?? []);
    expect(places.some(({ isFuture }) => isFuture)).toBe(true);
    await set(cluster, 'replica.alter.log.dirs.io.max.bytes.per.second', '100000000');
    expect(indexesIn((await untilMoved(cluster, 1))[second])).toEqual([0, 1]);
  });

  it('a cordoned directory gets no new replicas, and keeps those that it has', async () => {
    const cluster = await start(9, 1, 4, 1);
    await set(cluster, 'cordoned.log.dirs', first);
    await create(cluster, 'later', 4, 1);
    const { results } = await cluster.send(1, describeLogDirsApi, { topics: null });
    const counts = results.map(({ isCordoned, topics }) => [
      isCordoned,
      topics.find(({ name }) => name === topic)?.partitions.length ?? 0,
      topics.find(({ name }) => name === 'later')?.partitions.length ?? 0,
    ]);
    expect(counts).toEqual([
      [true, 2, 0],
      [false, 2, 4],
    ]);
    expect(await alter(cluster, 1, first, [0, 1, 2, 3])).toEqual(
      Array.from({ length: 4 }, () => ErrorCode.INVALID_REPLICA_ASSIGNMENT),
    );
    // With all of them cordoned the controller has no place for a topic.
    await set(cluster, 'cordoned.log.dirs', '*');
    await cluster.world.runFor(1000);
    const topics = [{ name: 'none', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    const refused = await cluster.send(1, createTopicsApi, { topics, timeoutMs: 5000 });
    expect(refused.topics[0]?.errorCode).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
    await set(cluster, 'cordoned.log.dirs', '');
    await cluster.world.runFor(1000);
    const allowed = await cluster.send(1, createTopicsApi, { topics, timeoutMs: 5000 });
    expect(allowed.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  });
});

describe('a directory that fails', () => {
  it.each([1, 2, 3])(
    'seed %i: takes its replicas offline and no others, and comes back with the next start',
    async (seed) => {
      const cluster = await start(seed, 3, 6, 3);
      const [victim = 1] = cluster.ids.filter((id) => id !== cluster.controllerId);
      const [witness = 1] = cluster.ids.filter((id) => id !== victim);
      const writer = cluster.writer(topic, 6);
      writer.start();
      await cluster.world.runFor(500);
      const before = await placesOn(cluster, victim);
      const lost = indexesIn(before[second]);
      const kept = indexesIn(before[first]);
      expect(lost.length).toBe(3);
      const disk = cluster.world.disk(victim);
      disk.faultUnder = second;
      disk.fault = 'io';
      await cluster.until(witness, topic, (partitions) =>
        partitions.every(({ partitionIndex, leaderId, isrNodes, offlineReplicas }) =>
          lost.includes(partitionIndex)
            ? leaderId !== victim && !isrNodes.includes(victim) && offlineReplicas.includes(victim)
            : isrNodes.includes(victim) && !offlineReplicas.includes(victim),
        ),
      );
      const places = await placesOn(cluster, victim);
      expect(places[second]).toBeNull();
      expect(indexesIn(places[first])).toEqual(kept);
      expect(await alter(cluster, victim, second, [0])).toEqual([ErrorCode.KAFKA_STORAGE_ERROR]);
      const [readable = 0] = kept;
      expect(await alter(cluster, victim, first, [lost[0] ?? 0])).toEqual([ErrorCode.KAFKA_STORAGE_ERROR]);
      expect(await alter(cluster, victim, first, [readable])).toEqual([ErrorCode.NONE]);
      await cluster.world.runFor(1000);
      // The disk is mended, the broker starts anew.
      disk.fault = null;
      cluster.world.kill(victim);
      await cluster.start(victim);
      await cluster.until(witness, topic, (partitions) =>
        partitions.every(({ isrNodes, offlineReplicas }) => isrNodes.length === 3 && offlineReplicas.length === 0),
      );
      await cluster.world.settle(writer.stop(), 30_000);
      const read = await readAll(cluster, writer);
      for (const [partition, values] of writer.acknowledged.entries()) {
        expect(read[partition]).toEqual(expect.arrayContaining(values));
      }
    },
  );

  it('at the start is left out, and nothing is made anew in its place', async () => {
    const cluster = await start(6, 3, 6, 3);
    const victim = 3;
    const before = await placesOn(cluster, victim);
    await cluster.stop(victim);
    const disk = cluster.world.disk(victim);
    disk.faultUnder = second;
    disk.fault = 'io';
    await cluster.start(victim);
    const places = await placesOn(cluster, victim);
    expect(places[second]).toBeNull();
    expect(indexesIn(places[first])).toEqual(indexesIn(before[first]));
    const { partitions } = await cluster.until(1, topic, (each) =>
      each.every(
        ({ partitionIndex, isrNodes }) =>
          indexesIn(before[second]).includes(partitionIndex) || isrNodes.includes(victim),
      ),
    );
    for (const { partitionIndex, isrNodes } of partitions) {
      if (indexesIn(before[second]).includes(partitionIndex)) expect(isrNodes).not.toContain(victim);
    }
    // What is new goes to the directory that is left.
    await create(cluster, 'later', 3, 3);
    disk.fault = null;
    cluster.world.kill(victim);
    await cluster.start(victim);
    await cluster.until(1, topic, (each) => each.every(({ isrNodes }) => isrNodes.length === 3));
  });
});
