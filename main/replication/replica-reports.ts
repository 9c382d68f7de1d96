// What telemetry says of replicas: only those that changed since it asked last. Marking is one Set.add per change.

import type { Partition } from './partition.ts';

/** One replica that this broker hosts; the same shape as in the broker's contract, which stands above this module. */
export type ReplicaReport = {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly role: 'leader' | 'follower' | 'offline';
  readonly leaderEpoch: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly sizeBytes: number;
  /** Only from the leader. */
  readonly inSyncReplicas: readonly number[] | null;
};

export type ReplicaChanges = { readonly changed: readonly ReplicaReport[]; readonly removed: readonly string[] };

export class ReplicaReports {
  /** Bounded by the partitions of this broker. */
  readonly changed = new Set<Partition>();
  private readonly removedNames = new Set<string>();

  removed(name: string): void {
    this.removedNames.add(name);
  }

  take(): ReplicaChanges {
    const changed: ReplicaReport[] = [];
    for (const partition of this.changed) {
      if (partition.isClosed) continue;
      this.removedNames.delete(partition.name);
      changed.push(reportOf(partition));
    }
    const removed = [...this.removedNames];
    this.changed.clear();
    this.removedNames.clear();
    return { changed, removed };
  }
}

function reportOf({ topic, topicId, partition, role, leaderEpoch, log }: Partition): ReplicaReport {
  return {
    topic,
    topicId,
    partition,
    role: role.kind === 'unassigned' ? 'offline' : role.kind,
    leaderEpoch,
    logStartOffset: log.logStartOffset,
    logEndOffset: log.logEndOffset,
    highWatermark: log.highWatermark,
    sizeBytes: log.sizeBytes,
    inSyncReplicas: role.kind === 'leader' ? role.inSync.inSync : null,
  };
}
