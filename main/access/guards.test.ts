// What the guards let through and what they say, API by API: the entries there are, a request of User:alice, the part
// of it that reaches the handler, and the answer, through the codecs of that version.

import { describe, expect, it } from 'vitest';
import type { ListenerKind } from '../net/handler.ts';
import { CloseConnection } from '../net/router.ts';
import { apis } from '../protocol/api-keys.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { addPartitionsToTxnApi } from '../protocol/messages/add-partitions-to-txn.ts';
import { consumerGroupDescribeApi } from '../protocol/messages/consumer-group-describe.ts';
import { consumerGroupHeartbeatApi } from '../protocol/messages/consumer-group-heartbeat.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../protocol/messages/delete-topics.ts';
import { describeConfigsApi } from '../protocol/messages/describe-configs.ts';
import { describeGroupsApi } from '../protocol/messages/describe-groups.ts';
import { describeTopicPartitionsApi } from '../protocol/messages/describe-topic-partitions.ts';
import { describeTransactionsApi } from '../protocol/messages/describe-transactions.ts';
import { findCoordinatorApi } from '../protocol/messages/find-coordinator.ts';
import { initProducerIdApi } from '../protocol/messages/init-producer-id.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { joinGroupApi } from '../protocol/messages/join-group.ts';
import { listGroupsApi } from '../protocol/messages/list-groups.ts';
import { metadataApi } from '../protocol/messages/metadata.ts';
import { offsetCommitApi } from '../protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../protocol/messages/offset-fetch.ts';
import { offsetForLeaderEpochApi } from '../protocol/messages/offset-for-leader-epoch.ts';
import { produceApi } from '../protocol/messages/produce.ts';
import { txnOffsetCommitApi } from '../protocol/messages/txn-offset-commit.ts';
import { voteApi } from '../protocol/messages/vote.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import { buildBatch } from '../records/batch-builder.ts';
import { testAccess, topicIdOf, type TestAccess } from './access.test-kit.ts';
import { AclOperation } from './acl.ts';
import { accessRule, guarded } from './guarded-routes.ts';
import { fetchRefusal } from './guards/records.ts';
import { fetchApi, type FetchRequest } from '../protocol/messages/fetch.ts';

const alice = { principal: 'User:alice', clientAddress: '127.0.0.1' };
const bits = (...operations: (keyof typeof AclOperation)[]): number =>
  operations.reduce((sum, operation) => sum | (1 << AclOperation[operation]), 0);

/** Null: the handler was not called. */
type Outcome<Q, P> = { readonly served: Q | null; readonly answer: P };

async function ask<Q, P>(
  given: TestAccess,
  api: Api<Q, P>,
  apiVersion: number,
  request: Writable<Q>,
  handler: (request: Q) => Writable<P> = () => ({}) as Writable<P>,
  listener: ListenerKind = 'client',
): Promise<Outcome<Q, P>> {
  const access = await testAccess(given);
  let served: Q | null = null;
  const decoded = api.request.decodeFrom(api.request.encodeToBuffer(apiVersion, request), apiVersion);
  const answer = await guarded(access, listener, api.key, { ...alice, apiVersion }, decoded, (allowed) => {
    served = allowed as Q;
    return handler(allowed as Q);
  });
  const encoded = api.response.encodeToBuffer(apiVersion, answer as Writable<P>);
  return { served, answer: api.response.decodeFrom(encoded, apiVersion) };
}

const topicDenied = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
const groupDenied = ErrorCode.GROUP_AUTHORIZATION_FAILED;
const clusterDenied = ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
const idDenied = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;

describe('every API', () => {
  const listeners: readonly (readonly [ListenerKind, 'broker' | 'controller'])[] = [
    ['client', 'broker'],
    ['controller', 'controller'],
  ];
  it.each(
    listeners.flatMap(([listener, kafka]) =>
      apis.filter((api) => api.listeners.includes(kafka)).map((api) => [api.name, listener, api] as const),
    ),
  )('%s has a rule on the %s listener', (_name, listener, api) => {
    expect(accessRule(listener, api)).not.toBeNull();
  });
});

