// One partition's share of a fetch: the checks in Kafka's order, the follower's progress booked, the bytes read.
// Knows nothing of sessions' queues or of waiting.

import { unreachable } from '../core/assert.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { LogError, OffsetOutOfRange } from '../log/log-error.ts';
import type { ReadLimit } from '../log/log-types.ts';
import { DiskError } from '../runtime/runtime.ts';
import type { ClusterMetadata } from './contract.ts';
import type { FetchEntry } from './fetch-session.ts';
import type { LeaderRole, Partition } from './partition.ts';

/** What a fetch asks for as a whole. */
export type FetchParameters = {
  readonly version: number;
  /** Broker id of a follower; −1 a consumer. */
  readonly replicaId: number;
  readonly brokerEpoch: number;
  readonly isFollower: boolean;
  readonly limit: ReadLimit;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Consumers from version 11 on may read from followers (KIP-392). */
  readonly requiresLeader: boolean;
  /** Rack of a consumer that says it; '' otherwise. */
  readonly rackId: string;
  /** Partitions that whoever asks may not read, by topic id (zero where it is named) and name; null: none. */
  readonly refuses: ((topicId: string, topic: string) => boolean) | null;
};

/** A row of the response, as the codec writes it, with the size of its records. */
export type FetchedPartition = {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number };
  currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number };
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[] | null;
  readonly preferredReadReplica: number;
  readonly records: readonly Buffer[];
  readonly sizeBytes: number;
};

const noRecords: readonly Buffer[] = [];

export function failedFetch(partitionIndex: number, errorCode: number): FetchedPartition {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: noRecords,
    sizeBytes: 0,
  };
}

/**
 * Reads one entry. `isFirstRead`: the fetch has just come in, so a follower's offset is booked; a read after waiting
 * must not book it again, as it says nothing about now.
 */
