// Bad input on the wire: each gets Kafka's own answer (an error code, or a closed connection) and the broker goes on.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { apiVersionsApi } from '../../main/protocol/messages/api-versions.ts';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { listOffsetsApi } from '../../main/protocol/messages/list-offsets.ts';
import { metadataApi } from '../../main/protocol/messages/metadata.ts';
import { produceApi } from '../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import { isAlive, TestCluster } from '../support/cluster.ts';
import { RawClient } from '../support/raw-client.ts';

let cluster: TestCluster;
let leader: string;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral');
  const client = await RawClient.connect(cluster.brokerAddresses[0] ?? '');
  await client.ask(createTopicsApi, 7, {
    topics: [{ name: 'target', numPartitions: 1, replicationFactor: 3 }],
    timeoutMs: 5000,
  });
  client.close();
  const status = await cluster.until('the topic has a leader', (each) =>
    each.partitions.some((one) => one.topic === 'target' && one.leader > 0),
  );
  const id = status.partitions.find((each) => each.topic === 'target')?.leader;
  const broker = cluster.ready.brokers.find((each) => each.id === id);
  leader = `${broker?.host}:${broker?.port}`;
});

afterAll(async () => {
  const [first, second] = cluster.ready.brokers;
  expect(isAlive(first?.pid ?? 0) && isAlive(second?.pid ?? 0)).toBe(true);
  await cluster.down();
});

const value = (text: string) => ({ key: null, value: Buffer.from(text), timestamp: 1_700_000_000_000 });

function produce(client: RawClient, records: Buffer, topic = 'target') {
  return client
    .ask(produceApi, 9, {
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    })
    .then((answer) => answer.responses[0]?.partitionResponses[0]);
}

async function stillServes(): Promise<void> {
  const client = await RawClient.connect(leader);
  const answer = await client.ask(metadataApi, 12, { topics: null });
  expect(answer.brokers.length).toBe(3);
  client.close();
}

test.each([
  ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a 2 GB length prefix', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 3])],
  ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['an API key that does not exist', Buffer.from([0, 0, 0, 10, 0x03, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff])],
  ['a body that ends early', Buffer.from([0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff])],
  [
    'an array longer than the request',
    Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
  ],
])('%s closes that connection, and no other', async (_name, bytes) => {
  const other = await RawClient.connect(leader);
  const client = await RawClient.connect(leader);
  client.write(bytes);
  expect(await client.frame()).toBeNull();
  expect((await other.ask(metadataApi, 12, { topics: null })).brokers.length).toBe(3);
  other.close();
  await stillServes();
});

test('half a request waits and hurts nobody', async () => {
  const client = await RawClient.connect(leader);
  client.write(Buffer.from([0, 0, 1, 0, 0, 3, 0, 12]));
  await stillServes();
  expect(client.isClosed).toBe(false);
  client.close();
  await stillServes();
});

test('ApiVersions from the future is answered in version 0 with UNSUPPORTED_VERSION and its own range', async () => {
  const client = await RawClient.connect(leader);
  client.write(Buffer.from([0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0]));
  const frame = await client.frame();
  expect(frame?.readInt32BE(0)).toBe(7);
  expect(frame?.readInt16BE(4)).toBe(ErrorCode.UNSUPPORTED_VERSION);
  expect(frame?.readInt32BE(6)).toBe(1);
  expect([frame?.readInt16BE(10), frame?.readInt16BE(12), frame?.readInt16BE(14)]).toEqual([18, 0, 4]);
  const answer = await client.ask(apiVersionsApi, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' });
  expect(answer.errorCode).toBe(0);
  client.close();
});

test('a batch with a wrong CRC is CORRUPT_MESSAGE and leaves no trace', async () => {
  const client = await RawClient.connect(leader);
  const good = buildBatch({}, [value('good')]);
  const bad = Buffer.from(good);
  bad.writeUInt8(bad.readUInt8(bad.length - 1) ^ 1, bad.length - 1);
  expect((await produce(client, bad))?.errorCode).toBe(ErrorCode.CORRUPT_MESSAGE);
  const first = await produce(client, good);
  expect(first).toMatchObject({ errorCode: 0, baseOffset: 0 });
  client.close();
});

test('an unknown topic is UNKNOWN_TOPIC_OR_PARTITION for Produce and ListOffsets alike', async () => {
  const client = await RawClient.connect(leader);
  expect((await produce(client, buildBatch({}, [value('x')]), 'nowhere'))?.errorCode).toBe(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  );
  const offsets = await client.ask(listOffsetsApi, 7, {
    replicaId: -1,
    topics: [{ name: 'nowhere', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  expect(offsets.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  client.close();
});

test('acks=all with too few in-sync replicas is NOT_ENOUGH_REPLICAS, and nothing is appended', async () => {
  const client = await RawClient.connect(leader);
  const configs = [{ name: 'min.insync.replicas', value: '3' }];
  await client.ask(createTopicsApi, 7, {
    topics: [
      {
        name: 'strict',
        numPartitions: -1,
        replicationFactor: -1,
        configs,
        assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }],
      },
    ],
    timeoutMs: 5000,
  });
  client.close();
  const one = await RawClient.connect(cluster.brokerAddresses[0] ?? '');
  await cluster.until('broker 1 leads with all in sync', (status) =>
    status.partitions.some((each) => each.topic === 'strict' && each.leader === 1 && each.isr.length === 3),
  );
  expect((await produce(one, buildBatch({}, [value('kept')]), 'strict'))?.errorCode).toBe(0);
  await cluster.broker('stop', 3);
  await cluster.until('the ISR shrank', (status) =>
    status.partitions.some((each) => each.topic === 'strict' && each.isr.length === 2),
  );
  expect((await produce(one, buildBatch({}, [value('refused')]), 'strict'))?.errorCode).toBe(
    ErrorCode.NOT_ENOUGH_REPLICAS,
  );
  const offsets = await one.ask(listOffsetsApi, 7, {
    replicaId: -1,
    topics: [{ name: 'strict', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  expect(offsets.topics[0]?.partitions[0]?.offset).toBe(1);
  await cluster.broker('start', 3);
  one.close();
});
