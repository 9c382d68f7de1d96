// A producer of a drill: sends at a rate, each record with its own name, and keeps the history of what it was told:
// the evidence from which the verdict is computed.

import type { ClientMark, ProducerSample } from '../../api/drill-views.ts';
import type { NodeEndpoint } from '../../net/node-connections.ts';
import type { Random, Runtime, Timer } from '../../runtime/runtime.ts';
import { ClientProducer, type ProducerEvent } from '../../workloads/client-producer.ts';
import { nameToText, type HistoryEvent } from '../../workloads/history.ts';
import type { KeysSetting } from '../drill-file.ts';
import type { ProducerPlan } from '../drill-plan.ts';
import { keySource, type KeySource } from './keys.ts';

/** One record's fate. Times on the machine's monotonic clock. */
export type Sending = {
  readonly number: number;
  partition: number;
  readonly sentMs: number;
  endMs: number | null;
  outcome: 'pending' | 'acknowledged' | 'failed';
  offset: number | null;
  error: string | null;
};

export type ClientTelling = Omit<ClientMark, 'count' | 'untilMs'>;

export type PacedProducerOptions = {
  readonly runtime: Pick<Runtime, 'clock' | 'network'>;
  readonly random: Random;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly plan: ProducerPlan;
  readonly topic: string;
  readonly history: HistoryEvent[];
  tell(mark: ClientTelling): void;
};

const tickMs = 10;
/** Records of one producer in one run; beyond it the producer stops, and says so. */
const recordsMax = 200_000;
/** Records that are not answered: a real application would block in send(). */
const pendingMax = 20_000;

export class PacedProducer {
  readonly plan: ProducerPlan;
  readonly sendings: Sending[] = [];
  readonly #options: PacedProducerOptions;
  readonly #producer: ClientProducer;
  #nextKey: KeySource;
  #rate: number;
  #timer: Timer | null = null;
  #owed = 0;
  #lastTickMs = 0;
  #acknowledged = 0;
  #failed = 0;
  /** Below it nothing is pending. */
  #firstPending = 0;
  #recentLatencies: number[] = [];
  #sampledMs = 0;
  #sampledCount = 0;
  /** Attempts that a broker refused, by error. */
  readonly refusals = new Map<string, number>();