it('a request that comes before the entries are known waits for them; a super user’s does not', async () => {
  let ready = (): void => undefined;
  const whenReady = new Promise<void>((resolve) => (ready = resolve));
  const access = await testAccess({ acls: ['ALLOW User:alice DESCRIBE on CLUSTER kafka-cluster'], whenReady });
  const call = (principal: string) =>
    guarded(access, 'client', listGroupsApi.key, { ...alice, principal, apiVersion: 4 }, {}, () => ({ groups: [] }));
  expect(call('User:root')).toEqual({ groups: [] });
  const waiting = call('User:alice');
  expect(waiting).toBeInstanceOf(Promise);
  ready();
  expect(await waiting).toEqual({ groups: [] });
});

describe('Produce', () => {
  const records = buildBatch({}, [{ key: null, value: Buffer.from('x'), timestamp: 1 }]);
  const transactional = buildBatch({ isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }, [
    { key: null, value: Buffer.from('x'), timestamp: 1 },
  ]);
  const topic = (name: string, apiVersion: number, batch = records) => ({
    ...(apiVersion >= 13 ? { topicId: topicIdOf(name) } : { name }),
    partitionData: [{ index: 0, records: batch }],
  });
  const given = { acls: ['ALLOW User:alice WRITE on TOPIC mine'], topics: ['mine', 'other'] };

  it.each([7, 13])('version %i: topics that may be written go on, the others are refused', async (version) => {
    const topicData = [topic('other', version), topic('mine', version)];
    const { served, answer } = await ask(given, produceApi, version, { acks: -1, topicData }, (request) => ({
      responses: request.topicData.map(({ name, topicId }) => ({
        name,
        topicId,
        partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 5 }],
      })),
    }));
    expect(served?.topicData).toHaveLength(1);
    expect(answer.responses.map(({ partitionResponses }) => partitionResponses[0])).toMatchObject([
      { errorCode: 0, baseOffset: 5 },
      { errorCode: topicDenied, baseOffset: -1 },
    ]);
  });

  it('with acks=0 what is allowed is written, and the connection closes', async () => {
    let written: readonly string[] = [];
    const topicData = [topic('other', 7), topic('mine', 7)];
    const asked = ask(given, produceApi, 7, { acks: 0, topicData }, (request) => {
      written = request.topicData.map(({ name }) => name);
      return { responses: [] };
    });
    await expect(asked).rejects.toBeInstanceOf(CloseConnection);
    expect(written).toEqual(['mine']);
  });

  it('transactions need the right to the id, whatever the topic', async () => {
    const request = { transactionalId: 'tx', acks: -1, topicData: [topic('mine', 7, transactional)] };
    const refused = await ask(given, produceApi, 7, request);
    expect(refused.served).toBeNull();
    expect(refused.answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(idDenied);
    const acls = [...given.acls, 'ALLOW User:alice WRITE on TRANSACTIONAL_ID tx'];
    expect((await ask({ ...given, acls }, produceApi, 7, request)).served).not.toBeNull();
  });
});

describe('Fetch', () => {
  const refusal = async (acls: string[], request: Partial<FetchRequest> = {}) => {
    const access = await testAccess({ acls, topics: ['mine', 'other'] });
    const full = fetchApi.request.decodeFrom(fetchApi.request.encodeToBuffer(11, request as object), 11);
    return fetchRefusal(access, { ...alice, apiVersion: 11 }, { ...full, ...request });
  };

  it('a consumer reads what it may, by name and by id', async () => {
    const refuses = await refusal(['ALLOW User:alice READ on TOPIC mine']);
    expect(refuses?.(zeroUuid, 'mine')).toBe(false);
    expect(refuses?.(zeroUuid, 'other')).toBe(true);
    expect(refuses?.(topicIdOf('mine'), '')).toBe(false);
    expect(refuses?.(topicIdOf('other'), '')).toBe(true);
    // Unknown: the handler says so.
    expect(refuses?.(topicIdOf('nowhere'), '')).toBe(false);
  });

  it('a follower needs the right of the cluster', async () => {
    const readsAll = ['ALLOW User:alice READ on TOPIC *'];
    expect((await refusal(readsAll, { replicaId: 2 }))?.(zeroUuid, 'mine')).toBe(true);
    expect(await refusal(['ALLOW User:alice CLUSTER_ACTION on CLUSTER kafka-cluster'], { replicaId: 2 })).toBeNull();
  });
});

