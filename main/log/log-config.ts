// What a partition's log needs to know of its topic's configuration. Names and defaults are Kafka's, in camel case
// with the unit last. Validation of values belongs to main/metadata; here a bad value is a bug.

import { AssertionFailure } from '../core/assert.ts';
import type { CompressionType } from '../records/compression-type.ts';

export type TimestampType = 'CreateTime' | 'LogAppendTime';
/** `compression.type`; Kafka's `uncompressed` is `none` here, as in main/records. */
export type CompressionTarget = CompressionType | 'producer';

export type LogConfig = {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  /** −1: no limit. */
  readonly retentionBytes: number;
  /** −1: no limit. */
  readonly retentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  /** Both may hold (`cleanup.policy=compact,delete`), or neither. */
  readonly isCompacted: boolean;
  readonly isDeleted: boolean;
  readonly minCleanableDirtyRatio: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly compressionType: CompressionTarget;
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly messageTimestampType: TimestampType;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly minInsyncReplicas: number;
  readonly uncleanLeaderElectionEnable: boolean;
  // Broker settings that act inside the log.
  readonly producerIdExpirationMs: number;
  readonly transactionPartitionVerificationEnable: boolean;
};

/** Stands in for Java's Long.MAX_VALUE: "never". */
export const neverMs = Number.MAX_SAFE_INTEGER;
const weekMs = 7 * 24 * 3600 * 1000;
const dayMs = 24 * 3600 * 1000;

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: weekMs,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  retentionBytes: -1,
  retentionMs: weekMs,
  fileDeleteDelayMs: 60_000,
  flushMessages: neverMs,
  flushMs: neverMs,
  isCompacted: false,
  isDeleted: true,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: dayMs,
  minCompactionLagMs: 0,
  maxCompactionLagMs: neverMs,
  maxMessageBytes: 1024 * 1024 + 12,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: neverMs,
  messageTimestampAfterMaxMs: 3_600_000,
  minInsyncReplicas: 1,
  uncleanLeaderElectionEnable: false,
  producerIdExpirationMs: dayMs,
  transactionPartitionVerificationEnable: true,
};

type NumberField = { [K in keyof LogConfig]: LogConfig[K] extends number ? K : never }[keyof LogConfig];

const numberFields: Readonly<Record<string, NumberField>> = {
  'segment.bytes': 'segmentBytes',
  'internal.segment.bytes': 'segmentBytes',
  'segment.ms': 'segmentMs',
  'segment.jitter.ms': 'segmentJitterMs',
  'segment.index.bytes': 'segmentIndexBytes',
  'index.interval.bytes': 'indexIntervalBytes',
  'retention.bytes': 'retentionBytes',
  'retention.ms': 'retentionMs',
  'file.delete.delay.ms': 'fileDeleteDelayMs',
  'flush.messages': 'flushMessages',
  'flush.ms': 'flushMs',
  'min.cleanable.dirty.ratio': 'minCleanableDirtyRatio',
  'delete.retention.ms': 'deleteRetentionMs',
  'min.compaction.lag.ms': 'minCompactionLagMs',
  'max.compaction.lag.ms': 'maxCompactionLagMs',
  'max.message.bytes': 'maxMessageBytes',
  'compression.gzip.level': 'compressionGzipLevel',
  'compression.lz4.level': 'compressionLz4Level',
  'compression.zstd.level': 'compressionZstdLevel',
  'message.timestamp.before.max.ms': 'messageTimestampBeforeMaxMs',
  'message.timestamp.after.max.ms': 'messageTimestampAfterMaxMs',
  'min.insync.replicas': 'minInsyncReplicas',
  'producer.id.expiration.ms': 'producerIdExpirationMs',
};

const compressionTargets: readonly CompressionTarget[] = ['producer', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Builds a log's config from topic settings under Kafka's names; settings that a log does not know are left out. */
export function logConfigFrom(
  settings: Readonly<Record<string, string>>,
  defaults: LogConfig = defaultLogConfig,
): LogConfig {
  const config: { -readonly [K in keyof LogConfig]: LogConfig[K] } = { ...defaults };
  for (const [name, value] of Object.entries(settings)) {
    const field = numberFields[name];
    if (field !== undefined) config[field] = numberOf(name, value);
  }
  const policy = settings['cleanup.policy'];
  if (policy !== undefined) {
    const policies = policy.split(',').map((word) => word.trim());
    config.isCompacted = policies.includes('compact');
    config.isDeleted = policies.includes('delete');
  }
  const target = settings['compression.type'];
  if (target !== undefined) {
    const found = compressionTargets.find((candidate) => candidate === (target === 'uncompressed' ? 'none' : target));
    if (found === undefined) throw new AssertionFailure(`compression.type is not known: ${target}`);
    config.compressionType = found;
  }
  const timestampType = settings['message.timestamp.type'];
  if (timestampType === 'CreateTime' || timestampType === 'LogAppendTime') config.messageTimestampType = timestampType;
  const unclean = settings['unclean.leader.election.enable'];
  if (unclean !== undefined) config.uncleanLeaderElectionEnable = unclean === 'true';
  const verification = settings['transaction.partition.verification.enable'];
  if (verification !== undefined) config.transactionPartitionVerificationEnable = verification === 'true';
  return config;
}

/** Java's Long.MAX_VALUE and its neighbours end at the largest safe integer, which is as far away. */
function numberOf(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isFinite(number)) throw new AssertionFailure(`${name} is not a number: ${value}`);
  return Math.max(-neverMs, Math.min(neverMs, number));
}
