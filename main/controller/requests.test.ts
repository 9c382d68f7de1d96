// What requests are answered: Kafka's error codes and messages. Pure decisions on an image of three brokers.

import { describe, expect, it } from 'vitest';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { supportedFeatures, bootstrapRecords } from '../metadata/features.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../metadata/metadata-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { CreateTopicsRequest } from '../protocol/messages/create-topics.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import { alterConfigs, incrementalAlterConfigs } from './configuration-control.ts';
import { registerBroker } from './cluster-control.ts';
import type { ControllerView, Decision } from './decision.ts';
import { updateFeatures } from './feature-control.ts';
import { electLeaders } from './leadership-control.ts';
import { alterPartitionReassignments, listPartitionReassignments } from './reassignment-control.ts';
import { allocateProducerIds } from './producer-id-control.ts';
import { createPartitions, createTopics, deleteTopics } from './topic-control.ts';

const zero = 'AAAAAAAAAAAAAAAAAAAAAA';
const directory = (id: number): string => `broker-0${id}-directory-AA`;

function registration(brokerId: number): MetadataRecord {
  return {
    name: 'RegisterBrokerRecord',
    version: 4,
    value: {
      brokerId,
      isMigratingZkBroker: false,
      incarnationId: directory(brokerId),
      brokerEpoch: 10 + brokerId,
      endPoints: [],
      features: supportedFeatures,
      rack: null,
      fenced: false,
      inControlledShutdown: false,
      logDirs: [directory(brokerId)],
      cordonedLogDirs: [],
    },
  };
}

/** A controller that commits at once. */
class Cluster {
  image: MetadataImage = emptyMetadataImage;
  readonly #random = seededRandom(1, 'cluster');

  constructor(brokerIds: readonly number[] = [1, 2, 3]) {
    this.replay([...bootstrapRecords(), ...brokerIds.map(registration)]);
  }

  replay(records: readonly MetadataRecord[]): void {
    const provenance = { lastContainedOffset: 100, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 };
    this.image = new MetadataDelta(this.image).replayAll(records).apply(provenance);
  }

  get view(): ControllerView {
    return {
      image: this.image,
      settings: new BrokerSettings({ 'node.id': '1', 'default.replication.factor': '3', 'num.partitions': '4' }),
      clusterId: 'cluster',
      random: this.#random,
      heartbeats: new BrokerHeartbeats(9000),
      nowMs: 0,
      nextOffset: 101,
    };
  }

  run<Response>(decide: (view: ControllerView) => Decision<Response>): Response {
    const { records, response } = decide(this.view);
    this.replay(records);
    return response;
  }

  create(topic: Partial<CreateTopicsRequest['topics'][number]> & { name: string }, validateOnly = false) {
    const full = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], ...topic };
    const response = this.run((view) => createTopics(view, { topics: [full], timeoutMs: 1, validateOnly }));
    const [result] = response.topics;
    return { code: result?.errorCode, message: result?.errorMessage, result };
  }
}

