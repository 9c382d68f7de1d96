// DescribeLogDirs, versions 1 to 5 (KIP-113, 827, 1066): what the broker's one log directory holds.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeLogDirsRequest, DescribeLogDirsResponse } from '../../protocol/messages/describe-log-dirs.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { Partition } from '../../replication/partition.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export type DescribeLogDirsDependencies = { readonly replicas: ReplicaManager };

export function createDescribeLogDirsHandler(
  dependencies: DescribeLogDirsDependencies,
): Handler<DescribeLogDirsRequest, Writable<DescribeLogDirsResponse>> {
  const { replicas } = dependencies;
  return (_context, request) => {
    const { path, totalBytes, usableBytes } = replicas.logDirectoryUsage();
    const byTopic = new Map<string, Partition[]>();
    for (const partition of askedFor(replicas, request)) {
      const partitions = byTopic.get(partition.topic);
      if (partitions === undefined) byTopic.set(partition.topic, [partition]);
      else partitions.push(partition);
    }
    const topics = [...byTopic].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, log }) => ({
        partitionIndex: partition,
        partitionSize: log.sizeBytes,
        offsetLag: Math.max(0, log.highWatermark - log.logEndOffset),
        isFutureKey: false,
      })),
    }));
    return {
      errorCode: ErrorCode.NONE,
      results: [{ errorCode: ErrorCode.NONE, logDir: path, topics, totalBytes, usableBytes }],
    };
  };
}

function askedFor(replicas: ReplicaManager, request: DescribeLogDirsRequest): Iterable<Partition> {
  if (request.topics === null) return replicas.partitions();
  const found = new Set<Partition>();
  for (const { topic, partitions } of request.topics) {
    for (const index of partitions) {
      const partition = replicas.findByName(topic, index);
      if (typeof partition !== 'number') found.add(partition);
    }
  }
  return found;
}
