// Transactions on whole nodes in a simulated world, under trouble from a seed: what a consumer of committed records
// finds is exact and whole, whoever dies in the middle.

import { describe, expect, it } from 'vitest';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { SimulatedCluster } from './simulated-cluster.test-kit.ts';

const inputCount = 60;
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

const steps = ['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn'];

/** While a broker is asked to take a step it dies, now and then, and comes back later. */
function killWhoIsAsked(
  cluster: SimulatedCluster,
  program: ReturnType<typeof copier>,
  killsMax: number,
): () => string[] {
  const { world } = cluster;
  const killed: string[] = [];
  let isSomeoneDead = false;
  program.onRequest = (id, api) => {
    if (isSomeoneDead || killed.length >= killsMax || !steps.includes(api) || world.random.below(3) > 0) return;
    isSomeoneDead = true;
    killed.push(api);
    const { clock } = world.runtimeFor(99);
    const inMs = (delayMs: number, action: () => void): void => {
      clock.at(clock.monotonicMs() + delayMs, action);
    };
    // Before, during and after what the request sets off.
    inMs(world.random.below(12), () => world.kill(id));
    inMs(100 + world.random.below(1500), () => {
      void cluster.launch(id).then(() => (isSomeoneDead = false));
    });
  };
  return () => killed;
}

async function expectExactCopies(cluster: SimulatedCluster, program: ReturnType<typeof copier>): Promise<void> {
  for (let partition = 0; partition < outputPartitions; partition++) {
    const copies = await cluster.world.settle(program.readCommitted(partition), 30_000);
    expect(copies, `partition ${partition}; restarts: ${program.restarts.join(', ')}`).toEqual(everything);
  }
}

/** One thing goes wrong for a while and is mended. */
async function trouble(cluster: SimulatedCluster): Promise<void> {
  const { world } = cluster;
  const id = 1 + world.random.below(3);
  const forAWhile = (): Promise<void> => world.runFor(world.random.below(3000));
  switch (world.random.below(4)) {
    case 0:
      world.kill(id);
      await forAWhile();
      return cluster.start(id);
    case 1:
      world.pause(id);
      await forAWhile();
      return world.resume(id);
    case 2:
      world.isolate(id);
      await forAWhile();
      return world.healAll();
    default:
      await cluster.stop(id);
      await forAWhile();
      return cluster.start(id);
  }
}

describe.each([1, 2] as const)('transaction version %i', (version) => {
  it('in peace nothing is refused, and aborted copies are not seen', async () => {
    const cluster = await clusterWithTopics(1);
    const program = copier(cluster, version);
    await cluster.world.settle(program.run(), 120_000);
    expect(program.restarts).toEqual([]);
    expect(program.aborts).toBeGreaterThan(0);
    await expectExactCopies(cluster, program);
  });

  it.each([1, 2, 3])('seed %i: whoever is asked to take a step dies over it, and every copy is exact', async (seed) => {
    const cluster = await clusterWithTopics(seed);
    const program = copier(cluster, version);
    const killed = killWhoIsAsked(cluster, program, 12);
    await cluster.world.settle(program.run(), 300_000);
    expect(killed().length).toBeGreaterThan(3);
    expect(program.restarts, 'refusals that no retry helps against').toEqual([]);
    await cluster.world.runFor(5000);
    await expectExactCopies(cluster, program);
  });

  it.each([1, 2])('seed %i: nodes die, freeze and lose one another, and every copy is exact', async (seed) => {
    const cluster = await clusterWithTopics(seed);
    const { world } = cluster;
    const program = copier(cluster, version);
    let isDone = false;
    const running = program.run().then(() => void (isDone = true));
    for (let round = 0; !isDone && round < 12; round++) {
      await world.runFor(50 + world.random.below(400));
      await trouble(cluster);
    }
    await world.settle(running, 240_000);
    await expectExactCopies(cluster, program);
  });
});
