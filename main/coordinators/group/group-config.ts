// The broker settings that group coordination reads, by Kafka's names with the dots taken out.

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { CompressionType } from '../../records/compression-type.ts';

export type GroupCoordinatorConfig = {
  readonly offsetsTopicPartitions: number;
  readonly offsetsTopicCompression: CompressionType;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  readonly offsetsCommitTimeoutMs: number;
  readonly offsetsLoadBufferSize: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMaxSize: number;
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupConsumerSessionTimeoutMs: number;
  /** Largest batch that goes into the topic. */
  readonly messageMaxBytes: number;
};

const compressionTypes: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function groupCoordinatorConfig(settings: BrokerSettings): GroupCoordinatorConfig {
  return {
    offsetsTopicPartitions: settings.number('offsets.topic.num.partitions'),
    offsetsTopicCompression: compressionTypes[settings.number('offsets.topic.compression.codec')] ?? 'none',
    offsetMetadataMaxBytes: settings.number('offset.metadata.max.bytes'),
    offsetsRetentionMs: settings.number('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: settings.number('offsets.retention.check.interval.ms'),
    offsetsCommitTimeoutMs: settings.number('offsets.commit.timeout.ms'),
    offsetsLoadBufferSize: settings.number('offsets.load.buffer.size'),
    groupInitialRebalanceDelayMs: settings.number('group.initial.rebalance.delay.ms'),
    groupMaxSize: settings.number('group.max.size'),
    groupMinSessionTimeoutMs: settings.number('group.min.session.timeout.ms'),
    groupMaxSessionTimeoutMs: settings.number('group.max.session.timeout.ms'),
    groupConsumerSessionTimeoutMs: settings.number('group.consumer.session.timeout.ms'),
    messageMaxBytes: settings.number('message.max.bytes'),
  };
}
