// OffsetForLeaderEpoch, versions 2 to 4: where an epoch ends on the leader. KIP-101, 279, 320.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '../../protocol/messages/offset-for-leader-epoch.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export type OffsetForLeaderEpochDependencies = { readonly replicas: ReplicaManager };

type Answer = { readonly errorCode: number; readonly leaderEpoch: number; readonly endOffset: number };

export function createOffsetForLeaderEpochHandler(
  dependencies: OffsetForLeaderEpochDependencies,
): Handler<OffsetForLeaderEpochRequest, Writable<OffsetForLeaderEpochResponse>> {
  const { replicas } = dependencies;
  return (_context, request) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({
        partition,
        ...answerOne(replicas, topic, partition, currentLeaderEpoch, leaderEpoch),
      })),
    })),
  });
}

function answerOne(
  replicas: ReplicaManager,
  topic: string,
  index: number,
  currentEpoch: number,
  epoch: number,
): Answer {
  const partition = replicas.findByName(topic, index);
  if (typeof partition === 'number') return refused(partition);
  const epochError = partition.checkLeaderEpoch(currentEpoch);
  if (epochError !== ErrorCode.NONE) return refused(epochError);
  if (!partition.isLeader) return refused(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  const end = partition.log.endOffsetForEpoch(epoch);
  if (end === null) return refused(ErrorCode.NONE);
  return { errorCode: ErrorCode.NONE, leaderEpoch: end.epoch, endOffset: end.endOffset };
}

function refused(errorCode: number): Answer {
  return { errorCode, leaderEpoch: -1, endOffset: -1 };
}
