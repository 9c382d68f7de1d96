// SIGKILL in a cluster of both products: with one and with two nodes of Kafka among three, each node is killed while
// idempotent producers write with acks=all, the active controllers once more. Nothing that was acknowledged may be lost,
// repeated or moved, and at the end the replicas of both products hold the same bytes.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeQuorumApi } from '../../../main/protocol/messages/describe-quorum.ts';
import { wholeBatchSize } from '../../../main/records/record-batch.ts';
import { recordsOf } from '../../../main/records/record.ts';
import { createTopic, fill, newProducer, produce, recordsPerBatch, type Producer } from './contents.ts';
import { MixedCluster } from './mixed-cluster.ts';
import { nodeIds } from './nodes.ts';
import { batchesOf } from './reading.ts';
import type { Setting } from './stage.ts';
import { accept, persist, type Wire } from './wire.ts';

const topic = 'under-fire';
const partitions = [0, 1, 2];
/** Acknowledged while a node is away, before it may come back: as many in each partition. */
const batchesPerKill = 5;

export async function mixedKills({ jars, directory, say }: Setting): Promise<string[]> {
  const problems: string[] = [];
  const cluster = await MixedCluster.up(jars, directory);
  const { wire } = cluster;
  let kills = 0;
  try {
    await fill(wire);
    await createTopic(wire, topic, partitions.length, { 'min.insync.replicas': '2' });
    await cluster.whole();
    const writers = await Promise.all(partitions.map(async (each) => new Writer(wire, await newProducer(wire), each)));
    const kill = async (id: number, why: string): Promise<void> => {
      await cluster.killed(id, async () => {
        await Promise.all(writers.map((writer) => writer.more(batchesPerKill)));
      });
      kills += 1;
      say(`node ${id} (${cluster.product(id)}) was killed as ${why}, and is in every ISR again`);
    };
    for (const next of [3, 2]) {
      await cluster.exchange(next, 'kafka', () => Promise.resolve());
      say(`${nodeIds.map((id) => `${id}: ${cluster.product(id)}`).join(', ')}`);
      for (const writer of writers) writer.begin();
      for (const id of nodeIds) await kill(id, `node ${id}`);
      // Twice: the first that takes over is mostly of the other product.
      await kill(await controllerOf(wire), 'the active controller');
      await kill(await controllerOf(wire), 'the active controller');
      await Promise.all(writers.map((writer) => writer.end()));
    }
    for (const writer of writers) problems.push(...(await writer.check()));
    const records = writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
    say(`${records} records acknowledged through ${kills} kills`);
    await cluster.stop();
  } catch (error) {
    await cluster.down();
    throw error;
  }
  for (const partition of partitions) problems.push(...unlike(cluster, partition));
  return problems;
}

/** Writes batch after batch to one partition; each is sent until it is acknowledged. */
class Writer {
  readonly #wire: Wire;
  readonly #producer: Producer;
  readonly #partition: number;
  /** Offset of each acknowledged batch. */
  readonly #offsets: number[] = [];
  #writing: Promise<void> | null = null;
  #isEnding = false;

  constructor(wire: Wire, producer: Producer, partition: number) {
    this.#wire = wire;
    this.#producer = producer;
    this.#partition = partition;
  }

  get acknowledged(): number {
    return this.#offsets.length * recordsPerBatch;
  }

  begin(): void {
    this.#isEnding = false;
    this.#writing = this.#write();
    // Whoever waits for more or for the end is told.
    this.#writing.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#writing;
  }

  /** Until so many more batches are acknowledged. */
  async more(batches: number): Promise<void> {
    const wanted = this.#offsets.length + batches;
    const acknowledged = persist(`${batches} batches in ${topic}-${this.#partition}`, () =>
      this.#offsets.length >= wanted ? Promise.resolve() : Promise.reject(new Error(`${this.#offsets.length}`)),
    );
    await Promise.race([acknowledged, this.#writing?.then(() => acknowledged)]);
  }

  async #write(): Promise<void> {
    while (!this.#isEnding) {
      this.#offsets.push(await produce(this.#wire, this.#producer, topic, this.#partition, 'lz4'));
    }
  }

  /** What the log holds beside what was acknowledged, both in the order of the sequence. */
  async check(): Promise<string[]> {
    const problems: string[] = [];
    let sequence = 0;
    const end = (this.#offsets.at(-1) ?? 0) + recordsPerBatch;
    for await (const batch of batchesOf(this.#wire, topic, this.#partition, 0, end)) {
      const expected = this.#offsets[sequence / recordsPerBatch];
      if (batch.baseOffset !== expected)
        problems.push(`${topic}-${this.#partition}: batch ${sequence} at ${batch.baseOffset}, told ${expected}`);
      for (const { value } of recordsOf(batch)) {
        const wanted = `${topic}-${this.#partition}-${sequence}-`;
        if (!(value?.toString() ?? '').startsWith(wanted))
          problems.push(`${topic}-${this.#partition}: ${value?.toString()} where ${wanted} is due`);
        sequence += 1;
      }
    }
    if (sequence !== this.acknowledged)
      problems.push(`${topic}-${this.#partition}: ${sequence} records of ${this.acknowledged}`);
    return problems;
  }
}

async function controllerOf(wire: Wire): Promise<number> {
  return persist('the active controller', async () => {
    const asked = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
    const answer = await wire.askAny(describeQuorumApi, 2, { topics: asked });
    accept('DescribeQuorum', answer.errorCode);
    const leader = answer.topics[0]?.partitions[0]?.leaderId ?? -1;
    if (leader < 0) throw new Error('the quorum has no leader');
    return leader;
  });
}

/** Replicas that differ, by the batches in their segments. */
function unlike(cluster: MixedCluster, partition: number): string[] {
  const sums = nodeIds.map((id) => batchesSum(join(cluster.logDirectory(id), `${topic}-${partition}`)));
  return new Set(sums).size === 1 ? [] : [`${topic}-${partition}: replicas differ: ${sums.join(', ')}`];
}

function batchesSum(directory: string): string {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const name of readdirSync(directory).sort()) {
    if (!name.endsWith('.log')) continue;
    const log = readFileSync(join(directory, name));
    let end = 0;
    for (let size = 0; (size = wholeBatchSize(log, end)) > 0;) end += size;
    hash.update(log.subarray(0, end));
    bytes += end;
  }
  return `${bytes} bytes ${hash.digest('hex').slice(0, 16)}`;
}