describe('Metadata', () => {
  const topics = ['mine', 'other'];
  const acls = ['ALLOW User:alice READ on TOPIC mine'];
  const all = (names: readonly string[]) => ({ topics: names.map((name) => ({ name, topicId: topicIdOf(name) })) });

  it('of all topics only those that may be described are shown', async () => {
    const { answer } = await ask({ acls, topics }, metadataApi, 12, { topics: null }, () => all(topics));
    expect(answer.topics.map(({ name }) => name)).toEqual(['mine']);
  });

  it('version 0 asks for all with an empty list, and is not given all when everything it named is refused', async () => {
    const everything = await ask({ acls, topics }, metadataApi, 0, { topics: [] }, () => all(topics));
    expect(everything.answer.topics.map(({ name }) => name)).toEqual(['mine']);
    const other = await ask({ acls, topics }, metadataApi, 0, { topics: [{ name: 'other' }] }, () => all(topics));
    expect(other.answer.topics).toMatchObject([{ name: 'other', errorCode: topicDenied }]);
  });

  it('a topic that may not be described looks the same whether it is there or not', async () => {
    const asked = [{ name: 'other' }, { name: 'nowhere' }, { name: 'mine' }];
    const { served, answer } = await ask({ acls, topics }, metadataApi, 12, { topics: asked }, () => all(['mine']));
    expect(served?.topics?.map(({ name }) => name)).toEqual(['mine']);
    expect(answer.topics.slice(1)).toMatchObject([
      { name: 'other', topicId: zeroUuid, errorCode: topicDenied, partitions: [] },
      { name: 'nowhere', topicId: zeroUuid, errorCode: topicDenied, partitions: [] },
    ]);
  });

  it('asked by id its name is not told', async () => {
    const asked = [{ name: null, topicId: topicIdOf('other') }];
    const { answer } = await ask({ acls, topics }, metadataApi, 12, { topics: asked });
    expect(answer.topics).toMatchObject([{ name: null, topicId: topicIdOf('other'), errorCode: topicDenied }]);
  });

  it.each([
    [[], false],
    [['ALLOW User:alice CREATE on TOPIC new'], true],
    [['ALLOW User:alice CREATE on CLUSTER kafka-cluster'], true],
  ])('a missing topic is made only with the right to create it: %j', async (rights, mayCreate) => {
    const given = { acls: ['ALLOW User:alice DESCRIBE on TOPIC *', ...rights], topics };
    const request = { topics: [{ name: 'new' }], allowAutoTopicCreation: true };
    const { served, answer } = await ask(given, metadataApi, 12, request, () => all(['new']));
    expect(served?.topics?.length).toBe(mayCreate ? 1 : 0);
    if (!mayCreate) expect(answer.topics.at(-1)).toMatchObject({ name: 'new', errorCode: topicDenied });
  });

  it('operations are told as they are allowed', async () => {
    const request = { topics: null, includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true };
    const handler = () => ({ ...all(['mine']), clusterAuthorizedOperations: bits('ALTER') });
    const without = await ask({ acls, topics }, metadataApi, 9, request, handler);
    expect(without.answer.topics[0]?.topicAuthorizedOperations).toBe(bits('READ', 'DESCRIBE'));
    expect(without.answer.clusterAuthorizedOperations).toBe(0);
    const describes = [...acls, 'ALLOW User:alice DESCRIBE on CLUSTER kafka-cluster'];
    const withRight = await ask({ acls: describes, topics }, metadataApi, 9, request, handler);
    expect(withRight.answer.clusterAuthorizedOperations).toBe(bits('DESCRIBE'));
  });
});

describe('DescribeTopicPartitions', () => {
  const topics = ['mine', 'other'];
  const handler = (request: { readonly topics: readonly { readonly name: string }[] }) => ({
    topics: request.topics.map(({ name }) => ({ name })),
  });

  it('asked for all lists those that may be described', async () => {
    const given = { acls: ['ALLOW User:alice READ on TOPIC mine'], topics };
    const { answer } = await ask(given, describeTopicPartitionsApi, 0, { topics: [] }, handler);
    expect(answer.topics).toMatchObject([{ name: 'mine', topicAuthorizedOperations: bits('READ', 'DESCRIBE') }]);
  });

  it('asked for all lists nothing where nothing may be described', async () => {
    const { served, answer } = await ask({ topics }, describeTopicPartitionsApi, 0, { topics: [] }, handler);
    expect(served).toBeNull();
    expect(answer).toMatchObject({ topics: [], nextCursor: null });
  });

  it('asked for one by name refuses it', async () => {
    const { answer } = await ask({ topics }, describeTopicPartitionsApi, 0, { topics: [{ name: 'other' }] }, handler);
    expect(answer.topics).toMatchObject([{ name: 'other', errorCode: topicDenied, topicId: zeroUuid }]);
  });
});

