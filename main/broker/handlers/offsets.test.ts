// ListOffsets, OffsetForLeaderEpoch, DeleteRecords, DescribeLogDirs and DescribeProducers over real logs and wires.

import { describe, expect, test, vi } from 'vitest';
import { toBrokerId } from '../../core/ids.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { deleteRecordsApi } from '../../protocol/messages/delete-records.ts';
import { describeLogDirsApi } from '../../protocol/messages/describe-log-dirs.ts';
import { describeProducersApi } from '../../protocol/messages/describe-producers.ts';
import {
  listOffsetsApi,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../../protocol/messages/list-offsets.ts';
import { offsetForLeaderEpochApi } from '../../protocol/messages/offset-for-leader-epoch.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import type { Writable } from '../../protocol/schema.ts';
import { buildBatch } from '../../records/batch-builder.ts';
import { isCompressionReady } from '../../records/compression/compression.ts';
import { NetworkError } from '../../runtime/runtime.ts';
import { batchOf, ReplicaCluster, testTopic, testTopicId } from '../../../tests/support/replica-cluster.ts';

type Asked = Writable<ListOffsetsRequest['topics'][number]['partitions'][number]>;
type Row = ListOffsetsResponse['topics'][number]['partitions'][number];

async function cluster(nodeCount: number, seed = 1): Promise<ReplicaCluster> {
  const made = new ReplicaCluster({ seed, nodeCount });
  await made.createTopic();
  return made;
}

async function list(
  on: ReplicaCluster,
  asked: Asked,
  more: Writable<ListOffsetsRequest> & { readonly version?: number; readonly nodeId?: number } = {},
): Promise<Row | undefined> {
  const { version = 11, nodeId = 1, ...rest } = more;
  const topics = [{ name: testTopic, partitions: [{ partitionIndex: 0, ...asked }] }];
  const response = await on.world.settle(on.send(nodeId, listOffsetsApi, { replicaId: -1, topics, ...rest }, version));
  return response.topics[0]?.partitions[0];
}

async function produceAt(on: ReplicaCluster, timestamp: number): Promise<void> {
  const records = buildBatch({}, [{ key: null, value: Buffer.from('x'), timestamp }]);
  const topicData = [{ topicId: testTopicId, partitionData: [{ index: 0, records }] }];
  await on.world.settle(on.send(1, produceApi, { acks: -1, timeoutMs: 1000, topicData }));
}

const earliest = -2;
const latest = -1;

/** Three records at 1750000002774, …2832 and …1684, as Kafka's producer wrote them, leader epoch 0. */
const zstdBatch = Buffer.from(
  [
    '00000000000000000000008d00000000027dce1359000400000002000001977420e6d6000001977420e710ffffffffff',
    'ffffffffffffffffff0000000328b52ffd0058800200320000000c64646e7a73791a786d65646e7479756c7566646100',
    '4000740208666f67792c6b79787764707a707862616c62676c79797561726d71002800831104027218727062686c746b',
    '627667777000010000',
  ].join(''),
  'hex',
);

describe('ListOffsets', () => {
  test('finds a time inside a zstd batch that was there before the codec was loaded', async () => {
    const one = await cluster(1);
    one.node(1).partition().log.appendAsFollower(zstdBatch);
    await produceAt(one, 1_750_000_009_000);
    // The codec loads in real time, and virtual time may run out for the first question: it is what starts the loading.
    await list(one, { timestamp: 1_750_000_002_800 }).catch((error: unknown) =>
      expect(error).toBeInstanceOf(NetworkError),
    );
    await vi.waitUntil(() => isCompressionReady('zstd'), { timeout: 20_000 });
    await one.world.runFor(1000);
    expect(await list(one, { timestamp: 1_750_000_002_800 })).toMatchObject({
      errorCode: 0,
      timestamp: 1_750_000_002_832,
      offset: 1,
    });
  });

  test('finds the ends, a time, and the youngest record', async () => {
    const one = await cluster(1);
    for (const timestamp of [1000, 3000, 2000]) await produceAt(one, timestamp);
    expect(await list(one, { timestamp: earliest })).toMatchObject({
      errorCode: 0,
      timestamp: -1,
      offset: 0,
      leaderEpoch: 0,
    });
    expect(await list(one, { timestamp: latest })).toMatchObject({
      errorCode: 0,
      timestamp: -1,
      offset: 3,
      leaderEpoch: 0,
    });
    expect(await list(one, { timestamp: 1500 })).toMatchObject({ timestamp: 3000, offset: 1, leaderEpoch: 0 });
    expect(await list(one, { timestamp: -3 })).toMatchObject({ timestamp: 3000, offset: 1 });
    expect(await list(one, { timestamp: -4 })).toMatchObject({ offset: 0 });
    expect(await list(one, { timestamp: 9000 })).toMatchObject({
      errorCode: 0,
      timestamp: -1,
      offset: -1,
      leaderEpoch: -1,
    });
  });

  test('knows no tiered storage, and refuses special times in versions before theirs', async () => {
    const one = await cluster(1);
    for (const timestamp of [-5, -6])
      expect(await list(one, { timestamp })).toMatchObject({ errorCode: 0, offset: -1 });
    for (const [timestamp, version] of [
      [-3, 6],
      [-4, 7],
      [-5, 8],
      [-6, 10],
    ] as const) {
      expect(await list(one, { timestamp }, { version })).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION });
    }
  });

  test('shows a consumer what is committed and a replica what is there', async () => {
    const three = await cluster(3);
    three.world.cutBoth(1, 3);
    await three.world.settle(three.produce(1, ['a'], { acks: 1 }));
    expect(await list(three, { timestamp: latest })).toMatchObject({ offset: 0 });
    expect(await list(three, { timestamp: latest }, { replicaId: 2 })).toMatchObject({ offset: 1 });
  });

  test('of a new leader whose epoch is not committed yet is not available', async () => {
    const three = await cluster(3);
    three.world.cutBoth(1, 3);
    three.world.cutBoth(2, 3);
    await three.world.settle(three.produce(1, ['a'], { acks: 1 }));
    await three.world.runFor(20);
    three.controller.elect(three.key, toBrokerId(2));
    await three.world.runUntil(() => three.node(2).partition().isLeader, 100);
    expect(await list(three, { timestamp: latest }, { nodeId: 2 })).toMatchObject({
      errorCode: ErrorCode.OFFSET_NOT_AVAILABLE,
    });
    expect(await list(three, { timestamp: latest }, { nodeId: 2, version: 4 })).toMatchObject({
      errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
    });
    expect(await list(three, { timestamp: earliest }, { nodeId: 2 })).toMatchObject({ errorCode: 0, offset: 0 });
  });

  test('tells wrong epochs, wrong brokers, unknown partitions and double questions', async () => {
    const three = await cluster(3);
    const code = async (asked: Asked, nodeId = 1): Promise<number | undefined> =>
      (await list(three, { timestamp: latest, ...asked }, { nodeId }))?.errorCode;
    expect(await code({ currentLeaderEpoch: 3 })).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(await code({}, 2)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(await code({ partitionIndex: 4 })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const partitions = [
      { partitionIndex: 0, timestamp: latest },
      { partitionIndex: 0, timestamp: earliest },
    ];
    const twice = await three.world.settle(
      three.send(1, listOffsetsApi, { replicaId: -1, topics: [{ name: testTopic, partitions }] }),
    );
    expect(twice.topics[0]?.partitions.map((row) => row.errorCode)).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
    ]);
  });
});

