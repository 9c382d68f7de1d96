// kafkajs for tests: a client nobody here wrote.

import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs';

export function kafkaFor(bootstrap: string, clientId = 'test'): Kafka {
  return new Kafka({
    clientId,
    brokers: bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 3000,
    retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 300 },
  });
}

/** acks=all, idempotent, retrying until answered. */
export async function durableProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 50, maxRetryTime: 300 },
  });
  await producer.connect();
  return producer;
}

export async function createTopic(
  kafka: Kafka,
  topic: string,
  numPartitions: number,
  replicationFactor = 3,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor }], waitForLeaders: true });
  await admin.disconnect();
}

export type ReadRecord = {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
};

/** Reads a topic from the beginning until each partition's high watermark at the time of the call. */
export async function readAll(kafka: Kafka, topic: string, groupId = `reader-${Math.random()}`): Promise<ReadRecord[]> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map((each) => [each.partition, Number(each.high)]));
  await admin.disconnect();
  const records: ReadRecord[] = [];
  const open = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition));
  if (open.size === 0) return records;
  const consumer: Consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
    consumer
      .run({
        eachBatch: ({ batch }) => {
          for (const message of batch.messages) {
            records.push({
              partition: batch.partition,
              offset: Number(message.offset),
              key: message.key?.toString() ?? null,
              value: message.value?.toString() ?? '',
            });
          }
          if (Number(batch.lastOffset()) + 1 >= (ends.get(batch.partition) ?? 0)) open.delete(batch.partition);
          if (open.size === 0) resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return records;
}
