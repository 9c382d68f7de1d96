import { describe, expect, test } from 'vitest';
import { toBrokerId, toTopicId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { fetchApi, type FetchRequest, type FetchResponse } from '../protocol/messages/fetch.ts';
import { produceApi } from '../protocol/messages/produce.ts';
import type { Writable } from '../protocol/schema.ts';
import { batchesIn } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import { batchOf, ReplicaCluster, testTopic, testTopicId } from '../../tests/support/replica-cluster.ts';

type Position = Writable<FetchRequest['topics'][number]['partitions'][number]>;
type Row = FetchResponse['responses'][number]['partitions'][number];

function at(partition: number, fetchOffset: number, more: Position = {}): Position {
  return { partition, fetchOffset, partitionMaxBytes: 1024 * 1024, ...more };
}

function request(positions: Position[], more: Writable<FetchRequest> = {}): Writable<FetchRequest> {
  const topics = positions.length === 0 ? [] : [{ topicId: testTopicId, partitions: positions }];
  return { maxWaitMs: 0, minBytes: 1, maxBytes: 50 * 1024 * 1024, topics, ...more };
}

function rows(response: FetchResponse): Row[] {
  return response.responses.flatMap((topic) => topic.partitions);
}

function valuesOf(row: Row | undefined): string[] {
  const values: string[] = [];
  for (const batch of batchesIn(row?.records ?? Buffer.alloc(0))) {
    for (const record of recordsOf(batch)) values.push(record.value?.toString() ?? '');
  }
  return values;
}

async function oneNode(partitionCount = 1): Promise<ReplicaCluster> {
  const cluster = new ReplicaCluster({ seed: 1, nodeCount: 1 });
  await cluster.createTopic(partitionCount);
  return cluster;
}

function fetch(
  cluster: ReplicaCluster,
  body: Writable<FetchRequest>,
  version?: number,
  nodeId = 1,
): Promise<FetchResponse> {
  return cluster.world.settle(cluster.send(nodeId, fetchApi, body, version));
}

describe('a consumer', () => {
  test('gets what is committed and the watermarks', async () => {
    const cluster = await oneNode();
    await cluster.world.settle(cluster.produce(1, ['a', 'b']));
    const [row] = rows(await fetch(cluster, request([at(0, 1)])));
    expect(row).toMatchObject({
      errorCode: 0,
      highWatermark: 2,
      lastStableOffset: 2,
      logStartOffset: 0,
      abortedTransactions: null,
    });
    // Whole batches: the one that holds offset 1 begins before it.
    expect(valuesOf(row)).toEqual(['a', 'b']);
  });

  test('that reads committed gets a list of aborted transactions, be it empty', async () => {
    const cluster = await oneNode();
    await cluster.world.settle(cluster.produce(1, ['a']));
    const [row] = rows(await fetch(cluster, request([at(0, 0)], { isolationLevel: 1 })));
    expect(row?.abortedTransactions).toEqual([]);
  });

  test('by topic name is served as well, down to version 4', async () => {
    const cluster = await oneNode();
    await cluster.world.settle(cluster.produce(1, ['a']));
    const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: testTopic, partitions: [at(0, 0)] }] };
    for (const version of [4, 11, 12]) {
      const response = await fetch(cluster, body, version);
      expect(response.responses[0]?.topic).toBe(testTopic);
      expect(valuesOf(rows(response)[0])).toEqual(['a']);
    }
  });

  test('waits at the end and is answered by the append that brings data', async () => {
    const cluster = await oneNode();
    await cluster.world.runFor(100);
    const waiting = cluster.send(1, fetchApi, request([at(0, 0)], { maxWaitMs: 5000 }));
    await cluster.world.runFor(300);
    const appendMs = cluster.world.nowMs;
    const produced = cluster.produce(1, ['a']);
    const response = await cluster.world.settle(waiting);
    expect(cluster.world.nowMs - appendMs).toBeLessThan(5);
    expect(valuesOf(rows(response)[0])).toEqual(['a']);
    await cluster.world.settle(produced);
  });

  test('is answered empty when its time is up', async () => {
    const cluster = await oneNode();
    const startMs = cluster.world.nowMs;
    const response = await fetch(cluster, request([at(0, 0)], { maxWaitMs: 700 }));
    expect(cluster.world.nowMs - startMs).toBeGreaterThanOrEqual(700);
    expect(rows(response)).toMatchObject([{ errorCode: 0, highWatermark: 0 }]);
  });

  test('that wants more bytes than come waits for more', async () => {
    const cluster = await oneNode(2);
    const waiting = cluster.send(1, fetchApi, request([at(0, 0), at(1, 0)], { maxWaitMs: 5000, minBytes: 150 }));
    let isAnswered = false;
    void waiting.then(() => (isAnswered = true));
    await cluster.world.settle(cluster.produce(1, ['a'], { index: 0 }));
    await cluster.world.runFor(20);
    expect(isAnswered).toBe(false);
    await cluster.world.settle(cluster.produce(1, ['b'], { index: 1 }));
    await cluster.world.settle(cluster.produce(1, ['c'], { index: 0 }));
    const response = await cluster.world.settle(waiting, 1000);
    expect(rows(response).map(valuesOf)).toEqual([['a', 'c'], ['b']]);
  });

  test('gets the first batch whole although it is larger than allowed, and no second', async () => {
    const cluster = await oneNode(2);
    await cluster.world.settle(cluster.produce(1, ['x'.repeat(2000)], { index: 0 }));
    await cluster.world.settle(cluster.produce(1, ['y'.repeat(2000)], { index: 1 }));
    const response = await fetch(cluster, request([at(0, 0), at(1, 0)], { maxBytes: 100 }));
    expect(rows(response).map((row) => valuesOf(row).length)).toEqual([1, 0]);
    const limited = await fetch(
      cluster,
      request([at(0, 0, { partitionMaxBytes: 10 }), at(1, 0, { partitionMaxBytes: 10 })]),
    );
    expect(rows(limited).map((row) => valuesOf(row).length)).toEqual([1, 0]);
  });

  test('outside the log, or with another epoch in mind, is told so', async () => {
    const cluster = await oneNode();
    await cluster.world.settle(cluster.produce(1, ['a']));
    const code = async (position: Position): Promise<number | undefined> =>
      rows(await fetch(cluster, request([position], { maxWaitMs: 500 })))[0]?.errorCode;
    expect(await code(at(0, 2))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await code(at(0, Number.MAX_SAFE_INTEGER))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await code(at(0, 0, { currentLeaderEpoch: 5 }))).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(await code(at(9, 0))).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    cluster.controller.elect(cluster.key, toBrokerId(7));
  });

  test('of an unknown topic id is told so', async () => {
    const cluster = await oneNode();
    const topics = [{ topicId: 'AAAAAAAAAAAAAAAAAAAAzz'.slice(0, 21) + 'Q', partitions: [at(0, 0)] }];
    const [row] = rows(await fetch(cluster, request([], { topics })));
    expect(row?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  test('whose last fetched epoch ends earlier here is shown where', async () => {
    const cluster = new ReplicaCluster({ seed: 3 });
    await cluster.createTopic();
    await cluster.world.settle(cluster.produce(1, ['a', 'b']));
    cluster.controller.elect(cluster.key, toBrokerId(2));
    await cluster.world.runUntil(() => cluster.node(2).partition().isLeader, 1000);
    const [row] = rows(await fetch(cluster, request([at(0, 5, { lastFetchedEpoch: 0 })]), undefined, 2));
    expect(row).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 2 } });
  });

  test('of a broker that leads no more is told who does, with the address', async () => {
    const cluster = new ReplicaCluster({ seed: 4 });
    await cluster.createTopic();
    cluster.controller.elect(cluster.key, toBrokerId(2));
    await cluster.world.runFor(100);
    const old = await fetch(cluster, request([at(0, 0, { currentLeaderEpoch: 0 })]), undefined, 1);
    expect(rows(old)[0]).toMatchObject({
      errorCode: ErrorCode.FENCED_LEADER_EPOCH,
      currentLeader: { leaderId: 2, leaderEpoch: 1 },
    });
    expect(old.nodeEndpoints).toMatchObject([{ nodeId: 2, host: '127.0.0.1', port: 9002, rack: 'rack-2' }]);
  });

  test('may read committed data from a follower from version 11 on', async () => {
    const cluster = new ReplicaCluster({ seed: 5 });
    await cluster.createTopic();
    await cluster.world.settle(cluster.produce(1, ['a']));
    await cluster.world.runFor(50);
    expect(valuesOf(rows(await fetch(cluster, request([at(0, 0)]), undefined, 3))[0])).toEqual(['a']);
    const byName = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: testTopic, partitions: [at(0, 0)] }] };
    expect(rows(await fetch(cluster, byName, 10, 3))[0]?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  test('with a rack is sent to the in-sync replica in its rack', async () => {
    const cluster = new ReplicaCluster({ seed: 6, config: { isRackAwareReads: true } });
    await cluster.createTopic();
    await cluster.world.settle(cluster.produce(1, ['a']));
    await cluster.world.runFor(50);
    const [row] = rows(await fetch(cluster, request([at(0, 0)], { rackId: 'rack-3', maxWaitMs: 5000 })));
    expect(row).toMatchObject({ errorCode: 0, preferredReadReplica: 3 });
    expect(row?.records?.length).toBe(0);
    const [own] = rows(await fetch(cluster, request([at(0, 0)], { rackId: 'rack-1' })));
    expect(own).toMatchObject({ preferredReadReplica: -1 });
  });
});

