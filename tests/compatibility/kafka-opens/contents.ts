// What a cluster is filled with before its directories change hands: every codec, producer state, a compacted topic,
// server timestamps, deleted records, a deleted topic, settings, group offsets, transactions.

import { createTopicsApi } from '../../../main/protocol/messages/create-topics.ts';
import { deleteRecordsApi } from '../../../main/protocol/messages/delete-records.ts';
import { deleteTopicsApi } from '../../../main/protocol/messages/delete-topics.ts';
import { incrementalAlterConfigsApi } from '../../../main/protocol/messages/incremental-alter-configs.ts';
import { initProducerIdApi } from '../../../main/protocol/messages/init-producer-id.ts';
import { offsetCommitApi } from '../../../main/protocol/messages/offset-commit.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../../main/records/batch-builder.ts';
import type { CompressionType } from '../../../main/records/compression-type.ts';
import { prepareCompression } from '../../../main/records/compression/compression.ts';
import { kafkaFor } from '../../support/kafkajs.ts';
import { accept, persist, Refused, type Wire } from './wire.ts';

const codecs: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
export const recordsPerBatch = 20;
export const group = 'billing';
/** In plain-2. */
export const deletedBefore = 30;

/** An idempotent producer that outlives the cluster it writes to. */
export type Producer = {
  readonly id: number;
  readonly epoch: number;
  readonly nextSequence: Map<string, number>;
  /** Its records' time: producers are forgotten by it (producer.id.expiration.ms), so it is not a fixed one. */
  readonly startedMs: number;
};

export async function fill(wire: Wire): Promise<Producer> {
  await prepareCompression();
  await createTopic(wire, 'plain', 3, { 'segment.bytes': '1048576', 'retention.ms': '604800000' });
  await createTopic(wire, 'compacted', 1, { 'cleanup.policy': 'compact' });
  await createTopic(wire, 'stamped', 1, { 'message.timestamp.type': 'LogAppendTime' });
  await createTopic(wire, 'txn', 2, {});
  await createTopic(wire, 'doomed', 2, {});
  const producer = await newProducer(wire);
  for (const partition of [0, 1, 2]) {
    for (const codec of codecs) await produce(wire, producer, 'plain', partition, codec);
  }
  for (let round = 0; round < 3; round++) await produce(wire, producer, 'compacted', 0, 'none');
  await produce(wire, producer, 'stamped', 0, 'lz4');
  await deleteBefore(wire, 'plain', 2, deletedBefore);
  await setClusterDefault(wire, 'log.retention.ms', '86400000');
  await commit(wire, 'plain', [7, 8, 35]);
  await transactions(wire);
  await persist('the deletion of doomed', async () => {
    const topics = [{ name: 'doomed', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }];
    const answer = await wire.askAny(deleteTopicsApi, 6, { topics, topicNames: [], timeoutMs: 10_000 });
    const code = answer.responses[0]?.errorCode ?? -1;
    // Asked twice because the first answer was lost.
    if (code !== 3) accept('DeleteTopics', code);
  });
  await persist('no broker that knows doomed any more', async () => {
    for (const address of wire.addresses) {
      const { topics } = await wire.metadata(null, address);
      if (topics.some(({ name }) => name === 'doomed')) throw new Error(`${address} still lists it`);
    }
  });
  return producer;
}

export async function createTopic(
  wire: Wire,
  name: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const topics = [{ name, numPartitions, replicationFactor: 3, assignments: [], configs: settings }];
  await persist(`topic ${name}`, async () => {
    const answer = await wire.askAny(createTopicsApi, 7, { topics, timeoutMs: 10_000, validateOnly: false });
    const code = answer.topics[0]?.errorCode ?? -1;
    // Asked twice because the first answer was lost.
    if (code !== 36) accept('CreateTopics', code);
  });
}

export async function newProducer(wire: Wire): Promise<Producer> {
  const answer = await persist('a producer id', async () => {
    const given = await wire.askAny(initProducerIdApi, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    });
    accept('InitProducerId', given.errorCode);
    return given;
  });
  return { id: answer.producerId, epoch: answer.producerEpoch, nextSequence: new Map(), startedMs: Date.now() };
}

/** Writes one batch with acks=all and gives its offset. */
export async function produce(
  wire: Wire,
  producer: Producer,
  topic: string,
  partition: number,
  codec: CompressionType = 'none',
): Promise<number> {
  const key = `${topic}-${partition}`;
  const sequence = producer.nextSequence.get(key) ?? 0;
  const offset = await send(wire, producer, topic, partition, sequence, codec);
  producer.nextSequence.set(key, sequence + recordsPerBatch);
  return offset;
}

