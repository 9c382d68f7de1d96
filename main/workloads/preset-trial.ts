// Measures one producer preset on a running cluster: as fast as it goes, then at a steady rate for latency, then, if
// asked for, with the busiest leader killed and everything read back and counted. Nothing is estimated.

import type { TrialPhase, TrialResult } from '../api/producer-views.ts';
import type { ClusterClient } from '../cluster/cluster-client.ts';
import type { ClusterControl } from '../cluster/cluster-control.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import type { NodeEndpoint } from '../net/node-connections.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../protocol/messages/delete-topics.ts';
import { electLeadersApi } from '../protocol/messages/elect-leaders.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ClientProducer, type SendOutcome } from './client-producer.ts';
import type { ProducerPreset } from './presets.ts';
import { readTopic } from './read-topic.ts';
import { RecordLedger } from './record-ledger.ts';

export type TrialOptions = {
  readonly runtime: Runtime;
  readonly client: ClusterClient;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly control: Pick<ClusterControl, 'kill' | 'start'>;
  readonly preset: ProducerPreset;
  readonly seconds: number;
  readonly recordBytes: number;
  readonly withKill: boolean;
  readonly replicationFactor: number;
  readonly signal: AbortSignal;
  onPhase(phase: TrialPhase): void;
};

const partitions = 6;
const warmUpMs = 300;
const latencyRatePerSecond = 1000;
const killRatePerSecond = 10_000;
/** How long the killed broker stays away. */
const downMs = 3000;
const recordsMax = 4_000_000;
const latenciesMax = 200_000;
const tickMs = 5;
const burstRecords = 500;
const adminTimeoutMs = 10_000;
const settleTimeoutMs = 60_000;
const leadersTimeoutMs = 10_000;
const pollMs = 50;
const numberAt = 7;
const numberDigits = 10;

export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const topic = `highwater-trial-${options.preset.name}`;
  await createTopic(options, topic);
  try {
    const speed = await measureSpeed(options, topic);
    const latency = await measureLatency(options, topic);
    const kill = options.withKill ? await measureKill(options) : null;
    return { preset: options.preset.name, recordBytes: options.recordBytes, ...speed, ...latency, kill };
  } finally {
    await deleteTopic(options.client, topic);
  }
}

async function measureSpeed(options: TrialOptions, topic: string) {
  options.onPhase('throughput');
  const run = await startRun(options, topic, null);
  // The first records pay for compiling the code and opening connections.
  await sendAtFullSpeed(options, run, warmUpMs);
  const before = { ...run.producer.counters };
  const tookMs = await sendAtFullSpeed(options, run, options.seconds * 1000);
  const after = run.producer.counters;
  await run.producer.close();
  const grown = (name: keyof typeof before) => after[name] - before[name];
  return {
    recordsPerSecond: (grown('acknowledged') * 1000) / tookMs,
    bytesPerSecond: (grown('uncompressedBytes') * 1000) / tookMs,
    uncompressedBytes: grown('uncompressedBytes'),
    compressedBytes: grown('compressedBytes'),
    requests: grown('requests'),
    recordsPerBatch: grown('acknowledged') / Math.max(1, grown('batches')),
  };
}

