// AlterReplicaLogDirs, versions 1 to 2 (KIP-113): sends replicas of this broker to other log directories of its own.
// LOG_DIR_NOT_FOUND for a path that is none; REPLICA_NOT_AVAILABLE for a replica that is not here, which then is made
// in that directory when it comes; KAFKA_STORAGE_ERROR where something is offline; INVALID_REPLICA_ASSIGNMENT for a
// directory that is cordoned (KIP-1066). The move goes on after the answer.

import { toPartitionId } from '../../core/ids.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../protocol/messages/alter-replica-log-dirs.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export function createAlterReplicaLogDirsHandler({
  replicas,
}: {
  readonly replicas: ReplicaManager;
}): Handler<AlterReplicaLogDirsRequest, Writable<AlterReplicaLogDirsResponse>> {
  return (_context, { dirs }) => {
    const byTopic = new Map<string, { partitionIndex: number; errorCode: number }[]>();
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const rows = byTopic.get(name) ?? [];
        byTopic.set(name, rows);
        for (const index of partitions) {
          const errorCode =
            index < 0 ? ErrorCode.REPLICA_NOT_AVAILABLE : replicas.alterLogDirectory(name, toPartitionId(index), path);
          rows.push({ partitionIndex: index, errorCode });
        }
      }
    }
    return { results: [...byTopic].map(([topicName, partitions]) => ({ topicName, partitions })) };
  };
}