describe('CreateTopics', () => {
  it('uses the defaults for −1 and answers with the configuration', () => {
    const cluster = new Cluster();
    const { result } = cluster.create({ name: 'a', configs: [{ name: 'retention.ms', value: '5' }] });
    expect(result).toMatchObject({ errorCode: 0, numPartitions: 4, replicationFactor: 3 });
    expect(result?.configs?.find((each) => each.name === 'retention.ms')).toMatchObject({
      value: '5',
      configSource: 1,
    });
    expect(cluster.image.topics.byName.get('a')?.partitions.size).toBe(4);
  });

  it.each([
    [{ name: '' }, 17, 'Topic name is invalid: the empty string is not allowed'],
    [{ name: '..' }, 17, "Topic name is invalid: '..' is not allowed"],
    [
      { name: 'a b' },
      17,
      "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [{ name: '__cluster_metadata' }, 42, 'Creation of internal topic __cluster_metadata is prohibited.'],
    [{ name: 'x', numPartitions: 0 }, 37, 'Number of partitions was set to an invalid non-positive value.'],
    [
      { name: 'x', replicationFactor: 0 },
      38,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    ],
    [
      { name: 'x', replicationFactor: 9 },
      38,
      'Unable to replicate the partition 9 time(s): The target replication factor of 9 cannot be reached because only 3 broker(s) are registered or some brokers have all their log directories cordoned.',
    ],
    [{ name: 'x', configs: [{ name: 'nope', value: '1' }] }, 40, 'Unknown topic config name: nope'],
    [
      { name: 'x', configs: [{ name: 'flush.ms', value: null }] },
      40,
      'Null value not supported for topic configs: flush.ms',
    ],
    [
      { name: 'x', numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      42,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    ],
    [
      { name: 'x', assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
      39,
      'The manual partition assignment includes the broker 1 more than once.',
    ],
    [
      { name: 'x', assignments: [{ partitionIndex: 0, brokerIds: [7] }] },
      39,
      'The manual partition assignment includes broker 7, but no such broker is registered.',
    ],
    [
      { name: 'x', assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      39,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      {
        name: 'x',
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 1, brokerIds: [1, 2] },
        ],
      },
      39,
      'The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous partitions, which have 1 replica(s).',
    ],
  ])('%j → %i', (topic, code, message) => {
    const cluster = new Cluster();
    const answer = cluster.create(topic);
    expect([answer.code, answer.message]).toEqual([code, message]);
    expect(cluster.image.topics.byName.size).toBe(0);
  });

  it('changes nothing when it only validates', () => {
    const cluster = new Cluster();
    expect(cluster.create({ name: 'a' }, true).code).toBe(0);
    expect(cluster.image.topics.byName.size).toBe(0);
  });

  it('refuses names that collide, also within one request, and the same name twice', () => {
    const cluster = new Cluster();
    cluster.create({ name: 'a.b' });
    expect(cluster.create({ name: 'a_b' }).message).toBe("Topic 'a_b' collides with existing topic: a.b");
    const topic = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const topics = ['c.d', 'c_d', 'e', 'e'].map((name) => ({ ...topic, name }));
    const response = cluster.run((view) => createTopics(view, { topics, timeoutMs: 1, validateOnly: false }));
    expect(response.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['c.d', 0],
      ['c_d', ErrorCode.INVALID_TOPIC_EXCEPTION],
      ['e', ErrorCode.INVALID_REQUEST],
    ]);
  });
});

describe('CreatePartitions and DeleteTopics', () => {
  it('adds partitions after the last one', () => {
    const cluster = new Cluster();
    cluster.create({ name: 'a', numPartitions: 2 });
    const add = (count: number) =>
      cluster.run((view) =>
        createPartitions(view, {
          topics: [{ name: 'a', count, assignments: null }],
          timeoutMs: 1,
          validateOnly: false,
        }),
      );
    expect(add(2).results[0]).toMatchObject({ errorCode: 37, errorMessage: 'Topic already has 2 partition(s).' });
    expect(add(1).results[0]?.errorMessage).toBe(
      'The topic a currently has 2 partition(s); 1 would not be an increase.',
    );
    expect(add(5).results[0]?.errorCode).toBe(0);
    expect([...(cluster.image.topics.byName.get('a')?.partitions.keys() ?? [])]).toEqual([0, 1, 2, 3, 4]);
  });

  it('deletes by name and by id, and says what is unknown', () => {
    const cluster = new Cluster();
    const { result } = cluster.create({ name: 'a' });
    const topics = [
      { name: null, topicId: result?.topicId ?? zero },
      { name: 'b', topicId: zero },
      { name: null, topicId: zero },
    ];
    const response = cluster.run((view) => deleteTopics(view, { topics, topicNames: [], timeoutMs: 1 }, 6));
    expect(response.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 0],
      ['b', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [null, ErrorCode.INVALID_REQUEST],
    ]);
    expect(cluster.image.topics.byId.size).toBe(0);
  });
});