describe('OffsetForLeaderEpoch', () => {
  test('says where each epoch ends', async () => {
    const three = await cluster(3);
    await three.world.settle(three.produce(1, ['a', 'b']));
    three.controller.elect(three.key, toBrokerId(2));
    await three.world.runFor(100);
    await three.world.settle(three.produce(2, ['c']));
    const ask = async (leaderEpoch: number, currentLeaderEpoch = 1): Promise<unknown> => {
      const topics = [{ topic: testTopic, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }];
      return (await three.world.settle(three.send(2, offsetForLeaderEpochApi, { replicaId: -1, topics }))).topics[0]
        ?.partitions[0];
    };
    expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 });
    expect(await ask(1)).toMatchObject({ errorCode: 0, leaderEpoch: 1, endOffset: 3 });
    expect(await ask(9)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    expect(await ask(0, 0)).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
  });
});

describe('DeleteRecords', () => {
  async function remove(on: ReplicaCluster, offset: number, timeoutMs = 5000): Promise<unknown> {
    const topics = [{ name: testTopic, partitions: [{ partitionIndex: 0, offset }] }];
    return (await on.world.settle(on.send(1, deleteRecordsApi, { topics, timeoutMs }))).topics[0]?.partitions[0];
  }

  test('waits until every live replica starts there, which takes no poll interval', async () => {
    const three = await cluster(3);
    await three.world.settle(three.produce(1, ['a', 'b', 'c']));
    await three.world.runFor(2000);
    const startMs = three.world.nowMs;
    expect(await remove(three, 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(three.world.nowMs - startMs).toBeLessThan(60);
    for (const id of [1, 2, 3]) expect(three.node(id).partition().log.logStartOffset).toBe(2);
  });

  test('up to the high watermark with -1, and not beyond it', async () => {
    const one = await cluster(1);
    await one.world.settle(one.produce(1, ['a', 'b']));
    expect(await remove(one, 7)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 });
    expect(await remove(one, -9)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(await remove(one, -1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
  });

  test('is answered REQUEST_TIMED_OUT while a live replica does not follow', async () => {
    const three = await cluster(3);
    await three.world.settle(three.produce(1, ['a', 'b']));
    three.world.cutBoth(1, 3);
    expect(await remove(three, 1, 300)).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT });
    expect(three.node(1).partition().log.logStartOffset).toBe(1);
  });

  test('of a compacted topic violates its policy', async () => {
    const one = new ReplicaCluster({ seed: 1, nodeCount: 1, logConfig: { isDeleted: false, isCompacted: true } });
    await one.createTopic();
    expect(await remove(one, 0)).toMatchObject({ errorCode: ErrorCode.POLICY_VIOLATION });
  });
});

describe('descriptions', () => {
  test('DescribeLogDirs names every replica and its size', async () => {
    const one = await cluster(1);
    await one.world.settle(one.produce(1, ['a']));
    const response = await one.world.settle(one.send(1, describeLogDirsApi, { topics: null }));
    expect(response.results).toMatchObject([
      {
        errorCode: 0,
        logDir: '/data',
        topics: [
          {
            name: testTopic,
            partitions: [{ partitionIndex: 0, partitionSize: batchOf(['a']).length, offsetLag: 0, isFutureKey: false }],
          },
        ],
      },
    ]);
    const none = await one.world.settle(
      one.send(1, describeLogDirsApi, { topics: [{ topic: testTopic, partitions: [8] }] }),
    );
    expect(none.results[0]?.topics).toEqual([]);
  });

  test('DescribeProducers shows who writes with sequences', async () => {
    const one = await cluster(1);
    const records = batchOf(['a'], { producerId: 4, producerEpoch: 1, baseSequence: 0 });
    const topicData = [{ topicId: testTopicId, partitionData: [{ index: 0, records }] }];
    await one.world.settle(one.send(1, produceApi, { acks: 1, timeoutMs: 1000, topicData }));
    const topics = [{ name: testTopic, partitionIndexes: [0, 3] }];
    const response = await one.world.settle(one.send(1, describeProducersApi, { topics }));
    expect(response.topics[0]?.partitions).toMatchObject([
      {
        partitionIndex: 0,
        errorCode: 0,
        activeProducers: [{ producerId: 4, producerEpoch: 1, lastSequence: 0, currentTxnStartOffset: -1 }],
      },
      { partitionIndex: 3, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ]);
  });

  test('DescribeProducers is answered by a follower, too', async () => {
    const three = await cluster(3);
    const records = batchOf(['a'], { producerId: 4, producerEpoch: 1, baseSequence: 0 });
    const topicData = [{ topicId: testTopicId, partitionData: [{ index: 0, records }] }];
    await three.world.settle(three.send(1, produceApi, { acks: -1, timeoutMs: 1000, topicData }));
    const topics = [{ name: testTopic, partitionIndexes: [0] }];
    const response = await three.world.settle(three.send(2, describeProducersApi, { topics }));
    expect(response.topics[0]?.partitions).toMatchObject([
      { partitionIndex: 0, errorCode: 0, activeProducers: [{ producerId: 4, producerEpoch: 1, lastSequence: 0 }] },
    ]);
  });
});