async function send(
  wire: Wire,
  producer: Producer,
  topic: string,
  partition: number,
  sequence: number,
  codec: CompressionType,
): Promise<number> {
  // From the sequence alone, so that a batch sent again is the same batch.
  const records = Array.from({ length: recordsPerBatch }, (_, index) => ({
    key: Buffer.from(`key-${index}`),
    value: Buffer.from(`${topic}-${partition}-${sequence + index}-${'x'.repeat(index)}`),
    headers: [{ key: 'codec', value: Buffer.from(codec) }],
    timestamp: producer.startedMs + sequence + index,
  }));
  const identity = { producerId: producer.id, producerEpoch: producer.epoch, baseSequence: sequence };
  const batch = buildBatch({ compression: codec, ...identity }, records);
  const body = {
    transactionalId: null,
    acks: -1,
    timeoutMs: 8000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
  };
  const first = (answer: { responses: readonly { partitionResponses: readonly Answer[] }[] }) =>
    answer.responses[0]?.partitionResponses[0] ?? { errorCode: -1, baseOffset: -1 };
  const answer = await wire.toLeader(topic, partition, produceApi, 9, body, (given) => {
    const { errorCode } = first(given);
    // No use in asking again: an answer about the sequence is final.
    if (errorCode !== outOfOrderSequence) accept('Produce', errorCode);
  });
  const { errorCode, baseOffset } = first(answer);
  accept(`Produce to ${topic}-${partition}`, errorCode);
  return baseOffset;
}

type Answer = { readonly errorCode: number; readonly baseOffset: number };
const outOfOrderSequence = 45;

/** Whether the cluster still knows what the producer did: its last batch sent again, a gap, then the next one. */
export async function checkProducerState(
  wire: Wire,
  producer: Producer,
  endOf: (topic: string, partition: number) => number,
): Promise<string[]> {
  const problems: string[] = [];
  for (const [key, next] of producer.nextSequence) {
    const dash = key.lastIndexOf('-');
    const [topic, partition] = [key.slice(0, dash), Number(key.slice(dash + 1))];
    const end = endOf(topic, partition);
    const again = await send(wire, producer, topic, partition, next - recordsPerBatch, 'none');
    if (again !== end - recordsPerBatch)
      problems.push(`${key}: a batch sent again is at ${again}, the log ends at ${end}`);
    const gap = await send(wire, producer, topic, partition, next + 5, 'none').catch((error: unknown) => error);
    if (!(gap instanceof Refused) || gap.errorCode !== outOfOrderSequence)
      problems.push(`${key}: a gap in the sequence was answered with ${String(gap)}`);
    const offset = await produce(wire, producer, topic, partition);
    if (offset !== end) problems.push(`${key}: the next batch is at ${offset}, not at ${end}`);
  }
  return problems;
}

async function deleteBefore(wire: Wire, topic: string, partition: number, offset: number): Promise<void> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }];
  await wire.toLeader(topic, partition, deleteRecordsApi, 2, { topics, timeoutMs: 8000 }, (answer) =>
    accept('DeleteRecords', answer.topics[0]?.partitions[0]?.errorCode ?? -1),
  );
}

async function setClusterDefault(wire: Wire, name: string, value: string): Promise<void> {
  const resource = { resourceType: 4, resourceName: '', configs: [{ name, configOperation: 0, value }] };
  await persist(`the setting ${name}`, async () => {
    const answer = await wire.askAny(incrementalAlterConfigsApi, 1, { resources: [resource], validateOnly: false });
    accept('IncrementalAlterConfigs', answer.responses[0]?.errorCode ?? -1);
  });
}

async function commit(wire: Wire, topic: string, offsets: readonly number[]): Promise<void> {
  const partitions = offsets.map((committedOffset, partitionIndex) => ({
    partitionIndex,
    committedOffset,
    committedLeaderEpoch: 0,
    committedMetadata: `at ${committedOffset}`,
  }));
  const body = { groupId: group, memberId: '', topics: [{ name: topic, partitions }] };
  await wire.toCoordinator(group, offsetCommitApi, 8, body, (answer) => {
    for (const each of answer.topics[0]?.partitions ?? []) accept('OffsetCommit', each.errorCode);
  });
}

/** One committed, with a group's offsets in it; one aborted. By a client that others wrote. */
async function transactions(wire: Wire): Promise<void> {
  const kafka = kafkaFor(wire.addresses.join(','));
  const producer = kafka.producer({ transactionalId: 'ledger', idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const messages = [0, 1].flatMap((partition) => [{ partition, key: 'a', value: '1' }]);
  const committed = await producer.transaction();
  await committed.send({ topic: 'txn', messages });
  const topics = [{ topic: 'txn', partitions: [{ partition: 0, offset: '1' }] }];
  await committed.sendOffsets({ consumerGroupId: 'till', topics });
  await committed.commit();
  const aborted = await producer.transaction();
  await aborted.send({ topic: 'txn', messages });
  await aborted.abort();
  await producer.disconnect();
}
