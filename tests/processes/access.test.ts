// Access control on real brokers: entries by a client that nobody here wrote, refusals to whoever they don't name, a
// cluster that goes on working for itself, and settings with which it could not.

import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { defaultPrincipalData } from '../../main/protocol/messages/embedded-messages.ts';
import { envelopeApi } from '../../main/protocol/messages/envelope.ts';
import { encodeRequest, readResponseHeader } from '../../main/protocol/headers.ts';
import { WireReader } from '../../main/protocol/wire-reader.ts';
import { eventually, highwater, TestCluster } from '../support/cluster.ts';
import { createTopic, durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';
import { RawClient } from '../support/raw-client.ts';

const authorizer = 'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer';
const createVersion = 7;

let cluster: TestCluster;
let kafka: Kafka;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral', '--config', authorizer);
  kafka = kafkaFor(cluster.ready.bootstrap);
});

afterAll(async () => {
  await cluster.down();
});

/** What the controller answers when a broker passes on alice's CreateTopics. */
async function createAs(name: string, topic: string): Promise<number> {
  const request = { topics: [{ name: topic, numPartitions: 1, replicationFactor: 3 }], timeoutMs: 5000 };
  const { chunks } = encodeRequest(createTopicsApi, createVersion, { correlationId: 1, clientId: 'test' }, request);
  const principal = defaultPrincipalData.encodeToBuffer(0, { type: 'User', name, tokenAuthenticated: false });
  for (const { host, controllerPort } of cluster.ready.brokers) {
    const client = await RawClient.connect(`${host}:${controllerPort}`);
    const { errorCode, responseData } = await client.ask(envelopeApi, 0, {
      requestData: Buffer.concat(chunks).subarray(4),
      requestPrincipal: Buffer.concat([Buffer.alloc(2), principal]),
      clientHostAddress: Buffer.from([10, 0, 0, 1]),
    });
    client.close();
    if (errorCode === ErrorCode.NOT_CONTROLLER || responseData === null) continue;
    const reader = new WireReader(responseData);
    readResponseHeader(reader, createTopicsApi, createVersion);
    return createTopicsApi.response.decode(reader, createVersion).topics[0]?.errorCode ?? -1;
  }
  throw new Error('no controller is active');
}

const entry = {
  resourceType: AclResourceTypes.TOPIC,
  resourceName: 'orders',
  resourcePatternType: ResourcePatternTypes.PREFIXED,
  principal: 'User:alice',
  host: '10.0.0.1',
  operation: AclOperationTypes.CREATE,
  permissionType: AclPermissionTypes.ALLOW,
};

test('the cluster works for itself and for its super user', async () => {
  await createTopic(kafka, 'plain', 2);
  const producer = await durableProducer(kafka);
  await producer.send({ topic: 'plain', acks: -1, messages: [{ value: 'one' }, { value: 'two' }] });
  await producer.disconnect();
  const read = await readAll(kafka, 'plain');
  expect(read.map(({ value }) => value).sort()).toEqual(['one', 'two']);
});

test('an entry lets its principal do what it names, from its host, until it is deleted', async () => {
  expect(await createAs('alice', 'orders-1')).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createAcls({ acl: [entry] });
  expect(await createAs('alice', 'orders-1')).toBe(ErrorCode.NONE);
  expect(await createAs('bob', 'orders-2')).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  expect(await createAs('alice', 'bills')).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  const { filterResponses } = await admin.deleteAcls({ filters: [{ ...entry }] });
  expect(filterResponses[0]?.matchingAcls).toHaveLength(1);
  expect(await createAs('alice', 'orders-3')).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  await admin.disconnect();
});

test('entries are there again after a broker was killed, on that broker, too', async () => {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createAcls({ acl: [entry] });
  await admin.disconnect();
  const killed = await highwater('broker', 'kill', '1', '--data', cluster.ready.dataDir);
  expect(killed.code).toBe(0);
  const started = await highwater('broker', 'start', '1', '--data', cluster.ready.dataDir);
  expect(started.code).toBe(0);
  const own = kafkaFor(cluster.brokerAddresses[0] ?? '').admin();
  await own.connect();
  const { resources } = await own.describeAcls({ ...entry, principal: 'User:alice' });
  expect(resources).toMatchObject([{ resourceName: 'orders', acls: [{ principal: 'User:alice', host: '10.0.0.1' }] }]);
  await own.disconnect();
});

test('a cluster whose nodes could not speak to each other says so and does not start', async () => {
  const failed = await highwater(
    'up',
    '--ephemeral',
    '--brokers',
    '1',
    '--port',
    '0',
    '--config',
    authorizer,
    '--config',
    'super.users=User:admin',
  );
  expect(failed.code).not.toBe(0);
  expect(failed.stderr + failed.stdout).toContain('super.users does not name User:ANONYMOUS');
});

test('two users that log in have what their entries give them, and no more', async () => {
  const secured = await TestCluster.up(
    '--ephemeral',
    '--config',
    authorizer,
    '--sasl',
    '--user',
    'alice:a',
    '--user',
    'bob:b',
  );
  try {
    const admin = kafkaFor(secured.ready.bootstrap).admin();
    await admin.connect();
    for (const topic of ['orders', 'bills']) {
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3 }], waitForLeaders: true });
    }
    const right = { ...entry, host: '*', resourcePatternType: ResourcePatternTypes.LITERAL };
    await admin.createAcls({
      acl: [
        { ...right, operation: AclOperationTypes.WRITE },
        { ...right, operation: AclOperationTypes.READ, principal: 'User:bob' },
        {
          ...right,
          resourceType: AclResourceTypes.GROUP,
          resourceName: 'readers',
          operation: AclOperationTypes.READ,
          principal: 'User:bob',
        },
      ],
    });
    const as = (username: string, password: string): Kafka =>
      new Kafka({
        clientId: username,
        brokers: [...(secured.ready.securedBootstrap ?? '').split(',')],
        sasl: { mechanism: 'plain', username, password },
        logLevel: logLevel.NOTHING,
        retry: { retries: 3, initialRetryTime: 50 },
      });
    const alice = as('alice', 'a').producer({ allowAutoTopicCreation: false });
    await alice.connect();
    await alice.send({ topic: 'orders', acks: -1, messages: [{ value: 'one' }] });
    await expect(alice.send({ topic: 'bills', messages: [{ value: 'x' }] })).rejects.toThrow(/authoriz/i);
    await alice.disconnect();

    const bob = as('bob', 'b').producer({ allowAutoTopicCreation: false });
    await bob.connect();
    await expect(bob.send({ topic: 'orders', messages: [{ value: 'x' }] })).rejects.toThrow(/authoriz/i);
    await bob.disconnect();
    const bobAdmin = as('bob', 'b').admin();
    await bobAdmin.connect();
    expect(await bobAdmin.listTopics()).toEqual(['orders']);
    await bobAdmin.disconnect();
    const read: string[] = [];
    const consumer = as('bob', 'b').consumer({ groupId: 'readers' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        read.push(message.value?.toString() ?? '');
        return Promise.resolve();
      },
    });
    await eventually('bob reads what alice wrote', () => read.includes('one'));
    await consumer.disconnect();
    await admin.disconnect();
  } finally {
    await secured.down();
  }
});
