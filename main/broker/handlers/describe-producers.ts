// DescribeProducers, version 0 (KIP-664): producers that a partition's leader keeps state of.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from '../../protocol/messages/describe-producers.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export type DescribeProducersDependencies = { readonly replicas: ReplicaManager };

export function createDescribeProducersHandler(
  dependencies: DescribeProducersDependencies,
): Handler<DescribeProducersRequest, Writable<DescribeProducersResponse>> {
  const { replicas } = dependencies;
  return (_context, request) => ({
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const partition = replicas.findByName(name, partitionIndex);
        if (typeof partition === 'number') return { partitionIndex, errorCode: partition };
        if (!partition.isLeader) return { partitionIndex, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
        return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers: partition.log.activeProducers() };
      }),
    })),
  });
}
