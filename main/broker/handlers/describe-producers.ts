// DescribeProducers, version 0 (KIP-664): producers that a replica keeps state of. Any replica answers, not only the
// leader: `kafka-transactions find-hanging --broker-id` asks one broker for all that it hosts.

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
        return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers: partition.log.activeProducers() };
      }),
    })),
  });
}
