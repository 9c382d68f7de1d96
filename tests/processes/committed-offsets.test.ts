// Committed offsets while their coordinators die and freeze: what was acknowledged is what every later answer shows,
// whichever broker gives it. Real processes, real signals, bare connections.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { findCoordinatorApi } from '../../main/protocol/messages/find-coordinator.ts';
import { offsetCommitApi } from '../../main/protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../../main/protocol/messages/offset-fetch.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { eventually, TestCluster } from '../support/cluster.ts';
import { RawClient } from '../support/raw-client.ts';

const topic = 'orders';
const groupIds = ['a', 'b', 'c', 'd', 'e', 'f'];
const pauseMs = 20;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral');
  const client = await RawClient.connect(cluster.brokerAddresses[0] ?? '');
  await client.ask(createTopicsApi, 7, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 3 }],
    timeoutMs: 5000,
  });
  client.close();
});

afterAll(async () => {
  await cluster.down();
});

/** One group as its consumers and those who watch it see it. */
class GroupClient {
  readonly groupId: string;
  acknowledged = -1;
  attempted = -1;
  readonly problems: string[] = [];
  #connection: RawClient | null = null;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  async coordinatorId(): Promise<number> {
    for (;;) {
      for (const address of cluster.brokerAddresses) {
        const found = await withTimeout(this.#find(address));
        if (found !== null) return found.nodeId;
      }
      await pause();
    }
  }

  async #find(address: string): Promise<{ nodeId: number; address: string } | null> {
    const client = await RawClient.connect(address).catch(() => null);
    if (client === null) return null;
    const request = { keyType: 0, coordinatorKeys: [this.groupId] };
    const answer = await client.ask(findCoordinatorApi, 4, request).catch(() => null);
    client.close();
    const found = answer?.coordinators[0];
    if (found?.errorCode !== ErrorCode.NONE) return null;
    return { nodeId: found.nodeId, address: `${found.host}:${found.port}` };
  }

  async connect(): Promise<RawClient> {
    while (this.#connection === null || this.#connection.isClosed) {
      this.#connection = null;
      for (const address of cluster.brokerAddresses) {
        const found = await withTimeout(this.#find(address));
        if (found === null) continue;
        this.#connection = await withTimeout(RawClient.connect(found.address).catch(() => null));
        if (this.#connection !== null) break;
      }
      if (this.#connection === null) await pause();
    }
    return this.#connection;
  }

  drop(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  /** Tries until acknowledged. */
  async commit(): Promise<void> {
    const offset = ++this.attempted;
    for (;;) {
      const client = await this.connect();
      const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }];
      const request = { groupId: this.groupId, topics: [{ name: topic, partitions }] };
      const answer = await withTimeout(client.ask(offsetCommitApi, 8, request).catch(() => null));
      if (answer?.topics[0]?.partitions[0]?.errorCode === ErrorCode.NONE) {
        this.acknowledged = offset;
        return;
      }
      this.drop();
      await pause();
    }
  }

  /** Null when this broker gives no offset. */
  async fetchFrom(client: RawClient, requireStable: boolean): Promise<number | null> {
    const least = this.acknowledged;
    const request = { groupId: this.groupId, topics: [{ name: topic, partitionIndexes: [0] }], requireStable };
    const answer = await client.ask(offsetFetchApi, 7, request).catch(() => null);
    if (answer?.errorCode !== ErrorCode.NONE) return null;
    const shown = answer.topics[0]?.partitions[0]?.committedOffset ?? -2;
    if (shown < least) this.problems.push(`${this.groupId}: ${shown} shown after ${least} was acknowledged`);
    return shown;
  }

  async fetch(requireStable: boolean): Promise<void> {
    const client = await this.connect();
    const shown = await withTimeout(this.fetchFrom(client, requireStable));
    if (shown === null) this.drop();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMs));
}

/** A frozen broker answers nothing. */
function withTimeout<T>(answer: Promise<T>): Promise<T | null> {
  return Promise.race([answer, new Promise<null>((resolve) => setTimeout(() => resolve(null), 1500))]);
}

/** Commits and reads in all groups until told to stop. */
function traffic(): { groups: GroupClient[]; progress(count: number): Promise<void>; stop(): Promise<void> } {
  const groups = groupIds.map((groupId) => new GroupClient(groupId));
  let isStopped = false;
  const loops = groups.map(async (group, index) => {
    while (!isStopped) {
      await group.commit();
      await group.fetch(index % 2 === 0);
    }
  });
  return {
    groups,
    async progress(count) {
      const goals = groups.map(({ acknowledged }) => acknowledged + count);
      await eventually(
        'every group commits',
        () => groups.every((group, index) => group.acknowledged >= (goals[index] ?? 0)),
        60_000,
      );
    },
    async stop() {
      isStopped = true;
      await Promise.all(loops);
    },
  };
}

const allInSync = () =>
  cluster.until('all replicas in sync', (status) => status.partitions.every(({ isr }) => isr.length === 3), 60_000);

test('coordinators that are killed lose no acknowledged commit', async () => {
  const { groups, progress, stop } = traffic();
  await progress(20);
  for (let round = 0; round < 3; round++) {
    await allInSync();
    const victim = (await groups[round]?.coordinatorId()) ?? 1;
    await cluster.broker('kill', victim);
    await progress(20);
    await cluster.broker('start', victim);
    await progress(20);
  }
  await stop();
  expect(groups.flatMap(({ problems }) => problems)).toEqual([]);
});

test('a coordinator that was frozen shows nothing that has been overtaken meanwhile', async () => {
  const problems: string[] = [];
  for (let round = 0; round < 3; round++) {
    await allInSync();
    const group = new GroupClient(`frozen-${round}`);
    await group.commit();
    const victim = await group.coordinatorId();
    const old = await RawClient.connect(cluster.brokerAddresses[victim - 1] ?? '');
    expect(await group.fetchFrom(old, false)).toBe(group.acknowledged);
    await cluster.broker('pause', victim);
    for (let count = 0; count < 5; count++) await group.commit();
    // Asked while it sleeps: the question is the first thing it finds when it wakes.
    const answer = group.fetchFrom(old, round % 2 === 0);
    await cluster.broker('resume', victim);
    await answer;
    problems.push(...group.problems);
    old.close();
  }
  expect(problems).toEqual([]);
});
