// What the group handlers make of request versions: topic names and ids, single and several groups, old shapes.

import { describe, expect, it } from 'vitest';
import { GroupHarness } from '../../coordinators/coordinators.test-kit.ts';
import { MetadataDelta } from '../../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../../metadata/metadata-image.ts';
import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { findCoordinatorApi } from '../../protocol/messages/find-coordinator.ts';
import { joinGroupApi } from '../../protocol/messages/join-group.ts';
import { leaveGroupApi } from '../../protocol/messages/leave-group.ts';
import { offsetCommitApi } from '../../protocol/messages/offset-commit.ts';
import { offsetDeleteApi } from '../../protocol/messages/offset-delete.ts';
import { offsetFetchApi } from '../../protocol/messages/offset-fetch.ts';
import { syncGroupApi } from '../../protocol/messages/sync-group.ts';
import type { Api, Writable } from '../../protocol/schema.ts';
import { groupRoutes } from './group-routes.ts';

const ordersId = '9s2TR477Rue951-uql9d_g';
const offsetsId = 'w4rW4epcRP-l5PpXeeaNhA';
const unknownId = 'fZOYrdsgQeS0sd3Y312nGQ';

function withTopic(image: MetadataImage, name: string, topicId: string, leader: number): MetadataImage {
  const delta = new MetadataDelta(image);
  delta.replay({ name: 'TopicRecord', version: 0, value: { name, topicId } });
  const value = {
    partitionId: 0,
    topicId,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader,
    leaderRecoveryState: 0,
    leaderEpoch: 1,
    partitionEpoch: 0,
    directories: [],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  };
  delta.replay({ name: 'PartitionRecord', version: 1, value });
  return delta.apply({ lastContainedOffset: 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 });
}

function withBroker(image: MetadataImage): MetadataImage {
  const delta = new MetadataDelta(image);
  const value = {
    brokerId: 1,
    isMigratingZkBroker: false,
    incarnationId: unknownId,
    brokerEpoch: 1,
    endPoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
    features: [],
    rack: null,
    fenced: false,
    inControlledShutdown: false,
    logDirs: [],
    cordonedLogDirs: null,
  };
  delta.replay({ name: 'RegisterBrokerRecord', version: 3, value });
  return delta.apply({ lastContainedOffset: 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 });
}

class Handlers {
  readonly harness: GroupHarness;
  readonly wanted: string[] = [];
  image: MetadataImage = withTopic(withBroker(emptyMetadataImage), 'orders', ordersId, 1);

  constructor(harness: GroupHarness) {
    this.harness = harness;
  }

  /** Through the codecs of that version, there and back. */
  async ask<Q, P>(api: Api<Q, P>, apiVersion: number, request: Writable<Q>): Promise<P> {
    const routes = groupRoutes({
      access: null,
      groups: this.harness.coordinator,
      sharePartition: () => 0,
      transactionPartition: () => 0,
      image: () => this.image,
      ensureInternalTopic: (name) => void this.wanted.push(name),
      streamsTopics: { request: () => new Map() },
    });
    const found = routes.find((route) => route.api.key === api.key);
    const decoded = api.request.decodeFrom(api.request.encodeToBuffer(apiVersion, request), apiVersion);
    const context: RequestContext = {
      apiKey: api.key,
      apiVersion,
      correlationId: 1,
      clientId: 'client',
      listener: 'client',
      listenerName: 'PLAINTEXT',
      connectionId: 'test',
      clientAddress: '127.0.0.1',
      principal: 'User:ANONYMOUS',
      clientSoftware: null,
      receivedMs: 0,
      isOpen: () => true,
      requestFrame: Buffer.alloc(0),
    };
    const answer = await this.harness.settle(Promise.resolve(found?.handler(context, decoded)));
    return api.response.decodeFrom(api.response.encodeToBuffer(apiVersion, answer as Writable<P>), apiVersion);
  }
}

async function create(): Promise<Handlers> {
  return new Handlers(await GroupHarness.create());
}

const commitOf = (committedOffset: number, partitionIndex = 0) => [
  { partitionIndex, committedOffset, committedMetadata: 'm' },
];

