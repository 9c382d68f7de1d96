// A producer with the retry rules of Kafka's Java client. Idempotent: up to five batches of a partition in flight, sequence
// numbers kept over retries, a batch that was tried before goes only when all before it are settled, and after a batch
// whose fate is unknown the epoch is raised once everything else is settled (KIP-360). Otherwise one batch at a time.

import { ErrorCode, errorName } from '../../../main/protocol/errors.ts';
import { initProducerIdApi } from '../../../main/protocol/messages/init-producer-id.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../../main/records/batch-builder.ts';
import { nameToText } from '../../../main/workloads/history.ts';
import type { HistoryRecorder } from '../history-recorder.ts';
import { versionWithNames, type SimulatedClient } from './simulated-client.ts';

export type ProducerOptions = {
  readonly topic: string;
  readonly acks: 'all' | 'leader';
  readonly isIdempotent: boolean;
  /** Between two batches of one partition. */
  readonly pauseMs: number;
  readonly deliveryTimeoutMs: number;
  /** Records after which it stops by itself; keeps long runs small. */
  readonly recordCountMax: number;
  /** So many keys in turn and now and then one of its own, for topics that are compacted; none when absent. */
  readonly keyCount?: number;
};

type Batch = {
  readonly numbers: readonly number[];
  readonly deadlineMs: number;
  sequence: number | null;
  attempts: number;
  firstSentMs: number;
  /** No attempt can have been written: each was refused before the append. */
  isSurelyUnwritten: boolean;
};

type Lane = {
  readonly partition: number;
  /** In order of sequence: those to be tried again stand before new ones. */
  readonly queue: Batch[];
  readonly inFlight: Set<Batch>;
  nextSequence: number;
  /** One past the last sequence that was acknowledged in this epoch. */
  settledSequence: number;
  /** A batch ran out of time: nothing new until its successors are settled. */
  isUnresolved: boolean;
};

const inFlightMax = 5;
const queuedMax = 12;
const retryBackoffMs = 40;
const recordsPerBatchMax = 4;
const ownKeyOneIn = 10;

/** Kafka answers these for what may work later. */
const retriable: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.NETWORK_EXCEPTION,
]);

export class Producer {
  readonly #client: SimulatedClient;
  readonly #options: ProducerOptions;
  readonly #history: HistoryRecorder;
  readonly #lanes = new Map<number, Lane>();
  #identity: { readonly id: number; epoch: number } | null = null;
  #needsNewEpoch = false;
  #nextNumber = 0;
  #isDone = false;

  constructor(client: SimulatedClient, options: ProducerOptions, history: HistoryRecorder) {
    this.#client = client;
    this.#options = options;
    this.#history = history;
    history.producer({ producer: client.name, acks: options.acks, isIdempotent: options.isIdempotent });
  }

  get sentCount(): number {
    return this.#nextNumber;
  }

