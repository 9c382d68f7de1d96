// The metadata image as replication asks for it: the adapter between what metadata knows and what replication needs.

import type { BrokerId, TopicId } from '../core/ids.ts';
import type { LogConfig } from '../log/log-config.ts';
import { isActive } from '../metadata/cluster-image.ts';
import { topicLogConfig, type BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { BrokerEndpoint, ClusterMetadata } from '../replication/contract.ts';

/** `image` is asked at every use, so that answers are always of the newest one. */
export function imageMetadata(
  image: () => MetadataImage,
  settings: BrokerSettings,
  listenerName: string,
): ClusterMetadata {
  // Resolving a topic's configuration walks every layer: kept per image of the configurations.
  let configsOf: MetadataImage['configs'] | null = null;
  let logConfigs = new Map<string, LogConfig>();
  return {
    topicName: (topicId) => image().topics.byId.get(topicId)?.name ?? null,
    topicId: (topic) => image().topics.byName.get(topic)?.id ?? null,
    partitionExists: (topicId, partition) => image().topics.byId.get(topicId)?.partitions.has(partition) ?? false,
    partitionLeader(topicId: TopicId, partition: number) {
      const registration = image().topics.byId.get(topicId)?.partitions.get(partition);
      if (registration === undefined) return null;
      return { leader: registration.leader as BrokerId | -1, leaderEpoch: registration.leaderEpoch };
    },
    logConfig(topic) {
      const current = image();
      if (configsOf !== current.configs) {
        configsOf = current.configs;
        logConfigs = new Map();
      }
      let config = logConfigs.get(topic);
      if (config === undefined) {
        config = topicLogConfig(current, settings, topic);
        logConfigs.set(topic, config);
      }
      return config;
    },
    eligibleBrokerEpoch(brokerId) {
      const broker = image().cluster.brokers.get(brokerId);
      return broker !== undefined && isActive(broker) ? broker.epoch : null;
    },
    endpoint: (brokerId) => endpointOf(image(), brokerId, listenerName),
  };
}

/** Where an unfenced broker listens for `listenerName`; null for any other. */
export function endpointOf(image: MetadataImage, brokerId: number, listenerName: string): BrokerEndpoint | null {
  const broker = image.cluster.brokers.get(brokerId);
  if (broker === undefined || broker.isFenced) return null;
  const endpoint = broker.endpoints.find((each) => each.name === listenerName);
  return endpoint === undefined ? null : { host: endpoint.host, port: endpoint.port, rack: broker.rack };
}
