// ClusterMetadata over the newest metadata image, and what a delta means for one broker's replicas.

import { toBrokerId, toPartitionId, type BrokerId, type LeaderEpoch, type TopicId } from '../core/ids.ts';
import type { LogConfig } from '../log/log-config.ts';
import { isActive } from '../metadata/cluster-image.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { directoryOf, directoryUnassigned } from '../metadata/topics-image.ts';
import type { LocalPartition, LocalReplicaChanges } from '../metadata/topics-delta.ts';
import type { AssignmentChanges, BrokerEndpoint, ClusterMetadata, PartitionAssignment } from './contract.ts';

export class ImageMetadata implements ClusterMetadata {
  private readonly image: () => MetadataImage;
  private readonly listenerName: string;
  private readonly configOf: (topic: string) => LogConfig;

  /** `listenerName`: the listener on which brokers reach one another. */
  constructor(image: () => MetadataImage, listenerName: string, configOf: (topic: string) => LogConfig) {
    this.image = image;
    this.listenerName = listenerName;
    this.configOf = configOf;
  }

  topicName(topicId: TopicId): string | null {
    return this.image().topics.byId.get(topicId)?.name ?? null;
  }

  topicId(topic: string): TopicId | null {
    return this.image().topics.byName.get(topic)?.id ?? null;
  }

  partitionExists(topicId: TopicId, partition: number): boolean {
    return this.image().topics.byId.get(topicId)?.partitions.has(partition) ?? false;
  }

  partitionLeader(topicId: TopicId, partition: number): { leader: BrokerId | -1; leaderEpoch: LeaderEpoch } | null {
    const known = this.image().topics.byId.get(topicId)?.partitions.get(partition);
    return known === undefined ? null : { leader: toLeader(known.leader), leaderEpoch: known.leaderEpoch };
  }

  logConfig(topic: string): LogConfig {
    return this.configOf(topic);
  }

  eligibleBrokerEpoch(brokerId: BrokerId): number | null {
    const broker = this.image().cluster.brokers.get(brokerId);
    return broker !== undefined && isActive(broker) ? broker.epoch : null;
  }

  endpoint(brokerId: BrokerId, listenerName: string = this.listenerName): BrokerEndpoint | null {
    const broker = this.image().cluster.brokers.get(brokerId);
    if (broker === undefined || broker.isFenced) return null;
    const endpoint = broker.endpoints.find((each) => each.name === listenerName);
    return endpoint === undefined ? null : { host: endpoint.host, port: endpoint.port, rack: broker.rack };
  }
}

function toLeader(leader: number): BrokerId | -1 {
  return leader < 0 ? -1 : toBrokerId(leader);
}

/** From metadata's words to replication's. */
export function toAssignmentChanges(changes: LocalReplicaChanges, nodeId: BrokerId): AssignmentChanges {
  return {
    changed: [...changes.leading, ...changes.following].map((each) => toAssignment(each, nodeId)),
    removed: changes.removed.map(({ topic, topicId, partition }) => ({
      topic,
      topicId,
      partition: toPartitionId(partition),
    })),
  };
}

function toAssignment(local: LocalPartition, nodeId: BrokerId): PartitionAssignment {
  const { topic, topicId, partition, registration } = local;
  return {
    topic,
    topicId,
    partition: toPartitionId(partition),
    leader: toLeader(registration.leader),
    leaderEpoch: registration.leaderEpoch,
    partitionEpoch: registration.partitionEpoch,
    replicas: registration.replicas.map(toBrokerId),
    inSyncReplicas: registration.inSyncReplicas.map(toBrokerId),
    directoryId: directoryOf(registration, nodeId) ?? directoryUnassigned,
  };
}
