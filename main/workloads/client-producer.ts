// A producer with Kafka's semantics, for presets, drills and measurements: batches per partition, linger, sticky and
// murmur2 partitioning, acks 0, 1 and all, retries, idempotence. kafkajs has no linger and no batches across sends,
// so it can not do a preset truthfully. Not here: transactions.

import { ClusterClient } from '../cluster/cluster-client.ts';
import type { NodeEndpoint } from '../net/node-connections.ts';
import { ErrorCode, errorName, invalidatesMetadata, isRetriable } from '../protocol/errors.ts';
import { initProducerIdApi } from '../protocol/messages/init-producer-id.ts';
import { produceApi, type ProduceResponse } from '../protocol/messages/produce.ts';
import { partitionOfKey } from '../protocol/partitioning.ts';
import { BatchBuilder, type NewRecord, type NewRecordHeader } from '../records/batch-builder.ts';
import { prepareCompression } from '../records/compression/compression.ts';
import { NetworkError, type Runtime, type Timer } from '../runtime/runtime.ts';
import type { ProducerSettings } from './presets.ts';
import { LeaderSearch, type LeaderSearchEvent } from './producer/leader-search.ts';
import { PartitionQueue } from './producer/partition-queue.ts';
import { noSequence, type ProducerBatch, type Settled } from './producer/producer-batch.ts';
import { StickyPartitioner } from './producer/sticky-partitioner.ts';

export type { SendOutcome } from './producer/producer-batch.ts';

export type ProducerRecord = {
  readonly topic: string;
  /** Chosen by key, or sticky, when left out. */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly NewRecordHeader[];
  /** Wall clock when left out. */
  readonly timestamp?: number;
};

/** What a client log would say; per batch, never per record. */
export type ProducerEvent =
  | {
      readonly type: 'retry' | 'failed';
      readonly topic: string;
      readonly partition: number;
      readonly error: string;
      readonly records: number;
      readonly attempts: number;
    }
  | { readonly type: 'new-epoch'; readonly topic: string; readonly partition: number; readonly producerEpoch: number }
  | LeaderSearchEvent;

export type ProducerCounters = {
  readonly sent: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly retries: number;
  readonly requests: number;
  readonly batches: number;
  /** Of batches handed to the network for the first time. */
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
};

export type ClientProducerOptions = {
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'network'>;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly clientId: string;
  readonly settings: ProducerSettings;
  readonly onEvent?: (event: ProducerEvent) => void;
};

const maxRequestBytes = 1_048_576;
const metadataMaxAgeMs = 300_000;
const producerEpochMax = 32_767;
const compressionRatioImproveStep = 0.005;
const compressionRatioWorsenStep = 0.05;

