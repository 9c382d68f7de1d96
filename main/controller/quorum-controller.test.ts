// The controller over a real metadata log in a simulated world.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import { ControllerWorld } from './controller.test-kit.ts';
import { createTopics, deleteTopics } from './topic-control.ts';
import type { CreateTopicsRequest } from '../protocol/messages/create-topics.ts';
import { alterPartition } from './isr-control.ts';
import { electLeaders } from './leadership-control.ts';
import { ApiError } from './decision.ts';

function topicRequest(
  name: string,
  numPartitions: number,
  replicationFactor: number,
  configs: Readonly<Record<string, string>> = {},
): CreateTopicsRequest {
  const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  return {
    topics: [{ name, numPartitions, replicationFactor, assignments: [], configs: entries }],
    timeoutMs: 1000,
    validateOnly: false,
  };
}

async function threeBrokers(seed = 1, properties: Readonly<Record<string, string>> = {}) {
  const cluster = new ControllerWorld(seed, properties);
  await cluster.start();
  const epochs = [];
  for (const id of [1, 2, 3]) epochs.push(await cluster.startBroker(id));
  const create = (request: CreateTopicsRequest) =>
    cluster.settle(cluster.controller.perform('CreateTopics', (view) => createTopics(view, request)));
  const partition = (topic: string, index: number) => {
    const found = cluster.loader.image.topics.byName.get(topic)?.partitions.get(index);
    if (found === undefined) throw new Error(`no partition ${topic}-${index}`);
    return found;
  };
  return { cluster, epochs, create, partition };
}

describe('a new cluster', () => {
  it('begins with the features of 4.3 and its min.insync.replicas', async () => {
    const cluster = new ControllerWorld(1);
    await cluster.start();
    const { features, configs } = cluster.loader.image;
    expect(features.metadataVersion).toBe(30);
    expect(Object.fromEntries(features.finalized)).toEqual({
      'eligible.leader.replicas.version': 1,
      'group.version': 1,
      'share.version': 1,
      'streams.version': 1,
      'transaction.version': 2,
    });
    expect(configs.get('4:')?.values.get('min.insync.replicas')).toBe('2');
  });

  it('gives a broker the offset of its registration as epoch', async () => {
    const { cluster, epochs } = await threeBrokers();
    expect(new Set(epochs).size).toBe(3);
    for (const [index, epoch] of epochs.entries()) {
      expect(cluster.loader.image.cluster.brokers.get(index + 1)?.epoch).toBe(epoch);
    }
  });
});

describe('a broker that falls silent', () => {
  it('is fenced when its session ends, and its leaders move in the same batch', async () => {
    const { cluster, create, partition } = await threeBrokers(2, { 'broker.session.timeout.ms': '5000' });
    await create(topicRequest('orders', 6, 3));
    const ledByTwo = [...(cluster.loader.image.topics.byName.get('orders')?.partitions ?? [])].filter(
      ([, each]) => each.leader === 2,
    );
    expect(ledByTwo.length).toBeGreaterThan(0);
    cluster.silence(2);
    const startMs = cluster.world.nowMs;
    await cluster.world.runUntil(() => cluster.loader.image.cluster.brokers.get(2)?.isFenced === true, 20_000);
    expect(cluster.world.nowMs - startMs).toBeLessThanOrEqual(5001);
    for (const [index, before] of ledByTwo) {
      const now = partition('orders', index);
      expect(now.leader).not.toBe(2);
      expect(now.leaderEpoch).toBe(before.leaderEpoch + 1);
      expect(now.inSyncReplicas).not.toContain(2);
    }
    const fencing = cluster.events.find(({ entry }) => entry.kind === 'broker.fenced');
    const elections = cluster.events.filter(({ entry }) => entry.kind === 'partition.leaderElected');
    expect(elections).toHaveLength(ledByTwo.length);
    expect(elections.every(({ cause }) => cause === fencing?.id)).toBe(true);
  });

  it('comes back as a new incarnation and leads again once it is in sync and preferred', async () => {
    const { cluster, create, partition } = await threeBrokers(3);
    await create(topicRequest('orders', 3, 3));
    cluster.silence(2);
    await cluster.world.runUntil(() => cluster.loader.image.cluster.brokers.get(2)?.isFenced === true, 20_000);
    await cluster.startBroker(2);
    const index = [0, 1, 2].find((each) => partition('orders', each).replicas[0] === 2) ?? 0;
    const now = partition('orders', index);
    const epochOf = (id: number): number => cluster.loader.image.cluster.brokers.get(id)?.epoch ?? -1;
    const request = {
      brokerId: now.leader,
      brokerEpoch: epochOf(now.leader),
      topics: [
        {
          topicId: cluster.loader.image.topics.byName.get('orders')?.id ?? '',
          partitions: [
            {
              partitionIndex: index,
              leaderEpoch: now.leaderEpoch,
              newIsr: [],
              newIsrWithEpochs: [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) })),
              leaderRecoveryState: 0,
              partitionEpoch: now.partitionEpoch,
            },
          ],
        },
      ],
    };
    const answer = await cluster.settle(
      cluster.controller.perform('AlterPartition', (view) => alterPartition(view, request, 3)),
    );
    expect(answer.topics[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      isr: [1, 2, 3],
      partitionEpoch: now.partitionEpoch + 1,
    });
    const stale = await cluster.settle(
      cluster.controller.perform('AlterPartition', (view) => alterPartition(view, request, 3)),
    );
    expect(stale.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    const elect = { electionType: 0, topicPartitions: null, timeoutMs: 1000 };
    await cluster.settle(cluster.controller.perform('ElectLeaders', (view) => electLeaders(view, elect)));
    expect(partition('orders', index).leader).toBe(2);
  });

  it('is not fenced because the controller itself stood still', async () => {
    const { cluster } = await threeBrokers(4, { 'broker.session.timeout.ms': '5000' });
    // Every timer set from now on comes a minute late, and so does every heartbeat, as after SIGSTOP and SIGCONT.
    cluster.timerLagMs = 60_000;
    await cluster.world.runFor(5000);
    for (const id of [1, 2, 3]) cluster.silence(id);
    await cluster.world.runFor(58_000);
    const fenced = (): unknown[] => cluster.events.filter(({ entry }) => entry.kind === 'broker.fenced');
    expect(fenced()).toEqual([]);
    cluster.timerLagMs = 0;
    await cluster.world.runFor(70_000);
    expect(fenced()).toHaveLength(3);
  });
});

