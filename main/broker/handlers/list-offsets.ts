// ListOffsets, versions 1 to 11. KIP-79, 98 (isolation), 207 (OFFSET_NOT_AVAILABLE), 320, 734 (max timestamp), 405.
// Without tiered storage the questions about it (−5, −6) are answered as Kafka does where it is off: −1.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { LogError } from '../../log/log-error.ts';
import type { TimestampAndOffset } from '../../log/log-types.ts';
import type { ListOffsetsRequest, ListOffsetsResponse } from '../../protocol/messages/list-offsets.ts';
import type { Writable } from '../../protocol/schema.ts';
import { CodecNotLoaded } from '../../records/compression/codec-not-loaded.ts';
import { prepareCompression } from '../../records/compression/compression.ts';
import { RecordsError } from '../../records/errors.ts';
import { DiskError } from '../../runtime/runtime.ts';
import type { Partition } from '../../replication/partition.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export type ListOffsetsDependencies = { readonly replicas: ReplicaManager };

const latest = -1;
const earliest = -2;
const maxTimestamp = -3;
const earliestLocal = -4;
const latestTiered = -5;
const earliestPendingUpload = -6;

/** The first request version in which each special timestamp may stand. */
const versionsMin: ReadonlyMap<number, number> = new Map([
  [latest, 1],
  [earliest, 1],
  [maxTimestamp, 7],
  [earliestLocal, 8],
  [latestTiered, 9],
  [earliestPendingUpload, 11],
]);

/** Ids that are no broker's: a consumer, and the old debugging consumer that may read from any replica. */
const consumerId = -1;
const debuggingConsumerId = -2;

type Answer = {
  readonly errorCode: number;
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
};

/** From this version on an answer names the leader epoch of what it found. */
const leaderEpochVersionMin = 4;

const nothingFound: Answer = { errorCode: ErrorCode.NONE, timestamp: -1, offset: -1, leaderEpoch: -1 };

function refused(errorCode: number): Answer {
  return { ...nothingFound, errorCode };
}

export function createListOffsetsHandler(
  dependencies: ListOffsetsDependencies,
): Handler<ListOffsetsRequest, Writable<ListOffsetsResponse>> {
  const answerAll: Handler<ListOffsetsRequest, Writable<ListOffsetsResponse>> = (context, request) => {
    const asked = countAsked(request);
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp, currentLeaderEpoch }) => {
        const isDuplicate = (asked.get(`${name}\0${partitionIndex}`) ?? 0) > 1;
        const answer = isDuplicate
          ? refused(ErrorCode.INVALID_REQUEST)
          : answerOne(
              dependencies.replicas,
              request,
              context.apiVersion,
              name,
              partitionIndex,
              timestamp,
              currentLeaderEpoch,
            );
        const { leaderEpoch, ...rest } = answer;
        return { partitionIndex, ...rest, ...(context.apiVersion >= leaderEpochVersionMin ? { leaderEpoch } : {}) };
      }),
    }));
    return { topics };
  };
  return (context, request) => {
    try {
      return answerAll(context, request);
    } catch (error) {
      // A time is looked for inside a batch: its codec is loaded by the first question that needs it.
      if (!(error instanceof CodecNotLoaded)) throw error;
      return prepareCompression(error.codec).then(() => answerAll(context, request));
    }
  };
}

function countAsked(request: ListOffsetsRequest): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}\0${partitionIndex}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function answerOne(
  replicas: ReplicaManager,
  request: ListOffsetsRequest,
  version: number,
  topic: string,
  index: number,
  timestamp: number,
  currentLeaderEpoch: number,
): Answer {
  if (timestamp < 0 && version < (versionsMin.get(timestamp) ?? 0)) return refused(ErrorCode.UNSUPPORTED_VERSION);
  const partition = replicas.findByName(topic, index);
  if (typeof partition === 'number') return refused(partition);
  const epochError = partition.checkLeaderEpoch(currentLeaderEpoch);
  if (epochError !== ErrorCode.NONE) return refused(epochError);
  const mayBeFollower = request.replicaId === debuggingConsumerId;
  if (partition.role.kind === 'unassigned' || (!mayBeFollower && !partition.isLeader)) {
    return refused(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }
  try {
    return search(partition, timestamp, request, version);
  } catch (error) {
    if (error instanceof DiskError) return refused(ErrorCode.KAFKA_STORAGE_ERROR);
    if (error instanceof LogError || error instanceof RecordsError) return refused(error.errorCode);
    throw error;
  }
}

function search(partition: Partition, timestamp: number, request: ListOffsetsRequest, version: number): Answer {
  const { log, role, leaderEpoch } = partition;
  const isClient = request.replicaId === consumerId;
  const end = !isClient ? log.logEndOffset : request.isolationLevel === 1 ? log.lastStableOffset : log.highWatermark;
  // A new leader whose high watermark has not reached its own epoch may know less than clients were told before.
  const isBehind = isClient && role.kind === 'leader' && role.epochStartOffset > end;
  const notAvailable = version >= 5 ? ErrorCode.OFFSET_NOT_AVAILABLE : ErrorCode.LEADER_NOT_AVAILABLE;
  if (timestamp === latest) {
    return isBehind ? refused(notAvailable) : { ...nothingFound, offset: end, leaderEpoch };
  }
  const found = lookUp(partition, timestamp);
  const isStartQuestion = timestamp === earliest || timestamp === earliestLocal;
  if (found !== null && (isStartQuestion || !isClient || found.offset < end)) {
    return {
      errorCode: ErrorCode.NONE,
      timestamp: found.timestamp,
      offset: found.offset,
      leaderEpoch: found.leaderEpoch ?? -1,
    };
  }
  return isBehind && !isStartQuestion ? refused(notAvailable) : nothingFound;
}

function lookUp({ log }: Partition, timestamp: number): TimestampAndOffset | null {
  switch (timestamp) {
    case earliest:
      return log.offsetForTimestamp('earliest');
    case earliestLocal:
      return log.offsetForTimestamp('earliest-local');
    case maxTimestamp:
      return log.offsetForTimestamp('max-timestamp');
    case latestTiered:
    case earliestPendingUpload:
      return null;
    default:
      return log.offsetForTimestamp(timestamp);
  }
}
