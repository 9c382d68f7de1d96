// Clients that nobody here wrote log in: PLAIN and SCRAM, right and wrong, before and after a broker was killed.

import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestCluster } from '../support/cluster.ts';
import { createTopic, durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';

const topic = 'secrets';
const password = 'a"b\\c,=d';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral', '--sasl', '--user', `alice:${password}`, '--user', 'bob:builder');
  await createTopic(kafkaFor(cluster.ready.bootstrap), topic, 3);
});

afterAll(async () => {
  await cluster.down();
});

function securedKafka(sasl: SASLOptions | undefined, retries = 100): Kafka {
  return new Kafka({
    clientId: 'secured',
    brokers: (cluster.ready.securedBootstrap ?? '').split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 3000,
    retry: { retries, initialRetryTime: 50, maxRetryTime: 300 },
    ...(sasl === undefined ? {} : { sasl }),
  });
}

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const logins = mechanisms.map((mechanism) => ({ mechanism, username: 'alice', password }) as SASLOptions);

test('writes and reads over every mechanism, also when a broker dies and comes back', async () => {
  const written: string[] = [];
  for (const login of logins) {
    const producer = await durableProducer(securedKafka(login));
    const values = Array.from({ length: 30 }, (_, index) => `${login.mechanism}-${index}`);
    await producer.send({ topic, acks: -1, messages: values.map((value) => ({ key: value, value })) });
    if (login.mechanism === 'scram-sha-512') {
      await cluster.broker('kill', 1);
      await cluster.broker('start', 1);
      await producer.send({ topic, acks: -1, messages: [{ key: 'after', value: 'after' }] });
      values.push('after');
    }
    await producer.disconnect();
    written.push(...values);
  }
  const [plain] = logins;
  const read = await readAll(securedKafka(plain), topic);
  expect(read.map(({ value }) => value).sort()).toEqual(written.sort());
});

test('clients are told the endpoints of the listener that they came by', async () => {
  const admin = securedKafka(logins[2]).admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  await admin.disconnect();
  const secured = (cluster.ready.securedBootstrap ?? '').split(',').sort();
  expect(brokers.map(({ host, port }) => `${host}:${port}`).sort()).toEqual(secured);
});

describe('a wrong password', () => {
  const generic = (mechanism: string) =>
    `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`;
  test.each([
    ['plain', 'Authentication failed: Invalid username or password'],
    ['scram-sha-256', generic('SCRAM-SHA-256')],
    ['scram-sha-512', generic('SCRAM-SHA-512')],
  ] as const)('over %s fails in Kafka’s words', async (mechanism, words) => {
    const login = { mechanism, username: 'alice', password: 'guessed' } as SASLOptions;
    const admin = securedKafka(login, 0).admin();
    await expect(admin.connect()).rejects.toThrow(words);
  });
});

test('a client that does not log in is not served', async () => {
  const admin = securedKafka(undefined, 0).admin();
  // ApiVersions is answered before, as by Kafka; nothing else is.
  await admin.connect();
  await expect(admin.listTopics()).rejects.toThrow();
});
