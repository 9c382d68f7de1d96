// A cluster as large as the app must bear: many partitions, one long topic, one group of many members, steady traffic.

import type { Consumer, Producer } from 'kafkajs';
import { kafkaFor } from '../support/kafkajs.ts';
import type { ContractClient } from './contract-client.ts';

export type Size = {
  readonly topics: number;
  readonly partitions: number;
  readonly replication: number;
  readonly records: number;
  readonly members: number;
  readonly rate: number;
};

const recordsPerBatch = 10_000;
const sendEveryMs = 100;
/** Requests for topics under way at once. */
const abreast = 2;

export const longTopic = 'long';
export const groupTopic = topicName(0);
export const groupId = 'fifty';

export function topicName(index: number): string {
  return `topic-${String(index).padStart(3, '0')}`;
}

export async function createTopics(client: ContractClient, size: Size): Promise<void> {
  const names = Array.from({ length: size.topics }, (_, index) => topicName(index));
  const create = async (): Promise<void> => {
    for (let topic = names.shift(); topic !== undefined; topic = names.shift()) {
      await client
        .request('topic.create', {
          topic,
          partitions: size.partitions,
          replicationFactor: size.replication,
          configs: {},
        })
        .catch((error: unknown) => {
          // Asked again after a time-out, on a machine with much else to do: it is there.
          if (!String(error).includes('TOPIC_ALREADY_EXISTS')) throw error;
        });
    }
  };
  await Promise.all(Array.from({ length: abreast }, create));
  await client.request('topic.create', { topic: longTopic, partitions: 6, replicationFactor: 1, configs: {} });
}

/** Ten million small records: ten thousand a batch, so that it takes a minute and not an hour. */
export async function fillLongTopic(client: ContractClient, records: number): Promise<void> {
  let left = Math.ceil(records / recordsPerBatch);
  const produce = async (partition: number): Promise<void> => {
    while (left-- > 0) {
      const value = Buffer.from(JSON.stringify({ batch: left, amount: (left * 37) % 500 })).toString('base64');
      await client.request('messages.produce', {
        topic: longTopic,
        partition,
        key: Buffer.from(`key-${left % 1000}`).toString('base64'),
        value,
        headers: [],
        compression: 'lz4',
        acks: 1,
        count: recordsPerBatch,
      });
    }
  };
  await Promise.all(Array.from({ length: 6 }, (_, partition) => produce(partition)));
}

export async function startMembers(bootstrap: string, count: number): Promise<readonly Consumer[]> {
  const consumers = Array.from({ length: count }, (_, index) =>
    kafkaFor(bootstrap, `member-${index}`).consumer({ groupId, maxWaitTimeInMs: 1_000 }),
  );
  await Promise.all(
    consumers.map(async (consumer) => {
      await consumer.connect();
      await consumer.subscribe({ topic: groupTopic });
      await consumer.run({ eachMessage: () => Promise.resolve() });
    }),
  );
  return consumers;
}

/** Steady traffic over all partitions; returns what ends it. */
export async function startTraffic(bootstrap: string, size: Size): Promise<() => Promise<void>> {
  const producer: Producer = kafkaFor(bootstrap, 'traffic').producer();
  await producer.connect();
  const timer = setInterval(() => {
    const topics = new Map<string, { value: string; partition: number }[]>();
    for (let count = 0; count < (size.rate * sendEveryMs) / 1000; count++) {
      const topic = topicName(Math.floor(Math.random() * size.topics));
      const partition = Math.floor(Math.random() * size.partitions);
      topics.set(topic, [
        ...(topics.get(topic) ?? []),
        { value: 'a record of thirty-odd bytes, more or less', partition },
      ]);
    }
    producer
      .sendBatch({ acks: 1, topicMessages: [...topics].map(([topic, messages]) => ({ topic, messages })) })
      .catch((error: unknown) => console.error('traffic:', error));
  }, sendEveryMs);
  return async () => {
    clearInterval(timer);
    await producer.disconnect();
  };
}
