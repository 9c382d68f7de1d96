// What the Topics screen asks of the cluster, over the wire like any admin client: configs with their source,
// validation by Kafka itself, partitions, elections, deletion of records. Kafka's own messages come back unchanged.

import type { ConfigKind, ConfigSource, ConfigView, PartitionResult, TopicOutputs } from '../api/endpoints/topics.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { createPartitionsApi } from '../protocol/messages/create-partitions.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteRecordsApi } from '../protocol/messages/delete-records.ts';
import { describeConfigsApi, type DescribeConfigsResponse } from '../protocol/messages/describe-configs.ts';
import { electLeadersApi } from '../protocol/messages/elect-leaders.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { listOffsetsApi } from '../protocol/messages/list-offsets.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ClusterError } from './cluster-error.ts';
import type { ThrottleMemory } from './throttle-release.ts';
import { Reassignment } from './reassignment.ts';
import { untilSeen } from './until-seen.ts';

const timeoutMs = 10_000;
const topicResource = 2;
const sources: readonly ConfigSource[] = ['unknown', 'topic', 'broker', 'cluster', 'static', 'default'];
const kinds: readonly ConfigKind[] = [
  'unknown',
  'boolean',
  'string',
  'int',
  'short',
  'long',
  'double',
  'list',
  'class',
  'password',
];
/** A name that CreateTopics is asked about, never made. */
const probeTopic = 'highwater.defaults';

export class TopicAdmin {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #reassignment: Reassignment;

  constructor(client: ClusterClient, clock: Clock, throttles: ThrottleMemory) {
    this.#client = client;
    this.#clock = clock;
    this.#reassignment = new Reassignment(client, clock, throttles);
  }

  close(): void {
    this.#reassignment.close();
  }

  handlers(): Pick<EndpointHandlers, keyof TopicOutputs> {
    return {
      ...this.#reassignment.handlers(),
      'topic.validate': (input) => this.#validate(input),
      'topic.configs': ({ topic }) => this.#configs(topic),
      'topic.configDefaults': () => this.#configDefaults(),
      'topic.alterConfigs': (input) => this.#alterConfigs(input),
      'topic.addPartitions': (input) => this.#addPartitions(input),
      'topic.electLeaders': (input) => this.#electLeaders(input),
      'topic.offsetsAt': ({ topic, wallMs }) => this.#offsetsAt(topic, wallMs),
      'topic.deleteRecords': ({ topic, before }) => this.#deleteRecords(topic, before),
    };
  }

