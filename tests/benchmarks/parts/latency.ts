// From the moment a record is due at the producer to the moment a consumer in a long poll holds it: acks=all, three
// replicas, 12 partitions, 1 KB records at a fixed rate. A stall counts against every record that was due in it.

import type { RpcClient } from '../../../main/net/rpc-client.ts';
import { RecordCursor } from '../../../main/records/record.ts';
import { until } from '../clusters/cluster.ts';
import { fetchFrom, forEachWholeBatch } from '../load/consume-load.ts';
import { PacedProducer } from '../load/paced-producer.ts';
import { createValue } from '../load/values.ts';
import { connectTo, type TopicView } from '../observer.ts';
import { quantile, type Figure, type Part, type PartInput } from './figures.ts';

const figure = (key: string, title: string): Figure => ({
  key,
  title: `end-to-end latency, ${title}`,
  unit: 'ms',
  better: 'less',
});
const p50 = figure('latency-p50', 'median');
const p99 = figure('latency-p99', 'p99');
const p999 = figure('latency-p999', 'p99.9');

const partitionCount = 12;
const warmUpSeconds = 5;
const patienceMs = 30_000;

export const latencyPart: Part = {
  name: 'latency',
  profile: 'kafka',
  figures: [p50, p99, p999],
  run: async ({ cluster, observer, options, note, say }: PartInput) => {
    const topic = 'latency';
    const view = await observer.createTopic(topic, partitionCount);
    const count = (warmUpSeconds + options.latencySeconds) * options.ratePerSecond;
    const arrivals = new Arrivals(count);
    const connections: RpcClient[] = [];
    const readers: Promise<void>[] = [];
    for (const node of cluster.nodes) {
      const connection = await connectTo(node);
      connections.push(connection);
      readers.push(readLeaderOf(node.id, connection, view, arrivals));
    }
    const failed = Promise.all(readers).then(() => undefined);
    failed.catch(() => undefined);
    const producer = await PacedProducer.connect(topic, view, cluster.nodes);
    const pad = createValue(1);
    say(`${options.ratePerSecond} records/s for ${options.latencySeconds} s`);
    const dueMs = await producer.run(count, options.ratePerSecond, (n) => {
      const value = Buffer.from(pad);
      value.writeUInt32BE(n, 0);
      return { key: null, value, timestamp: Date.now() };
    });
    await Promise.race([
      failed,
      until('every record to arrive', patienceMs, () => Promise.resolve(arrivals.missing === 0 ? true : null)),
    ]);
    arrivals.isOver = true;
    for (const connection of connections) connection.close();
    await failed.catch(() => undefined);
    producer.close();
    const latencies = arrivals.since(dueMs, warmUpSeconds * options.ratePerSecond);
    note(p50, quantile(latencies, 0.5));
    note(p99, quantile(latencies, 0.99));
    note(p999, quantile(latencies, 0.999));
    await observer.deleteTopic(topic);
  },
};

class Arrivals {
  readonly #atMs: Float64Array;
  missing: number;
  isOver = false;

  constructor(count: number) {
    this.#atMs = new Float64Array(count);
    this.missing = count;
  }

  note(n: number, atMs: number): void {
    if (this.#atMs[n] !== 0) throw new Error(`record ${n} came twice or was never sent`);
    this.#atMs[n] = atMs;
    this.missing--;
  }

  since(dueMs: Float64Array, first: number): number[] {
    return Array.from(this.#atMs.subarray(first), (atMs, index) => atMs - (dueMs[first + index] ?? Number.NaN));
  }
}

async function readLeaderOf(node: number, connection: RpcClient, view: TopicView, arrivals: Arrivals): Promise<void> {
  const led = view.partitions.filter(({ leaderId }) => leaderId === node);
  const positions = new Map(led.map(({ partitionIndex }) => [partitionIndex, 0]));
  if (positions.size === 0) return;
  while (!arrivals.isOver) {
    const answer = await fetchFrom(connection, view.topicId, positions);
    const nowMs = performance.now();
    for (const { partitionIndex, bytes } of answer) {
      forEachWholeBatch(bytes, (batch) => {
        const cursor = new RecordCursor(batch);
        while (cursor.next()) arrivals.note(cursor.value()?.readUInt32BE(0) ?? -1, nowMs);
        positions.set(partitionIndex, batch.nextOffset);
      });
    }
  }
}