describe('a fetch session', () => {
  test('names all partitions at first, and then only those with news', async () => {
    const cluster = await oneNode(3);
    const opened = await fetch(cluster, request([at(0, 0), at(1, 0), at(2, 0)], { sessionEpoch: 0 }));
    expect(opened.sessionId).not.toBe(0);
    expect(rows(opened).map((row) => row.partitionIndex)).toEqual([0, 1, 2]);
    const { sessionId } = opened;
    const idle = await fetch(cluster, request([], { sessionId, sessionEpoch: 1 }));
    expect(idle).toMatchObject({ errorCode: 0, sessionId, responses: [] });
    await cluster.world.settle(cluster.produce(1, ['a'], { index: 1 }));
    const news = await fetch(cluster, request([], { sessionId, sessionEpoch: 2 }));
    expect(rows(news).map((row) => [row.partitionIndex, valuesOf(row)])).toEqual([[1, ['a']]]);
    // Not fetched past yet: it is there again.
    const again = await fetch(cluster, request([], { sessionId, sessionEpoch: 3 }));
    expect(rows(again).map(valuesOf)).toEqual([['a']]);
    const past = await fetch(cluster, request([at(1, 1)], { sessionId, sessionEpoch: 4 }));
    expect(past.responses).toEqual([]);
  });

  test('that waits is woken by the partition that gets data', async () => {
    const cluster = await oneNode(3);
    const { sessionId } = await fetch(cluster, request([at(0, 0), at(1, 0), at(2, 0)], { sessionEpoch: 0 }));
    const waiting = cluster.send(1, fetchApi, request([], { sessionId, sessionEpoch: 1, maxWaitMs: 10_000 }));
    await cluster.world.runFor(1000);
    await cluster.world.settle(cluster.produce(1, ['a'], { index: 2 }));
    const response = await cluster.world.settle(waiting, 10);
    expect(rows(response).map((row) => [row.partitionIndex, valuesOf(row)])).toEqual([[2, ['a']]]);
  });

  test('lets partitions take turns when an answer has no room for all', async () => {
    const cluster = await oneNode(2);
    for (const index of [0, 1])
      await cluster.world.settle(cluster.produce(1, [`p${index}`.padEnd(500, 'x')], { index }));
    const { sessionId } = await fetch(cluster, request([at(0, 0), at(1, 0)], { sessionEpoch: 0, maxBytes: 1 }));
    const seen: (number | undefined)[] = [];
    for (let epoch = 1; epoch <= 4; epoch++) {
      const response = await fetch(cluster, request([], { sessionId, sessionEpoch: epoch, maxBytes: 1 }));
      seen.push(rows(response).find((row) => row.records !== null && row.records.length > 0)?.partitionIndex);
    }
    expect(new Set(seen)).toEqual(new Set([0, 1]));
  });

  test('forgets partitions, and ends with the last', async () => {
    const cluster = await oneNode(2);
    const { sessionId } = await fetch(cluster, request([at(0, 0), at(1, 0)], { sessionEpoch: 0 }));
    const forget = (partitions: number[]): Writable<FetchRequest> => ({
      forgottenTopicsData: [{ topicId: testTopicId, partitions }],
    });
    await fetch(cluster, request([], { sessionId, sessionEpoch: 1, ...forget([0]) }));
    await cluster.world.settle(cluster.produce(1, ['a'], { index: 0 }));
    expect((await fetch(cluster, request([], { sessionId, sessionEpoch: 2 }))).responses).toEqual([]);
    expect((await fetch(cluster, request([], { sessionId, sessionEpoch: 3, ...forget([1]) }))).sessionId).toBe(0);
    const gone = await fetch(cluster, request([], { sessionId, sessionEpoch: 4 }));
    expect(gone.errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  });

  test('refuses a wrong epoch, an unknown id, and a change from names to ids', async () => {
    const cluster = await oneNode();
    const { sessionId } = await fetch(cluster, request([at(0, 0)], { sessionEpoch: 0 }));
    const code = async (more: Writable<FetchRequest>, version?: number): Promise<number> =>
      (await fetch(cluster, request([], more), version)).errorCode;
    expect(await code({ sessionId, sessionEpoch: 7 })).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(await code({ sessionId: sessionId + 1, sessionEpoch: 1 })).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect(await code({ sessionId, sessionEpoch: 1 }, 12)).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
  });

  test('is not kept when the cache has no room, and the fetch is served all the same', async () => {
    const cluster = new ReplicaCluster({ seed: 9, nodeCount: 1, config: { fetchSessionSlotsMax: 1 } });
    await cluster.createTopic(1);
    expect((await fetch(cluster, request([at(0, 0)], { sessionEpoch: 0 }))).sessionId).not.toBe(0);
    const second = await fetch(cluster, request([at(0, 0)], { sessionEpoch: 0 }));
    expect(second.sessionId).toBe(0);
    expect(rows(second)).toMatchObject([{ errorCode: 0 }]);
  });

  test('idle for two minutes makes room for another', async () => {
    const cluster = new ReplicaCluster({ seed: 10, nodeCount: 1, config: { fetchSessionSlotsMax: 1 } });
    await cluster.createTopic(1);
    await fetch(cluster, request([at(0, 0)], { sessionEpoch: 0 }));
    await cluster.world.runFor(121_000);
    expect((await fetch(cluster, request([at(0, 0)], { sessionEpoch: 0 }))).sessionId).not.toBe(0);
  });
});

describe('what may not be read', () => {
  const secret = 'secret';
  const secretId = toTopicId('c2VjcmV0LXNlY3JldC1zZQ');
  const refuses = (topicId: string): boolean => topicId === secretId;
  const both = [testTopicId, secretId].map((topicId) => ({ topicId, partitions: [at(0, 0)] }));

  async function twoTopics(): Promise<ReplicaCluster> {
    const cluster = await oneNode();
    cluster.controller.createTopic(secret, secretId, 1, [1]);
    await cluster.world.runFor(100);
    const hidden = batchOf(['hidden']);
    const topicData = [{ topicId: secretId, partitionData: [{ index: 0, records: hidden }] }];
    await cluster.world.settle(cluster.send(1, produceApi, { acks: 1, timeoutMs: 1000, topicData }));
    return cluster;
  }

  /** As the handler asks when there is an authorizer; through the codec, there and back. */
  async function guardedFetch(cluster: ReplicaCluster, body: Writable<FetchRequest>): Promise<FetchResponse> {
    const version = fetchApi.versions.max;
    const decoded = fetchApi.request.decodeFrom(fetchApi.request.encodeToBuffer(version, body), version);
    const answer = await cluster.node(1).replicas.fetch(decoded, version, refuses);
    return fetchApi.response.decodeFrom(fetchApi.response.encodeToBuffer(version, answer), version);
  }

  const codesOf = ({ responses }: FetchResponse) =>
    responses.map(({ topicId, partitions }) => [topicId, partitions[0]?.errorCode, valuesOf(partitions[0])]);
  const refusal = [secretId, ErrorCode.TOPIC_AUTHORIZATION_FAILED, []];

  test('is refused, the rest is read', async () => {
    const cluster = await twoTopics();
    await cluster.world.settle(cluster.produce(1, ['a']));
    const answer = await cluster.world.settle(guardedFetch(cluster, { ...request([]), topics: both }));
    expect(codesOf(answer)).toEqual([[testTopicId, 0, ['a']], refusal]);
  });

  test('does not keep a fetch waiting when there is nothing else', async () => {
    const cluster = await twoTopics();
    const startMs = cluster.world.nowMs;
    const topics = both.slice(1);
    const body = { ...request([], { maxWaitMs: 5000 }), topics };
    expect(codesOf(await cluster.world.settle(guardedFetch(cluster, body)))).toEqual([refusal]);
    expect(cluster.world.nowMs - startMs).toBeLessThan(100);
  });

  test('neither hurries nor wakes a fetch that waits for the rest', async () => {
    const cluster = await twoTopics();
    const waiting = guardedFetch(cluster, { ...request([], { maxWaitMs: 5000 }), topics: both });
    let isAnswered = false;
    void waiting.then(() => (isAnswered = true));
    const topicData = [{ topicId: secretId, partitionData: [{ index: 0, records: batchOf(['more']) }] }];
    await cluster.world.settle(cluster.send(1, produceApi, { acks: 1, timeoutMs: 1000, topicData }));
    await cluster.world.runFor(500);
    expect(isAnswered).toBe(false);
    await cluster.world.settle(cluster.produce(1, ['a']));
    expect(codesOf(await cluster.world.settle(waiting, 10))).toEqual([[testTopicId, 0, ['a']], refusal]);
  });

  test('is told again with every fetch of a session', async () => {
    const cluster = await twoTopics();
    const opened = await cluster.world.settle(
      guardedFetch(cluster, { ...request([], { sessionEpoch: 0 }), topics: both }),
    );
    const { sessionId } = opened;
    for (const sessionEpoch of [1, 2]) {
      const next = await cluster.world.settle(guardedFetch(cluster, request([], { sessionId, sessionEpoch })));
      expect(codesOf(next)).toEqual([refusal]);
    }
  });
});