  constructor(options: PacedProducerOptions) {
    this.#options = options;
    this.plan = options.plan;
    this.#rate = options.plan.rate;
    this.#nextKey = keySource(options.plan.keys, options.random);
    this.#producer = new ClientProducer({
      runtime: { ...options.runtime, random: options.random },
      bootstrap: options.bootstrap,
      clientId: options.plan.name,
      settings: options.plan.settings,
      onEvent: (event) => this.#onEvent(event),
    });
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get failed(): number {
    return this.#failed;
  }

  get isRunning(): boolean {
    return this.#timer !== null;
  }

  async start(): Promise<void> {
    await this.#producer.start([this.#options.topic]);
    this.#lastTickMs = this.#nowMs;
    this.#sampledMs = this.#nowMs;
    this.#tick();
  }

  setRate(perSecond: number): void {
    this.#rate = perSecond;
  }

  setKeys(keys: KeysSetting): void {
    this.#nextKey = keySource(keys, this.#options.random);
  }

  /** No new records; what is under way goes on. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Every record is settled after this. */
  async close(timeoutMs: number): Promise<void> {
    this.stop();
    await this.#producer.close(timeoutMs);
  }

  /** Age of the oldest record without an answer; 0 when there is none. */
  unansweredMs(nowMs: number): number {
    while (this.sendings[this.#firstPending]?.outcome !== 'pending' && this.#firstPending < this.sendings.length)
      this.#firstPending += 1;
    const oldest = this.sendings[this.#firstPending];
    return oldest === undefined ? 0 : nowMs - oldest.sentMs;
  }

  /** When the last record was acknowledged that had been sent after `sinceMs`; null when none was. */
  acknowledgedSince(sinceMs: number): boolean {
    for (let index = this.sendings.length - 1; index >= 0; index--) {
      const sending = this.sendings[index];
      if (sending === undefined || sending.sentMs < sinceMs) return false;
      if (sending.outcome === 'acknowledged') return true;
    }
    return false;
  }

  sample(nowMs: number): ProducerSample {
    const seconds = Math.max(0.001, (nowMs - this.#sampledMs) / 1000);
    const latencies = this.#recentLatencies.sort((a, b) => a - b);
    const at = (share: number) =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? null;
    const sample: ProducerSample = {
      acknowledged: this.#acknowledged,
      acknowledgedPerSecond: Math.round((this.#acknowledged - this.#sampledCount) / seconds),
      failed: this.#failed,
      latencyP50Ms: rounded(at(0.5)),
      latencyP99Ms: rounded(at(0.99)),
      unansweredMs: Math.round(this.unansweredMs(nowMs)),
    };
    this.#recentLatencies = [];
    this.#sampledMs = nowMs;
    this.#sampledCount = this.#acknowledged;
    return sample;
  }

  get #nowMs(): number {
    return this.#options.runtime.clock.monotonicMs();
  }

  #tick(): void {
    const { clock } = this.#options.runtime;
    const nowMs = clock.monotonicMs();
    this.#timer = clock.at(nowMs + tickMs, () => this.#tick());
    // A process that stood still for a while does not catch up in one burst.
    this.#owed += (this.#rate * Math.min(nowMs - this.#lastTickMs, 1000)) / 1000;
    this.#lastTickMs = nowMs;
    while (this.#owed >= 1) {
      this.#owed -= 1;
      const pending = this.sendings.length - this.#acknowledged - this.#failed;
      if (pending >= pendingMax || this.sendings.length >= recordsMax) continue;
      if (!this.#send()) return;
    }
  }

  #send(): boolean {
    const { plan, topic, history } = this.#options;
    const number = this.sendings.length;
    const name = { producer: plan.name, number };
    const value = Buffer.from(nameToText(name).padEnd(plan.valueBytes, '.'), 'latin1');
    const sentMs = this.#nowMs;
    const sending: Sending = {
      number,
      partition: -1,
      sentMs,
      endMs: null,
      outcome: 'pending',
      offset: null,
      error: null,
    };
    const isTaken = this.#producer.send({ topic, key: this.#nextKey(), value }, (outcome) => {
      const atMs = this.#nowMs;
      sending.endMs = atMs;
      sending.partition = outcome.partition;
      sending.outcome = outcome.type;
      const place = { ...name, topic, partition: outcome.partition, atMs };
      if (outcome.type === 'acknowledged') {
        this.#acknowledged += 1;
        this.#recentLatencies.push(atMs - sentMs);
        sending.offset = outcome.offset < 0 ? null : outcome.offset;
        history.push({ type: 'acknowledged', ...place, offset: sending.offset, leader: null });
      } else {
        this.#failed += 1;
        sending.error = outcome.error;
        history.push({ type: 'failed', ...place, error: outcome.error, isRefused: !outcome.mayBeWritten });
      }
    });
    if (!isTaken) return false;
    this.sendings.push(sending);
    return true;
  }

  #onEvent(event: ProducerEvent): void {
    const { plan, tell } = this.#options;
    const where = `${event.topic}-${event.partition}`;
    const base = { atMs: this.#nowMs, client: plan.name, partition: where };
    if (event.type === 'new-epoch') {
      tell({ ...base, kind: 'note', text: `starts producer epoch ${event.producerEpoch} on ${where}` });
      return;
    }
    if (event.type === 'refreshed') {
      const { leader, isNew } = event;
      if (isNew) tell({ ...base, kind: 'leader', text: `learns from metadata that broker ${leader} leads ${where}` });
      else if (leader < 0) tell({ ...base, kind: 'refresh', text: `asks for metadata: ${where} has no leader` });
      else tell({ ...base, kind: 'refresh', text: `asks for metadata: broker ${leader} still leads ${where}` });
      return;
    }
    if (event.type === 'recovered') {
      tell({ ...base, kind: 'recovered', text: `is acknowledged again on ${where}` });
      return;
    }
    this.refusals.set(event.error, (this.refusals.get(event.error) ?? 0) + 1);
    if (event.type === 'retry') tell({ ...base, kind: 'error', text: `${event.error} from ${where}: tries again` });
    else tell({ ...base, kind: 'failed', text: `gives up on ${where}: ${event.error}` });
  }
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
