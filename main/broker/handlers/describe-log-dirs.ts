// DescribeLogDirs, versions 1 to 5 (KIP-113, 827, 1066): what each log directory of the broker holds, with replicas
// that are being moved there. A directory that is offline has the error KAFKA_STORAGE_ERROR and nothing else.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { LogDirectory } from '../../log/log-directory.ts';
import type { DescribeLogDirsRequest, DescribeLogDirsResponse } from '../../protocol/messages/describe-log-dirs.ts';
import type { Writable } from '../../protocol/schema.ts';
import { DiskError } from '../../runtime/runtime.ts';
import type { DescribedLog } from '../../replication/replica-directories.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export type DescribeLogDirsDependencies = { readonly replicas: ReplicaManager };

type Result = Writable<DescribeLogDirsResponse['results'][number]>;

export function createDescribeLogDirsHandler(
  dependencies: DescribeLogDirsDependencies,
): Handler<DescribeLogDirsRequest, Writable<DescribeLogDirsResponse>> {
  const { directories } = dependencies.replicas;
  return (_context, request) => {
    const isAskedFor = filterOf(request);
    const results = directories.logs.paths.map((logDir): Result => {
      const directory = directories.logs.byPath(logDir);
      if (directory === null) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir };
      const isCordoned = directories.logs.cordoned.includes(directory);
      return { ...describe(directory, directories.describe(directory).filter(isAskedFor)), isCordoned };
    });
    return { errorCode: ErrorCode.NONE, results };
  };
}

function describe(directory: LogDirectory, logs: readonly DescribedLog[]): Result {
  const byTopic = new Map<string, DescribedLog[]>();
  for (const each of logs) {
    const ofTopic = byTopic.get(each.log.topic);
    if (ofTopic === undefined) byTopic.set(each.log.topic, [each]);
    else ofTopic.push(each);
  }
  const topics = [...byTopic].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ log, isFuture, offsetLag }) => ({
      partitionIndex: log.partition,
      partitionSize: log.sizeBytes,
      offsetLag,
      isFutureKey: isFuture,
    })),
  }));
  const { path: logDir } = directory;
  try {
    return { errorCode: ErrorCode.NONE, logDir, topics, ...directory.usage() };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir };
  }
}

function filterOf({ topics }: DescribeLogDirsRequest): (described: DescribedLog) => boolean {
  if (topics === null) return () => true;
  const wanted = new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  return ({ log }) => wanted.get(log.topic)?.has(log.partition) === true;
}