describe('OffsetForLeaderEpoch', () => {
  it.each([
    [[], false],
    [['ALLOW User:alice DESCRIBE on TOPIC foo'], true],
    [['ALLOW User:alice CLUSTER_ACTION on CLUSTER kafka-cluster'], true],
  ])('%j: %s', async (acls, isServed) => {
    const topics = [{ topic: 'foo', partitions: [{ partition: 0, leaderEpoch: 1 }] }];
    const { served, answer } = await ask({ acls }, offsetForLeaderEpochApi, 4, { topics });
    expect(served?.topics.length).toBe(isServed ? 1 : 0);
    if (!isServed) expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(topicDenied);
  });
});

describe('groups', () => {
  it.each([3, 4])('FindCoordinator version %i refuses groups and transactional ids apart', async (version) => {
    const keyOf = (key: string) => (version >= 4 ? { coordinatorKeys: [key] } : { key });
    const group = await ask({}, findCoordinatorApi, version, { keyType: 0, ...keyOf('g') });
    const id = await ask({}, findCoordinatorApi, version, { keyType: 1, ...keyOf('tx') });
    const codeOf = ({ answer }: typeof group) => answer.coordinators[0]?.errorCode ?? answer.errorCode;
    expect([codeOf(group), codeOf(id)]).toEqual([groupDenied, idDenied]);
    const acls = ['ALLOW User:alice READ on GROUP g'];
    const allowed = await ask({ acls }, findCoordinatorApi, version, { keyType: 0, ...keyOf('g') });
    expect(allowed.served).not.toBeNull();
  });

  it.each([5, 9])('JoinGroup version %i is refused without a word on the member', async (version) => {
    const request = { groupId: 'g', memberId: 'm', protocolType: 'consumer', protocols: [] };
    const { served, answer } = await ask({}, joinGroupApi, version, request);
    expect(served).toBeNull();
    expect(answer).toMatchObject({ errorCode: groupDenied, memberId: '', protocolName: version >= 7 ? null : '' });
  });

  it('ListGroups shows the groups that may be described, or all to whoever may describe the cluster', async () => {
    const handler = () => ({ groups: ['a', 'b'].map((groupId) => ({ groupId })) });
    const some = await ask({ acls: ['ALLOW User:alice READ on GROUP a'] }, listGroupsApi, 4, {}, handler);
    expect(some.answer.groups.map(({ groupId }) => groupId)).toEqual(['a']);
    const acls = ['ALLOW User:alice DESCRIBE on CLUSTER kafka-cluster'];
    const all = await ask({ acls }, listGroupsApi, 4, {}, handler);
    expect(all.answer.groups).toHaveLength(2);
  });

  it('DescribeGroups refuses by group and tells the operations', async () => {
    const given = { acls: ['ALLOW User:alice READ on GROUP a'] };
    const request = { groups: ['a', 'b'], includeAuthorizedOperations: true };
    const { answer } = await ask(given, describeGroupsApi, 5, request, ({ groups }) => ({
      groups: groups.map((groupId) => ({ groupId, groupState: 'Stable' })),
    }));
    expect(answer.groups).toMatchObject([
      { groupId: 'b', errorCode: groupDenied },
      { groupId: 'a', errorCode: 0, authorizedOperations: bits('READ', 'DESCRIBE') },
    ]);
  });

  it('ConsumerGroupHeartbeat needs the group, and the topics that it names', async () => {
    const request = { groupId: 'g', subscribedTopicNames: ['a', 'b'] };
    const codeWith = async (...acls: string[]) =>
      (await ask({ acls }, consumerGroupHeartbeatApi, 1, request)).answer.errorCode;
    const group = 'ALLOW User:alice READ on GROUP g';
    expect(await codeWith()).toBe(groupDenied);
    expect(await codeWith(group, 'ALLOW User:alice READ on TOPIC a')).toBe(topicDenied);
    expect(await codeWith(group, 'ALLOW User:alice READ on TOPIC *')).toBe(0);
  });

  it('ConsumerGroupDescribe hides a group with a topic that may not be described', async () => {
    const assignment = (topicName: string) => ({
      topicPartitions: [{ topicId: zeroUuid, topicName, partitions: [0] }],
    });
    const handler = ({ groupIds }: { readonly groupIds: readonly string[] }) => ({
      groups: groupIds.map((groupId) => ({
        groupId,
        members: [{ assignment: assignment('a'), targetAssignment: assignment(groupId === 'h' ? 'secret' : 'a') }],
      })),
    });
    const acls = ['ALLOW User:alice DESCRIBE on GROUP *', 'ALLOW User:alice READ on TOPIC a'];
    const request = { groupIds: ['g', 'h'] };
    const { answer } = await ask({ acls }, consumerGroupDescribeApi, 1, request, handler);
    expect(answer.groups.map(({ groupId, errorCode, members }) => [groupId, errorCode, members.length])).toEqual([
      ['g', 0, 1],
      ['h', topicDenied, 0],
    ]);
  });
});

