// A producer that costs next to nothing: prepared batches, one connection per broker and producer, 5 requests in
// flight on each, every request with one batch for each partition that the broker leads, as a busy client sends.

import type { RpcClient } from '../../../main/net/rpc-client.ts';
import { errorName } from '../../../main/protocol/errors.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import type { Node } from '../clusters/cluster.ts';
import { connectTo, type TopicView } from '../observer.ts';
import { recordBytes, type PreparedBatch } from './values.ts';

export type ProduceLoad = {
  readonly topic: string;
  readonly view: TopicView;
  readonly nodes: readonly Node[];
  readonly batches: readonly PreparedBatch[];
  readonly acks: 1 | -1;
  /** Of record values, over all partitions. */
  readonly bytes: number;
};

export type Produced = { readonly bytes: number; readonly seconds: number };

const producersPerBroker = 2;
const inFlightMax = 5;
const timeoutMs = 30_000;

/** Resolves when the last request is acknowledged. */
export async function produceLoad(load: ProduceLoad): Promise<Produced> {
  const lanes: Lane[] = [];
  const partitionsTotal = load.view.partitions.length;
  for (const node of load.nodes) {
    const partitions = load.view.partitions
      .filter(({ leaderId }) => leaderId === node.id)
      .map(({ partitionIndex }) => partitionIndex);
    if (partitions.length === 0) continue;
    const bytes = (load.bytes * partitions.length) / partitionsTotal / producersPerBroker;
    for (let n = 0; n < producersPerBroker; n++) {
      lanes.push(new Lane(load, await connectTo(node, timeoutMs), partitions, bytes));
    }
  }
  const startedMs = performance.now();
  try {
    const bytes = await Promise.all(lanes.map((lane) => lane.run()));
    const seconds = (performance.now() - startedMs) / 1000;
    return { bytes: bytes.reduce((sum, each) => sum + each, 0), seconds };
  } finally {
    for (const lane of lanes) lane.close();
  }
}

/** One connection to one broker. */
class Lane {
  readonly #load: ProduceLoad;
  readonly #connection: RpcClient;
  readonly #partitions: readonly number[];
  readonly #bytesWanted: number;
  #bytesSent = 0;
  #nextBatch = 0;

  constructor(load: ProduceLoad, connection: RpcClient, partitions: readonly number[], bytesWanted: number) {
    this.#load = load;
    this.#connection = connection;
    this.#partitions = partitions;
    this.#bytesWanted = bytesWanted;
  }

  async run(): Promise<number> {
    await Promise.all(Array.from({ length: inFlightMax }, () => this.#sendOneAfterTheOther()));
    return this.#bytesSent;
  }

  close(): void {
    this.#connection.close();
  }

  async #sendOneAfterTheOther(): Promise<void> {
    const { topic, view, acks } = this.#load;
    while (this.#bytesSent < this.#bytesWanted) {
      const partitionData = this.#partitions.map((index) => ({ index, records: this.#takeBatch() }));
      const body = { acks, timeoutMs, topicData: [{ name: topic, topicId: view.topicId, partitionData }] };
      const answer = await this.#connection.send(produceApi, body);
      for (const each of answer.responses[0]?.partitionResponses ?? []) {
        if (each.errorCode !== 0) throw new Error(`Produce to partition ${each.index}: ${errorName(each.errorCode)}`);
      }
    }
  }

  #takeBatch(): Buffer {
    const batch = this.#load.batches[this.#nextBatch++ % this.#load.batches.length];
    if (batch === undefined) throw new Error('no batches');
    this.#bytesSent += batch.recordCount * recordBytes;
    return batch.bytes;
  }
}
