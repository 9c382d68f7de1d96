// DeleteRecords, versions 0 to 2 (KIP-107): raises the log start offset and waits until all live replicas have followed.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DeleteRecordsRequest, DeleteRecordsResponse } from '../../protocol/messages/delete-records.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import { isInternalTopic } from '../../metadata/internal-topics.ts';

export type DeleteRecordsDependencies = { readonly replicas: ReplicaManager };

/** Instead of an offset: everything up to the high watermark. */
const upToHighWatermark = -1;

type Answer = { readonly errorCode: number; readonly lowWatermark: number };

export function createDeleteRecordsHandler(
  dependencies: DeleteRecordsDependencies,
): Handler<DeleteRecordsRequest, Writable<DeleteRecordsResponse>> {
  return async (_context, request) => {
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }) => ({
          partitionIndex,
          ...(await deleteOne(dependencies.replicas, name, partitionIndex, offset, request.timeoutMs)),
        })),
      ),
    }));
    return { topics: await Promise.all(topics) };
  };
}

function deleteOne(
  replicas: ReplicaManager,
  topic: string,
  index: number,
  offset: number,
  timeoutMs: number,
): Answer | Promise<Answer> {
  const partition = replicas.findByName(topic, index);
  if (typeof partition === 'number') return refused(partition);
  if (isInternalTopic(topic)) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (!partition.isLeader) return refused(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  const { log } = partition;
  if (!log.config.isDeleted) return refused(ErrorCode.POLICY_VIOLATION);
  const target = offset === upToHighWatermark ? log.highWatermark : offset;
  if (target < 0) return refused(ErrorCode.OFFSET_OUT_OF_RANGE);
  return new Promise((resolve) => {
    replicas.deleteRecords(partition, target, Math.max(0, timeoutMs), (errorCode, lowWatermark) =>
      resolve({ errorCode, lowWatermark }),
    );
  });
}

function refused(errorCode: number): Answer {
  return { errorCode, lowWatermark: -1 };
}