  /** Nothing waits any more, and nothing will be made. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Makes records until the client is stopped, and goes on until the fate of each is told. */
  async run(): Promise<void> {
    const { topic, isIdempotent, pauseMs, recordCountMax } = this.#options;
    while (this.#client.partitionsOf(topic).length === 0 && !this.#client.isStopped) {
      await this.#client.refresh(topic);
      await this.#client.sleep(pauseMs);
    }
    if (isIdempotent) await this.#introduce();
    for (;;) {
      const isMaking = !this.#client.isStopped && this.#nextNumber < recordCountMax;
      for (const partition of this.#client.partitionsOf(topic)) {
        const lane = this.#lane(partition);
        if (isMaking && lane.queue.length < queuedMax) this.#make(lane);
        this.#drain(lane);
      }
      this.#maybeRaiseEpoch();
      if (!isMaking && [...this.#lanes.values()].every((lane) => isEmpty(lane))) break;
      await this.#client.sleep(pauseMs * (0.5 + this.#client.random.next()));
    }
    this.#isDone = true;
  }

  async #introduce(): Promise<void> {
    while (this.#identity === null) {
      const request = { transactionalId: null, transactionTimeoutMs: 1000 };
      const answer = await this.#client.ask(this.#client.anyBroker(), initProducerIdApi, request);
      if (answer?.errorCode === ErrorCode.NONE) {
        this.#identity = { id: answer.producerId, epoch: answer.producerEpoch };
      } else {
        if (this.#client.isStopped) return;
        await this.#client.sleep(retryBackoffMs);
      }
    }
  }

  #lane(partition: number): Lane {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const numbers = { nextSequence: 0, settledSequence: 0 };
    const lane: Lane = { partition, queue: [], inFlight: new Set(), ...numbers, isUnresolved: false };
    this.#lanes.set(partition, lane);
    return lane;
  }

  #make({ partition, queue }: Lane): void {
    const count = 1 + this.#client.random.below(recordsPerBatchMax);
    const numbers = Array.from({ length: count }, () => this.#nextNumber++);
    for (const number of numbers) this.#history.sent(this.#client.name, number, this.#options.topic, partition);
    const deadlineMs = this.#client.clock.monotonicMs() + this.#options.deliveryTimeoutMs;
    queue.push({ numbers, deadlineMs, sequence: null, attempts: 0, firstSentMs: 0, isSurelyUnwritten: true });
  }

  #drain(lane: Lane): void {
    const { topic, isIdempotent } = this.#options;
    this.#expire(lane);
    for (;;) {
      const batch = lane.queue[0];
      if (batch === undefined || lane.inFlight.size >= (isIdempotent ? inFlightMax : 1)) return;
      if (batch.attempts > 0 && [...lane.inFlight].some((each) => isBefore(each, batch))) return;
      if (isIdempotent && batch.sequence === null && (lane.isUnresolved || this.#needsNewEpoch)) return;
      const leader = this.#client.leaderOf(topic, lane.partition);
      if (leader === null) {
        void this.#client.refresh(topic);
        return;
      }
      lane.queue.shift();
      if (isIdempotent && batch.sequence === null) {
        batch.sequence = lane.nextSequence;
        lane.nextSequence += batch.numbers.length;
      }
      if (batch.attempts++ === 0) batch.firstSentMs = this.#client.nowMs;
      lane.inFlight.add(batch);
      void this.#send(lane, batch, leader.id);
    }
  }

  async #send(lane: Lane, batch: Batch, leader: number): Promise<void> {
    const { topic, acks } = this.#options;
    const records = this.#encode(batch);
    const startMs = this.#client.nowMs;
    const request = {
      acks: acks === 'all' ? -1 : 1,
      timeoutMs: 1500,
      topicData: [{ name: topic, partitionData: [{ index: lane.partition, records }] }],
    };
    const answer = await this.#client.ask(leader, produceApi, request, versionWithNames);
    lane.inFlight.delete(batch);
    const result = answer?.responses[0]?.partitionResponses[0];
    const code = result?.errorCode ?? ErrorCode.NETWORK_EXCEPTION;
    if (code === ErrorCode.NONE || code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
      const baseOffset =
        code === ErrorCode.NONE && result !== undefined && result.baseOffset >= 0 ? result.baseOffset : null;
      if (batch.sequence !== null) lane.settledSequence = batch.sequence + batch.numbers.length;
      batch.numbers.forEach((number, index) => {
        const offset = baseOffset === null ? null : baseOffset + index;
        const key = this.#keyOf(number);
        this.#history.acknowledged(this.#client.name, number, topic, lane.partition, offset, leader, startMs, key);
      });
      this.#drain(lane);
      return;
    }
    if (code !== ErrorCode.NOT_ENOUGH_REPLICAS) batch.isSurelyUnwritten = false;
    await this.#failed(lane, batch, code, leader);
  }

  async #failed(lane: Lane, batch: Batch, code: number, leader: number): Promise<void> {
    // Before it is settled whether it is tried again, so that nothing overtakes it.
    if (this.#isRetriable(lane, batch, code)) {
      lane.queue.push(batch);
      lane.queue.sort((a, b) => orderOf(a) - orderOf(b));
    } else {
      this.#giveUp(lane, batch, errorName(code));
      this.#noteRefusal(lane, batch, code, leader);
      if (this.#options.isIdempotent) this.#history.refusedSequence(this.#client.name, lane.partition, errorName(code));
    }
    await this.#client.sleep(retryBackoffMs);
    await this.#client.refresh(this.#options.topic);
  }

  #noteRefusal(lane: Lane, batch: Batch, code: number, leader: number): void {
    const [number] = batch.numbers;
    if (code !== ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER || number === undefined) return;
    const { firstSentMs } = batch;
    const place = { topic: this.#options.topic, partition: lane.partition };
    this.#history.refusedBatches.push({ producer: this.#client.name, number, ...place, leader, firstSentMs });
  }

  #isRetriable(lane: Lane, batch: Batch, code: number): boolean {
    if (retriable.has(code)) return true;
    // One before it may still be on its way to be tried again.
    return (
      code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && (batch.sequence !== lane.settledSequence || lane.isUnresolved)
    );
  }

