import { describe, expect, test } from 'vitest';
import { toBrokerId } from '../../core/ids.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { produceApi, type ProduceRequest, type ProduceResponse } from '../../protocol/messages/produce.ts';
import type { Writable } from '../../protocol/schema.ts';
import { buildBatch } from '../../records/batch-builder.ts';
import { batchOf, ReplicaCluster, testTopic, testTopicId } from '../../../tests/support/replica-cluster.ts';

type Row = ProduceResponse['responses'][number]['partitionResponses'][number];

function request(records: Buffer | null, more: Writable<ProduceRequest> = {}): Writable<ProduceRequest> {
  const topicData = [{ topicId: testTopicId, name: testTopic, partitionData: [{ index: 0, records }] }];
  return { acks: 1, timeoutMs: 1000, topicData, ...more };
}

async function oneNode(
  logConfig: ConstructorParameters<typeof ReplicaCluster>[0]['logConfig'] = {},
): Promise<ReplicaCluster> {
  const cluster = new ReplicaCluster({ seed: 1, nodeCount: 1, logConfig });
  await cluster.createTopic();
  return cluster;
}

async function send(
  cluster: ReplicaCluster,
  body: Writable<ProduceRequest>,
  version?: number,
): Promise<ProduceResponse> {
  return cluster.world.settle(cluster.send(1, produceApi, body, version));
}

async function rowOf(
  cluster: ReplicaCluster,
  body: Writable<ProduceRequest>,
  version?: number,
): Promise<Row | undefined> {
  return (await send(cluster, body, version)).responses[0]?.partitionResponses[0];
}

describe('Produce', () => {
  test('is served by name up to version 12 and by id from 13', async () => {
    const cluster = await oneNode();
    for (const [at, version] of [3, 7, 9, 12, 13].entries()) {
      expect(await rowOf(cluster, request(batchOf(['a'])), version)).toMatchObject({
        errorCode: 0,
        baseOffset: at,
        logAppendTimeMs: -1,
      });
    }
  });

  test('of an unknown name or id is refused partition by partition', async () => {
    const cluster = await oneNode();
    const partitionData = [{ index: 0, records: batchOf(['a']) }];
    const unknownId = await send(
      cluster,
      request(null, { topicData: [{ topicId: testTopicId.replace(/^./, 'z'), partitionData }] }),
    );
    expect(unknownId.responses[0]?.partitionResponses).toMatchObject([
      { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, baseOffset: -1 },
    ]);
    const mixed = await send(
      cluster,
      request(null, {
        topicData: [{ topicId: testTopicId, partitionData: [{ index: 5, records: batchOf(['a']) }, ...partitionData] }],
      }),
    );
    expect(mixed.responses[0]?.partitionResponses.map((row) => row.errorCode)).toEqual([
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      0,
    ]);
  });

  test('with acks that do not exist writes nothing', async () => {
    const cluster = await oneNode();
    expect(await rowOf(cluster, request(batchOf(['a']), { acks: 2 }))).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUIRED_ACKS,
    });
    expect(cluster.node(1).partition().log.logEndOffset).toBe(0);
  });

  test('with acks=0 gets no answer, and a closed connection when it fails', async () => {
    const cluster = await oneNode();
    const good = cluster.send(1, produceApi, request(batchOf(['a']), { acks: 0 }));
    let isRejected = false;
    good.catch(() => (isRejected = true));
    await cluster.world.runFor(100);
    expect(isRejected).toBe(false);
    expect(cluster.values(1)).toEqual(['a']);
    const bad = cluster.send(1, produceApi, request(Buffer.from('no batch'), { acks: 0 }));
    bad.catch(() => {});
    await cluster.world.runFor(100);
    expect(isRejected).toBe(true);
  });

  test("of damaged records is refused with Kafka's code", async () => {
    const cluster = await oneNode();
    const batch = batchOf(['a']);
    batch[batch.length - 1] = (batch[batch.length - 1] ?? 0) ^ 1;
    expect(await rowOf(cluster, request(batch))).toMatchObject({
      errorCode: ErrorCode.CORRUPT_MESSAGE,
      baseOffset: -1,
      logStartOffset: -1,
    });
    expect(await rowOf(cluster, request(null))).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD });
    expect(await rowOf(cluster, request(Buffer.concat([batchOf(['a']), batchOf(['b'])])))).toMatchObject({
      errorCode: ErrorCode.INVALID_RECORD,
    });
  });

  test('names the records that are wrong', async () => {
    const cluster = await oneNode({ isCompacted: true, isDeleted: false });
    const row = await rowOf(cluster, request(batchOf(['without a key'])));
    expect(row).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1, logStartOffset: 0 });
    expect(row?.recordErrors.map((each) => each.batchIndex)).toEqual([0]);
    expect(row?.errorMessage).not.toBeNull();
  });

  test('tells the time it stamped in under LogAppendTime', async () => {
    const cluster = await oneNode({ messageTimestampType: 'LogAppendTime' });
    const row = await rowOf(cluster, request(batchOf(['a'])));
    expect(row?.logAppendTimeMs).toBeGreaterThan(Date.UTC(2025, 11, 1));
  });

  test('twice with the same sequence is written once and answered with the first offset', async () => {
    const cluster = await oneNode();
    const batch = (baseSequence: number): Buffer => batchOf(['a'], { producerId: 4, producerEpoch: 0, baseSequence });
    expect(await rowOf(cluster, request(batch(0)))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await rowOf(cluster, request(batch(1)))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(await rowOf(cluster, request(batch(0), { acks: -1 }))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await rowOf(cluster, request(batch(9)))).toMatchObject({
      errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    });
    expect(cluster.node(1).partition().log.logEndOffset).toBe(2);
  });

  test('in a transaction waits for a coordinator that vouches for it, and without an id Kafka denies the right', async () => {
    const cluster = await oneNode();
    const records = (): Buffer =>
      buildBatch({ producerId: 4, producerEpoch: 0, baseSequence: 0, isTransactional: true }, [
        { key: null, value: Buffer.from('a'), timestamp: 1 },
      ]);
    expect(await rowOf(cluster, request(records()))).toMatchObject({
      errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    });
    expect(await rowOf(cluster, request(records(), { transactionalId: 't' }))).toMatchObject({
      errorCode: ErrorCode.NOT_ENOUGH_REPLICAS,
      errorMessage:
        'Unable to verify the partition has been added to the transaction. Underlying error: COORDINATOR_NOT_AVAILABLE',
    });
    expect(cluster.node(1).partition().log.logEndOffset).toBe(0);
  });

  test('at a broker that leads no more names the leader and its address', async () => {
    const cluster = new ReplicaCluster({ seed: 2 });
    await cluster.createTopic();
    cluster.controller.elect(cluster.key, toBrokerId(2));
    await cluster.world.runFor(100);
    const response = await send(cluster, request(batchOf(['a'])));
    expect(response.responses[0]?.partitionResponses).toMatchObject([
      { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: 2, leaderEpoch: 1 } },
    ]);
    expect(response.nodeEndpoints).toMatchObject([{ nodeId: 2, port: 9002 }]);
    // Found by a slow link that made a client's metadata old: versions without room for it lost their connection.
    for (const version of [3, 9]) {
      const old = await rowOf(cluster, request(batchOf(['a'])), version);
      expect(old).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    }
  });
});