describe('FindCoordinator', () => {
  it('has the offsets topic made when it is missing, and names its leader when it is there', async () => {
    const handlers = await create();
    const missing = await handlers.ask(findCoordinatorApi, 2, { key: 'group' });
    expect(missing).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      errorMessage: 'The coordinator is not available.',
      nodeId: -1,
      port: -1,
    });
    expect(handlers.wanted).toEqual(['__consumer_offsets']);
    handlers.image = withTopic(handlers.image, '__consumer_offsets', offsetsId, 1);
    const found = await handlers.ask(findCoordinatorApi, 2, { key: 'group' });
    expect(found).toMatchObject({ errorCode: 0, errorMessage: 'NONE', nodeId: 1, host: 'localhost', port: 9092 });
    const several = await handlers.ask(findCoordinatorApi, 6, { keyType: 0, coordinatorKeys: ['a', 'b'] });
    expect(several.coordinators).toMatchObject([
      { key: 'a', nodeId: 1, errorCode: 0, errorMessage: '' },
      { key: 'b', nodeId: 1, errorCode: 0 },
    ]);
  });

  it('has the topic of transactions made, and knows no other kinds of coordinator', async () => {
    const handlers = await create();
    const code = async (version: number, keyType: number): Promise<number | undefined> =>
      (await handlers.ask(findCoordinatorApi, version, { keyType, coordinatorKeys: ['x'] })).coordinators[0]?.errorCode;
    expect(await code(6, 1)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await code(5, 2)).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(6, 9)).toBe(ErrorCode.INVALID_REQUEST);
    expect(handlers.wanted).toEqual(['__transaction_state']);
  });

  it('sends nobody to a partition without a leader', async () => {
    const handlers = await create();
    handlers.image = withTopic(handlers.image, '__consumer_offsets', offsetsId, -1);
    const { errorCode } = await handlers.ask(findCoordinatorApi, 1, { key: 'group', keyType: 0 });
    expect(errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  });
});

describe('OffsetCommit and OffsetFetch', () => {
  it('by name and by id mean the same', async () => {
    const handlers = await create();
    const named = await handlers.ask(offsetCommitApi, 9, {
      groupId: 'group',
      topics: [
        { name: 'orders', partitions: [...commitOf(7), ...commitOf(1, 5)] },
        { name: 'nothing', partitions: commitOf(1) },
      ],
    });
    expect(named.topics).toMatchObject([
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 5, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: 0, errorCode: ErrorCode.NONE },
        ],
      },
      { name: 'nothing', partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
    ]);
    expect(handlers.harness.log.records()).toMatchObject([{ valueVersion: 4, value: { topicId: ordersId } }]);
    const partitionIndexes = [0];
    const byId = await handlers.ask(offsetFetchApi, 10, {
      groups: [{ groupId: 'group', topics: [ordersId, unknownId].map((topicId) => ({ topicId, partitionIndexes })) }],
    });
    expect(byId.groups[0]?.topics).toMatchObject([
      { topicId: ordersId, partitions: [{ committedOffset: 7, metadata: 'm', errorCode: 0 }] },
      { topicId: unknownId, partitions: [{ committedOffset: -1, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] },
    ]);
    const committed = await handlers.ask(offsetCommitApi, 10, {
      groupId: 'group',
      topics: [
        { topicId: ordersId, partitions: commitOf(8) },
        { topicId: unknownId, partitions: commitOf(8) },
      ],
    });
    expect(committed.topics.map(({ partitions }) => partitions[0]?.errorCode).sort()).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_ID,
    ]);
    const all = await handlers.ask(offsetFetchApi, 10, { groups: [{ groupId: 'group', topics: null }] });
    expect(all.groups[0]?.topics).toMatchObject([{ topicId: ordersId, partitions: [{ committedOffset: 8 }] }]);
  });

  it('of one group, all topics or some, in the old shape', async () => {
    const handlers = await create();
    await handlers.ask(offsetCommitApi, 2, {
      groupId: 'group',
      topics: [{ name: 'orders', partitions: commitOf(7) }],
    });
    for (const version of [2, 5, 7]) {
      const all = await handlers.ask(offsetFetchApi, version, { groupId: 'group', topics: null });
      expect(all).toMatchObject({ errorCode: 0, topics: [{ name: 'orders', partitions: [{ committedOffset: 7 }] }] });
    }
    const topics = [{ name: 'nothing', partitionIndexes: [3] }];
    const some = await handlers.ask(offsetFetchApi, 1, { groupId: 'group', topics });
    expect(some.topics).toMatchObject([
      { name: 'nothing', partitions: [{ partitionIndex: 3, committedOffset: -1, metadata: '', errorCode: 0 }] },
    ]);
    const several = await handlers.ask(offsetFetchApi, 8, {
      groups: [
        { groupId: 'group', topics: null },
        { groupId: 'none', topics },
      ],
    });
    expect(several.groups).toMatchObject([
      { groupId: 'group', errorCode: 0, topics: [{ name: 'orders' }] },
      { groupId: 'none', errorCode: 0, topics: [{ partitions: [{ committedOffset: -1 }] }] },
    ]);
  });

  it('errors of the coordinator stand with the partitions in version 1, with the group later', async () => {
    const handlers = await create();
    handlers.harness.resign();
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const errorCode = ErrorCode.NOT_COORDINATOR;
    const old = await handlers.ask(offsetFetchApi, 1, { groupId: 'group', topics });
    expect(old).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ errorCode }] }] });
    expect(await handlers.ask(offsetFetchApi, 5, { groupId: 'group', topics })).toMatchObject({
      errorCode,
      topics: [],
    });
    const { groups } = await handlers.ask(offsetFetchApi, 9, { groups: [{ groupId: 'group', topics }] });
    expect(groups).toMatchObject([{ groupId: 'group', errorCode, topics: [] }]);
  });

  it('OffsetDelete asks the group only about partitions that exist', async () => {
    const handlers = await create();
    await handlers.ask(offsetCommitApi, 9, { groupId: 'group', topics: [{ name: 'orders', partitions: commitOf(7) }] });
    const partitions = [{ partitionIndex: 9 }, { partitionIndex: 0 }];
    const deleted = await handlers.ask(offsetDeleteApi, 0, {
      groupId: 'group',
      topics: [{ name: 'orders', partitions }],
    });
    expect(deleted).toMatchObject({
      errorCode: 0,
      topics: [
        {
          partitions: [
            { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
            { partitionIndex: 0, errorCode: ErrorCode.NONE },
          ],
        },
      ],
    });
    expect(await handlers.harness.committedOffset()).toBe(-1);
  });
});