export function fetchPartition(
  entry: FetchEntry,
  partition: Partition,
  fetch: FetchParameters,
  bytesMax: number,
  mustReturnBatch: boolean,
  isFirstRead: boolean,
  isRackAware: boolean,
  metadata: ClusterMetadata,
  nowMs: number,
): FetchedPartition {
  const { index } = entry;
  const epochError = partition.checkLeaderEpoch(entry.currentLeaderEpoch);
  if (epochError !== ErrorCode.NONE) return failedFetch(index, epochError);
  const role = partition.role;
  if (role.kind === 'unassigned' || (fetch.requiresLeader && role.kind !== 'leader')) {
    return failedFetch(index, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }
  const { log } = partition;
  if (isRackAware && role.kind === 'leader' && fetch.rackId !== '' && !fetch.isFollower) {
    const preferred = preferredReadReplica(partition, role, entry.fetchOffset, fetch.rackId, metadata, nowMs);
    if (preferred >= 0) return emptyFetch(index, partition, fetch, preferred);
  }
  if (entry.lastFetchedEpoch >= 0) {
    const epochEnd = log.endOffsetForEpoch(entry.lastFetchedEpoch);
    if (epochEnd === null) return failedFetch(index, ErrorCode.OFFSET_OUT_OF_RANGE);
    if (epochEnd.epoch < entry.lastFetchedEpoch || epochEnd.endOffset < entry.fetchOffset) {
      const divergingEpoch = { epoch: epochEnd.epoch, endOffset: epochEnd.endOffset };
      return { ...emptyFetch(index, partition, fetch, -1), divergingEpoch };
    }
  }
  if (entry.fetchOffset < log.logStartOffset || entry.fetchOffset > log.logEndOffset) {
    return failedFetch(index, ErrorCode.OFFSET_OUT_OF_RANGE);
  }
  if (fetch.isFollower && role.kind === 'leader' && isFirstRead) {
    const error = bookFollower(entry, partition, role, fetch, nowMs);
    if (error !== ErrorCode.NONE) return failedFetch(index, error);
  }
  return readRecords(entry, partition, fetch, Math.min(bytesMax, entry.bytesMax), mustReturnBatch);
}

function readRecords(
  entry: FetchEntry,
  partition: Partition,
  fetch: FetchParameters,
  bytesMax: number,
  mustReturnBatch: boolean,
): FetchedPartition {
  const { log } = partition;
  if (entry.fetchOffset >= readableEnd(partition, fetch.limit)) return emptyFetch(entry.index, partition, fetch, -1);
  try {
    const read = log.read(entry.fetchOffset, bytesMax, fetch.limit, mustReturnBatch);
    return {
      partitionIndex: entry.index,
      errorCode: ErrorCode.NONE,
      highWatermark: read.highWatermark,
      lastStableOffset: read.lastStableOffset,
      logStartOffset: read.logStartOffset,
      abortedTransactions: read.abortedTransactions,
      preferredReadReplica: -1,
      records: read.records,
      sizeBytes: read.sizeBytes,
    };
  } catch (error) {
    if (error instanceof OffsetOutOfRange) return failedFetch(entry.index, ErrorCode.OFFSET_OUT_OF_RANGE);
    if (error instanceof DiskError) return failedFetch(entry.index, ErrorCode.KAFKA_STORAGE_ERROR);
    // Its own file is damaged; the other partitions of the request are served.
    if (error instanceof LogError) {
      partition.counters.failedFetchRequests++;
      return failedFetch(entry.index, error.errorCode);
    }
    throw error;
  }
}

/** The first offset that the fetch may not see. */
export function readableEnd({ log }: Partition, limit: ReadLimit): number {
  switch (limit) {
    case 'log-end':
      return log.logEndOffset;
    case 'high-watermark':
      return log.highWatermark;
    case 'last-stable':
      return log.lastStableOffset;
    default:
      return unreachable(limit);
  }
}

function bookFollower(
  entry: FetchEntry,
  partition: Partition,
  role: LeaderRole,
  fetch: FetchParameters,
  nowMs: number,
): number {
  const follower = partition.follower(fetch.replicaId);
  // Not among the replicas as this leader knows them: metadata will bring one side up to date.
  if (follower === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  // A fetch of the follower's previous life, late on the wire, proves nothing about its log now.
  if (fetch.brokerEpoch !== -1 && fetch.brokerEpoch < follower.brokerEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  const { fetchOffset, logStartOffset } = entry;
  const { brokerEpoch, replicaId } = fetch;
  const contact = entry.session.contact;
  partition.recordFollowerFetch(
    role,
    follower,
    { replicaId, brokerEpoch, fetchOffset, logStartOffset, contact },
    nowMs,
  );
  return ErrorCode.NONE;
}

function emptyFetch(index: number, partition: Partition, fetch: FetchParameters, preferred: number): FetchedPartition {
  const { log } = partition;
  return {
    partitionIndex: index,
    errorCode: ErrorCode.NONE,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    abortedTransactions: fetch.limit === 'last-stable' ? [] : null,
    preferredReadReplica: preferred,
    records: noRecords,
    sizeBytes: 0,
  };
}

/** The in-sync replica in the consumer's rack that is furthest ahead; −1: stay with the leader. */
function preferredReadReplica(
  partition: Partition,
  role: LeaderRole,
  fetchOffset: number,
  rackId: string,
  metadata: ClusterMetadata,
  nowMs: number,
): number {
  const leaderRack = partition.localRack();
  if (leaderRack === rackId) return -1;
  let best = -1;
  let bestEnd = -1;
  let bestLagMs = Infinity;
  for (const follower of role.followers) {
    if (!role.inSync.inSync.includes(follower.brokerId)) continue;
    if (follower.logEndOffset < fetchOffset || follower.logStartOffset > fetchOffset) continue;
    if (metadata.endpoint(follower.brokerId)?.rack !== rackId) continue;
    const lagMs = nowMs - follower.lastCaughtUpMs;
    if (follower.logEndOffset > bestEnd || (follower.logEndOffset === bestEnd && lagMs < bestLagMs)) {
      best = follower.brokerId;
      bestEnd = follower.logEndOffset;
      bestLagMs = lagMs;
    }
  }
  return best;
}