  #expire(lane: Lane): void {
    const nowMs = this.#client.clock.monotonicMs();
    for (const batch of [...lane.queue]) {
      if (batch.deadlineMs > nowMs) continue;
      lane.queue.splice(lane.queue.indexOf(batch), 1);
      this.#giveUp(lane, batch, 'delivery timed out');
    }
  }

  #giveUp(lane: Lane, batch: Batch, error: string): void {
    const { topic } = this.#options;
    for (const number of batch.numbers) {
      this.#history.failed(this.#client.name, number, topic, lane.partition, error, batch.isSurelyUnwritten);
    }
    if (batch.sequence !== null) lane.isUnresolved = true;
  }

  /** Once nothing with a sequence is under way in a lane with a hole, a new epoch lets its numbers begin anew. */
  #maybeRaiseEpoch(): void {
    if (this.#identity === null) return;
    for (const lane of this.#lanes.values()) {
      if (!lane.isUnresolved || hasSequenced(lane)) continue;
      if (lane.settledSequence === lane.nextSequence) lane.isUnresolved = false;
      else this.#needsNewEpoch = true;
    }
    if (!this.#needsNewEpoch || [...this.#lanes.values()].some((lane) => hasSequenced(lane))) return;
    this.#needsNewEpoch = false;
    this.#identity.epoch++;
    for (const lane of this.#lanes.values()) {
      lane.nextSequence = 0;
      lane.settledSequence = 0;
      lane.isUnresolved = false;
    }
  }

  #keyOf(number: number): string | undefined {
    const { keyCount } = this.#options;
    if (keyCount === undefined) return undefined;
    // Some keys are written once: the only record of theirs goes through every cleaning.
    return number % ownKeyOneIn === 0 ? `own-${number}` : `key-${number % keyCount}`;
  }

  #encode(batch: Batch): Buffer {
    const timestamp = this.#client.clock.wallMs();
    const rows = batch.numbers.map((number) => {
      const value = Buffer.from(nameToText({ producer: this.#client.name, number }) + '.'.repeat(number % 40));
      const key = this.#keyOf(number);
      return { key: key === undefined ? null : Buffer.from(key), value, timestamp };
    });
    if (this.#identity === null || batch.sequence === null) return buildBatch({}, rows);
    const { id, epoch } = this.#identity;
    return buildBatch({ producerId: id, producerEpoch: epoch, baseSequence: batch.sequence }, rows);
  }
}

function isEmpty(lane: Lane): boolean {
  return lane.queue.length === 0 && lane.inFlight.size === 0;
}

function hasSequenced(lane: Lane): boolean {
  return lane.inFlight.size > 0 || lane.queue.some((batch) => batch.sequence !== null);
}

function orderOf(batch: Batch): number {
  return batch.numbers[0] ?? 0;
}

function isBefore(a: Batch, b: Batch): boolean {
  return orderOf(a) < orderOf(b);
}
