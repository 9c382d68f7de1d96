// The broker settings that the share coordinator reads, by Kafka's names with the dots taken out.

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { CompressionType } from '../../records/compression-type.ts';

export type ShareCoordinatorConfig = {
  readonly stateTopicNumPartitions: number;
  readonly stateTopicCompression: CompressionType;
  readonly stateTopicPruneIntervalMs: number;
  readonly snapshotUpdateRecordsPerSnapshot: number;
  readonly coldPartitionSnapshotIntervalMs: number;
  readonly loadBufferSize: number;
  readonly writeTimeoutMs: number;
  /** Largest batch that goes into the topic. */
  readonly messageMaxBytes: number;
};

const compressionTypes: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function shareCoordinatorConfig(settings: BrokerSettings): ShareCoordinatorConfig {
  const number = (name: string): number => settings.number(`share.coordinator.${name}`);
  return {
    stateTopicNumPartitions: number('state.topic.num.partitions'),
    stateTopicCompression: compressionTypes[number('state.topic.compression.codec')] ?? 'none',
    stateTopicPruneIntervalMs: number('state.topic.prune.interval.ms'),
    snapshotUpdateRecordsPerSnapshot: number('snapshot.update.records.per.snapshot'),
    coldPartitionSnapshotIntervalMs: number('cold.partition.snapshot.interval.ms'),
    loadBufferSize: number('load.buffer.size'),
    writeTimeoutMs: number('write.timeout.ms'),
    messageMaxBytes: settings.number('message.max.bytes'),
  };
}
