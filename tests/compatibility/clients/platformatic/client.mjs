// @platformatic/kafka as a client of the matrix (tests/compatibility/README.md).
import { readFileSync } from 'node:fs';
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';

const padding = '0'.repeat(200);
const base = (bootstrap) => ({ clientId: 'matrix', bootstrapBrokers: bootstrap.split(',') });

async function withAdmin(bootstrap, action) {
  const admin = new Admin(base(bootstrap));
  await action(admin);
  await admin.close();
}

async function produce(bootstrap, topic, codec, first, count) {
  const producer = new Producer({
    ...base(bootstrap),
    serializers: stringSerializers,
    idempotent: true,
    acks: -1,
    compression: codec,
    autocreateTopics: false,
  });
  const end = Number(first) + Number(count);
  const sendMax = 50;
  for (let start = Number(first); start < end; start += sendMax) {
    const messages = Array.from({ length: Math.min(sendMax, end - start) }, (_, index) => {
      const n = start + index;
      return { topic, key: `key-${n}`, value: `value-${n}-${padding}`, headers: { codec } };
    });
    await producer.send({ messages });
  }
  await producer.close();
}

async function consume(bootstrap, topic, groupId) {
  const consumer = new Consumer({
    ...base(bootstrap),
    groupId,
    deserializers: stringDeserializers,
    sessionTimeout: 10_000,
    heartbeatInterval: 300,
    maxWaitTime: 200,
    autocommit: 100,
  });
  consumer.on('consumer:group:join', ({ assignments = [] }) => {
    const partitions = assignments.filter((each) => each.topic === topic).flatMap((each) => each.partitions);
    console.log(['assigned', ...partitions].join(' '));
  });
  const ended = new Promise((resolve) => process.stdin.on('end', resolve).resume());
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' });
  const failed = new Promise((_, reject) => stream.on('error', reject));
  stream.on('data', ({ partition, offset, key, value, headers }) => {
    const text = [...headers].map(([name, each]) => `${name}=${each}`);
    console.log(`record ${partition} ${offset} ${key} ${value} ${text}`);
  });
  await Promise.race([ended, failed]);
  await stream.close();
  await consumer.close(true);
}

const verbs = {
  version: () => {
    const manifest = new URL('./node_modules/@platformatic/kafka/package.json', import.meta.url);
    console.log(JSON.parse(readFileSync(manifest, 'utf8')).version);
  },
  create: (bootstrap, topic, partitions, replicas) =>
    withAdmin(bootstrap, (admin) =>
      admin.createTopics({ topics: [topic], partitions: Number(partitions), replicas: Number(replicas) }),
    ),
  delete: (bootstrap, topic) => withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [topic] })),
  produce,
  consume,
};

const [verb, ...args] = process.argv.slice(2);
await verbs[verb](...args);
