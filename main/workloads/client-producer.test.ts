import { describe, expect, it } from 'vitest';
import { createApiVersionsHandler } from '../net/api-versions-handler.ts';
import { route } from '../net/route.ts';
import { RpcServer } from '../net/server.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { apiVersionsApi } from '../protocol/messages/api-versions.ts';
import { initProducerIdApi } from '../protocol/messages/init-producer-id.ts';
import { metadataApi } from '../protocol/messages/metadata.ts';
import { produceApi } from '../protocol/messages/produce.ts';
import { partitionOfKey } from '../protocol/partitioning.ts';
import { RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { ClientProducer, type SendOutcome } from './client-producer.ts';
import { presetNamed, type ProducerSettings } from './presets.ts';

const topicId = 'JK3_VuqyQ_6fC4IthG0mmw';

type Batch = { partition: number; sequence: number; epoch: number; values: string[]; atMs: number };
/** What the one broker says to the n-th batch: an error, or null to append it. */
type Script = (number: number, batch: Batch) => number | null;

/** A broker on node 1 whose answers are scripted, and a producer on node 2 of a simulated world. */
async function start(settings: Partial<ProducerSettings>, script: Script = () => null, leader = 1) {
  const world = new SimulatedWorld({ seed: 5 });
  const arrived: Batch[] = [];
  const log: Batch[] = [];
  const { clock, network } = world.runtimeFor(1);
  const server: RpcServer = new RpcServer({
    clock,
    network,
    host: '127.0.0.1',
    port: 9092,
    listener: 'client',
    onProblem: (problem) => expect.unreachable(JSON.stringify(problem)),
    routes: [
      route(
        apiVersionsApi,
        {},
        createApiVersionsHandler({
          advertised: () => server.router.advertised,
          features: () => ({ supported: [], finalized: [], finalizedEpoch: -1 }),
        }),
      ),
      route(metadataApi, {}, () => ({
        brokers: [{ nodeId: 1, host: '127.0.0.1', port: 9092 }],
        controllerId: 1,
        topics: [
          {
            name: 'orders',
            topicId,
            partitions: [0, 1, 2].map((partitionIndex) => ({ partitionIndex, leaderId: leader, leaderEpoch: 3 })),
          },
        ],
      })),
      route(initProducerIdApi, {}, () => ({ producerId: 77, producerEpoch: 0 })),
      route(produceApi, { isPipelined: true }, (_context, request) => {
        const partitionResponses = (request.topicData[0]?.partitionData ?? []).map(({ index, records }) => {
          const batch = read(index, records as Buffer, world.nowMs);
          arrived.push(batch);
          const errorCode = script(arrived.length - 1, batch);
          if (errorCode === null) log.push(batch);
          return { index, errorCode: errorCode ?? ErrorCode.NONE, baseOffset: errorCode === null ? 100 : -1 };
        });
        return request.acks === 0 ? null : { responses: [{ topicId, name: 'orders', partitionResponses }] };
      }),
    ],
  });
  await world.settle(server.listen());
  const producer = new ClientProducer({
    runtime: world.runtimeFor(2),
    bootstrap: [{ host: '127.0.0.1', port: 9092 }],
    clientId: 'test',
    settings: { ...(presetNamed('durable')?.settings as ProducerSettings), compressionType: 'none', ...settings },
  });
  await world.settle(producer.start(['orders']));
  const outcomes: SendOutcome[] = [];
  const send = (value: string, partition = 0, key: string | null = null): boolean =>
    producer.send(
      { topic: 'orders', partition, key: key === null ? null : Buffer.from(key), value: Buffer.from(value) },
      (outcome) => outcomes.push(outcome),
    );
  return { world, producer, arrived, log, outcomes, send };
}

function read(partition: number, records: Buffer, atMs: number): Batch {
  const batch = new RecordBatch(Buffer.from(records));
  expect(batch.isValid).toBe(true);
  const values = [...recordsOf(batch)].map((record) => String(record.value));
  return { partition, sequence: batch.baseSequence, epoch: batch.producerEpoch, values, atMs };
}

describe('batches', () => {
  it('records within linger.ms leave together, and each learns its own offset', async () => {
    const { world, producer, log, outcomes, send } = await start({ lingerMs: 20 });
    for (const value of ['a', 'b', 'c']) send(value);
    const sentMs = world.nowMs;
    await world.settle(producer.flush());
    expect(log).toMatchObject([{ values: ['a', 'b', 'c'], sequence: 0 }]);
    // A flush does not linger.
    expect((log[0]?.atMs ?? 0) - sentMs).toBeLessThan(20);
    expect(outcomes.map((outcome) => outcome.type === 'acknowledged' && outcome.offset)).toEqual([100, 101, 102]);
    send('d');
    const laterMs = world.nowMs;
    await world.run(laterMs + 19);
    expect(log).toHaveLength(1);
    await world.run(laterMs + 30);
    expect(log[1]).toMatchObject({ values: ['d'], sequence: 3 });
  });

  it('a full batch does not wait', async () => {
    const { world, log, send } = await start({ lingerMs: 10_000, batchSize: 300 });
    for (let index = 0; index < 10; index++) send('x'.repeat(100));
    await world.run(world.nowMs + 50);
    expect(log.length).toBeGreaterThanOrEqual(4);
  });

  it('a key goes where every Kafka client sends it', async () => {
    const { world, producer, log } = await start({});
    for (const key of ['alpha', 'beta', 'gamma', 'delta']) {
      producer.send({ topic: 'orders', key: Buffer.from(key), value: Buffer.from(key) });
    }
    await world.settle(producer.flush());
    for (const { partition, values } of log) {
      for (const value of values) expect(partitionOfKey(Buffer.from(value), 3)).toBe(partition);
    }
  });
});

describe('errors', () => {
  it('an idempotent producer keeps the order when the first of several batches fails', async () => {
    // The leader refuses the first batch once, and what follows it as out of order, as Kafka does.
    let expected = 0;
    const { world, producer, log, outcomes, send } = await start({ batchSize: 1, lingerMs: 0 }, (number, batch) => {
      if (number === 0) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
      if (batch.sequence !== expected) return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
      expected += batch.values.length;
      return null;
    });
    for (let index = 0; index < 8; index++) send(String(index));
    await world.settle(producer.flush());
    expect(log.flatMap((batch) => batch.values).join('')).toBe('01234567');
    expect(log.every((batch) => batch.epoch === 0)).toBe(true);
    expect(outcomes).toHaveLength(8);
    expect(producer.counters.retries).toBeGreaterThan(0);
  });

  it('a batch that is given up leaves a gap: what follows goes on under a new epoch from sequence 0', async () => {
    const { world, producer, log, outcomes, send } = await start({ batchSize: 1, lingerMs: 0 }, (_number, batch) =>
      batch.values[0] === 'bad' ? ErrorCode.MESSAGE_TOO_LARGE : null,
    );
    for (const value of ['a', 'bad', 'b']) {
      send(value);
      await world.settle(producer.flush());
    }
    expect(log.map(({ values, sequence, epoch }) => [values[0], sequence, epoch])).toEqual([
      ['a', 0, 0],
      ['b', 0, 1],
    ]);
    expect(outcomes[1]).toMatchObject({ type: 'failed', error: 'MESSAGE_TOO_LARGE', mayBeWritten: false });
  });

  it('without retries the first error is final, and says whether the record may stand in the log', async () => {
    const settings = { retries: 0, enableIdempotence: false, lingerMs: 0 };
    for (const [code, mayBeWritten] of [
      [ErrorCode.NOT_ENOUGH_REPLICAS, false],
      [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, true],
    ] as const) {
      const { world, producer, arrived, outcomes, send } = await start(settings, () => code);
      send('a');
      await world.settle(producer.flush());
      expect(arrived).toHaveLength(1);
      expect(outcomes).toMatchObject([{ type: 'failed', mayBeWritten, attempts: 1 }]);
    }
  });

  it('without a leader a record waits for delivery.timeout.ms, then fails', async () => {
    const { world, producer, arrived, outcomes, send } = await start({ deliveryTimeoutMs: 5000 }, () => null, -1);
    send('a');
    const sentMs = world.nowMs;
    await world.settle(producer.flush());
    expect(world.nowMs - sentMs).toBeGreaterThanOrEqual(5000);
    expect(arrived).toEqual([]);
    expect(outcomes).toMatchObject([{ type: 'failed', error: 'REQUEST_TIMED_OUT', mayBeWritten: false }]);
  });

  it('acks=0 counts a record as sent when it is handed to the socket, whatever becomes of it', async () => {
    const settings = { acks: 0 as const, enableIdempotence: false, retries: 0, lingerMs: 0 };
    const { world, producer, log, outcomes, send } = await start(settings, () => ErrorCode.NOT_LEADER_OR_FOLLOWER);
    send('a');
    await world.settle(producer.flush());
    await world.run(world.nowMs + 100);
    expect(outcomes).toMatchObject([{ type: 'acknowledged', offset: -1 }]);
    expect(log).toEqual([]);
  });
});

it('send takes nothing while buffer.memory is full, and says when there is room', async () => {
  const { world, producer, send } = await start({ bufferMemory: 400, lingerMs: 50 });
  let taken = 0;
  while (send('x'.repeat(100))) taken += 1;
  expect(taken).toBeLessThan(6);
  await world.settle(producer.room());
  expect(send('y')).toBe(true);
  await world.settle(producer.close());
  expect(send('z')).toBe(false);
});
