// Copies a topic's numbers to another, as one of three delivery semantics, and kills itself in the middle when told
// to: after the first half of the batch in which the given number stands. A process of its own, so that the death is
// real. usage: delivery-program.mjs BOOTSTRAP SEMANTICS INPUT OUTPUT COUNT DIE_AT|-1

import { Kafka, logLevel } from 'kafkajs';

// kafkajs hears of a broken connection a moment before it looks at the promise that says so: not this program's end.
process.on('unhandledRejection', () => undefined);

const [, , bootstrap = '', semantics = '', input = '', output = '', count = '0', dieAt = '-1'] = process.argv;
const groupId = `copy-to-${output}`;
const kafka = new Kafka({
  clientId: groupId,
  brokers: bootstrap.split(','),
  logLevel: logLevel.NOTHING,
  retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 300 },
});
const isExact = semantics === 'exactly-once';
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  ...(isExact ? { transactionalId: groupId, transactionTimeout: 30_000 } : {}),
});
const consumer = kafka.consumer({
  groupId,
  maxWaitTimeInMs: 100,
  sessionTimeout: 6000,
  heartbeatInterval: 500,
  // A record batch or two at a time.
  maxBytesPerPartition: 600,
});

const asMessage = ({ value }) => ({ value: value?.toString() ?? '' });

/** The moment that nobody chooses. */
function perhapsDie(messages) {
  if (messages.some(({ value }) => Number(value) === Number(dieAt))) process.kill(process.pid, 'SIGKILL');
}

async function copy(messages, offset, partition) {
  const half = messages.slice(0, Math.ceil(messages.length / 2));
  const rest = messages.slice(half.length);
  const position = { topic: input, partition, offset };
  if (isExact) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: output, messages: half });
    perhapsDie(messages);
    if (rest.length > 0) await transaction.send({ topic: output, messages: rest });
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic: input, partitions: [{ partition, offset }] }],
    });
    await transaction.commit();
    return;
  }
  if (semantics === 'at-most-once') await consumer.commitOffsets([position]);
  await producer.send({ topic: output, acks: -1, messages: half });
  perhapsDie(messages);
  if (rest.length > 0) await producer.send({ topic: output, acks: -1, messages: rest });
  if (semantics === 'at-least-once') await consumer.commitOffsets([position]);
}

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: input, fromBeginning: true });
await new Promise((resolve, reject) => {
  // After a retriable error (a coordinator still loads) kafkajs begins anew by itself.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reject(payload.error);
  });
  void consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      await copy(batch.messages.map(asMessage), String(Number(batch.lastOffset()) + 1), batch.partition);
      resolveOffset(batch.lastOffset());
      await heartbeat();
      if (batch.messages.some(({ value }) => Number(value) === Number(count) - 1)) resolve(undefined);
    },
  });
});
await consumer.disconnect();
await producer.disconnect();
