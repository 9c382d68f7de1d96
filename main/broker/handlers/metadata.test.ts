// What clients are told of brokers, topics and partitions.

import { describe, expect, it } from 'vitest';
import { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import { supportedFeatures } from '../../metadata/features.ts';
import { MetadataDelta } from '../../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../../metadata/metadata-image.ts';
import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { MetadataRecord } from '../../protocol/messages/metadata-records.ts';
import { metadataApi } from '../../protocol/messages/metadata.ts';
import { SimulatedWorld } from '../../runtime/simulated/simulated-world.ts';
import { NodeConnections } from '../../net/node-connections.ts';
import { AutoTopicCreation } from '../auto-topic-creation.ts';
import { createControllerChannel } from '../controller-channel.ts';
import { createDescribeTopicPartitionsHandler } from './describe-topic-partitions.ts';
import { createMetadataHandler } from './metadata.ts';

const zero = 'AAAAAAAAAAAAAAAAAAAAAA';
const idOf = (topic: string): string => topic.slice(0, 20).padEnd(21, '-') + 'A';

function broker(brokerId: number, fenced: boolean): MetadataRecord {
  return {
    name: 'RegisterBrokerRecord',
    version: 4,
    value: {
      brokerId,
      isMigratingZkBroker: false,
      incarnationId: zero,
      brokerEpoch: brokerId,
      endPoints: [{ name: 'PLAINTEXT', host: `host-${brokerId}`, port: 9092, securityProtocol: 0 }],
      features: supportedFeatures,
      rack: null,
      fenced,
      inControlledShutdown: false,
      logDirs: [],
      cordonedLogDirs: [],
    },
  };
}

function topic(name: string, leaders: readonly number[]): MetadataRecord[] {
  const topicId = idOf(name);
  const partitions = leaders.map((leader, partitionId): MetadataRecord => ({
    name: 'PartitionRecord',
    version: 2,
    value: {
      partitionId,
      topicId,
      replicas: [1, 2, 3],
      isr: [1, 2],
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderRecoveryState: 0,
      leaderEpoch: 4,
      partitionEpoch: 9,
      directories: [idOf('d'), idOf('d'), idOf('d')],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  }));
  return [{ name: 'TopicRecord', version: 0, value: { name, topicId } }, ...partitions];
}

const image: MetadataImage = new MetadataDelta(emptyMetadataImage)
  .replayAll([
    broker(1, false),
    broker(2, false),
    broker(3, true),
    ...topic('orders', [1, -1, 3]),
    ...topic('__consumer_offsets', [2]),
  ])
  .apply(emptyMetadataImage.provenance);

function contextOf(apiVersion: number): RequestContext {
  return {
    apiKey: metadataApi.key,
    apiVersion,
    correlationId: 0,
    clientId: 'test',
    listener: 'client',
    listenerName: 'PLAINTEXT',
    connectionId: '1',
    clientAddress: '127.0.0.1',
    principal: 'User:ANONYMOUS',
    clientSoftware: null,
    receivedMs: 0,
    isOpen: () => true,
    requestFrame: Buffer.alloc(0),
  };
}

function handler(properties: Readonly<Record<string, string>> = {}) {
  const { clock, network, random } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  const settings = new BrokerSettings({ 'node.id': '1', ...properties });
  const connections = new NodeConnections({ clock, network, random, clientId: 'test', endpointOf: () => null });
  const channel = createControllerChannel({ clock, connections, activeController: () => null, attemptTimeoutMs: 100 });
  const serve = createMetadataHandler({
    image: () => image,
    settings,
    clusterId: 'cluster',
    nodeId: 1,
    activeController: () => 2,
    autoTopicCreation: new AutoTopicCreation(channel, settings),
  });
  return (apiVersion: number, topics: readonly { name: string | null; topicId?: string }[] | null, more = {}) => {
    const request = {
      topics: topics === null ? null : topics.map((each) => ({ topicId: zero, ...each })),
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
      ...more,
    };
    const response = serve(contextOf(apiVersion), request);
    // What is answered must fit the version it is asked in.
    return metadataApi.response.decodeFrom(metadataApi.response.encodeToBuffer(apiVersion, response), apiVersion);
  };
}

describe('Metadata', () => {
  it('names the brokers that are alive, and an alive one as the controller', () => {
    const response = handler()(13, []);
    expect(response.brokers.map((each) => each.nodeId)).toEqual([1, 2]);
    expect(response).toMatchObject({ controllerId: 2, clusterId: 'cluster', topics: [] });
  });

  it('says why a partition has no leader that could be asked', () => {
    const [orders] = handler()(13, [{ name: 'orders' }]).topics;
    expect(
      orders?.partitions.map(({ errorCode, leaderId, leaderEpoch, offlineReplicas }) => [
        errorCode,
        leaderId,
        leaderEpoch,
        offlineReplicas,
      ]),
    ).toEqual([
      [ErrorCode.NONE, 1, 4, [3]],
      [ErrorCode.LEADER_NOT_AVAILABLE, -1, 4, [3]],
      [ErrorCode.LISTENER_NOT_FOUND, -1, 4, [3]],
    ]);
  });

  it('hides replicas that are not there from version 0, and takes its empty list for all topics', () => {
    const { topics } = handler()(0, []);
    expect(topics.map((each) => each.name)).toEqual(['orders', '__consumer_offsets']);
    expect(topics[0]?.partitions[0]).toMatchObject({
      errorCode: ErrorCode.REPLICA_NOT_AVAILABLE,
      replicaNodes: [1, 2],
      isrNodes: [1, 2],
    });
    expect(topics[0]?.partitions[2]?.errorCode).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
  });

  it('finds topics by id, and knows ids that are not there', () => {
    const { topics } = handler()(12, [
      { name: null, topicId: idOf('orders') },
      { name: null, topicId: idOf('gone') },
    ]);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['orders', 0],
      [null, ErrorCode.UNKNOWN_TOPIC_ID],
    ]);
  });

  it('has topics made that are not there, and refuses names that can not be', () => {
    const answer = (properties: Readonly<Record<string, string>>, more = {}) =>
      handler(properties)(13, [{ name: 'new' }, { name: 'a b' }], more).topics.map((each) => each.errorCode);
    const expected = [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.INVALID_TOPIC_EXCEPTION];
    expect(answer({})).toEqual(expected);
    expect(answer({ 'auto.create.topics.enable': 'false' })).toEqual(expected);
  });

  it('lists allowed operations when asked', () => {
    const { topics } = handler()(8, [{ name: 'orders' }], { includeTopicAuthorizedOperations: true });
    expect(topics[0]?.topicAuthorizedOperations).toBe(3576);
    expect(handler()(8, [{ name: 'orders' }]).topics[0]?.topicAuthorizedOperations).toBe(-2147483648);
  });

  it.each(Array.from({ length: 14 }, (_, version) => version))('version %i carries all of it', (version) => {
    const { topics } = handler()(version, version === 0 ? [] : null);
    expect(topics).toHaveLength(2);
    expect(topics[1]?.isInternal).toBe(version >= 1);
  });
});

