// How clients see brokers and partitions of the metadata image, for Metadata and DescribeTopicPartitions alike.

import { ErrorCode } from '../../protocol/errors.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import {
  directoryOf,
  directoryUnassigned,
  isDirectoryOnline,
  noLeader,
  type PartitionRegistration,
} from '../../metadata/topics-image.ts';

export type NodeView = {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
};

/** Unfenced brokers that have the listener. */
export function aliveNodes(image: MetadataImage, listenerName: string): NodeView[] {
  const nodes: NodeView[] = [];
  for (const broker of image.cluster.brokers.values()) {
    const endpoint = broker.endpoints.find((each) => each.name === listenerName);
    if (broker.isFenced || endpoint === undefined) continue;
    nodes.push({ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return nodes;
}

function isAlive(image: MetadataImage, listenerName: string, brokerId: number): boolean {
  const broker = image.cluster.brokers.get(brokerId);
  return broker !== undefined && !broker.isFenced && broker.endpoints.some((each) => each.name === listenerName);
}

function isOffline(image: MetadataImage, listenerName: string, partition: PartitionRegistration, id: number): boolean {
  if (!isAlive(image, listenerName, id)) return true;
  const broker = image.cluster.brokers.get(id);
  return !isDirectoryOnline(directoryOf(partition, id) ?? directoryUnassigned, broker?.directories ?? []);
}

export type PartitionView = {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
};

export type PartitionViewOptions = {
  readonly listenerName: string;
  /** Metadata 0: replicas that can't be reached are left out, and said to be missing. */
  readonly hidesUnavailable: boolean;
  /** Metadata 6 and later know the error LISTENER_NOT_FOUND. */
  readonly knowsListenerError: boolean;
};

export function partitionView(
  image: MetadataImage,
  partitionIndex: number,
  partition: PartitionRegistration,
  { listenerName, hidesUnavailable, knowsListenerError }: PartitionViewOptions,
): PartitionView {
  const shown = (ids: readonly number[]): readonly number[] =>
    hidesUnavailable ? ids.filter((id) => isAlive(image, listenerName, id)) : ids;
  const replicaNodes = shown(partition.replicas);
  const isrNodes = shown(partition.inSyncReplicas);
  const { leader, leaderEpoch } = partition;
  const common = {
    partitionIndex,
    leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: partition.replicas.filter((id) => isOffline(image, listenerName, partition, id)),
  };
  if (!isAlive(image, listenerName, leader)) {
    const isKnown = knowsListenerError && image.cluster.brokers.has(leader);
    const errorCode = isKnown ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE;
    return { ...common, errorCode, leaderId: noLeader };
  }
  const isWhole =
    replicaNodes.length === partition.replicas.length && isrNodes.length === partition.inSyncReplicas.length;
  return { ...common, errorCode: isWhole ? ErrorCode.NONE : ErrorCode.REPLICA_NOT_AVAILABLE, leaderId: leader };
}
