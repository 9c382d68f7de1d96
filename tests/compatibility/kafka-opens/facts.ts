// Everything that a cluster serves, as data that compares: topics with ids and settings, the bytes of their records,
// the producers it knows, group offsets. Two products on the same directories must give the same.

import { createHash } from 'node:crypto';
import { describeConfigsApi } from '../../../main/protocol/messages/describe-configs.ts';
import { describeProducersApi } from '../../../main/protocol/messages/describe-producers.ts';
import { listOffsetsApi } from '../../../main/protocol/messages/list-offsets.ts';
import { offsetFetchApi } from '../../../main/protocol/messages/offset-fetch.ts';
import { batchesOf } from './reading.ts';
import { accept, persist, type Wire } from './wire.ts';

type PartitionFacts = {
  readonly replicas: readonly number[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly lastStableOffset: number;
  readonly batches: number;
  readonly sha256: string;
  readonly producers: readonly string[];
};

export type Facts = {
  readonly clusterId: string | null;
  readonly topics: Readonly<
    Record<string, { id: string; settings: Readonly<Record<string, string | null>>; partitions: PartitionFacts[] }>
  >;
  readonly clusterSettings: Readonly<Record<string, string | null>>;
  readonly groups: Readonly<Record<string, readonly string[]>>;
};

const earliest = -2;
const latest = -1;
/** Where a setting was given: Kafka's ConfigSource. */
const topicSource = 1;
const clusterDefaultSource = 3;

/** `cleaned`: topics whose records the cleaner may remove meanwhile; of them only ends and settings are compared. */
export async function factsOf(
  wire: Wire,
  options: { groups: readonly string[]; cleaned: readonly string[] },
): Promise<Facts> {
  const metadata = await persist('the list of topics', () => wire.metadata(null));
  const topics: Record<string, Facts['topics'][string]> = {};
  const listed = metadata.topics.filter(({ isInternal }) => !isInternal);
  for (const { name, topicId, partitions } of listed.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))) {
    if (name === null) continue;
    const found: PartitionFacts[] = [];
    for (const { partitionIndex, replicaNodes } of partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex))
      found.push(await partitionFacts(wire, name, partitionIndex, replicaNodes, options.cleaned.includes(name)));
    topics[name] = { id: topicId, settings: await settings(wire, 2, name, topicSource), partitions: found };
  }
  const groups: Record<string, readonly string[]> = {};
  for (const group of options.groups) groups[group] = await groupOffsets(wire, group);
  return {
    clusterId: metadata.clusterId,
    topics,
    clusterSettings: await settings(wire, 4, '', clusterDefaultSource),
    groups,
  };
}

async function partitionFacts(
  wire: Wire,
  topic: string,
  partition: number,
  replicas: readonly number[],
  isCleaned: boolean,
): Promise<PartitionFacts> {
  const startOffset = await offsetAt(wire, topic, partition, earliest, 0);
  const endOffset = await offsetAt(wire, topic, partition, latest, 0);
  const lastStableOffset = await offsetAt(wire, topic, partition, latest, 1);
  const hash = createHash('sha256');
  let batches = 0;
  if (!isCleaned) {
    for await (const batch of batchesOf(wire, topic, partition, startOffset, endOffset)) {
      hash.update(batch.bytes);
      batches += 1;
    }
  }
  const producers = await producersOf(wire, topic, partition);
  return { replicas, startOffset, endOffset, lastStableOffset, batches, sha256: hash.digest('hex'), producers };
}

async function offsetAt(
  wire: Wire,
  topic: string,
  partition: number,
  timestamp: number,
  isolationLevel: number,
): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
  const answer = await wire.toLeader(
    topic,
    partition,
    listOffsetsApi,
    7,
    { replicaId: -1, isolationLevel, topics },
    (given) => accept('ListOffsets', given.topics[0]?.partitions[0]?.errorCode ?? -1),
  );
  return answer.topics[0]?.partitions[0]?.offset ?? -1;
}

async function producersOf(wire: Wire, topic: string, partition: number): Promise<string[]> {
  const topics = [{ name: topic, partitionIndexes: [partition] }];
  const answer = await wire.toLeader(topic, partition, describeProducersApi, 0, { topics }, (given) =>
    accept('DescribeProducers', given.topics[0]?.partitions[0]?.errorCode ?? -1),
  );
  const active = answer.topics[0]?.partitions[0]?.activeProducers ?? [];
  return active
    .map(
      (each) =>
        `${each.producerId} epoch ${each.producerEpoch} sequence ${each.lastSequence} open from ${each.currentTxnStartOffset} coordinator ${each.coordinatorEpoch}`,
    )
    .sort();
}

async function settings(
  wire: Wire,
  resourceType: number,
  resourceName: string,
  source: number,
): Promise<Record<string, string | null>> {
  const resources = [{ resourceType, resourceName, configurationKeys: null }];
  const answer = await persist(`the settings of ${resourceName}`, async () => {
    const given = await wire.askAny(describeConfigsApi, 4, {
      resources,
      includeSynonyms: false,
      includeDocumentation: false,
    });
    accept('DescribeConfigs', given.results[0]?.errorCode ?? -1);
    return given;
  });
  const given = (answer.results[0]?.configs ?? []).filter(({ configSource }) => configSource === source);
  return Object.fromEntries(given.map(({ name, value }) => [name, value] as const).sort());
}

async function groupOffsets(wire: Wire, groupId: string): Promise<string[]> {
  const body = { groups: [{ groupId, topics: null }], requireStable: true };
  const answer = await wire.toCoordinator(groupId, offsetFetchApi, 8, body, (given) => {
    accept('OffsetFetch', given.groups[0]?.errorCode ?? -1);
    for (const { partitions } of given.groups[0]?.topics ?? [])
      for (const each of partitions) accept('OffsetFetch', each.errorCode);
  });
  return (answer.groups[0]?.topics ?? [])
    .flatMap(({ name, partitions }) =>
      partitions.map((each) => `${name}-${each.partitionIndex} ${each.committedOffset} ${each.metadata ?? ''}`),
    )
    .sort();
}

/** What differs, as readable lines; none when the two are alike. */
export function differences(expected: unknown, actual: unknown, path = ''): string[] {
  if (Object.is(expected, actual)) return [];
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isObject(expected) || !isObject(actual))
    return [`${path}: ${JSON.stringify(expected)} became ${JSON.stringify(actual)}`];
  return [...new Set([...Object.keys(expected), ...Object.keys(actual)])].flatMap((key) =>
    differences(expected[key], actual[key], path === '' ? key : `${path}.${key}`),
  );
}
