// While a producer writes with acks=all, brokers die. In the end every acknowledged record is read back exactly once
// and in order, and the killed broker is back in every ISR. Real processes, real SIGKILL, a client nobody here wrote.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Kafka, Producer } from 'kafkajs';
import { TestCluster, type Status } from '../support/cluster.ts';
import { createTopic, durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';

const topic = 'payments';
const partitions = 3;

let cluster: TestCluster;
let kafka: Kafka;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral');
  kafka = kafkaFor(cluster.ready.bootstrap);
  await createTopic(kafka, topic, partitions);
});

afterAll(async () => {
  await cluster.down();
});

/** Writes numbered records to every partition until told to stop; remembers what was acknowledged. */
class Writer {
  readonly acknowledged: string[][] = Array.from({ length: partitions }, () => []);
  readonly #producer: Producer;
  #next: number;
  #stopped = false;
  readonly #loops: Promise<void>[];

  constructor(producer: Producer, first: number) {
    this.#producer = producer;
    this.#next = first;
    this.#loops = this.acknowledged.map((list, partition) => this.#write(partition, list));
  }

  get count(): number {
    return this.acknowledged.reduce((sum, list) => sum + list.length, 0);
  }

  async #write(partition: number, list: string[]): Promise<void> {
    while (!this.#stopped) {
      const values = Array.from({ length: 5 }, () => String(this.#next++));
      await this.#producer.send({ topic, acks: -1, messages: values.map((value) => ({ partition, value })) });
      list.push(...values);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  /** Resolves when every partition has been acknowledged `count` more records. */
  async progress(count: number): Promise<void> {
    const goals = this.acknowledged.map((list) => list.length + count);
    while (this.acknowledged.some((list, index) => list.length < (goals[index] ?? 0))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const of = (status: Status, partition: number) =>
  status.partitions.find((each) => each.topic === topic && each.partition === partition) ??
  expect.fail('partition is missing');
const everyIsrFull = (status: Status) => status.partitions.every((each) => each.isr.length === 3);

async function survives(victims: (status: Status) => number[], first: number): Promise<void> {
  const before = await cluster.until(
    'all replicas in sync',
    (status) => everyIsrFull(status) && status.quorum.leader !== null,
  );
  const producer = await durableProducer(kafka);
  const writer = new Writer(producer, first);
  await writer.progress(50);
  const killed = [...new Set(victims(before))];
  const hit = before.partitions.filter((each) => each.topic === topic && killed.includes(each.leader));
  for (const id of killed) await cluster.broker('kill', id);
  if (killed.length < 2) {
    await cluster.until('new leaders with higher epochs', (status) =>
      hit.every((each) => {
        const now = of(status, each.partition);
        return now.leader !== -1 && now.leader !== each.leader && now.leaderEpoch > each.leaderEpoch;
      }),
    );
    await writer.progress(50);
  }
  for (const id of killed) await cluster.broker('start', id);
  await writer.progress(50);
  await writer.stop();
  await producer.disconnect();
  await cluster.until('the killed brokers are back in every ISR', everyIsrFull);

  const read = await readAll(kafka, topic);
  for (const [partition, list] of writer.acknowledged.entries()) {
    const mine = read
      .filter((record) => record.partition === partition && Number(record.value) >= first)
      .map((record) => record.value);
    expect(mine, `partition ${partition}: each acknowledged record once, in order`).toEqual(list);
  }
}

test('killing the leader of a partition loses, repeats and reorders nothing', async () => {
  await survives((status) => [of(status, 0).leader], 0);
});

test('killing the active controller loses, repeats and reorders nothing', async () => {
  await survives((status) => [status.quorum.leader ?? expect.fail('no controller')], 1_000_000);
});

test('killing the leader and the active controller at once loses, repeats and reorders nothing', async () => {
  await survives((status) => {
    const controller = status.quorum.leader ?? expect.fail('no controller');
    const leader =
      status.partitions.find((each) => each.topic === topic && each.leader !== controller)?.leader ?? controller;
    return [controller, leader];
  }, 2_000_000);
});
