// A producer with acks=all in the simulated world: writes numbers to every partition, one after another, again and
// again until each is acknowledged, and remembers those. For tests.

import type { NodeConnections } from '../net/node-connections.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import { metadataApi, type MetadataResponse } from '../protocol/messages/metadata.ts';
import { produceApi } from '../protocol/messages/produce.ts';
import { buildBatch } from '../records/batch-builder.ts';
import { batchesIn } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import { NetworkError, type Clock } from '../runtime/runtime.ts';

type Topic = MetadataResponse['topics'][number];

const attemptTimeoutMs = 2000;
const pauseMs = 30;

export class SimulatedWriter {
  readonly acknowledged: number[][];
  readonly #topic: string;
  readonly #client: NodeConnections;
  readonly #clock: Clock;
  readonly #brokerIds: readonly number[];
  #isStopped = false;
  #loops: Promise<void>[] = [];
  /** Rotates through the brokers, so that a dead one is not asked for ever. */
  #asked = 0;

  constructor(client: NodeConnections, clock: Clock, brokerIds: readonly number[], topic: string, partitions: number) {
    this.#client = client;
    this.#clock = clock;
    this.#brokerIds = brokerIds;
    this.#topic = topic;
    this.acknowledged = Array.from({ length: partitions }, () => []);
  }

  get count(): number {
    return this.acknowledged.reduce((sum, list) => sum + list.length, 0);
  }

  start(): void {
    this.#loops = this.acknowledged.map((list, partition) => this.#write(partition, list));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  /** Every value that the partition's leader hands out, in order. */
  async readAll(partition: number): Promise<number[]> {
    const values: number[] = [];
    for (let fetchOffset = 0; ;) {
      const { records, highWatermark } = await this.#fetch(partition, fetchOffset);
      for (const batch of batchesIn(records)) {
        for (const { value } of recordsOf(batch)) values.push(Number(value?.toString()));
        fetchOffset = Number(batch.lastOffset) + 1;
      }
      if (fetchOffset >= highWatermark) return values;
    }
  }

  async #write(partition: number, list: number[]): Promise<void> {
    let leader: number | null = null;
    for (let value = 0; !this.#isStopped;) {
      const topic: Topic | null = leader === null ? await this.#describe() : null;
      leader ??= topic?.partitions.find((each) => each.partitionIndex === partition)?.leaderId ?? null;
      const isAcknowledged: boolean = leader !== null && leader >= 0 && (await this.#produce(leader, partition, value));
      if (isAcknowledged) list.push(value++);
      else leader = null;
      await this.#sleep();
    }
  }

  async #produce(leader: number, index: number, value: number): Promise<boolean> {
    const timestamp = this.#clock.wallMs();
    const records = buildBatch({}, [{ key: null, value: Buffer.from(String(value)), timestamp }]);
    const topicData = [{ name: this.#topic, partitionData: [{ index, records }] }];
    const request = { acks: -1, timeoutMs: attemptTimeoutMs, topicData };
    // The last version that names topics: no id to keep.
    const options = { timeoutMs: attemptTimeoutMs, version: 12 };
    const answer = await this.#client.send(leader, produceApi, request, options).catch(unlessReachable);
    return answer?.responses[0]?.partitionResponses[0]?.errorCode === ErrorCode.NONE;
  }

  async #describe(): Promise<Topic | null> {
    const id = this.#brokerIds[this.#asked++ % this.#brokerIds.length] ?? 1;
    const request = { topics: [{ name: this.#topic }], allowAutoTopicCreation: false };
    const answer = await this.#client
      .send(id, metadataApi, request, { timeoutMs: attemptTimeoutMs })
      .catch(unlessReachable);
    return answer?.topics[0] ?? null;
  }

  async #fetch(partition: number, fetchOffset: number): Promise<{ records: Buffer; highWatermark: number }> {
    for (;;) {
      const topic = await this.#describe();
      const leader = topic?.partitions.find((each) => each.partitionIndex === partition)?.leaderId ?? -1;
      const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1024 * 1024 }];
      const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: this.#topic, partitions }] };
      const options = { timeoutMs: attemptTimeoutMs, version: 12 };
      const answer =
        leader < 0 ? null : await this.#client.send(leader, fetchApi, request, options).catch(unlessReachable);
      const found = answer?.responses[0]?.partitions[0];
      if (found?.errorCode === ErrorCode.NONE) {
        return { records: found.records ?? Buffer.alloc(0), highWatermark: found.highWatermark };
      }
      await this.#sleep();
    }
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.at(this.#clock.monotonicMs() + pauseMs, resolve);
    });
  }
}

function unlessReachable(error: unknown): null {
  if (error instanceof NetworkError) return null;
  throw error;
}
