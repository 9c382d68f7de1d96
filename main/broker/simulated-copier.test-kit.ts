// A read-process-write program in the simulated world: copies numbers from one topic to all partitions of another,
// each batch with its offsets in a transaction of either version, and starts over from the committed offset whenever
// something is refused. For tests.

import type { NodeConnections } from '../net/node-connections.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { addOffsetsToTxnApi } from '../protocol/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '../protocol/messages/add-partitions-to-txn.ts';
import { endTxnApi } from '../protocol/messages/end-txn.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import { findCoordinatorApi } from '../protocol/messages/find-coordinator.ts';
import { initProducerIdApi } from '../protocol/messages/init-producer-id.ts';
import { metadataApi } from '../protocol/messages/metadata.ts';
import { offsetFetchApi } from '../protocol/messages/offset-fetch.ts';
import { produceApi } from '../protocol/messages/produce.ts';
import { txnOffsetCommitApi } from '../protocol/messages/txn-offset-commit.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { buildBatch } from '../records/batch-builder.ts';
import { readEndTransactionMarker } from '../records/control-records.ts';
import { batchesIn } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import { NetworkError, type Clock, type Random } from '../runtime/runtime.ts';

export type CopierOptions = {
  readonly transactionalId: string;
  /** 1: adds partitions itself; 2: leaves that to the brokers, epochs rise with every end (KIP-890). */
  readonly version: 1 | 2;
  readonly input: string;
  readonly inputCount: number;
  readonly output: string;
  readonly outputPartitions: number;
};

const attemptTimeoutMs = 3000;
const pauseMs = 20;
const attemptsMax = 400;
const group = 'copiers';

const retriable: ReadonlySet<number> = new Set([
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
  ErrorCode.NETWORK_EXCEPTION,
]);

/** The step can't be done any more: the program starts over. */
class Refused extends Error {}

export class SimulatedCopier {
  /** Called as a request leaves for a broker; what it does to the broker is the test's business. */
  onRequest: (brokerId: number, api: string) => void = () => {};
  commits = 0;
  aborts = 0;
  readonly restarts: string[] = [];
  readonly #client: NodeConnections;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ids: readonly number[];
  readonly #options: CopierOptions;
  #producerId = -1;
  #producerEpoch = -1;
  #asked = 0;

  constructor(client: NodeConnections, clock: Clock, random: Random, ids: readonly number[], options: CopierOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
    this.#ids = ids;
    this.#options = options;
  }

  /** Until all of the input is copied. */
  async run(): Promise<void> {
    for (let isDone = false; !isDone;) {
      try {
        await this.#begin();
        for (let from = await this.#committedOffset(); from < this.#options.inputCount;) from = await this.#copy(from);
        isDone = true;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.restarts.push(error.message);
      }
    }
  }

  /** What a consumer that reads committed records finds. */
  async readCommitted(partition: number): Promise<number[]> {
    const values: number[] = [];
    const aborting = new Set<number>();
    for (let offset = 0; ;) {
      const found = await this.#fetch(partition, offset);
      if (offset >= found.lastStableOffset) return values;
      const aborted = [...(found.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
      for (const batch of batchesIn(found.records ?? Buffer.alloc(0))) {
        while ((aborted[0]?.firstOffset ?? Infinity) <= batch.lastOffset)
          aborting.add(aborted.shift()?.producerId ?? -1);
        if (batch.isControl) {
          if (readEndTransactionMarker(batch)?.type === 'ABORT') aborting.delete(batch.producerId);
        } else if (!batch.isTransactional || !aborting.has(batch.producerId)) {
          for (const { value } of recordsOf(batch)) values.push(Number(value?.toString()));
        }
        offset = batch.nextOffset;
      }
    }
  }

  async #fetch(partition: number, fetchOffset: number) {
    for (;;) {
      const topic = this.#options.output;
      const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1024 * 1024 }];
      const request = { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics: [{ topic, partitions }] };
      const answer = await this.#send(await this.#leader(topic, partition), fetchApi, request, 12);
      const found = answer?.responses[0]?.partitions[0];
      if (found?.errorCode === ErrorCode.NONE) return found;
      await this.#pause();
    }
  }

  // ── the program ──

