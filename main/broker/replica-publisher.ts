// Tells replication what each new metadata image means for this broker's replicas.

import { toBrokerId, toPartitionId, type BrokerId } from '../core/ids.ts';
import type { MetadataPublisher } from '../metadata/metadata-loader.ts';
import type { LocalPartition } from '../metadata/topics-delta.ts';
import type { AssignmentChanges, PartitionAssignment } from '../replication/contract.ts';

export function replicaPublisher(
  nodeId: BrokerId,
  replicas: { applyChanges(changes: AssignmentChanges): void; configsChanged?(topics: ReadonlySet<string>): void },
): MetadataPublisher {
  return {
    name: 'replicas',
    onUpdate(delta) {
      const { topics } = delta;
      if (topics === null) return;
      const { leading, following, removed } = topics.localChanges(nodeId);
      if (leading.length + following.length + removed.length === 0) return;
      replicas.applyChanges({
        changed: [...leading, ...following].map(assignmentOf),
        removed: removed.map((each) => ({ ...each, partition: toPartitionId(each.partition) })),
      });
    },
  };
}

function assignmentOf({ topic, topicId, partition, registration }: LocalPartition): PartitionAssignment {
  return {
    topic,
    topicId,
    partition: toPartitionId(partition),
    leader: registration.leader < 0 ? -1 : toBrokerId(registration.leader),
    leaderEpoch: registration.leaderEpoch,
    partitionEpoch: registration.partitionEpoch,
    replicas: registration.replicas.map(toBrokerId),
    inSyncReplicas: registration.inSyncReplicas.map(toBrokerId),
  };
}