describe('a controlled shutdown', () => {
  it('moves all leaders away before the broker may stop, and a restart need not wait', async () => {
    const { cluster, create, partition } = await threeBrokers(5);
    await create(topicRequest('orders', 6, 3));
    const epoch = cluster.loader.image.cluster.brokers.get(3)?.epoch ?? -1;
    cluster.silence(3);
    let reply = await cluster.heartbeat(3, epoch, { wantShutDown: true });
    cluster.silence(3);
    for (let tries = 0; !reply.shouldShutDown && tries < 20; tries++) {
      await cluster.world.runFor(500);
      reply = await cluster.heartbeat(3, epoch, { wantShutDown: true });
      cluster.silence(3);
    }
    expect(reply.shouldShutDown).toBe(true);
    for (let index = 0; index < 6; index++) {
      expect(partition('orders', index).leader).not.toBe(3);
      expect(partition('orders', index).inSyncReplicas).not.toContain(3);
    }
    await cluster.startBroker(3, { previousBrokerEpoch: epoch });
    expect(cluster.loader.image.cluster.brokers.get(3)?.isFenced).toBe(false);
  });
});

describe('requests', () => {
  it('are refused with NOT_CONTROLLER once the leadership is lost, and leave nothing behind', async () => {
    const { cluster } = await threeBrokers(6);
    const request = topicRequest('lost', 1, 1);
    const pending = cluster.controller.perform('CreateTopics', (view) => createTopics(view, request));
    cluster.controller.onLeaderChange({ leaderId: null, epoch: cluster.raft.leaderAndEpoch().epoch });
    await expect(pending).rejects.toMatchObject({ code: ErrorCode.NOT_CONTROLLER });
    await expect(cluster.controller.perform('any', () => ({ records: [], response: 1 }))).rejects.toBeInstanceOf(
      ApiError,
    );
  });

  it('see what was decided before them and is not committed yet', async () => {
    const { cluster } = await threeBrokers(7);
    const request = topicRequest('twice', 1, 1);
    const first = cluster.controller.perform('CreateTopics', (view) => createTopics(view, request));
    const second = cluster.controller.perform('CreateTopics', (view) => createTopics(view, request));
    const [one, two] = await cluster.settle(Promise.all([first, second]));
    expect(one.topics[0]?.errorCode).toBe(ErrorCode.NONE);
    expect(two.topics[0]?.errorCode).toBe(ErrorCode.TOPIC_ALREADY_EXISTS);
  });

  it('delete a topic together with its settings', async () => {
    const { cluster, create } = await threeBrokers(8);
    await create(topicRequest('brief', 1, 1, { 'retention.ms': '1000' }));
    expect(cluster.loader.image.configs.has('2:brief')).toBe(true);
    const request = { topics: [{ name: 'brief', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }], topicNames: [], timeoutMs: 1000 };
    const answer = await cluster.settle(
      cluster.controller.perform('DeleteTopics', (view) => deleteTopics(view, request, 6)),
    );
    expect(answer.responses[0]?.errorCode).toBe(ErrorCode.NONE);
    expect(cluster.loader.image.topics.byName.has('brief')).toBe(false);
    expect(cluster.loader.image.configs.has('2:brief')).toBe(false);
  });
});