/** Sends as fast as the producer takes records; answers how long it took until all were answered. */
async function sendAtFullSpeed(options: TrialOptions, run: TrialRun, forMs: number): Promise<number> {
  const { clock } = options.runtime;
  const beganMs = clock.monotonicMs();
  while (clock.monotonicMs() < beganMs + forMs && !options.signal.aborted) {
    for (let sent = 0; sent < burstRecords; sent++) {
      if (!run.send()) await run.producer.room();
    }
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  await run.producer.flush();
  return clock.monotonicMs() - beganMs;
}

async function measureLatency(options: TrialOptions, topic: string) {
  options.onPhase('latency');
  const latencies = new LatencySample();
  const run = await startRun(options, topic, latencies);
  const { clock } = options.runtime;
  await run.pace(latencyRatePerSecond, clock.monotonicMs() + options.seconds * 1000, options.signal);
  await run.producer.flush();
  await run.producer.close();
  return latencies.percentiles();
}

/** On a topic of its own, so that every record in it is of this run. */
async function measureKill(options: TrialOptions): Promise<NonNullable<TrialResult['kill']>> {
  options.onPhase('kill');
  const { client, control, runtime, signal } = options;
  const { clock } = runtime;
  const topic = `highwater-trial-${options.preset.name}-kill`;
  await createTopic(options, topic);
  const ledger = new RecordLedger(recordsMax);
  const run = await startRun(options, topic, null, ledger);
  const beganMs = clock.monotonicMs();
  try {
    const sending = run.pace(killRatePerSecond, beganMs + 1000 + downMs + options.seconds * 1000, signal);
    await sleep(clock, 1000);
    const victim = busiestLeader(client, topic);
    await control.kill(victim);
    const killedMs = clock.monotonicMs();
    await sleep(clock, downMs);
    await control.start(victim);
    await sending;
    await run.producer.close(settleTimeoutMs);
    options.onPhase('counting');
    await readTopic(client, clock, topic, (partition, record) => ledger.found(partition, numberOf(record.value())));
    await electPreferred(client);
    return { ...ledger.count(), brokerId: victim, longestSilenceMs: run.longestSilenceAfter(killedMs) };
  } finally {
    await run.producer.close(0);
    await deleteTopic(client, topic);
  }
}

class TrialRun {
  readonly producer: ClientProducer;
  readonly #options: TrialOptions;
  readonly #topic: string;
  readonly #latencies: LatencySample | null;
  readonly #ledger: RecordLedger | null;
  readonly #filler: string;
  #sent = 0;
  /** By partition. */
  readonly #lastAckMs: number[] = [];
  /** Times in which a partition acknowledged nothing. */
  readonly #gaps: { readonly fromMs: number; readonly ms: number }[] = [];

  constructor(options: TrialOptions, topic: string, latencies: LatencySample | null, ledger: RecordLedger | null) {
    this.#options = options;
    this.#topic = topic;
    this.#latencies = latencies;
    this.#ledger = ledger;
    this.#filler = orderFiller(options.recordBytes);
    const { runtime, bootstrap, preset } = options;
    this.producer = new ClientProducer({
      runtime,
      bootstrap,
      clientId: `trial-${preset.name}`,
      settings: preset.settings,
    });
  }

  /** One record without a key. False when the producer has no room. */
  send(): boolean {
    const { clock } = this.#options.runtime;
    if (this.#ledger?.isFull === true) return true;
    const sentMs = this.#latencies === null ? 0 : clock.monotonicMs();
    const number = this.#sent;
    const value = Buffer.from(`{"id":"${String(number).padStart(numberDigits, '0')}"${this.#filler}`);
    const isTaken = this.producer.send({ topic: this.#topic, key: null, value }, (outcome) =>
      this.#settle(number, sentMs, outcome),
    );
    if (!isTaken) return false;
    this.#sent += 1;
    this.#ledger?.next();
    return true;
  }

  /** Sends at a steady rate until a time; what the producer has no room for is not made up later. */
  async pace(perSecond: number, untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.runtime;
    const beganMs = clock.monotonicMs();
    this.#lastAckMs.fill(beganMs);
    let due = 0;
    while (clock.monotonicMs() < untilMs && !signal.aborted) {
      const target = Math.floor(((clock.monotonicMs() - beganMs) * perSecond) / 1000);
      while (due < target) {
        due += 1;
        if (!this.send()) break;
      }
      due = target;
      await sleep(clock, tickMs);
    }
  }

  longestSilenceAfter(fromMs: number): number {
    return this.#gaps.reduce((most, gap) => (gap.fromMs + gap.ms >= fromMs ? Math.max(most, gap.ms) : most), 0);
  }

  #settle(number: number, sentMs: number, outcome: SendOutcome): void {
    if (outcome.type === 'failed') {
      this.#ledger?.failed(number);
      return;
    }
    this.#ledger?.acknowledged(number);
    if (this.#ledger === null && this.#latencies === null) return;
    const nowMs = this.#options.runtime.clock.monotonicMs();
    this.#latencies?.add(nowMs - sentMs);
    const lastMs = this.#lastAckMs[outcome.partition] ?? nowMs;
    if (nowMs - lastMs > gapFromMs && this.#gaps.length < gapsMax) {
      this.#gaps.push({ fromMs: lastMs, ms: nowMs - lastMs });
    }
    this.#lastAckMs[outcome.partition] = nowMs;
  }
}

const gapFromMs = 50;
const gapsMax = 1000;

async function startRun(
  options: TrialOptions,
  topic: string,
  latencies: LatencySample | null,
  ledger: RecordLedger | null = null,
): Promise<TrialRun> {
  const run = new TrialRun(options, topic, latencies, ledger);
  await run.producer.start([topic]);
  return run;
}

/** Latencies of one phase, at most `latenciesMax` of them. */
class LatencySample {
  readonly #values = new Float64Array(latenciesMax);
  #count = 0;

  add(ms: number): void {
    if (this.#count < latenciesMax) this.#values[this.#count++] = ms;
  }

  percentiles() {
    const sorted = this.#values.subarray(0, this.#count).sort();
    const at = (share: number) => sorted[Math.min(this.#count - 1, Math.floor(this.#count * share))] ?? null;
    return { latencyP50Ms: at(0.5), latencyP95Ms: at(0.95), latencyP99Ms: at(0.99), latencyMaxMs: at(1) };
  }
}

/** The rest of an order in JSON, so that a value has `recordBytes` and compresses as such data does. */
function orderFiller(recordBytes: number): string {
  const head = ',"customer":"customer-417","items":[{"sku":"HW-1042","quantity":2,"cents":1299}],"note":"';
  const missing = recordBytes - numberAt - numberDigits - 1 - head.length - 2;
  const words = 'leave at the door please ring twice third floor left ';
  return `${head}${words.repeat(Math.ceil(Math.max(0, missing) / words.length)).slice(0, Math.max(0, missing))}"}`;
}

function numberOf(value: Buffer | null): number {
  return value === null ? -1 : Number(value.toString('latin1', numberAt, numberAt + numberDigits));
}

function busiestLeader(client: ClusterClient, topic: string): number {
  const counts = new Map<number, number>();
  for (const { leader } of client.topic(topic)?.partitions ?? []) counts.set(leader, (counts.get(leader) ?? 0) + 1);
  // The active controller stays: its loss is another experiment.
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const victim = ranked.find(([id]) => id !== client.controllerId) ?? ranked[0];
  if (victim === undefined) throw new ClusterError('NO_LEADER', `${topic} has no leader to kill`);
  return victim[0];
}

async function createTopic(options: TrialOptions, name: string): Promise<void> {
  const { client, runtime, replicationFactor } = options;
  await deleteTopic(client, name);
  const minIsr = String(Math.max(1, replicationFactor - 1));
  const configs = [{ name: 'min.insync.replicas', value: minIsr }];
  const deadlineMs = runtime.clock.monotonicMs() + leadersTimeoutMs;
  for (;;) {
    const topics = [{ name, numPartitions: partitions, replicationFactor, configs }];
    const answer = await client.sendToAny(createTopicsApi, { topics, timeoutMs: adminTimeoutMs }, adminTimeoutMs);
    const result = answer.topics[0];
    if (result?.errorCode === ErrorCode.NONE) break;
    const isGoing = result?.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && runtime.clock.monotonicMs() < deadlineMs;
    if (!isGoing)
      throw new ClusterError(
        errorName(result?.errorCode ?? -1),
        result?.errorMessage ?? `${name} could not be created`,
      );
    await sleep(runtime.clock, pollMs);
  }
  while (runtime.clock.monotonicMs() < deadlineMs) {
    await client.refresh([name]);
    const known = client.topic(name);
    if (known?.partitions.length === partitions && known.partitions.every(({ leader }) => leader >= 0)) return;
    await sleep(runtime.clock, pollMs);
  }
  throw new ClusterError('NO_LEADER', `${name} got no leaders`);
}

/** The killed broker came back without leaders: the cluster is left as it was found. */
async function electPreferred(client: ClusterClient): Promise<void> {
  const body = { electionType: 0, topicPartitions: null, timeoutMs: adminTimeoutMs };
  await client.sendToAny(electLeadersApi, body, adminTimeoutMs).catch(() => undefined);
}

/** Also of a trial that was cut short; a topic that is not there is fine. */
async function deleteTopic(client: ClusterClient, name: string): Promise<void> {
  await client
    .sendToAny(deleteTopicsApi, { topics: [{ name }], timeoutMs: adminTimeoutMs }, adminTimeoutMs)
    .catch(() => undefined);
}

function sleep(clock: Runtime['clock'], ms: number): Promise<void> {
  return new Promise((resolve) => clock.at(clock.monotonicMs() + ms, resolve));
}