  async #begin(): Promise<void> {
    const { transactionalId } = this.#options;
    await this.#until('InitProducerId', async () => {
      const request = { transactionalId, transactionTimeoutMs: 60_000 };
      const answer = await this.#coordinated(1, transactionalId, initProducerIdApi, request, 5);
      if (answer?.errorCode === ErrorCode.NONE) {
        this.#producerId = answer.producerId;
        this.#producerEpoch = answer.producerEpoch;
      }
      return answer?.errorCode ?? null;
    });
  }

  async #committedOffset(): Promise<number> {
    let offset = -1;
    await this.#until('OffsetFetch', async () => {
      const topics = [{ name: this.#options.input, partitionIndexes: [0] }];
      const request = { groups: [{ groupId: group, topics }], requireStable: true };
      const found = (await this.#coordinated(0, group, offsetFetchApi, request, 9))?.groups[0];
      const row = found?.topics[0]?.partitions[0];
      offset = row?.committedOffset ?? -1;
      return found === undefined ? null : found.errorCode || (row?.errorCode ?? null);
    });
    return Math.max(0, offset);
  }

  async #copy(from: number): Promise<number> {
    const { inputCount, outputPartitions, version } = this.#options;
    const to = Math.min(inputCount, from + 1 + this.#random.below(4));
    const identity = this.#identity();
    const isCommit = this.#random.below(4) > 0;
    if (version === 1) await this.#addPartitions();
    for (let partition = 0; partition < outputPartitions; partition++) await this.#produce(partition, from, to);
    if (version === 1) {
      await this.#step('AddOffsetsToTxn', addOffsetsToTxnApi, { ...identity, groupId: group }, 3);
    }
    await this.#commitOffset(to);
    await this.#end(isCommit);
    if (isCommit) this.commits++;
    else this.aborts++;
    return isCommit ? to : from;
  }

  async #addPartitions(): Promise<void> {
    const { output, outputPartitions, transactionalId } = this.#options;
    const partitions = Array.from({ length: outputPartitions }, (_, index) => index);
    await this.#until('AddPartitionsToTxn', async () => {
      const request = {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: this.#producerId,
        v3AndBelowProducerEpoch: this.#producerEpoch,
        v3AndBelowTopics: [{ name: output, partitions }],
      };
      const answer = await this.#coordinated(1, transactionalId, addPartitionsToTxnApi, request, 3);
      return answer?.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? null;
    });
  }

  async #produce(partition: number, from: number, to: number): Promise<void> {
    const { output, transactionalId, version } = this.#options;
    const values = Array.from({ length: to - from }, (_, index) => from + index);
    await this.#until(`Produce to ${partition}`, async () => {
      const batch = { producerId: this.#producerId, producerEpoch: this.#producerEpoch };
      const timestamp = this.#clock.wallMs();
      const records = buildBatch(
        { ...batch, baseSequence: this.#sequence(partition), isTransactional: true },
        values.map((value) => ({ key: null, value: Buffer.from(String(value)), timestamp })),
      );
      const topicData = [{ name: output, partitionData: [{ index: partition, records }] }];
      const request = { transactionalId, acks: -1, timeoutMs: 2000, topicData };
      const answer = await this.#send(
        await this.#leader(output, partition),
        produceApi,
        request,
        version === 2 ? 12 : 9,
      );
      return answer?.responses[0]?.partitionResponses[0]?.errorCode ?? null;
    });
    this.#sequences.set(partition, this.#sequence(partition) + values.length);
  }

  readonly #sequences = new Map<number, number>();
  #sequencesOf = '';

  /** Begins anew with every epoch. */
  #sequence(partition: number): number {
    const producer = `${this.#producerId}/${this.#producerEpoch}`;
    if (this.#sequencesOf !== producer) this.#sequences.clear();
    this.#sequencesOf = producer;
    return this.#sequences.get(partition) ?? 0;
  }

  async #commitOffset(committedOffset: number): Promise<void> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }];
    await this.#until('TxnOffsetCommit', async () => {
      const request = { ...this.#identity(), groupId: group, topics: [{ name: this.#options.input, partitions }] };
      const version = this.#options.version === 2 ? 5 : 3;
      const answer = await this.#coordinated(0, group, txnOffsetCommitApi, request, version);
      return answer?.topics[0]?.partitions[0]?.errorCode ?? null;
    });
  }

  async #end(committed: boolean): Promise<void> {
    const { transactionalId, version } = this.#options;
    await this.#until('EndTxn', async () => {
      const request = { ...this.#identity(), committed };
      const answer = await this.#coordinated(1, transactionalId, endTxnApi, request, version === 2 ? 5 : 3);
      if (answer?.errorCode === ErrorCode.NONE && version === 2) {
        this.#producerId = answer.producerId;
        this.#producerEpoch = answer.producerEpoch;
      }
      return answer?.errorCode ?? null;
    });
  }

  async #step<Q, P extends { readonly errorCode: number }>(
    what: string,
    api: Api<Q, P>,
    request: Writable<Q>,
    version: number,
  ): Promise<void> {
    await this.#until(what, async () => {
      const answer = await this.#coordinated(1, this.#options.transactionalId, api, request, version);
      return answer?.errorCode ?? null;
    });
  }

  #identity() {
    const { transactionalId } = this.#options;
    return { transactionalId, producerId: this.#producerId, producerEpoch: this.#producerEpoch };
  }

  // ── asking ──

  /** Null of an attempt: no answer came. */
  async #until(what: string, attempt: () => Promise<number | null>): Promise<void> {
    for (let count = 0; count < attemptsMax; count++) {
      const code = await attempt();
      if (code === ErrorCode.NONE) return;
      if (code !== null && !retriable.has(code)) throw new Refused(`${what}: ${errorName(code)}`);
      await this.#pause();
    }
    throw new Refused(`${what}: no end of it`);
  }

  async #coordinated<Q, P>(
    keyType: 0 | 1,
    key: string,
    api: Api<Q, P>,
    request: Writable<Q>,
    version: number,
  ): Promise<P | null> {
    const found = await this.#send(this.#anyone(), findCoordinatorApi, { keyType, coordinatorKeys: [key] }, 4);
    const [coordinator] = found?.coordinators ?? [];
    if (coordinator?.errorCode !== ErrorCode.NONE) return null;
    return this.#send(coordinator.nodeId, api, request, version);
  }

  async #leader(topic: string, partition: number): Promise<number> {
    const request = { topics: [{ name: topic }], allowAutoTopicCreation: false };
    const answer = await this.#send(this.#anyone(), metadataApi, request, 12);
    return answer?.topics[0]?.partitions.find((each) => each.partitionIndex === partition)?.leaderId ?? -1;
  }

  async #send<Q, P>(id: number, api: Api<Q, P>, request: Writable<Q>, version: number): Promise<P | null> {
    if (id < 0) return null;
    this.onRequest(id, api.name);
    try {
      return await this.#client.send(id, api, request, { timeoutMs: attemptTimeoutMs, version });
    } catch (error) {
      if (error instanceof NetworkError) return null;
      throw error;
    }
  }

  #anyone(): number {
    return this.#ids[this.#asked++ % this.#ids.length] ?? 1;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.at(this.#clock.monotonicMs() + pauseMs, resolve);
    });
  }
}