describe('IncrementalAlterConfigs', () => {
  const alter = (
    cluster: Cluster,
    resourceType: number,
    resourceName: string,
    configs: readonly (readonly [string, number, string | null])[],
  ) => {
    const entries = configs.map(([name, configOperation, value]) => ({ name, configOperation, value }));
    const request = { resources: [{ resourceType, resourceName, configs: entries }], validateOnly: false };
    return cluster.run((view) => incrementalAlterConfigs(view, request)).responses[0];
  };

  it('sets, appends, subtracts and deletes', () => {
    const cluster = new Cluster();
    cluster.create({ name: 'a' });
    expect(alter(cluster, 2, 'a', [['cleanup.policy', 2, 'compact']])?.errorCode).toBe(0);
    expect(cluster.image.configs.get('2:a')?.values.get('cleanup.policy')).toBe('delete,compact');
    alter(cluster, 2, 'a', [
      ['cleanup.policy', 3, 'delete'],
      ['flush.ms', 0, '7'],
    ]);
    expect(Object.fromEntries(cluster.image.configs.get('2:a')?.values ?? [])).toEqual({
      'cleanup.policy': 'compact',
      'flush.ms': '7',
    });
    alter(cluster, 2, 'a', [
      ['cleanup.policy', 1, null],
      ['flush.ms', 1, null],
    ]);
    expect(cluster.image.configs.has('2:a')).toBe(false);
  });

  it.each([
    [2, 'missing', [['flush.ms', 0, '7']], 3, "The topic 'missing' does not exist."],
    [2, '', [['flush.ms', 0, '7']], 42, 'Default topic resources are not allowed.'],
    [2, 'a', [['flush.ms', 2, '7']], 40, "Can't APPEND to key flush.ms because its type is not LIST."],
    [2, 'a', [['flush.ms', 0, null]], 42, 'Null value not supported for : flush.ms'],
    [
      2,
      'a',
      [
        ['flush.ms', 0, '1'],
        ['flush.ms', 0, '2'],
      ],
      42,
      'Error due to duplicate config keys : flush.ms',
    ],
    [
      2,
      'a',
      [
        ['max.compaction.lag.ms', 0, '5'],
        ['min.compaction.lag.ms', 0, '6'],
      ],
      40,
      'conflict topic config setting min.compaction.lag.ms (6) > max.compaction.lag.ms (5)',
    ],
    [
      2,
      'a',
      [['remote.storage.enable', 0, 'true']],
      40,
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    ],
    [4, '1', [['broker.rack', 0, 'r']], 42, 'Cannot update these configs dynamically: [broker.rack]'],
    [4, '9', [['log.retention.ms', 0, '5']], 102, 'No node with id 9 found.'],
    [
      4,
      '1',
      [['min.insync.replicas', 0, '1']],
      40,
      'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
    ],
    [
      4,
      '',
      [['min.insync.replicas', 1, null]],
      40,
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    ],
    [32, 'g', [['nope', 0, '1']], 40, 'Unknown group config name: nope'],
    [99, 'g', [['nope', 0, '1']], 42, 'Unknown resource type 99'],
  ] as const)('type %i, %s, %j → %i', (type, name, configs, code, message) => {
    const cluster = new Cluster();
    cluster.create({ name: 'a' });
    expect(alter(cluster, type, name, configs)).toMatchObject({ errorCode: code, errorMessage: message });
  });

  it('forgets eligible leaders when min.insync.replicas changes', () => {
    const cluster = new Cluster();
    cluster.create({ name: 'a' });
    const configs = [{ name: 'min.insync.replicas', configOperation: 0, value: '2' }];
    const request = { resources: [{ resourceType: 2, resourceName: 'a', configs }], validateOnly: false };
    const { records } = incrementalAlterConfigs(cluster.view, request);
    expect(records.map((record) => record.name)).toEqual(['ConfigRecord', 'ClearElrRecord']);
  });

  it('in its old form removes what is not named', () => {
    const cluster = new Cluster();
    cluster.create({ name: 'a', configs: [{ name: 'flush.ms', value: '7' }] });
    const resources = [{ resourceType: 2, resourceName: 'a', configs: [{ name: 'retention.ms', value: '8' }] }];
    cluster.run((view) => alterConfigs(view, { resources, validateOnly: false }));
    expect(Object.fromEntries(cluster.image.configs.get('2:a')?.values ?? [])).toEqual({ 'retention.ms': '8' });
  });
});

