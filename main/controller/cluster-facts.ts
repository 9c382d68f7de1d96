// Questions to the metadata that several decisions ask: who may lead, where a replica goes, which settings hold.

import { configValues, ConfigResourceType, featureLevel } from '../metadata/settings-image.ts';
import { isActive } from '../metadata/cluster-image.ts';
import { brokerConfigValue } from '../metadata/configs/config-schema.ts';
import {
  directoryUnassigned,
  isDirectoryOnline,
  type PartitionRegistration,
  type TopicImage,
} from '../metadata/topics-image.ts';
import type { ControllerView } from './decision.ts';

export function isActiveBroker(view: ControllerView, brokerId: number): boolean {
  const broker = view.image.cluster.brokers.get(brokerId);
  return broker !== undefined && isActive(broker);
}

/**
 * Whether a broker may lead the partition: it is alive (by `isAlive`, where a decision is about to change that) and
 * the log directory that holds its replica is online.
 */
export function leaderAcceptor(
  view: ControllerView,
  partition: PartitionRegistration,
  isAlive: (brokerId: number) => boolean = (brokerId) => isActiveBroker(view, brokerId),
): (brokerId: number) => boolean {
  return (brokerId) => {
    if (!isAlive(brokerId)) return false;
    const broker = view.image.cluster.brokers.get(brokerId);
    const directory = partition.directories[partition.replicas.indexOf(brokerId)] ?? directoryUnassigned;
    return broker !== undefined && isDirectoryOnline(directory, broker.directories);
  };
}

/** The directory of a new replica: known when the broker has only one, chosen by the broker otherwise. */
export function defaultDirectory(view: ControllerView, brokerId: number): string {
  const directories = view.image.cluster.brokers.get(brokerId)?.directories ?? [];
  return (directories.length === 1 ? directories[0] : undefined) ?? directoryUnassigned;
}

export function isElrEnabled(view: ControllerView): boolean {
  return featureLevel(view.image.features, 'eligible.leader.replicas.version') >= 1;
}

function topicSetting(view: ControllerView, topic: string, name: string): string {
  const set = configValues(view.image.configs, ConfigResourceType.TOPIC, topic).get(name);
  return set ?? brokerConfigValue(name, view.settings.layers(view.image)) ?? '';
}

/** `min.insync.replicas` in force, no more than the topic has replicas. */
export function effectiveMinInSyncReplicas(view: ControllerView, topic: TopicImage): number {
  const replicas = topic.partitions.get(0)?.replicas.length ?? 1;
  return Math.min(Number(topicSetting(view, topic.name, 'min.insync.replicas')), replicas);
}

export function isUncleanElectionEnabled(view: ControllerView, topic: string): boolean {
  return topicSetting(view, topic, 'unclean.leader.election.enable').toLowerCase() === 'true';
}
