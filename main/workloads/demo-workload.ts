// The built-in demo: kafkajs producers with the "durable" preset and one consumer group, so that there is something
// to see in the first ten seconds and something to lose when a broker is killed. kafkajs is loaded when first started.

import type { Consumer, Kafka, Producer } from 'kafkajs';
import type { WorkloadView } from '../api/views.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';
import { CounterRates } from '../cluster/counter-rates.ts';
import { LatencyWindow } from './latency-window.ts';
import { loadKafka } from './kafkajs.ts';

export type DemoWorkloadOptions = {
  readonly clock: Clock;
  readonly bootstrap: string;
  readonly replicationFactor: number;
  onChange(view: WorkloadView): void;
  record(entry: JournalEntry): void;
};

const topic = 'orders';
const partitions = 6;
const groupId = 'billing';
const batchesPerSecond = 20;
const viewIntervalMs = 250;
/** Batches sent and not answered; beyond it the producer waits, as a real one does when its buffer is full. */
const inFlightMax = 5;
const keys = 500;
const disconnectMsMax = 2000;

export class DemoWorkload {
  readonly #options: DemoWorkloadOptions;
  #producer: Producer | null = null;
  #consumer: Consumer | null = null;
  #timers: Timer[] = [];
  #running = false;
  #perSecond = 0;
  #sent = 0;
  #acknowledged = 0;
  #failed = 0;
  #consumed = 0;
  #inFlight = 0;
  #unansweredSinceMs: number | null = null;
  #lastError: string | null = null;
  readonly #rates = new CounterRates();
  readonly #latencies = new LatencyWindow();

  constructor(options: DemoWorkloadOptions) {
    this.#options = options;
  }

  async start(messagesPerSecond: number): Promise<void> {
    this.#perSecond = messagesPerSecond;
    if (this.#running) return;
    this.#running = true;
    try {
      const kafka = await loadKafka('highwater-demo', this.#options.bootstrap);
      await createTopic(kafka, this.#options.replicationFactor);
      await this.#startProducer(kafka);
      await this.#startConsumer(kafka);
    } catch (error) {
      this.#fail('demo', error);
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    await this.#disconnect();
    this.#publish();
  }

  async #disconnect(): Promise<void> {
    const closing = [this.#producer?.disconnect(), this.#consumer?.disconnect()].filter((each) => each !== undefined);
    this.#producer = null;
    this.#consumer = null;
    if (closing.length === 0) return;
    // kafkajs goes on retrying what is under way, for ever if no broker answers: leave it behind then.
    const { clock } = this.#options;
    let timer: Timer | null = null;
    const deadline = new Promise<void>((resolve) => {
      timer = clock.at(clock.monotonicMs() + disconnectMsMax, resolve);
    });
    await Promise.race([Promise.allSettled(closing), deadline]);
    (timer as Timer | null)?.cancel();
  }

  async #startProducer(kafka: Kafka): Promise<void> {
    // kafkajs calls "durable" idempotent: acks=all, sequence numbers, retries until the deadline.
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: inFlightMax,
      allowAutoTopicCreation: false,
      retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 50, maxRetryTime: 500 },
    });
    this.#producer = producer;
    await producer.connect();
    this.#every(1000 / batchesPerSecond, () => this.#sendBatch(producer));
    this.#every(viewIntervalMs, () => this.#publish());
  }

  async #startConsumer(kafka: Kafka): Promise<void> {
    const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 1000, maxWaitTimeInMs: 500 });
    this.#consumer = consumer;
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#fail('consumer', payload.error));
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: false });
    await consumer.run({
      autoCommitInterval: 1000,
      eachBatchAutoResolve: true,
      eachBatch: ({ batch }) => {
        this.#consumed += batch.messages.length;
        return Promise.resolve();
      },
    });
  }

  #sendBatch(producer: Producer): void {
    if (this.#inFlight >= inFlightMax) return;
    const { clock } = this.#options;
    const count = Math.max(1, Math.round(this.#perSecond / batchesPerSecond));
    const messages = Array.from({ length: count }, () => order(++this.#sent, clock.wallMs()));
    const sentMs = clock.monotonicMs();
    this.#inFlight += 1;
    this.#unansweredSinceMs ??= sentMs;
    producer
      .send({ topic, acks: -1, messages })
      .then(() => this.#answered(sentMs, count))
      .catch((error: unknown) => {
        this.#inFlight -= 1;
        this.#failed += count;
        this.#fail('producer', error);
      });
  }

  #answered(sentMs: number, count: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    const unavailableMs = nowMs - (this.#unansweredSinceMs ?? nowMs);
    this.#inFlight -= 1;
    this.#acknowledged += count;
    this.#latencies.add(nowMs, nowMs - sentMs);
    this.#unansweredSinceMs = this.#inFlight === 0 ? null : nowMs;
    if (unavailableMs >= unavailableFromMs) {
      this.#options.record({ kind: 'client.recovered', client: 'producer', unavailableMs: Math.round(unavailableMs) });
    }
  }

  #fail(client: string, error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    this.#lastError = message;
    this.#options.record({ kind: 'client.error', client, error: name, detail: message });
  }

  #every(intervalMs: number, action: () => void): void {
    const { clock } = this.#options;
    const index = this.#timers.length;
    const tick = (dueMs: number) => {
      this.#timers[index] = clock.at(dueMs, () => {
        if (!this.#running) return;
        action();
        tick(Math.max(dueMs + intervalMs, clock.monotonicMs()));
      });
    };
    tick(clock.monotonicMs() + intervalMs);
  }

  #publish(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#rates.add(nowMs, { acknowledged: this.#acknowledged, consumed: this.#consumed });
    const unansweredMs = this.#unansweredSinceMs === null ? 0 : nowMs - this.#unansweredSinceMs;
    const { p50, p99 } = this.#latencies.percentiles(nowMs);
    this.#options.onChange({
      running: this.#running,
      topic,
      targetPerSecond: this.#running ? this.#perSecond : 0,
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      failed: this.#failed,
      consumed: this.#consumed,
      acknowledgedPerSecond: this.#running ? this.#rates.perSecond('acknowledged') : 0,
      consumedPerSecond: this.#running ? this.#rates.perSecond('consumed') : 0,
      latencyP50Ms: p50,
      latencyP99Ms: p99,
      unavailableForMs: this.#running && unansweredMs >= unavailableFromMs ? Math.round(unansweredMs) : null,
      lastError: this.#lastError,
    });
  }
}

/** A send unanswered for longer than this counts as unavailability that a person would notice. */
const unavailableFromMs = 250;

async function createTopic(kafka: Kafka, replicationFactor: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = await admin.listTopics();
    if (!existing.includes(topic)) {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic, numPartitions: partitions, replicationFactor }],
      });
    }
  } finally {
    await admin.disconnect();
  }
}

function order(number: number, wallMs: number): { key: string; value: string } {
  const customer = (number * 7919) % keys;
  const value = {
    order: number,
    customer: `customer-${customer}`,
    items: (number % 5) + 1,
    totalCents: (number * 131) % 25_000,
    placedMs: wallMs,
  };
  return { key: `customer-${customer}`, value: JSON.stringify(value) };
}