export class ClientProducer {
  readonly #options: ClientProducerOptions;
  readonly #client: ClusterClient;
  readonly #partitioner: StickyPartitioner;
  readonly #search = new LeaderSearch();
  readonly #queues = new Map<string, Map<number, PartitionQueue>>();
  readonly #inFlightByNode = new Map<number, number>();
  #bufferedBytes = 0;
  #roomWaiters: (() => void)[] = [];
  #idleWaiters: (() => void)[] = [];
  #ratio = 1;
  #producerId = -1;
  #producerEpoch = -1;
  #isInitializing = false;
  #isRefreshing = false;
  #metadataStale = false;
  #metadataAtMs = 0;
  #nextControlMs = 0;
  #isFlushing = false;
  #isClosed = false;
  #pumpTimer: Timer | null = null;
  #pumpAtMs = Infinity;
  readonly #counters = {
    sent: 0,
    acknowledged: 0,
    failed: 0,
    retries: 0,
    requests: 0,
    batches: 0,
    uncompressedBytes: 0,
    compressedBytes: 0,
  };

  constructor(options: ClientProducerOptions) {
    this.#options = options;
    const { runtime, bootstrap, clientId, settings } = options;
    this.#client = new ClusterClient({ runtime, bootstrap, clientId, requestTimeoutMs: settings.requestTimeoutMs });
    this.#partitioner = new StickyPartitioner(runtime.random, settings.batchSize);
  }

  get counters(): ProducerCounters {
    return this.#counters;
  }

  /** Learns the topics; throws ClusterError when no broker answers or a topic does not exist. */
  async start(topics: readonly string[]): Promise<void> {
    await prepareCompression(this.#options.settings.compressionType);
    await this.#client.refresh(topics);
    this.#metadataAtMs = this.#nowMs;
    for (const topic of topics) {
      if (this.#client.topic(topic) === null) throw new Error(`topic ${topic} does not exist`);
      this.#queues.set(topic, new Map());
    }
    this.#schedule(this.#nowMs);
  }

  /** Partitions of a topic that `start` was given. */
  partitionCount(topic: string): number {
    return this.#client.topic(topic)?.partitions.length ?? 0;
  }

  /**
   * Takes a record; `settled` is called exactly once, with its offset or its error. False, and nothing taken, while
   * buffer.memory is full (await `room`) or after `close`.
   */
  send(record: ProducerRecord, settled: Settled | null = null): boolean {
    const { settings, runtime } = this.#options;
    if (this.#isClosed || this.#bufferedBytes >= settings.bufferMemory) return false;
    const { key, value, headers } = record;
    const timestamp = record.timestamp ?? runtime.clock.wallMs();
    const entry: NewRecord = { key, value, timestamp, ...(headers === undefined ? {} : { headers }) };
    const recordBytes = BatchBuilder.sizeOfRecordMax(entry);
    const partition = record.partition ?? this.#partitionFor(record, recordBytes);
    const queue = this.#queue(record.topic, partition);
    const before = queue.waiting.length;
    this.#bufferedBytes += queue.append(entry, settled, this.#nowMs, {
      batchSize: settings.batchSize,
      compression: settings.compressionType,
      ratio: this.#ratio,
      recordBytes,
    });
    this.#counters.sent += 1;
    const last = queue.waiting.at(-1);
    const isFull = queue.waiting.length > 1 || (last?.sizeInBytes ?? 0) * this.#ratio >= settings.batchSize;
    if (isFull) this.#schedule(this.#nowMs);
    else if (queue.waiting.length > before) this.#schedule(this.#nowMs + settings.lingerMs);
    return true;
  }

  /** Resolves when `send` may be tried again. */
  room(): Promise<void> {
    if (this.#isClosed || this.#bufferedBytes < this.#options.settings.bufferMemory) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Sends what waits without lingering; resolves when everything is settled. */
  async flush(): Promise<void> {
    if (this.#isIdle()) return;
    this.#isFlushing = true;
    this.#schedule(this.#nowMs);
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    this.#isFlushing = false;
  }

  /** Flushes, at most for `timeoutMs`; what is unsettled then fails. */
  async close(timeoutMs = 30_000): Promise<void> {
    if (this.#isClosed) return;
    const { clock } = this.#options.runtime;
    let deadline: Timer | null = null;
    const late = new Promise<void>((resolve) => {
      deadline = clock.at(this.#nowMs + timeoutMs, resolve);
    });
    await Promise.race([this.flush(), late]);
    (deadline as Timer | null)?.cancel();
    this.#isClosed = true;
    this.#pumpTimer?.cancel();
    this.#client.close();
    for (const queue of this.#allQueues()) {
      for (const batch of new Set([...queue.waiting, ...queue.unanswered])) {
        this.#giveUp(queue, batch, ErrorCode.REQUEST_TIMED_OUT, 'the producer was closed');
      }
    }
    this.#wake();
  }

  get #nowMs(): number {
    return this.#options.runtime.clock.monotonicMs();
  }

  get #isIdempotent(): boolean {
    return this.#options.settings.enableIdempotence;
  }

  #partitionFor(record: ProducerRecord, recordBytes: number): number {
    const partitions = this.#client.topic(record.topic)?.partitions ?? [];
    if (record.key !== null) return partitionOfKey(record.key, Math.max(1, partitions.length));
    const all = partitions.map((_, index) => index);
    const led = all.filter((index) => (partitions[index]?.leader ?? -1) >= 0);
    return this.#partitioner.choose(record.topic, led.length > 0 ? led : all, recordBytes);
  }

  #queue(topic: string, partition: number): PartitionQueue {
    const queues = this.#queues.get(topic);
    if (queues === undefined) throw new Error(`the producer was not started for topic ${topic}`);
    const known = queues.get(partition);
    if (known !== undefined) return known;
    const queue = new PartitionQueue(topic, partition);
    queues.set(partition, queue);
    return queue;
  }

  *#allQueues(): Generator<PartitionQueue> {
    for (const queues of this.#queues.values()) yield* queues.values();
  }

  #schedule(atMs: number): void {
    if (this.#isClosed || atMs >= this.#pumpAtMs) return;
    this.#pumpTimer?.cancel();
    this.#pumpAtMs = atMs;
    const { clock } = this.#options.runtime;
    const run = () => {
      this.#pumpAtMs = Infinity;
      this.#pumpTimer = null;
      if (!this.#isClosed) this.#pump();
    };
    this.#pumpTimer = atMs <= this.#nowMs ? clock.soon(run) : clock.at(atMs, run);
  }

  /** Sends all that may leave now and sets the timer for the next. */
  #pump(): void {
    const nowMs = this.#nowMs;
    this.#maintain(nowMs);
    if (this.#isIdempotent && this.#producerId < 0) return;
    let sentSome = true;
    while (sentSome) {
      sentSome = false;
      for (const [node, batches] of this.#ready(nowMs)) {
        sentSome = true;
        this.#send(node, batches);
      }
    }
    this.#schedule(this.#nextDueMs(nowMs));
  }

  /** Metadata, producer id, deadlines. */
  #maintain(nowMs: number): void {
    const { settings } = this.#options;
    let hasExpired = false;
    for (const queue of this.#allQueues()) {
      for (const batch of [...queue.waiting]) {
        if (nowMs - batch.createdMs < settings.deliveryTimeoutMs) continue;
        const message = `not acknowledged within delivery.timeout.ms (${settings.deliveryTimeoutMs} ms)`;
        this.#giveUp(queue, batch, ErrorCode.REQUEST_TIMED_OUT, message);
        hasExpired = true;
      }
      if (queue.waiting.length > 0 && this.#client.leaderOf(queue.topic, queue.partition) < 0)
        this.#metadataStale = true;
    }
    if (hasExpired) this.#wake();
    if (nowMs < this.#nextControlMs) return;
    if (this.#isIdempotent && this.#producerId < 0 && !this.#isInitializing) void this.#initProducerId();
    if ((this.#metadataStale || nowMs - this.#metadataAtMs > metadataMaxAgeMs) && !this.#isRefreshing)
      void this.#refresh();
  }

  async #initProducerId(): Promise<void> {
    this.#isInitializing = true;
    try {
      const body = { transactionalId: null, transactionTimeoutMs: 0x7fffffff };
      const answer = await this.#client.sendToAny(initProducerIdApi, body);
      if (answer.errorCode === ErrorCode.NONE) {
        this.#producerId = answer.producerId;
        this.#producerEpoch = answer.producerEpoch;
      }
    } catch {
      // No broker answers just now: the records wait, and the next try comes after the backoff.
    }
    this.#isInitializing = false;
    this.#afterControl(this.#producerId >= 0);
  }

  async #refresh(): Promise<void> {
    this.#isRefreshing = true;
    let isDone = false;
    try {
      await this.#client.refresh([...this.#queues.keys()]);
      this.#metadataStale = false;
      this.#metadataAtMs = this.#nowMs;
      isDone = true;
      this.#tellAll(this.#search.refreshed((topic, partition) => this.#client.leaderOf(topic, partition)));
    } catch {
      // As above.
    }
    this.#isRefreshing = false;
    this.#afterControl(isDone);
  }

  #afterControl(isDone: boolean): void {
    const nowMs = this.#nowMs;
    // Metadata may still name the old leader: asked again after the backoff, not at once.
    this.#nextControlMs = nowMs + this.#options.settings.retryBackoffMs;
    this.#schedule(isDone ? nowMs : this.#nextControlMs);
  }

  /** One batch a partition, by the node that leads it. */
  #ready(nowMs: number): Map<number, { queue: PartitionQueue; batch: ProducerBatch }[]> {
    const { settings } = this.#options;
    const byNode = new Map<number, { queue: PartitionQueue; batch: ProducerBatch }[]>();
    const bytesByNode = new Map<number, number>();
    for (const queue of this.#allQueues()) {
      const batch = queue.next(this.#isIdempotent);
      if (batch === null || this.#dueMs(queue, batch) > nowMs) continue;
      const node = this.#client.leaderOf(queue.topic, queue.partition);
      if (node < 0 || (this.#inFlightByNode.get(node) ?? 0) >= settings.maxInFlightRequestsPerConnection) continue;
      // A single request in flight promises order: the next batch waits until this partition's is answered.
      if (settings.maxInFlightRequestsPerConnection === 1 && queue.inFlightCount > 0) continue;
      const bytes = (bytesByNode.get(node) ?? 0) + batch.sizeInBytes;
      const chosen = byNode.get(node) ?? [];
      if (chosen.length > 0 && bytes > maxRequestBytes) continue;
      chosen.push({ queue, batch });
      byNode.set(node, chosen);
      bytesByNode.set(node, bytes);
    }
    return byNode;
  }

  #dueMs(queue: PartitionQueue, batch: ProducerBatch): number {
    const { settings } = this.#options;
    if (batch.notBeforeMs > 0) return batch.notBeforeMs;
    const isFull = queue.waiting.length > 1 || batch.sizeInBytes * this.#ratio >= settings.batchSize;
    const isUrgent = isFull || this.#isFlushing || this.#bufferedBytes >= settings.bufferMemory;
    return isUrgent ? 0 : batch.createdMs + settings.lingerMs;
  }

  #nextDueMs(nowMs: number): number {
    let next = Infinity;
    for (const queue of this.#allQueues()) {
      const first = queue.waiting[0];
      if (first === undefined) continue;
      next = Math.min(next, first.createdMs + this.#options.settings.deliveryTimeoutMs);
      if (this.#client.leaderOf(queue.topic, queue.partition) < 0) {
        next = Math.min(next, Math.max(this.#nextControlMs, nowMs + 1));
        continue;
      }
      // What is due already waits for an answer, which pumps again.
      const dueMs = this.#dueMs(queue, first);
      if (dueMs > nowMs) next = Math.min(next, dueMs);
    }
    if (this.#metadataStale) next = Math.min(next, Math.max(this.#nextControlMs, nowMs + 1));
    return next;
  }

  #send(node: number, entries: readonly { queue: PartitionQueue; batch: ProducerBatch }[]): void {
    const { settings } = this.#options;
    const topics = new Map<string, { index: number; records: Buffer }[]>();
    for (const { queue, batch } of entries) {
      queue.waiting.splice(queue.waiting.indexOf(batch), 1);
      queue.inFlightCount += 1;
      this.#prepare(queue, batch);
      const partitions = topics.get(queue.topic) ?? [];
      partitions.push({ index: queue.partition, records: batch.bytes() });
      topics.set(queue.topic, partitions);
    }
    const topicData = [...topics].map(([name, partitionData]) => {
      return { name, topicId: this.#client.topic(name)?.topicId ?? '', partitionData };
    });
    const acks = settings.acks === 'all' ? -1 : settings.acks;
    const body = { transactionalId: null, acks, timeoutMs: settings.requestTimeoutMs, topicData };
    this.#counters.requests += 1;
    this.#inFlightByNode.set(node, (this.#inFlightByNode.get(node) ?? 0) + 1);
    const request =
      acks === 0
        ? this.#client.post(node, produceApi, body).then((isSent) => this.#onPosted(node, entries, isSent))
        : this.#client.send(node, produceApi, body).then((answer) => this.#onAnswer(node, entries, answer));
    void request.catch((error: unknown) => this.#onNetworkError(node, entries, error));
  }

  #prepare(queue: PartitionQueue, batch: ProducerBatch): void {
    if (batch.attempts === 0) {
      this.#counters.batches += 1;
      const bytes = batch.bytes().length;
      this.#counters.uncompressedBytes += batch.sizeInBytes;
      this.#counters.compressedBytes += bytes;
      this.#noteRatio(bytes / batch.sizeInBytes);
    }
    batch.attempts += 1;
    if (!this.#isIdempotent) return;
    if (queue.needsNewEpoch) this.#startEpoch(queue);
    else if (queue.producerId < 0) queue.startEpoch(this.#producerId, this.#producerEpoch);
    queue.assignSequence(batch);
  }

  /** Idempotent producers raise their epoch themselves (KIP-360). */
  #startEpoch(queue: PartitionQueue): void {
    // Beyond the last epoch a new producer id would be needed; a workload never gets there.
    this.#producerEpoch = Math.min(this.#producerEpoch + 1, producerEpochMax);
    queue.startEpoch(this.#producerId, this.#producerEpoch);
    const { topic, partition } = queue;
    this.#options.onEvent?.({ type: 'new-epoch', topic, partition, producerEpoch: this.#producerEpoch });
  }

  /** As Kafka estimates it: slowly better, quickly worse. */
  #noteRatio(observed: number): void {
    if (observed < this.#ratio) this.#ratio = Math.max(this.#ratio - compressionRatioImproveStep, observed);
    else this.#ratio = Math.min(1, Math.max(this.#ratio + compressionRatioWorsenStep, observed));
  }

  #onPosted(node: number, entries: readonly { queue: PartitionQueue; batch: ProducerBatch }[], isSent: boolean): void {
    if (!isSent) throw new NetworkError('closed', `node ${node} closed the connection`);
    this.#landed(node, entries);
    for (const { queue, batch } of entries) this.#acknowledge(queue, batch, -1);
    this.#wake();
  }

  #onAnswer(
    node: number,
    entries: readonly { queue: PartitionQueue; batch: ProducerBatch }[],
    answer: ProduceResponse,
  ): void {
    this.#landed(node, entries);
    for (const { queue, batch } of entries) {
      const topicId = this.#client.topic(queue.topic)?.topicId;
      const topic = answer.responses.find((each) => each.name === queue.topic || each.topicId === topicId);
      const part = topic?.partitionResponses.find((each) => each.index === queue.partition);
      const errorCode = part?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
        this.#acknowledge(queue, batch, part?.baseOffset ?? -1);
        continue;
      }
      if (part !== undefined && part.currentLeader.leaderId >= 0) {
        const { leaderId, leaderEpoch } = part.currentLeader;
        this.#client.noteLeader(queue.topic, queue.partition, { leader: leaderId, leaderEpoch });
      }
      this.#onError(queue, batch, errorCode, part?.errorMessage ?? null);
    }
    this.#wake();
  }

  #onNetworkError(
    node: number,
    entries: readonly { queue: PartitionQueue; batch: ProducerBatch }[],
    error: unknown,
  ): void {
    this.#landed(node, entries);
    const isUnsent = error instanceof NetworkError && ['refused', 'unreachable', 'overloaded'].includes(error.code);
    const message = error instanceof Error ? error.message : String(error);
    for (const { queue, batch } of entries) {
      if (!isUnsent) batch.mayBeWritten = true;
      this.#onError(queue, batch, ErrorCode.NETWORK_EXCEPTION, message);
    }
    this.#wake();
  }

  #landed(node: number, entries: readonly { queue: PartitionQueue }[]): void {
    this.#inFlightByNode.set(node, (this.#inFlightByNode.get(node) ?? 1) - 1);
    for (const { queue } of entries) queue.inFlightCount -= 1;
    this.#schedule(this.#nowMs);
  }

  #acknowledge(queue: PartitionQueue, batch: ProducerBatch, baseOffset: number): void {
    if (batch.isSettled) return;
    queue.remove(batch);
    this.#release(batch);
    this.#counters.acknowledged += batch.recordCount;
    this.#tellAll(this.#search.acknowledged(batch.topic, batch.partition));
    batch.acknowledge(baseOffset);
  }

  #onError(queue: PartitionQueue, batch: ProducerBatch, errorCode: number, message: string | null): void {
    if (batch.isSettled) return;
    if (mayHaveAppended.has(errorCode)) batch.mayBeWritten = true;
    if (invalidatesMetadata(errorCode)) this.#metadataStale = true;
    const { settings } = this.#options;
    const nowMs = this.#nowMs;
    const isSequenceError = this.#isIdempotent && sequenceErrors.has(errorCode);
    // Out of order only because an earlier batch has not arrived yet: it goes again after that one.
    if (isSequenceError && queue.unanswered[0] === batch) queue.needsNewEpoch = true;
    const canRetry =
      !this.#isClosed &&
      (isRetriable(errorCode) || isSequenceError) &&
      batch.attempts <= settings.retries &&
      nowMs - batch.createdMs < settings.deliveryTimeoutMs;
    if (!canRetry) {
      this.#giveUp(queue, batch, errorCode, message ?? errorName(errorCode));
      return;
    }
    this.#counters.retries += 1;
    batch.notBeforeMs = nowMs + this.#backoffMs(batch.attempts);
    queue.requeue(batch);
    this.#schedule(batch.notBeforeMs);
    this.#tell('retry', batch, errorCode);
  }

  #backoffMs(attempts: number): number {
    const { settings, runtime } = this.#options;
    const steady = Math.min(settings.retryBackoffMs * 2 ** Math.min(attempts - 1, 16), settings.retryBackoffMaxMs);
    return steady * (0.8 + 0.4 * runtime.random.next());
  }

  #giveUp(queue: PartitionQueue, batch: ProducerBatch, errorCode: number, message: string): void {
    if (batch.isSettled) return;
    // The broker's next expected sequence is unknown, or this one's was never used: later batches can't follow it.
    if (batch.baseSequence !== noSequence) queue.needsNewEpoch = true;
    queue.remove(batch);
    this.#release(batch);
    this.#counters.failed += batch.recordCount;
    this.#tell('failed', batch, errorCode);
    batch.fail(errorName(errorCode), message);
  }

  #tell(type: 'retry' | 'failed', batch: ProducerBatch, errorCode: number): void {
    const { topic, partition, recordCount, attempts } = batch;
    this.#search.failed(topic, partition, this.#client.leaderOf(topic, partition));
    this.#options.onEvent?.({ type, topic, partition, error: errorName(errorCode), records: recordCount, attempts });
  }

  #tellAll(events: readonly LeaderSearchEvent[]): void {
    for (const event of events) this.#options.onEvent?.(event);
  }

  #release(batch: ProducerBatch): void {
    this.#bufferedBytes -= batch.sizeInBytes;
  }

  #isIdle(): boolean {
    for (const queue of this.#allQueues()) {
      if (queue.waiting.length > 0 || queue.inFlightCount > 0) return false;
    }
    return true;
  }

  #wake(): void {
    if (this.#isClosed || this.#bufferedBytes < this.#options.settings.bufferMemory) {
      for (const wake of this.#roomWaiters.splice(0)) wake();
    }
    if (this.#isClosed || this.#isIdle()) for (const wake of this.#idleWaiters.splice(0)) wake();
  }
}

/** Answers that leave it open whether the leader has appended the batch. */
const mayHaveAppended: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);

const sequenceErrors: ReadonlySet<number> = new Set([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
]);
