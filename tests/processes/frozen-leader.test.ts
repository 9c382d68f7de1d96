// A leader that was frozen while another was elected wakes up believing that it still leads. It must not get a
// record acknowledged, and what it wrote alone must be truncated.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { produceApi } from '../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import { TestCluster, type Status } from '../support/cluster.ts';
import { kafkaFor, readAll } from '../support/kafkajs.ts';
import { RawClient } from '../support/raw-client.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral');
});

afterAll(async () => {
  await cluster.down();
});

const topic = 'ledger';
const of = (status: Status) => status.partitions.find((each) => each.topic === topic);

function produce(client: RawClient, text: string, acks: number): Promise<number> {
  const records = buildBatch({}, [{ key: null, value: Buffer.from(text), timestamp: Date.now() }]);
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  return client
    .ask(produceApi, 9, { acks, timeoutMs: 3000, topicData })
    .then((answer) => answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

test('a frozen leader that wakes up after an election gets nothing acknowledged', async () => {
  const admin = await RawClient.connect(cluster.brokerAddresses[0] ?? '');
  await admin.ask(createTopicsApi, 7, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 3 }],
    timeoutMs: 5000,
  });
  admin.close();
  const before = of(await cluster.until('three in sync', (status) => of(status)?.isr.length === 3));
  const oldLeader = before?.leader ?? 0;
  const address = cluster.brokerAddresses[oldLeader - 1] ?? '';
  const client = await RawClient.connect(address);
  expect(await produce(client, 'before', -1)).toBe(0);

  await cluster.broker('pause', oldLeader);
  // Lies in the frozen broker's socket until it wakes: the first thing it sees, before it learns of the election.
  const stale = produce(client, 'stale', -1).catch(() => -1);
  const after = of(
    await cluster.until(
      'another leader',
      (status) => (of(status)?.leader ?? oldLeader) !== oldLeader && of(status)?.leader !== -1,
    ),
  );
  expect(after?.leaderEpoch).toBeGreaterThan(before?.leaderEpoch ?? 0);
  const newLeader = await RawClient.connect(cluster.brokerAddresses[(after?.leader ?? 1) - 1] ?? '');
  expect(await produce(newLeader, 'after', -1)).toBe(0);
  await cluster.broker('resume', oldLeader);

  expect(await stale).not.toBe(0);
  await cluster.until('the old leader is back in sync', (status) => of(status)?.isr.length === 3);
  const values = (await readAll(kafkaFor(cluster.ready.bootstrap), topic)).map((record) => record.value);
  expect(values).toEqual(['before', 'after']);
  client.close();
  newLeader.close();
});
