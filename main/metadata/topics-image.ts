// Topics and partitions as the metadata log describes them at one offset. Immutable: a delta makes the next image.

import { toLeaderEpoch, toTopicId, type LeaderEpoch, type TopicId } from '../core/ids.ts';
import type { MetadataRecord, PartitionChangeRecord, PartitionRecord } from '../protocol/messages/metadata-records.ts';

/** Stands for "no leader" wherever a leader's id is expected. */
export const noLeader = -1;
/** In a PartitionChangeRecord: the leader stays. */
export const leaderUnchanged = -2;
/** Directory ids with a meaning of their own (KIP-858). */
export const directoryUnassigned = 'AAAAAAAAAAAAAAAAAAAAAA';
export const directoryLost = 'AAAAAAAAAAAAAAAAAAAAAQ';
export const directoryMigrating = 'AAAAAAAAAAAAAAAAAAAAAg';

/** 0: recovered; 1: elected uncleanly and not yet recovered (KIP-704). */
export type LeaderRecoveryState = 0 | 1;

export type PartitionRegistration = {
  /** Broker ids in order of preference: the first is the preferred leader. */
  readonly replicas: readonly number[];
  /** The log directory of each replica, by the same index. */
  readonly directories: readonly string[];
  readonly inSyncReplicas: readonly number[];
  /** Out of sync, yet sure to hold everything committed (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownEligibleLeaders: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** `noLeader` when the partition is offline. */
  readonly leader: number;
  readonly leaderRecoveryState: LeaderRecoveryState;
  /** Rises with every leader change. */
  readonly leaderEpoch: LeaderEpoch;
  /** Rises with every change. */
  readonly partitionEpoch: number;
};

export type TopicImage = {
  readonly name: string;
  readonly id: TopicId;
  /** By partition index. */
  readonly partitions: ReadonlyMap<number, PartitionRegistration>;
};

export type TopicsImage = {
  readonly byId: ReadonlyMap<string, TopicImage>;
  readonly byName: ReadonlyMap<string, TopicImage>;
};

export const emptyTopicsImage: TopicsImage = { byId: new Map(), byName: new Map() };

function toRecoveryState(value: number): LeaderRecoveryState {
  return value === 1 ? 1 : 0;
}

export function partitionFromRecord(record: PartitionRecord): PartitionRegistration {
  return {
    replicas: record.replicas,
    directories:
      record.directories.length === record.replicas.length
        ? record.directories
        : record.replicas.map(() => directoryMigrating),
    inSyncReplicas: record.isr,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownEligibleLeaders: record.lastKnownElr ?? [],
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    leader: record.leader,
    leaderRecoveryState: toRecoveryState(record.leaderRecoveryState),
    leaderEpoch: toLeaderEpoch(record.leaderEpoch),
    partitionEpoch: record.partitionEpoch,
  };
}

/** The partition after a change record; leader and partition epoch follow from what it says. */
export function mergePartition(before: PartitionRegistration, change: PartitionChangeRecord): PartitionRegistration {
  const changesLeader = change.leader !== leaderUnchanged;
  return {
    replicas: change.replicas ?? before.replicas,
    directories: mergedDirectories(before, change),
    inSyncReplicas: change.isr ?? before.inSyncReplicas,
    eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownEligibleLeaders: change.lastKnownElr ?? before.lastKnownEligibleLeaders,
    removingReplicas: change.removingReplicas ?? before.removingReplicas,
    addingReplicas: change.addingReplicas ?? before.addingReplicas,
    leader: changesLeader ? change.leader : before.leader,
    leaderRecoveryState:
      change.leaderRecoveryState === -1 ? before.leaderRecoveryState : toRecoveryState(change.leaderRecoveryState),
    leaderEpoch: changesLeader ? toLeaderEpoch(before.leaderEpoch + 1) : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
  };
}

function mergedDirectories(before: PartitionRegistration, change: PartitionChangeRecord): readonly string[] {
  if (change.directories !== null) return change.directories;
  if (change.replicas === null) return before.directories;
  // New replicas without directories: keep what is known of those that stay.
  return change.replicas.map((replica) => directoryOf(before, replica) ?? directoryUnassigned);
}

/** The log directory of a replica, or null when the broker holds none. */
export function directoryOf(partition: PartitionRegistration, brokerId: number): string | null {
  const index = partition.replicas.indexOf(brokerId);
  return index < 0 ? null : (partition.directories[index] ?? directoryUnassigned);
}

/** Whether a replica there can be reached, as far as its broker's registration tells (KIP-858). */
export function isDirectoryOnline(directory: string, online: readonly string[]): boolean {
  if (directory === directoryLost) return false;
  if (directory === directoryUnassigned || directory === directoryMigrating) return true;
  return online.length === 0 || online.includes(directory);
}

export function hasPreferredLeader(partition: PartitionRegistration): boolean {
  return partition.leader === partition.replicas[0];
}

export function isReassigning(partition: PartitionRegistration): boolean {
  return partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0;
}

/** A record that makes exactly this partition, as Kafka writes it from metadata.version 4.0 on. */
export function partitionToRecord(topicId: TopicId, index: number, partition: PartitionRegistration): MetadataRecord {
  const elr = partition.eligibleLeaderReplicas;
  const lastKnown = partition.lastKnownEligibleLeaders;
  return {
    name: 'PartitionRecord',
    version: 2,
    value: {
      partitionId: index,
      topicId,
      replicas: partition.replicas,
      isr: partition.inSyncReplicas,
      removingReplicas: partition.removingReplicas,
      addingReplicas: partition.addingReplicas,
      leader: partition.leader,
      leaderRecoveryState: partition.leaderRecoveryState,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      directories: partition.directories,
      eligibleLeaderReplicas: elr.length > 0 ? elr : null,
      lastKnownElr: lastKnown.length > 0 ? lastKnown : null,
    },
  };
}

export function* topicsToRecords(image: TopicsImage): Generator<MetadataRecord> {
  for (const topic of image.byId.values()) {
    yield { name: 'TopicRecord', version: 0, value: { name: topic.name, topicId: topic.id } };
    const indexes = [...topic.partitions.keys()].sort((a, b) => a - b);
    for (const index of indexes) {
      const partition = topic.partitions.get(index);
      if (partition !== undefined) yield partitionToRecord(topic.id, index, partition);
    }
  }
}

export function newTopicImage(name: string, id: string): TopicImage {
  return { name, id: toTopicId(id), partitions: new Map() };
}
