// A day's work of a client that nobody here wrote: a topic, idempotent writes, a group of two, commits, a restart that
// goes on where it stopped. And what is on disk survives being damaged while a broker is down.

import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Consumer, Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, TestCluster } from '../support/cluster.ts';
import { createTopic, durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';

const topic = 'journal';
const groupId = 'readers';

let cluster: TestCluster;
let kafka: Kafka;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral');
  kafka = kafkaFor(cluster.ready.bootstrap);
  await createTopic(kafka, topic, 4);
});

afterAll(async () => {
  await cluster.down();
});

async function write(first: number, count: number): Promise<string[]> {
  const producer = await durableProducer(kafka);
  const values = Array.from({ length: count }, (_, index) => String(first + index));
  const messages = values.map((value) => ({ key: `key-${value}`, value }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
  return values;
}

type Reader = { readonly values: string[]; readonly partitions: number[]; stop(): Promise<void> };

/** A member of the group that commits what it has read. */
async function joinGroup(): Promise<Reader> {
  const consumer: Consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 200 });
  const reader = { values: [] as string[], partitions: [] as number[], stop: () => consumer.disconnect() };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    reader.partitions = [...(payload.memberAssignment[topic] ?? [])];
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      reader.values.push(message.value?.toString() ?? '');
      return Promise.resolve();
    },
  });
  return reader;
}

const sorted = (values: string[]) => [...values].sort((a, b) => Number(a) - Number(b));

test('two members share a topic, commit, and a later member goes on where they stopped', async () => {
  const first = await write(0, 200);
  const one = await joinGroup();
  await eventually('one member reads everything', () => one.values.length === first.length);
  expect(sorted(one.values)).toEqual(first);
  expect([...one.partitions].sort()).toEqual([0, 1, 2, 3]);

  const two = await joinGroup();
  await eventually('both hold partitions', () => one.partitions.length === 2 && two.partitions.length === 2);
  expect([...one.partitions, ...two.partitions].sort()).toEqual([0, 1, 2, 3]);
  const second = await write(200, 200);
  await eventually('the two read the rest', () => one.values.length + two.values.length === 400);
  expect(sorted([...one.values, ...two.values])).toEqual([...first, ...second]);
  expect(two.values.length).toBeGreaterThan(0);
  await one.stop();
  await two.stop();

  const third = await write(400, 50);
  const three = await joinGroup();
  await eventually('the new member reads only what is new', () => three.values.length >= third.length);
  expect(sorted(three.values)).toEqual(third);
  await three.stop();
});

test('a broker whose index is garbage and whose last batch is torn recovers, and nothing acknowledged is lost', async () => {
  const before = (await readAll(kafka, topic)).length;
  const victim = cluster.ready.brokers[0] ?? expect.fail('no broker');
  await cluster.broker('kill', victim.id);
  for (const name of readdirSync(victim.logDir).filter((each) => each.startsWith(`${topic}-`))) {
    const segment = join(victim.logDir, name, '00000000000000000000');
    writeFileSync(`${segment}.index`, Buffer.alloc(16, 0xff));
    const size = readFileSync(`${segment}.log`).length;
    if (size > 10) truncateSync(`${segment}.log`, size - 7);
  }
  await cluster.broker('start', victim.id);
  await cluster.until('it is back in every ISR', (status) => status.partitions.every((each) => each.isr.length === 3));
  // Now the damaged broker's copies alone must hold everything.
  for (const other of cluster.ready.brokers.slice(1)) {
    await cluster.broker('stop', other.id);
    await cluster.broker('start', other.id);
  }
  await cluster.until('all are in sync', (status) => status.partitions.every((each) => each.isr.length === 3));
  expect((await readAll(kafka, topic)).length).toBe(before);
});
