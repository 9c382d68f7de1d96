// Faults of network, disk and clock on real brokers, given by the command line, and what Kafka does about them.

import { afterEach, expect, test } from 'vitest';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { produceApi } from '../../main/protocol/messages/produce.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import { highwater, isAlive, TestCluster, type Status } from '../support/cluster.ts';
import { durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';
import { RawClient } from '../support/raw-client.ts';

let cluster: TestCluster | null = null;

afterEach(async () => {
  await cluster?.down();
  cluster = null;
});

const topic = 'ledger';
const of = (status: Status) => status.partitions.find((each) => each.topic === topic);

/** A cluster with one topic of one partition, on all brokers. */
async function up(...args: string[]): Promise<{ cluster: TestCluster; leader: number }> {
  cluster = await TestCluster.up('--ephemeral', ...args);
  const replicationFactor = cluster.ready.brokers.length;
  const admin = await RawClient.connect(cluster.brokerAddresses[0] ?? '');
  const topics = [{ name: topic, numPartitions: 1, replicationFactor }];
  await admin.ask(createTopicsApi, 7, { topics, timeoutMs: 5000 });
  admin.close();
  const status = await cluster.until('all in sync', (each) => of(each)?.isr.length === replicationFactor);
  return { cluster, leader: of(status)?.leader ?? 0 };
}

async function fault(of: TestCluster, ...args: string[]): Promise<string> {
  const result = await highwater('fault', ...args, '--data', of.ready.dataDir);
  if (result.code !== 0) throw new Error(result.stderr);
  return result.stdout;
}

async function produce(address: string, text: string, acks: number, timeoutMs = 3000): Promise<number> {
  const client = await RawClient.connect(address);
  const records = buildBatch({}, [{ key: null, value: Buffer.from(text), timestamp: Date.now() }]);
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const answer = await client.ask(produceApi, 9, { acks, timeoutMs, topicData });
  client.close();
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
}

const values = async (of: TestCluster): Promise<string[]> =>
  (await readAll(kafkaFor(of.ready.bootstrap), topic)).map((record) => record.value);

test('a leader that is cut off from the others is replaced, acknowledges nothing, and is truncated', async () => {
  const { cluster, leader } = await up();
  const address = cluster.brokerAddresses[leader - 1] ?? '';
  expect(await fault(cluster, 'add', 'cut', '--broker', String(leader))).toContain(
    `broker ${leader} ↔ other brokers cut`,
  );
  // It can still be reached by clients, and does not know yet: written, and never acknowledged by all.
  const alone = await produce(address, 'alone', -1, 1000).catch(() => ErrorCode.NETWORK_EXCEPTION);
  expect(alone).not.toBe(ErrorCode.NONE);
  const after = await cluster.until('another leader', (status) => {
    const now = of(status);
    return now !== undefined && now.leader !== leader && now.leader > 0;
  });
  expect((await cluster.status()).faults.map((each) => each.fault.kind)).toEqual(['cut']);
  expect(await produce(cluster.brokerAddresses[(of(after)?.leader ?? 1) - 1] ?? '', 'kept', -1)).toBe(ErrorCode.NONE);
  expect(await fault(cluster, 'clear', '--all')).toBe('1 fault cleared\n');
  await cluster.until('all in sync again', (status) => of(status)?.isr.length === 3);
  expect(await values(cluster)).toEqual(['kept']);
});

test('a broker whose disk is full stops as Kafka does when its last log directory fails, and others take over', async () => {
  const { cluster, leader } = await up();
  const pid = cluster.ready.brokers[leader - 1]?.pid ?? 0;
  expect(await produce(cluster.brokerAddresses[leader - 1] ?? '', 'before', -1)).toBe(ErrorCode.NONE);
  await fault(cluster, 'add', 'disk-full', '--broker', String(leader));
  await produce(cluster.brokerAddresses[leader - 1] ?? '', 'does not fit', -1).catch(() => undefined);
  const status = await cluster.until('its process is gone', () => !isAlive(pid));
  expect(status.brokers[leader - 1]?.problem).toMatch(/no space left/);
  await cluster.until('another leader', (each) => (of(each)?.leader ?? leader) !== leader);
  await fault(cluster, 'clear', '--all');
  await cluster.broker('start', leader);
  await cluster.until('it is back in the ISR', (each) => of(each)?.isr.length === 3);
  expect((await values(cluster))[0]).toBe('before');
});

test('a power loss takes what was not synced, and what others held comes back from them', async () => {
  const { cluster, leader } = await up();
  const producer = await durableProducer(kafkaFor(cluster.ready.bootstrap));
  const messages = Array.from({ length: 50 }, (_, index) => ({ partition: 0, value: String(index) }));
  await producer.send({ topic, acks: -1, messages });
  const log = join(cluster.ready.brokers[leader - 1]?.logDir ?? '', `${topic}-0`, '00000000000000000000.log');
  expect(statSync(log).size).toBeGreaterThan(0);
  await fault(cluster, 'add', 'power-loss', '--broker', String(leader));
  // Kafka leaves a partition's records to the operating system: none of them was on the device yet.
  expect(existsSync(log) ? statSync(log).size : 0).toBe(0);
  await cluster.broker('start', leader);
  await cluster.until('all in sync again', (status) => of(status)?.isr.length === 3);
  await producer.disconnect();
  expect(await values(cluster)).toEqual(messages.map((each) => each.value));
});

test('when all machines lose power at once, Kafka loses what it acknowledged and had not synced', async () => {
  const { cluster, leader } = await up();
  expect(await produce(cluster.brokerAddresses[leader - 1] ?? '', 'acknowledged', -1)).toBe(ErrorCode.NONE);
  await fault(cluster, 'add', 'power-loss', '--broker', 'all');
  await Promise.all(cluster.ready.brokers.map(({ id }) => cluster.broker('start', id)));
  await cluster.until('a leader', (status) => (of(status)?.leader ?? -1) > 0);
  expect(await values(cluster)).toEqual([]);
});

test('a slow link and a skewed clock are seen from outside; they go on after a restart and end when cleared', async () => {
  const { cluster } = await up('--brokers', '1');
  const address = cluster.brokerAddresses[0] ?? '';
  const timed = async (): Promise<number> => {
    const beginMs = performance.now();
    expect(await produce(address, 'x', -1)).toBe(ErrorCode.NONE);
    return performance.now() - beginMs;
  };
  await fault(cluster, 'add', 'delay', '--broker', '1', '--peer', 'clients', '--ms', '150');
  await fault(cluster, 'add', 'clock-skew', '--broker', '1', '--offset-ms', '3600000');
  expect(await timed()).toBeGreaterThan(300);
  await cluster.broker('kill', 1);
  await cluster.broker('start', 1);
  expect(await timed()).toBeGreaterThan(300);
  expect(await fault(cluster, 'list')).toMatch(/fault-1 .*delayed by 150 ms[^]*fault-2 .*3600 s ahead/);
  await fault(cluster, 'clear', 'fault-1');
  expect(await timed()).toBeLessThan(300);
});

test.each([
  [['add', 'cut'], '--broker must be the id of a broker'],
  [['add', 'melt', '--broker', '1'], 'there is no fault "melt"'],
  [['add', 'cut', '--broker', '1', '--ms', '5'], 'fault cut does not take --ms'],
  [['add', 'delay', '--broker', '1'], 'fault delay needs --ms'],
  [['add', 'cut', '--broker', '1', '--direction', 'up'], 'both, in or out'],
  [['clear'], 'which fault?'],
])('fault %j is refused, naming what is wrong', async (args, message) => {
  const result = await highwater('fault', ...args);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain(message);
});