  async #validate(input: {
    topic: string;
    partitions: number;
    replicationFactor: number;
    configs: Record<string, string>;
  }): Promise<null> {
    const { topic: name, partitions: numPartitions, replicationFactor } = input;
    const configs = Object.entries(input.configs).map(([key, value]) => ({ name: key, value }));
    const answer = await this.#client.sendToAny(
      createTopicsApi,
      { topics: [{ name, numPartitions, replicationFactor, configs }], timeoutMs, validateOnly: true },
      timeoutMs,
    );
    const result = answer.topics[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    return null;
  }

  async #configs(topic: string): Promise<TopicOutputs['topic.configs']> {
    const answer = await this.#client.sendToAny(
      describeConfigsApi,
      {
        resources: [{ resourceType: topicResource, resourceName: topic, configurationKeys: null }],
        includeSynonyms: true,
        includeDocumentation: true,
      },
      timeoutMs,
    );
    const result = answer.results[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    return { configs: (result?.configs ?? []).map(configView) };
  }

  /** CreateTopics says what it would give a topic, without giving it. */
  async #configDefaults(): Promise<TopicOutputs['topic.configDefaults']> {
    const topic = { name: probeTopic, numPartitions: 1, replicationFactor: -1 };
    const answer = await this.#client.sendToAny(
      createTopicsApi,
      { topics: [topic], timeoutMs, validateOnly: true },
      timeoutMs,
    );
    const result = answer.topics[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    const configs = (result?.configs ?? []).map((config): ConfigView => ({
      name: config.name,
      value: config.value,
      source: sources[config.configSource] ?? 'unknown',
      kind: 'unknown',
      readOnly: config.readOnly,
      sensitive: config.isSensitive,
      documentation: null,
      synonyms: [],
    }));
    return { configs };
  }

  async #alterConfigs(input: {
    topic: string;
    set: Record<string, string>;
    unset: string[];
    validateOnly: boolean;
  }): Promise<null> {
    const configs = [
      ...Object.entries(input.set).map(([name, value]) => ({ name, configOperation: 0, value })),
      ...input.unset.map((name) => ({ name, configOperation: 1, value: null })),
    ];
    const answer = await this.#client.sendToAny(
      incrementalAlterConfigsApi,
      {
        resources: [{ resourceType: topicResource, resourceName: input.topic, configs }],
        validateOnly: input.validateOnly,
      },
      timeoutMs,
    );
    const result = answer.responses[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    if (!input.validateOnly) await this.#seen(input);
    return null;
  }

  #seen({ topic, set, unset }: { topic: string; set: Record<string, string>; unset: string[] }): Promise<void> {
    return untilSeen(this.#clock, async () => {
      const { configs } = await this.#configs(topic);
      const own = new Map(configs.flatMap(({ name, value, source }) => (source === 'topic' ? [[name, value]] : [])));
      const isSet = Object.entries(set).every(([name, value]) => own.get(name) === value);
      return isSet && !unset.some((name) => own.has(name));
    });
  }

  async #addPartitions(input: { topic: string; count: number; validateOnly: boolean }): Promise<null> {
    const { topic: name, count, validateOnly } = input;
    const answer = await this.#client.sendToAny(
      createPartitionsApi,
      { topics: [{ name, count, assignments: null }], timeoutMs, validateOnly },
      timeoutMs,
    );
    const result = answer.results[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    return null;
  }

  async #electLeaders(input: {
    topic: string;
    partitions: number[] | null;
    unclean: boolean;
  }): Promise<TopicOutputs['topic.electLeaders']> {
    const partitions = input.partitions ?? (await this.#partitionsOf(input.topic));
    const answer = await this.#client.sendToAny(
      electLeadersApi,
      {
        electionType: input.unclean ? 1 : 0,
        topicPartitions: [{ topic: input.topic, partitions }],
        timeoutMs,
      },
      timeoutMs,
    );
    requireOk(answer.errorCode, null);
    const results = answer.replicaElectionResults.flatMap(({ partitionResult }) => partitionResult);
    return {
      results: results.map((result): PartitionResult => ({
        partition: result.partitionId,
        code: errorName(result.errorCode),
        message: result.errorMessage,
      })),
    };
  }

  async #offsetsAt(topic: string, wallMs: number): Promise<TopicOutputs['topic.offsetsAt']> {
    const partitions = await this.#partitionsOf(topic);
    const answers = await this.#byLeader(topic, partitions, (leader, own) =>
      this.#client.send(leader, listOffsetsApi, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: own.map((partitionIndex) => ({ partitionIndex, timestamp: wallMs })) }],
        timeoutMs,
      }),
    );
    const offsets = answers.flatMap((answer) => answer.topics[0]?.partitions ?? []);
    for (const { errorCode } of offsets) requireOk(errorCode, null);
    return {
      offsets: offsets
        .map(({ partitionIndex, offset, timestamp }) => ({ partition: partitionIndex, offset, timestamp }))
        .sort((a, b) => a.partition - b.partition),
    };
  }

  async #deleteRecords(
    topic: string,
    before: readonly { partition: number; offset: number }[],
  ): Promise<TopicOutputs['topic.deleteRecords']> {
    await this.#partitionsOf(topic);
    const wanted = new Map(before.map(({ partition, offset }) => [partition, offset]));
    const answers = await this.#byLeader(topic, [...wanted.keys()], (leader, own) =>
      this.#client.send(leader, deleteRecordsApi, {
        topics: [
          {
            name: topic,
            partitions: own.map((partitionIndex) => ({ partitionIndex, offset: wanted.get(partitionIndex) ?? -1 })),
          },
        ],
        timeoutMs,
      }),
    );
    const results = answers.flatMap((answer) => answer.topics[0]?.partitions ?? []);
    return {
      results: results
        .map(({ partitionIndex, lowWatermark, errorCode }) => ({
          partition: partitionIndex,
          code: errorName(errorCode),
          message: null,
          logStartOffset: lowWatermark,
        }))
        .sort((a, b) => a.partition - b.partition),
    };
  }

  async #partitionsOf(topic: string): Promise<number[]> {
    await this.#client.refresh([topic]);
    const known = this.#client.topic(topic);
    if (known === null) {
      throw new ClusterError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${topic}`, 'it may have been deleted');
    }
    return [...known.partitions.keys()];
  }

  /** One request to each leader; throws when a partition has none. */
  async #byLeader<Answer>(
    topic: string,
    partitions: readonly number[],
    ask: (leader: number, partitions: readonly number[]) => Promise<Answer>,
  ): Promise<readonly Answer[]> {
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = this.#client.leaderOf(topic, partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const leaderless = byLeader.get(-1);
    if (leaderless !== undefined) {
      throw new ClusterError(
        'LEADER_NOT_AVAILABLE',
        `${topic}-${leaderless[0] ?? 0} has no leader`,
        'start a broker that holds an in-sync replica of it',
      );
    }
    return Promise.all([...byLeader].map(([leader, own]) => ask(leader, own)));
  }
}

type DescribedConfig = DescribeConfigsResponse['results'][number]['configs'][number];

function configView(config: DescribedConfig): ConfigView {
  return {
    name: config.name,
    value: config.value,
    source: sources[config.configSource] ?? 'unknown',
    kind: kinds[config.configType] ?? 'unknown',
    readOnly: config.readOnly,
    sensitive: config.isSensitive,
    documentation: config.documentation,
    synonyms: config.synonyms.map(({ name, value, source }) => ({
      name,
      value,
      source: sources[source] ?? 'unknown',
    })),
  };
}

function requireOk(errorCode: number, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  const name = errorName(errorCode);
  throw new ClusterError(name, message ?? name);
}
