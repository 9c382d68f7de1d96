// Producer presets: Kafka's own settings in named sets, the good ones and the ones that lose or repeat records.
// Pure data; what each costs and risks is measured elsewhere, on the cluster at hand.

import type { CompressionType } from '../records/compression-type.ts';

/** Kafka's producer settings, in camel case; units last. */
export type ProducerSettings = {
  readonly acks: 'all' | 1 | 0;
  readonly enableIdempotence: boolean;
  readonly retries: number;
  readonly maxInFlightRequestsPerConnection: number;
  readonly lingerMs: number;
  readonly batchSize: number;
  readonly compressionType: CompressionType;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly bufferMemory: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
};

export type SettingName = keyof ProducerSettings;

export type PresetName =
  | 'durable'
  | 'throughput'
  | 'low-latency'
  | 'kafka-defaults'
  | 'fire-and-forget'
  | 'leader-only'
  | 'no-idempotence'
  | 'no-retries';

export type ProducerPreset = {
  readonly name: PresetName;
  readonly title: string;
  /** Whether an acknowledged record survives the loss of a broker, once and in order. */
  readonly isSafe: boolean;
  /** What it is for, or what goes wrong with it. */
  readonly summary: string;
  readonly settings: ProducerSettings;
};

export const retriesMax = 2_147_483_647;

/** Kafka 4.3's defaults. */
const kafkaDefaults: ProducerSettings = {
  acks: 'all',
  enableIdempotence: true,
  retries: retriesMax,
  maxInFlightRequestsPerConnection: 5,
  lingerMs: 5,
  batchSize: 16_384,
  compressionType: 'none',
  deliveryTimeoutMs: 120_000,
  requestTimeoutMs: 30_000,
  bufferMemory: 33_554_432,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1000,
};

const durable: ProducerSettings = { ...kafkaDefaults, batchSize: 65_536, compressionType: 'lz4' };

export const presets: readonly ProducerPreset[] = [
  {
    name: 'durable',
    title: 'Durable',
    isSafe: true,
    summary: 'Every acknowledged record is on all in-sync replicas, once and in order, whichever broker dies.',
    settings: durable,
  },
  {
    name: 'throughput',
    title: 'Throughput',
    isSafe: true,
    summary: 'As safe as durable; waits longer for fuller batches, so fewer requests and better compression.',
    settings: { ...durable, lingerMs: 50, batchSize: 262_144, bufferMemory: 67_108_864 },
  },
  {
    name: 'low-latency',
    title: 'Low latency',
    isSafe: true,
    summary: 'As safe as durable; sends at once and pays with more, smaller requests.',
    settings: { ...durable, lingerMs: 0, batchSize: 16_384, compressionType: 'none' },
  },
  {
    name: 'kafka-defaults',
    title: 'Kafka 4.3 defaults',
    isSafe: true,
    summary: 'What a Java producer does when nothing is set.',
    settings: kafkaDefaults,
  },
  {
    name: 'leader-only',
    title: 'Leader only',
    isSafe: false,
    summary: 'acks=1: what the leader acknowledged and no follower fetched is gone when the leader dies.',
    settings: { ...durable, acks: 1, enableIdempotence: false },
  },
  {
    name: 'fire-and-forget',
    title: 'Fire and forget',
    isSafe: false,
    summary: 'acks=0: nobody says whether a record arrived; every failure is a silent loss.',
    settings: { ...durable, acks: 0, enableIdempotence: false, retries: 0 },
  },
  {
    name: 'no-idempotence',
    title: 'Without idempotence',
    isSafe: false,
    summary: 'acks=all with plain retries: an answer lost on its way makes a duplicate, and batches may overtake.',
    settings: { ...durable, enableIdempotence: false },
  },
  {
    name: 'no-retries',
    title: 'Without retries',
    isSafe: false,
    summary: 'The first error of a leader change is final: the application must handle each failed record itself.',
    settings: { ...durable, enableIdempotence: false, retries: 0 },
  },
];

/** Null for a name that no preset has. */
export function presetNamed(name: string): ProducerPreset | null {
  return presets.find((preset) => preset.name === name) ?? null;
}

/** Kafka's name of each setting, as it stands in producer.properties. */
export const propertyNames: Readonly<Record<SettingName, string>> = {
  acks: 'acks',
  enableIdempotence: 'enable.idempotence',
  retries: 'retries',
  maxInFlightRequestsPerConnection: 'max.in.flight.requests.per.connection',
  lingerMs: 'linger.ms',
  batchSize: 'batch.size',
  compressionType: 'compression.type',
  deliveryTimeoutMs: 'delivery.timeout.ms',
  requestTimeoutMs: 'request.timeout.ms',
  bufferMemory: 'buffer.memory',
  retryBackoffMs: 'retry.backoff.ms',
  retryBackoffMaxMs: 'retry.backoff.max.ms',
};

/** One sentence a setting: what it does, with the value it has here. */
export function explainSetting(name: SettingName, settings: ProducerSettings): string {
  switch (name) {
    case 'acks':
      return explainAcks(settings.acks);
    case 'enableIdempotence':
      return settings.enableIdempotence
        ? 'Batches carry a producer id and sequence numbers, so the leader drops a repeated one and refuses a gap.'
        : 'A retry whose first try did arrive is appended again, and the leader can not tell.';
    case 'retries':
      if (settings.retries === 0) return 'No second try: every error is handed to the application.';
      return 'Tries again until delivery.timeout.ms is over, which outlasts any leader change.';
    case 'maxInFlightRequestsPerConnection':
      return settings.enableIdempotence
        ? 'Up to five requests to a broker wait for their answers; sequence numbers keep their order.'
        : 'With several requests on their way and no sequence numbers, a retried batch lands behind a later one.';
    case 'lingerMs':
      return settings.lingerMs === 0
        ? 'A batch leaves as soon as the connection is free, even with one record in it.'
        : `A batch that is not full waits ${settings.lingerMs} ms for company: that much latency for fewer requests.`;
    case 'batchSize':
      return `A batch of a partition is full at ${settings.batchSize / 1024} KiB and leaves at once.`;
    case 'compressionType':
      return settings.compressionType === 'none'
        ? 'Records travel and are stored as they are: no work for the processor, more for network and disk.'
        : `Whole batches are packed with ${settings.compressionType} by the producer and stay packed on disk.`;
    case 'deliveryTimeoutMs':
      return `A record that is not acknowledged ${settings.deliveryTimeoutMs / 1000} s after send is given up.`;
    case 'requestTimeoutMs':
      return `A broker that says nothing for ${settings.requestTimeoutMs / 1000} s is taken for dead and the request tried elsewhere.`;
    case 'bufferMemory':
      return `Records wait in ${settings.bufferMemory / 1_048_576} MiB of memory; when it is full, send blocks.`;
    case 'retryBackoffMs':
      return `The first retry comes after ${settings.retryBackoffMs} ms; the wait doubles each time.`;
    case 'retryBackoffMaxMs':
      return `Between two tries there are at most ${settings.retryBackoffMaxMs} ms.`;
  }
}

function explainAcks(acks: ProducerSettings['acks']): string {
  if (acks === 'all')
    return 'The leader answers when all in-sync replicas hold the batch (and refuses below min.insync.replicas).';
  if (acks === 1) return 'The leader answers as soon as it has appended the batch itself, before any follower has it.';
  return 'The broker answers nothing, and the producer counts a record as sent once it is handed to the socket.';
}