describe('DescribeTopicPartitions', () => {
  const settings = new BrokerSettings({ 'node.id': '1' });
  const serve = createDescribeTopicPartitionsHandler({ image: () => image, settings });
  const page = (
    responsePartitionLimit: number,
    cursor: { topicName: string; partitionIndex: number } | null,
    names: string[] = [],
  ) => {
    const topics = names.map((name) => ({ name }));
    const response = serve(contextOf(0), { topics, responsePartitionLimit, cursor });
    const seen = (response.topics ?? []).map((each) => [
      each?.name,
      (each?.partitions ?? []).map((one) => one?.partitionIndex),
    ]);
    return { seen, next: response.nextCursor ?? null };
  };

  it('goes through all topics page by page, by name', () => {
    const first = page(2, null);
    expect(first).toEqual({
      seen: [
        ['__consumer_offsets', [0]],
        ['orders', [0]],
      ],
      next: { topicName: 'orders', partitionIndex: 1 },
    });
    expect(page(2, { topicName: 'orders', partitionIndex: 1 })).toEqual({ seen: [['orders', [1, 2]]], next: null });
  });

  it('stops at a topic’s border', () => {
    expect(page(1, null).next).toEqual({ topicName: 'orders', partitionIndex: 0 });
  });

  it('names topics that are not there', () => {
    expect(page(10, null, ['zz', 'orders']).seen).toEqual([
      ['orders', [0, 1, 2]],
      ['zz', []],
    ]);
  });
});