describe('other requests', () => {
  it('ElectLeaders says where none is needed, unless it is asked for all', () => {
    const cluster = new Cluster();
    cluster.create({ name: 'a', numPartitions: 1 });
    const elect = (electionType: number, partitions: number[] | null) => {
      const topicPartitions = partitions === null ? null : [{ topic: 'a', partitions }];
      const response = cluster.run((view) => electLeaders(view, { electionType, topicPartitions, timeoutMs: 1 }));
      return response.replicaElectionResults[0]?.partitionResult.map((result) => result.errorCode);
    };
    expect(elect(0, [0, 5])).toEqual([ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(elect(1, [0])).toEqual([ErrorCode.ELECTION_NOT_NEEDED]);
    expect(elect(0, null)).toEqual([]);
    expect(() => elect(5, [0])).toThrow('Unknown election type 5');
  });

  it('a reassignment can be listed and cancelled', () => {
    const cluster = new Cluster([1, 2, 3, 4]);
    cluster.create({ name: 'a', assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] });
    const reassign = (replicas: number[] | null) => {
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, replicas }] }];
      const request = { timeoutMs: 1, allowReplicationFactorChange: true, topics };
      const response = cluster.run((view) => alterPartitionReassignments(view, request));
      return response.responses[0]?.partitions[0]?.errorCode;
    };
    expect(reassign(null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
    expect(reassign([9])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(reassign([3, 4])).toBe(0);
    const listed = listPartitionReassignments(cluster.view, { timeoutMs: 1, topics: null }).response;
    expect(listed.topics[0]?.partitions[0]).toMatchObject({ addingReplicas: [3, 4], removingReplicas: [1, 2] });
    expect(reassign(null)).toBe(0);
    expect(cluster.image.topics.byName.get('a')?.partitions.get(0)).toMatchObject({
      replicas: [1, 2],
      addingReplicas: [],
    });
  });

  it('UpdateFeatures knows its limits', () => {
    const cluster = new Cluster();
    const update = (feature: string, maxVersionLevel: number, upgradeType = 1) => {
      const featureUpdates = [{ feature, maxVersionLevel, upgradeType, allowDowngrade: false }];
      return cluster.run((view) => updateFeatures(view, { timeoutMs: 1, featureUpdates, validateOnly: false }, 1))
        .results[0];
    };
    expect(update('metadata.version', 31)?.errorMessage).toBe(
      'Invalid update version 31 for feature metadata.version. Local controller 1 only supports versions 7-30',
    );
    expect(update('nope', 1)?.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(update('share.version', 0)?.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(update('share.version', 0, 2)?.errorCode).toBe(0);
    expect(cluster.image.features.finalized.has('share.version')).toBe(false);
  });

  it('producer ids come in blocks that never overlap', () => {
    const cluster = new Cluster();
    const allocate = () => cluster.run((view) => allocateProducerIds(view, { brokerId: 1, brokerEpoch: 11 }));
    expect([allocate().producerIdStart, allocate().producerIdStart]).toEqual([0, 1000]);
    expect(() => allocateProducerIds(cluster.view, { brokerId: 1, brokerEpoch: 10 })).toThrow(
      'Expected broker epoch 11, but got broker epoch 10',
    );
  });

  it('a registration with another’s directory, or of another cluster, is refused', () => {
    const cluster = new Cluster();
    const request = {
      brokerId: 4,
      clusterId: 'cluster',
      incarnationId: directory(4),
      listeners: [],
      features: supportedFeatures,
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [directory(1)],
      previousBrokerEpoch: -1,
    };
    expect(() => registerBroker(cluster.view, request)).toThrow(/Broker 1 is already registered with directory/);
    expect(() => registerBroker(cluster.view, { ...request, clusterId: 'other' })).toThrow(
      'Expected cluster ID cluster, but got cluster ID other',
    );
    expect(() => registerBroker(cluster.view, { ...request, features: [], logDirs: [directory(4)] })).toThrow(
      /does not support finalized version/,
    );
  });
});
