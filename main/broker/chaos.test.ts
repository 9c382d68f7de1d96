// Whole nodes under trouble from a seed, while somebody writes with acks=all: in the end every replica is in sync, the
// controller serves, and nothing that was acknowledged is gone.

import { expect, it } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../protocol/messages/delete-topics.ts';
import { SimulatedCluster } from './simulated-cluster.test-kit.ts';

const rounds = 6;
const partitionCount = 4;

/** One thing goes wrong for a while and is mended. What is only killed keeps what was written. */
async function trouble(cluster: SimulatedCluster): Promise<string> {
  const { world } = cluster;
  const id = 1 + world.random.below(3);
  const other = (id % 3) + 1;
  const while_ = (): Promise<void> => world.runFor(world.random.below(4000));
  switch (world.random.below(6)) {
    case 0:
      world.kill(id);
      await while_();
      await cluster.start(id);
      return `${id} killed`;
    case 1:
      world.pause(id);
      await while_();
      world.resume(id);
      return `${id} frozen`;
    case 2:
      world.isolate(id);
      await while_();
      world.healAll();
      return `${id} cut off`;
    case 3:
      world.cut(id, other);
      await while_();
      world.healAll();
      return `${id} mute towards ${other}`;
    case 4:
      world.kill(id);
      world.kill(other);
      await while_();
      await cluster.start(id, other);
      return `${id} and ${other} killed`;
    default:
      await cluster.stop(id);
      await while_();
      await cluster.start(id);
      return `${id} stopped`;
  }
}

it.each([1, 2, 3])('seed %i', async (seed) => {
  const cluster = new SimulatedCluster(seed);
  const { world } = cluster;
  await cluster.startAll();
  const topic = { numPartitions: partitionCount, replicationFactor: 3, assignments: [], configs: [] };
  await cluster.ask(1, createTopicsApi, { topics: [{ ...topic, name: 'orders' }], timeoutMs: 5000 });
  const writer = cluster.writer('orders', partitionCount);
  writer.start();
  for (let round = 0; round < rounds; round++) {
    const before = writer.count;
    const what = await trouble(cluster);
    for (const id of cluster.ids) {
      const isWhole = (each: { isrNodes: readonly number[]; leaderId: number }) =>
        each.isrNodes.length === 3 && each.leaderId > 0;
      await cluster.until(id, 'orders', (all) => all.length === partitionCount && all.every(isWhole), 30_000);
    }
    await world.runUntil(() => writer.count > before + partitionCount, 30_000);
    const name = `round-${round}`;
    const anyone = 1 + world.random.below(3);
    const made = await cluster.ask(anyone, createTopicsApi, { topics: [{ ...topic, name }], timeoutMs: 5000 });
    expect(made.topics[0]?.errorCode, `${what}: topic created`).toBe(ErrorCode.NONE);
    const gone = await cluster.ask(anyone, deleteTopicsApi, { topics: [{ name }], topicNames: [], timeoutMs: 5000 });
    expect(gone.responses[0]?.errorCode, `${what}: topic deleted`).toBe(ErrorCode.NONE);
  }
  await world.settle(writer.stop());
  for (const [partition, acknowledged] of writer.acknowledged.entries()) {
    const stored = new Set(await world.settle(writer.readAll(partition)));
    expect(acknowledged.filter((value) => !stored.has(value))).toEqual([]);
  }
  expect(writer.count).toBeGreaterThan(100);
});
