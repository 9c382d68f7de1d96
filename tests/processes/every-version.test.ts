// Every API that ApiVersions advertises answers in every version it advertises: asked with an empty request and with
// one about a topic that is there, nothing closes the connection or stays silent.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { apis } from '../../main/protocol/api-keys.ts';
import { addRaftVoterApi } from '../../main/protocol/messages/add-raft-voter.ts';
import { apiVersionsApi } from '../../main/protocol/messages/api-versions.ts';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { describeConfigsApi } from '../../main/protocol/messages/describe-configs.ts';
import { fetchApi } from '../../main/protocol/messages/fetch.ts';
import { listOffsetsApi } from '../../main/protocol/messages/list-offsets.ts';
import { metadataApi } from '../../main/protocol/messages/metadata.ts';
import { offsetCommitApi } from '../../main/protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../../main/protocol/messages/offset-fetch.ts';
import { produceApi } from '../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import type { Api } from '../../main/protocol/schema.ts';
import { readFileSync } from 'node:fs';
import { protocolTable } from '../support/protocol-table.ts';
import { TestCluster } from '../support/cluster.ts';
import { RawClient } from '../support/raw-client.ts';

let cluster: TestCluster;
let address: string;
let topicId: string;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral', '--brokers', '1');
  address = cluster.brokerAddresses[0] ?? '';
  const client = await RawClient.connect(address);
  await client.ask(createTopicsApi, 7, {
    topics: [{ name: 'asked', numPartitions: 1, replicationFactor: 1 }],
    timeoutMs: 5000,
  });
  await cluster.until('the topic has a leader', (status) =>
    status.partitions.some((each) => each.topic === 'asked' && each.leader === 1),
  );
  const described = await client.ask(metadataApi, 12, { topics: [{ name: 'asked' }] });
  topicId = described.topics[0]?.topicId ?? '';
  client.close();
});

afterAll(async () => {
  await cluster.down();
});

/** Requests whose effect would disturb the others, or that by design end the connection. */
const left: ReadonlySet<number> = new Set([addRaftVoterApi.key]);

type Bodies = (version: number) => unknown;

const about: ReadonlyMap<number, Bodies> = new Map<number, Bodies>([
  [
    produceApi.key,
    (version) => ({
      acks: 1,
      timeoutMs: 1000,
      topicData: [
        {
          ...(version >= 13 ? { topicId } : { name: 'asked' }),
          partitionData: [
            { index: 0, records: buildBatch({}, [{ key: null, value: Buffer.from('x'), timestamp: 1 }]) },
          ],
        },
      ],
    }),
  ],
  [
    fetchApi.key,
    (version) => ({
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        {
          ...(version >= 13 ? { topicId } : { topic: 'asked' }),
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
        },
      ],
    }),
  ],
  [
    listOffsetsApi.key,
    () => ({ replicaId: -1, topics: [{ name: 'asked', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] }),
  ],
  [metadataApi.key, () => ({ topics: [{ name: 'asked' }, { name: 'nowhere' }] })],
  [
    describeConfigsApi.key,
    () => ({ resources: [{ resourceType: 2, resourceName: 'asked', configurationKeys: null }] }),
  ],
  [
    offsetCommitApi.key,
    (version) => ({
      groupId: 'g',
      topics: [
        {
          ...(version >= 10 ? { topicId } : { name: 'asked' }),
          partitions: [{ partitionIndex: 0, committedOffset: 1 }],
        },
      ],
    }),
  ],
  [
    offsetFetchApi.key,
    (version) =>
      version >= 8
        ? {
            groups: [
              {
                groupId: 'g',
                topics: [{ ...(version >= 10 ? { topicId } : { name: 'asked' }), partitionIndexes: [0] }],
              },
            ],
          }
        : { groupId: 'g', topics: [{ name: 'asked', partitionIndexes: [0] }] },
  ],
]);

test('every advertised API answers in every advertised version', async () => {
  const first = await RawClient.connect(address);
  const { apiKeys } = await first.ask(apiVersionsApi, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' });
  first.close();
  expect(apiKeys.length).toBeGreaterThan(20);
  const failures: string[] = [];
  for (const { apiKey, minVersion, maxVersion } of apiKeys) {
    const api = apis.find((each) => each.key === apiKey) as Api | undefined;
    if (api === undefined || left.has(apiKey)) continue;
    // Produce 0 to 2 are advertised for librdkafka and refused.
    for (let version = Math.max(minVersion, api.versions.min); version <= maxVersion; version++) {
      // An empty Produce has acks=0: nobody waits for its answer.
      const bodies: unknown[] = apiKey === produceApi.key ? [] : [{ timeoutMs: 1000 }];
      const special = about.get(apiKey);
      if (special !== undefined) bodies.push(special(version));
      for (const body of bodies) {
        const client = await RawClient.connect(address);
        const answered = client.ask(api, version, body as never).then(
          () => true,
          (error: unknown) => String(error),
        );
        const result = await Promise.race([
          answered,
          new Promise<string>((resolve) => setTimeout(() => resolve('no answer'), 8000)),
        ]);
        if (result !== true)
          failures.push(`${api.name} ${version} ${JSON.stringify(body).slice(0, 60)}: ${String(result)}`);
        client.close();
      }
    }
  }
  expect(failures).toEqual([]);
});

test('docs/PROTOCOL.md says what a running broker advertises', async () => {
  const broker = cluster.ready.brokers[0];
  const table = await protocolTable(address, `127.0.0.1:${broker?.controllerPort}`);
  expect(readFileSync('docs/PROTOCOL.md', 'utf8'), 'run: npm run protocol-table').toBe(table);
});
