// Share groups (KIP-932) on whole nodes in a simulated world, whoever dies meanwhile: every record is handled, and none
// that a member was told is accepted is ever given out again.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteGroupsApi } from '../protocol/messages/delete-groups.ts';
import { describeShareGroupOffsetsApi } from '../protocol/messages/describe-share-group-offsets.ts';
import { findCoordinatorApi } from '../protocol/messages/find-coordinator.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { SimulatedCluster } from './simulated-cluster.test-kit.ts';
import { ShareLedger } from './simulated-share-member.test-kit.ts';

const topic = 'jobs';
const partitionCount = 2;
const group = 'workers';
const groupResource = 32;
const setOperation = 0;

async function clusterWithJobs(seed: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(seed);
  await cluster.startAll();
  const topics = [{ name: topic, numPartitions: partitionCount, replicationFactor: 3, assignments: [], configs: [] }];
  await cluster.ask(1, createTopicsApi, { topics, timeoutMs: 5000 });
  for (const id of cluster.ids) await cluster.until(id, topic, (all) => all.length === partitionCount);
  const configs = [{ name: 'share.auto.offset.reset', configOperation: setOperation, value: 'earliest' }];
  const resources = [{ resourceType: groupResource, resourceName: group, configs }];
  await cluster.ask(1, incrementalAlterConfigsApi, { resources, validateOnly: false });
  return cluster;
}

async function until(cluster: SimulatedCluster, isDone: () => boolean, what: () => string, limitMs: number) {
  const endMs = cluster.world.nowMs + limitMs;
  while (!isDone()) {
    if (cluster.world.nowMs > endMs) throw new Error(`seed ${cluster.world.seed}: ${what()}`);
    await cluster.world.runFor(50);
  }
}

async function coordinatorOf(cluster: SimulatedCluster): Promise<number> {
  for (;;) {
    const answer = await cluster.ask(1, findCoordinatorApi, { keyType: 0, coordinatorKeys: [group] });
    const [found] = answer.coordinators;
    if (found?.errorCode === ErrorCode.NONE) return found.nodeId;
    await cluster.world.runFor(100);
  }
}

async function work(cluster: SimulatedCluster, trouble: (() => Promise<void>) | null) {
  const ledger = new ShareLedger();
  const writer = cluster.writer(topic, partitionCount);
  const members = [1, 2, 3].map(() => cluster.shareMember({ group, topic, ledger }));
  writer.start();
  for (const member of members) void member.run();
  await until(
    cluster,
    () => ledger.accepted.size > 20,
    () => `${ledger.accepted.size} accepted`,
    30_000,
  );
  await trouble?.();
  await cluster.world.runFor(2000);
  await cluster.world.settle(writer.stop(), 30_000);
  const written = writer.acknowledged.flatMap((values, partition) => values.map((value) => `${partition}:${value}`));
  const missing = (): string[] => written.filter((id) => !ledger.accepted.has(id) && !ledger.unknown.has(id));
  // A hold lasts 30 s: what a member that lost its session had is free by then.
  await until(
    cluster,
    () => missing().length === 0,
    () => `missing ${missing().slice(0, 5).join(' ')}`,
    90_000,
  );
  for (const member of members) member.stop();
  await cluster.world.runFor(1000);
  return { ledger, written };
}

it('members divide the records of a partition between them, and each is handled once', async () => {
  const cluster = await clusterWithJobs(1);
  const { ledger, written } = await work(cluster, null);
  expect(ledger.givenAgain).toEqual([]);
  expect(ledger.accepted.size).toBeGreaterThanOrEqual(written.length);
  expect(ledger.deliveries).toBeGreaterThan(written.length);
});

describe('while brokers die', () => {
  it.each([11, 12, 13, 14])('nothing is lost, nothing accepted is given again (seed %i)', async (seed) => {
    const cluster = await clusterWithJobs(seed);
    const { world } = cluster;
    const { ledger } = await work(cluster, async () => {
      for (const id of [1, 2, 3]) {
        world.kill(id);
        await world.runFor(1500 + world.random.below(2000));
        await world.settle(cluster.launch(id), 30_000);
        await world.runFor(1000 + world.random.below(2000));
      }
    });
    expect(ledger.givenAgain).toEqual([]);
  });
});

it('a group that is deleted leaves nothing behind, and begins anew', async () => {
  const cluster = await clusterWithJobs(2);
  await work(cluster, null);
  const describeOffsets = async () => {
    const coordinator = await coordinatorOf(cluster);
    const answer = await cluster.ask(coordinator, describeShareGroupOffsetsApi, {
      groups: [{ groupId: group, topics: null }],
    });
    return answer.groups[0];
  };
  const before = await describeOffsets();
  const [described] = before?.topics ?? [];
  expect(described?.topicName).toBe(topic);
  expect(described?.partitions.map(({ lag }) => lag)).toEqual([0, 0]);
  const coordinator = await coordinatorOf(cluster);
  // The members' connections to the group are silent: their sessions end.
  await cluster.world.runFor(60_000);
  const deleted = await cluster.ask(coordinator, deleteGroupsApi, { groupsNames: [group] });
  expect(deleted.results[0]?.errorCode).toBe(ErrorCode.NONE);
  expect((await describeOffsets())?.topics).toEqual([]);
});
