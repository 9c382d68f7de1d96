// Transactions on whole nodes in a simulated world, under trouble from a seed: what a consumer of committed records
// finds is exact and whole, whoever dies in the middle.

import { describe, expect, it } from 'vitest';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { SimulatedCluster } from './simulated-cluster.test-kit.ts';

const inputCount = 40;
const outputPartitions = 3;
const everything = Array.from({ length: inputCount }, (_, index) => index);

async function clusterWithTopics(seed: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(seed);
  await cluster.startAll();
  const topic = { replicationFactor: 3, assignments: [], configs: [] };
  const topics = [
    { ...topic, name: 'input', numPartitions: 1 },
    { ...topic, name: 'output', numPartitions: outputPartitions },
  ];
  await cluster.ask(1, createTopicsApi, { topics, timeoutMs: 5000 });
  for (const id of cluster.ids) await cluster.until(id, 'output', (all) => all.length === outputPartitions);
  return cluster;
}

function copier(cluster: SimulatedCluster, version: 1 | 2) {
  const options = { input: 'input', inputCount, output: 'output', outputPartitions, version };
  return cluster.copier({ ...options, transactionalId: 'copier' });
}

describe.each([1, 2] as const)('transaction version %i', (version) => {
  it('in peace nothing is refused, and aborted copies are not seen', async () => {
    const cluster = await clusterWithTopics(1);
    const program = copier(cluster, version);
    await cluster.world.settle(program.run(), 120_000);
    expect(program.restarts).toEqual([]);
    expect(program.aborts).toBeGreaterThan(0);
    for (let partition = 0; partition < outputPartitions; partition++) {
      expect(await cluster.world.settle(program.readCommitted(partition), 10_000)).toEqual(everything);
    }
  });
});