describe('offsets', () => {
  const topics = ['mine', 'other'];
  const acls = ['ALLOW User:alice READ on GROUP g', 'ALLOW User:alice READ on TOPIC mine'];
  const named = (name: string, version: number) => (version >= 10 ? { topicId: topicIdOf(name) } : { name });

  it.each([7, 10])('OffsetCommit version %i commits what may be read', async (version) => {
    const asked = topics.map((name) => ({
      ...named(name, version),
      partitions: [{ partitionIndex: 0, committedOffset: 1 }],
    }));
    const request = { groupId: 'g', topics: asked };
    const { served, answer } = await ask({ acls, topics }, offsetCommitApi, version, request, (allowed) => ({
      topics: allowed.topics.map(({ name, topicId }) => ({
        name,
        topicId,
        partitions: [{ partitionIndex: 0, errorCode: 0 }],
      })),
    }));
    expect(served?.topics).toHaveLength(1);
    expect(answer.topics.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([topicDenied, 0]);
    const none = await ask({ topics }, offsetCommitApi, version, request);
    expect(none.served).toBeNull();
    expect(none.answer.topics.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([groupDenied, groupDenied]);
  });

  it.each([1, 7, 8, 10])('OffsetFetch version %i shows what may be described', async (version) => {
    const asked = topics.map((name) => ({ ...named(name, version), partitionIndexes: [0] }));
    const request =
      version >= 8
        ? {
            groups: [
              { groupId: 'h', topics: asked },
              { groupId: 'g', topics: asked },
            ],
          }
        : { groupId: 'g', topics: asked };
    const rows = (list: readonly { readonly name: string; readonly topicId?: string }[] | null) =>
      (list ?? []).map(({ name, topicId }) => ({
        name,
        ...(topicId === undefined ? {} : { topicId }),
        partitions: [{ partitionIndex: 0, committedOffset: 3, metadata: '', errorCode: 0 }],
      }));
    const { answer } = await ask({ acls, topics }, offsetFetchApi, version, request, (allowed) =>
      version >= 8
        ? { groups: allowed.groups.map(({ groupId, topics: list }) => ({ groupId, topics: rows(list) })) }
        : { topics: rows(allowed.topics) },
    );
    const answered = version >= 8 ? answer.groups.find(({ groupId }) => groupId === 'g')?.topics : answer.topics;
    expect(answered?.map(({ partitions }) => [partitions[0]?.errorCode, partitions[0]?.committedOffset])).toEqual([
      [0, 3],
      [topicDenied, -1],
    ]);
    if (version >= 8) expect(answer.groups[0]).toMatchObject({ groupId: 'h', errorCode: groupDenied, topics: [] });
  });

  it('OffsetFetch of everything leaves out what may not be described', async () => {
    const rows = topics.map((name) => ({ name, partitions: [] }));
    const request = { groups: [{ groupId: 'g', topics: null }] };
    const { answer } = await ask({ acls, topics }, offsetFetchApi, 8, request, () => ({
      groups: [{ groupId: 'g', topics: rows }],
    }));
    expect(answer.groups[0]?.topics.map(({ name }) => name)).toEqual(['mine']);
  });

  it('TxnOffsetCommit needs the id, the group and each topic', async () => {
    const request = {
      transactionalId: 'tx',
      groupId: 'g',
      topics: topics.map((name) => ({ name, partitions: [{ partitionIndex: 0, committedOffset: 1 }] })),
    };
    const codes = async (rights: readonly string[]) =>
      (await ask({ acls: rights, topics }, txnOffsetCommitApi, 3, request)).answer.topics.map(
        ({ partitions }) => partitions[0]?.errorCode,
      );
    expect(await codes(acls)).toEqual([idDenied, idDenied]);
    const id = 'ALLOW User:alice WRITE on TRANSACTIONAL_ID tx';
    expect(await codes([id])).toEqual([groupDenied, groupDenied]);
    // The stub answers nothing of what it is given.
    expect(await codes([id, ...acls])).toEqual([topicDenied]);
  });
});

describe('transactions', () => {
  it.each([
    [[], clusterDenied],
    [['ALLOW User:alice IDEMPOTENT_WRITE on CLUSTER kafka-cluster'], 0],
    [['ALLOW User:alice WRITE on TOPIC any'], 0],
    [['ALLOW User:alice READ on TOPIC any'], clusterDenied],
  ])('InitProducerId without an id, %j: %i', async (acls, code) => {
    const { answer } = await ask({ acls }, initProducerIdApi, 4, { transactionalId: null });
    expect(answer.errorCode).toBe(code);
    if (code !== 0) expect([answer.producerId, answer.producerEpoch]).toEqual([-1, -1]);
  });

  it('InitProducerId with an id needs it', async () => {
    const request = { transactionalId: 'tx' };
    const acls = ['ALLOW User:alice WRITE on TOPIC *'];
    expect((await ask({ acls }, initProducerIdApi, 4, request)).answer.errorCode).toBe(idDenied);
  });

  it('AddPartitionsToTxn: one topic that is refused fails them all; brokers need the right of the cluster', async () => {
    const acls = ['ALLOW User:alice WRITE on TRANSACTIONAL_ID tx', 'ALLOW User:alice WRITE on TOPIC mine'];
    const v3AndBelowTopics = ['mine', 'other', '__consumer_offsets'].map((name) => ({ name, partitions: [0] }));
    const request = { v3AndBelowTransactionalId: 'tx', v3AndBelowTopics };
    const { served, answer } = await ask({ acls, topics: ['mine'] }, addPartitionsToTxnApi, 3, request);
    expect(served).toBeNull();
    const codes = answer.resultsByTopicV3AndBelow.map(
      ({ resultsByPartition }) => resultsByPartition[0]?.partitionErrorCode,
    );
    expect(codes).toEqual([ErrorCode.OPERATION_NOT_ATTEMPTED, topicDenied, topicDenied]);
    expect((await ask({ acls }, addPartitionsToTxnApi, 5, {})).answer.errorCode).toBe(clusterDenied);
  });

  it('DescribeTransactions leaves out topics that may not be described', async () => {
    const acls = ['ALLOW User:alice DESCRIBE on TRANSACTIONAL_ID tx', 'ALLOW User:alice READ on TOPIC mine'];
    const request = { transactionalIds: ['tx', 'other'] };
    const { answer } = await ask({ acls }, describeTransactionsApi, 0, request, ({ transactionalIds }) => ({
      transactionStates: transactionalIds.map((transactionalId) => ({
        transactionalId,
        topics: ['mine', 'secret'].map((topic) => ({ topic, partitions: [0] })),
      })),
    }));
    expect(
      answer.transactionStates.map(({ errorCode, topics }) => [errorCode, topics.map(({ topic }) => topic)]),
    ).toEqual([
      [0, ['mine']],
      [idDenied, []],
    ]);
  });
});

describe('settings', () => {
  it.each([
    [2, 'foo', topicDenied, 'TOPIC foo'],
    [32, 'g', groupDenied, 'GROUP g'],
    [4, '1', clusterDenied, 'CLUSTER kafka-cluster'],
    [16, 'm', clusterDenied, 'CLUSTER kafka-cluster'],
  ])('type %i, %s: described and altered with rights of their own', async (resourceType, resourceName, code, on) => {
    const described = { resources: [{ resourceType, resourceName }] };
    const altered = { resources: [{ resourceType, resourceName, configs: [] }] };
    const { answer } = await ask({}, describeConfigsApi, 4, described);
    expect(answer.results).toMatchObject([{ errorCode: code, resourceType, resourceName, configs: [] }]);
    const alterer = { acls: [`ALLOW User:alice ALTER_CONFIGS on ${on}`] };
    const describer = { acls: [`ALLOW User:alice DESCRIBE_CONFIGS on ${on}`] };
    const alter = async (given: TestAccess) =>
      (await ask(given, incrementalAlterConfigsApi, 1, altered, undefined, 'controller')).answer.responses;
    expect((await ask(alterer, describeConfigsApi, 4, described)).answer.results).toEqual([]);
    expect(await alter(alterer)).toEqual([]);
    expect(await alter(describer)).toMatchObject([{ errorCode: code, resourceType, resourceName }]);
  });
});

describe('topics at the controller', () => {
  const created = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1 });
  const handler = (request: { readonly topics: readonly { readonly name: string }[] }) => ({
    topics: request.topics.map(({ name }) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      configs: [{ name: 'retention.ms', value: '1' }],
    })),
  });

  it.each([
    [[], []],
    [['ALLOW User:alice CREATE on TOPIC a*'], ['a1']],
    [['ALLOW User:alice CREATE on CLUSTER kafka-cluster'], ['a1', 'b1']],
  ])('CreateTopics with %j makes %j', async (acls, expected) => {
    const request = { topics: [created('a1'), created('b1')] };
    const { served, answer } = await ask({ acls }, createTopicsApi, 7, request, handler, 'controller');
    expect(served?.topics.map(({ name }) => name)).toEqual(expected);
    const refused = answer.topics.filter(({ errorCode }) => errorCode !== 0);
    expect(refused).toMatchObject(
      ['a1', 'b1']
        .filter((name) => !expected.includes(name as never))
        .map((name) => ({ name, errorCode: topicDenied, errorMessage: 'Authorization failed.' })),
    );
  });

  it('CreateTopics tells the settings of a new topic only to whoever may read them', async () => {
    const create = 'ALLOW User:alice CREATE on TOPIC a';
    const request = { topics: [created('a')] };
    const hidden = await ask({ acls: [create] }, createTopicsApi, 7, request, handler, 'controller');
    expect(hidden.answer.topics).toMatchObject([
      { errorCode: 0, topicConfigErrorCode: topicDenied, numPartitions: -1, replicationFactor: -1, configs: [] },
    ]);
    const acls = [create, 'ALLOW User:alice DESCRIBE_CONFIGS on TOPIC a'];
    const shown = await ask({ acls }, createTopicsApi, 7, request, handler, 'controller');
    expect(shown.answer.topics).toMatchObject([{ topicConfigErrorCode: 0, numPartitions: 1 }]);
  });

  it('a name that stands twice in CreateTopics is left to the handler, which says so', async () => {
    const request = { topics: [created('a'), created('a')] };
    const { served } = await ask({}, createTopicsApi, 7, request, handler, 'controller');
    expect(served?.topics).toHaveLength(2);
  });

  it('DeleteTopics tells a name only to whoever may describe the topic', async () => {
    const given = {
      topics: ['hidden', 'seen', 'mine'],
      acls: ['ALLOW User:alice DESCRIBE on TOPIC seen', 'ALLOW User:alice DELETE on TOPIC mine'],
    };
    const byId = (name: string) => ({ name: null, topicId: topicIdOf(name) });
    const request = { topics: ['hidden', 'seen', 'mine', 'nowhere'].map(byId) };
    const { served, answer } = await ask(given, deleteTopicsApi, 6, request, undefined, 'controller');
    expect(served?.topics.map(({ topicId }) => topicId)).toEqual(['mine', 'nowhere'].map(topicIdOf));
    expect(answer.responses).toMatchObject([
      { name: null, topicId: topicIdOf('hidden'), errorCode: topicDenied },
      { name: 'seen', topicId: topicIdOf('seen'), errorCode: topicDenied },
    ]);
  });

  it('DeleteTopics by name does not tell whether a topic is there', async () => {
    const request = { topics: ['hidden', 'nowhere'].map((name) => ({ name, topicId: zeroUuid })) };
    const { served, answer } = await ask({ topics: ['hidden'] }, deleteTopicsApi, 6, request, undefined, 'controller');
    expect(served?.topics).toEqual([]);
    expect(answer.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['hidden', topicDenied],
      ['nowhere', topicDenied],
    ]);
  });
});

it('nodes need the right of the cluster for what they say to each other', async () => {
  const { served, answer } = await ask({}, voteApi, 1, {}, undefined, 'controller');
  expect(served).toBeNull();
  expect(answer.errorCode).toBe(clusterDenied);
  const acls = ['ALLOW User:alice CLUSTER_ACTION on CLUSTER kafka-cluster'];
  expect((await ask({ acls }, voteApi, 1, {}, undefined, 'controller')).served).not.toBeNull();
});
