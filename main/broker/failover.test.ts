// Whole nodes in a simulated world: leaders and controllers that die, freeze, stop in order and come back.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { initProducerIdApi } from '../protocol/messages/init-producer-id.ts';
import { produceApi } from '../protocol/messages/produce.ts';
import { buildBatch } from '../records/batch-builder.ts';
import { SimulatedCluster } from './simulated-cluster.test-kit.ts';

async function clusterWithTopic(seed: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(seed);
  await cluster.startAll();
  const topics = [{ name: 'orders', numPartitions: 6, replicationFactor: 3, assignments: [], configs: [] }];
  const created = await cluster.send(1, createTopicsApi, { topics, timeoutMs: 5000 });
  expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  for (const id of cluster.ids) await cluster.until(id, 'orders', (partitions) => partitions.length === 6);
  // Long enough for every journal to be reported.
  await cluster.world.runFor(500);
  return cluster;
}

const others = (cluster: SimulatedCluster, id: number): number[] => cluster.ids.filter((each) => each !== id);

describe.each([1, 2, 3])('seed %i', (seed) => {
  it('a dead broker’s leaders move when its session ends, and it is in every ISR again after its return', async () => {
    const cluster = await clusterWithTopic(seed);
    const [victim = 1] = others(cluster, cluster.controllerId);
    const [witness = 1] = others(cluster, victim);
    cluster.world.kill(victim);
    const moved = await cluster.until(witness, 'orders', (partitions) =>
      partitions.every((each) => each.leaderId !== victim && each.leaderId >= 0),
    );
    expect(moved.tookMs).toBeLessThan(1500);
    await cluster.start(victim);
    const back = await cluster.until(witness, 'orders', (partitions) =>
      partitions.every((each) => each.isrNodes.length === 3),
    );
    expect(back.tookMs).toBeLessThan(5000);
  });

  it('a dead controller is replaced, and then its leaders are', async () => {
    const cluster = await clusterWithTopic(seed);
    const victim = cluster.controllerId;
    const [witness = 1] = others(cluster, victim);
    cluster.world.kill(victim);
    const moved = await cluster.until(witness, 'orders', (partitions) =>
      partitions.every((each) => each.leaderId !== victim && each.leaderId >= 0),
    );
    // An election, then a whole session: the new controller has not heard of the dead broker either.
    expect(moved.tookMs).toBeLessThan(4000);
    expect(cluster.controllerId).not.toBe(victim);
    const topics = [{ name: 'after', numPartitions: 1, replicationFactor: 2, assignments: [], configs: [] }];
    const created = await cluster.send(witness, createTopicsApi, { topics, timeoutMs: 5000 });
    expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  });

  it('a frozen controller is replaced, and finds itself in its place when it wakes', async () => {
    const cluster = await clusterWithTopic(seed);
    const victim = cluster.controllerId;
    const [witness = 1] = others(cluster, victim);
    cluster.world.pause(victim);
    await cluster.until(witness, 'orders', (partitions) =>
      partitions.every((each) => each.leaderId !== victim && each.leaderId >= 0),
    );
    cluster.world.resume(victim);
    await cluster.until(witness, 'orders', (partitions) => partitions.every((each) => each.isrNodes.length === 3));
    await cluster.until(victim, 'orders', (partitions) =>
      partitions.every((each) => each.isrNodes.length === 3 && each.errorCode === 0),
    );
  });

  it('a stop in order leaves no partition without a leader, and a restart is quick', async () => {
    const cluster = await clusterWithTopic(seed);
    const [stopped = 1] = others(cluster, cluster.controllerId);
    const [witness = 1] = others(cluster, stopped);
    await cluster.stop(stopped);
    const { partitions } = await cluster.metadata(witness, 'orders');
    expect(partitions.every((each) => each.leaderId !== stopped && each.leaderId >= 0)).toBe(true);
    const startMs = cluster.world.nowMs;
    await cluster.start(stopped);
    expect(cluster.world.nowMs - startMs).toBeLessThan(1000);
  });

  it('without a majority nothing is decided, a partition whose leader lives goes on, and all comes back', async () => {
    const cluster = await clusterWithTopic(seed);
    const [survivor = 1] = others(cluster, cluster.controllerId);
    const alone = { name: 'alone', numPartitions: -1, replicationFactor: -1, configs: [] };
    const assignments = [{ partitionIndex: 0, brokerIds: [survivor] }];
    const single = { ...alone, assignments, configs: [{ name: 'min.insync.replicas', value: '1' }] };
    await cluster.send(survivor, createTopicsApi, { topics: [single], timeoutMs: 5000 });
    await cluster.until(survivor, 'alone', (partitions) => partitions.length === 1);
    const gone = others(cluster, survivor);
    for (const id of gone) cluster.world.kill(id);
    // Longer than any session and any election.
    await cluster.world.runFor(4000);

    const { topicId } = await cluster.metadata(survivor, 'alone');
    const records = buildBatch({}, [{ key: null, value: Buffer.from('still here'), timestamp: 1 }]);
    const topicData = [{ topicId, partitionData: [{ index: 0, records }] }];
    const written = await cluster.send(survivor, produceApi, { acks: -1, timeoutMs: 1000, topicData });
    expect(written.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });

    const topics = [{ name: 'never', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    const refused = await cluster.send(survivor, createTopicsApi, { topics, timeoutMs: 1000 }).then(
      (answer) => answer.topics[0]?.errorCode,
      () => null,
    );
    expect(refused).not.toBe(ErrorCode.NONE);
    expect((await cluster.metadata(survivor, 'never')).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);

    await cluster.start(...gone);
    await cluster.until(survivor, 'orders', (partitions) => partitions.every((each) => each.isrNodes.length === 3));
  });

  it('producer ids from different brokers never meet', async () => {
    const cluster = await clusterWithTopic(seed);
    const ids = new Set<number>();
    for (let count = 0; count < 10; count++) {
      for (const id of cluster.ids) {
        const answer = await cluster.send(id, initProducerIdApi, { transactionalId: null, transactionTimeoutMs: 1000 });
        expect(answer.errorCode).toBe(ErrorCode.NONE);
        ids.add(answer.producerId);
      }
    }
    expect(ids.size).toBe(30);
  });
});
