// The broker settings that group coordination reads, by Kafka's names with the dots taken out.

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { configValues, ConfigResourceType } from '../../metadata/settings-image.ts';
import type { CompressionType } from '../../records/compression-type.ts';
import { shareGroupConfig, type ShareGroupConfig } from './share/share-group-config.ts';
import { streamsGroupConfig, type StreamsGroupConfig } from './streams/streams-group-config.ts';
import { knownAssignors } from './target-assignment.ts';

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
  readonly groupConsumerMinSessionTimeoutMs: number;
  readonly groupConsumerMaxSessionTimeoutMs: number;
  readonly groupConsumerHeartbeatIntervalMs: number;
  readonly groupConsumerMinHeartbeatIntervalMs: number;
  readonly groupConsumerMaxHeartbeatIntervalMs: number;
  readonly groupConsumerAssignmentIntervalMs: number;
  readonly groupConsumerMinAssignmentIntervalMs: number;
  readonly groupConsumerMaxAssignmentIntervalMs: number;
  readonly groupConsumerRegexRefreshIntervalMs: number;
  readonly groupConsumerMaxSize: number;
  readonly groupConsumerAssignors: readonly string[];
  readonly groupConsumerMigrationPolicy: MigrationPolicy;
  readonly share: ShareGroupConfig;
  readonly streams: StreamsGroupConfig;
  /** Largest batch that goes into the topic. */
  readonly messageMaxBytes: number;
};

/** Whether classic groups become consumer groups when such a member comes, and back when the last one goes. */
export type MigrationPolicy = { readonly upgrades: boolean; readonly downgrades: boolean };

const compressionTypes: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** With `image`, including what was changed at run time. */
export function groupCoordinatorConfig(settings: BrokerSettings, image?: MetadataImage): GroupCoordinatorConfig {
  const number = (name: string): number => settings.number(name, image);
  return {
    offsetsTopicPartitions: number('offsets.topic.num.partitions'),
    offsetsTopicCompression: compressionTypes[number('offsets.topic.compression.codec')] ?? 'none',
    offsetMetadataMaxBytes: number('offset.metadata.max.bytes'),
    offsetsRetentionMs: number('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
    offsetsCommitTimeoutMs: number('offsets.commit.timeout.ms'),
    offsetsLoadBufferSize: number('offsets.load.buffer.size'),
    groupInitialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
    groupMaxSize: number('group.max.size'),
    groupMinSessionTimeoutMs: number('group.min.session.timeout.ms'),
    groupMaxSessionTimeoutMs: number('group.max.session.timeout.ms'),
    groupConsumerSessionTimeoutMs: number('group.consumer.session.timeout.ms'),
    groupConsumerMinSessionTimeoutMs: number('group.consumer.min.session.timeout.ms'),
    groupConsumerMaxSessionTimeoutMs: number('group.consumer.max.session.timeout.ms'),
    groupConsumerHeartbeatIntervalMs: number('group.consumer.heartbeat.interval.ms'),
    groupConsumerMinHeartbeatIntervalMs: number('group.consumer.min.heartbeat.interval.ms'),
    groupConsumerMaxHeartbeatIntervalMs: number('group.consumer.max.heartbeat.interval.ms'),
    groupConsumerAssignmentIntervalMs: number('group.consumer.assignment.interval.ms'),
    groupConsumerMinAssignmentIntervalMs: number('group.consumer.min.assignment.interval.ms'),
    groupConsumerMaxAssignmentIntervalMs: number('group.consumer.max.assignment.interval.ms'),
    groupConsumerRegexRefreshIntervalMs: number('group.consumer.regex.refresh.interval.ms'),
    groupConsumerMaxSize: number('group.consumer.max.size'),
    groupConsumerAssignors: knownAssignors(settings.list('group.consumer.assignors', image)),
    groupConsumerMigrationPolicy: migrationPolicy(settings.text('group.consumer.migration.policy', image) ?? ''),
    share: shareGroupConfig(settings, image),
    streams: streamsGroupConfig(settings, image),
    messageMaxBytes: number('message.max.bytes'),
  };
}

function migrationPolicy(name: string): MigrationPolicy {
  const policy = name.trim().toLowerCase();
  return {
    upgrades: policy === 'upgrade' || policy === 'bidirectional',
    downgrades: policy === 'downgrade' || policy === 'bidirectional',
  };
}

/** What one consumer group may set for itself. */
export type ConsumerGroupSettings = {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
};

/** A group's own settings over the broker's, within the broker's limits. */
export function consumerGroupSettings(
  config: GroupCoordinatorConfig,
  image: MetadataImage,
  groupId: string,
): ConsumerGroupSettings {
  const own = configValues(image.configs, ConfigResourceType.GROUP, groupId);
  const within = (name: string, inherited: number, least: number, most: number): number => {
    const value = own.get(name);
    return value === undefined ? inherited : Math.min(Math.max(Number(value), least), most);
  };
  return {
    sessionTimeoutMs: within(
      'consumer.session.timeout.ms',
      config.groupConsumerSessionTimeoutMs,
      config.groupConsumerMinSessionTimeoutMs,
      config.groupConsumerMaxSessionTimeoutMs,
    ),
    heartbeatIntervalMs: within(
      'consumer.heartbeat.interval.ms',
      config.groupConsumerHeartbeatIntervalMs,
      config.groupConsumerMinHeartbeatIntervalMs,
      config.groupConsumerMaxHeartbeatIntervalMs,
    ),
    assignmentIntervalMs: within(
      'consumer.assignment.interval.ms',
      config.groupConsumerAssignmentIntervalMs,
      config.groupConsumerMinAssignmentIntervalMs,
      config.groupConsumerMaxAssignmentIntervalMs,
    ),
  };
}