describe('JoinGroup, SyncGroup and LeaveGroup', () => {
  const protocols = [{ name: 'range', metadata: Buffer.from('?') }];
  const join = { groupId: 'group', sessionTimeoutMs: 10_000, protocolType: 'consumer', protocols };

  it('version 0 has one timeout for everything', async () => {
    const handlers = await create();
    const joined = await handlers.ask(joinGroupApi, 0, join);
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' });
    await handlers.ask(syncGroupApi, 0, { groupId: 'group', memberId: joined.memberId, generationId: 1 });
    expect(handlers.harness.log.records().at(-1)).toMatchObject({
      value: { members: [{ rebalanceTimeout: 10_000, sessionTimeout: 10_000, clientHost: '/127.0.0.1' }] },
    });
    const left = await handlers.ask(leaveGroupApi, 0, { groupId: 'group', memberId: joined.memberId });
    expect(left.errorCode).toBe(ErrorCode.NONE);
    const again = await handlers.ask(leaveGroupApi, 2, { groupId: 'group', memberId: joined.memberId });
    expect(again.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const unknown = await handlers.ask(leaveGroupApi, 5, { groupId: 'none', members: [{ memberId: 'x' }] });
    expect(unknown).toMatchObject({ errorCode: 0, members: [{ errorCode: ErrorCode.UNKNOWN_MEMBER_ID }] });
  });

  it('a refusal names no protocol: empty, and null only where Kafka says null', async () => {
    const handlers = await create();
    const required = await handlers.ask(joinGroupApi, 9, join);
    expect(required).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, protocolName: '', generationId: -1 });
    const unknown = await handlers.ask(joinGroupApi, 9, { ...join, memberId: 'x' });
    expect(unknown).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, protocolName: null });
    expect(await handlers.ask(joinGroupApi, 6, { ...join, memberId: 'x' })).toMatchObject({ protocolName: '' });
  });

  it('from version 5 SyncGroup must name the protocol', async () => {
    const handlers = await create();
    const request = { groupId: 'group', memberId: 'x', generationId: 1 };
    expect((await handlers.ask(syncGroupApi, 5, request)).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect((await handlers.ask(syncGroupApi, 4, request)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
