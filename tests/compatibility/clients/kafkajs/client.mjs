// kafkajs as a client of the matrix (tests/compatibility/README.md).
import { createRequire } from 'node:module';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';

const padding = '0'.repeat(200);
const kafkaFor = (bootstrap) =>
  new Kafka({ clientId: 'matrix', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });

async function withAdmin(bootstrap, action) {
  const admin = kafkaFor(bootstrap).admin();
  await admin.connect();
  await action(admin);
  await admin.disconnect();
}

async function produce(bootstrap, topic, codec, first, count) {
  const producer = kafkaFor(bootstrap).producer({ idempotent: true, allowAutoTopicCreation: false });
  await producer.connect();
  const messages = Array.from({ length: Number(count) }, (_, index) => {
    const n = Number(first) + index;
    return { key: `key-${n}`, value: `value-${n}-${padding}`, headers: { codec } };
  });
  const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
  await producer.send({ topic, acks: -1, compression, messages });
  await producer.disconnect();
}

async function transact(bootstrap, topic, transactionalId) {
  const start = async () => {
    const producer = kafkaFor(bootstrap).producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { retries: 5, initialRetryTime: 50, maxRetryTime: 300 },
    });
    await producer.connect();
    return producer;
  };
  const write = async (producer, values) => {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values.map((value) => ({ key: value, value })) });
    return transaction;
  };
  const first = await start();
  for (let number = 0; number < 10; number++) {
    const values = Array.from({ length: 10 }, (_, index) => `t${number}-${index}`);
    const transaction = await write(first, values);
    if (number % 3 === 1) await transaction.abort();
    else {
      await transaction.commit();
      for (const value of values) console.log(`committed ${value}`);
    }
  }
  const open = await write(first, ['zombie']);
  // Its first transaction asks for the producer id: which ends the one that is open.
  const second = await start();
  const transaction = await write(second, ['second']);
  await open.commit().then(
    () => undefined,
    (error) => console.log(/fenced|epoch/i.test(`${error.type} ${error.message}`) ? 'fenced' : `refused ${error}`),
  );
  await transaction.commit();
  console.log('committed second');
  await first.disconnect();
  await second.disconnect();
}

async function consume(bootstrap, topic, groupId) {
  const consumer = kafkaFor(bootstrap).consumer({
    groupId,
    sessionTimeout: 10_000,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 200,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    console.log(['assigned', ...(payload.memberAssignment[topic] ?? [])].join(' '));
  });
  const crashed = new Promise((_, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      for (const message of batch.messages) {
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => `${name}=${String(value)}`);
        console.log(
          `record ${batch.partition} ${message.offset} ${String(message.key)} ${String(message.value)} ${headers}`,
        );
        resolveOffset(message.offset);
      }
      const offset = String(Number(batch.lastOffset()) + 1);
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset }]);
    },
  });
  const ended = new Promise((resolve) => process.stdin.on('end', resolve).resume());
  await Promise.race([ended, crashed]);
  await consumer.disconnect();
}

const verbs = {
  version: () => console.log(createRequire(import.meta.url)('kafkajs/package.json').version),
  create: (bootstrap, topic, partitions, replicationFactor) =>
    withAdmin(bootstrap, (admin) =>
      admin.createTopics({
        topics: [{ topic, numPartitions: Number(partitions), replicationFactor: Number(replicationFactor) }],
      }),
    ),
  delete: (bootstrap, topic) => withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [topic] })),
  produce,
  transact,
  consume,
};

const [verb, ...args] = process.argv.slice(2);
await verbs[verb](...args);
