// Between the quorum's own plain messages and Kafka's requests and responses, both ways. Pure. Requests that don't
// name exactly the metadata partition of this cluster are refused here, with Kafka's error, before the quorum sees them.

import { metadataTopicId, metadataTopicName } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from '../protocol/messages/begin-quorum-epoch.ts';
import type { EndQuorumEpochRequest, EndQuorumEpochResponse } from '../protocol/messages/end-quorum-epoch.ts';
import type { FetchSnapshotRequest, FetchSnapshotResponse } from '../protocol/messages/fetch-snapshot.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { VoteRequest, VoteResponse } from '../protocol/messages/vote.ts';
import type { Writable } from '../protocol/schema.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import { batchesIn } from '../records/record-batch.ts';
import type { RaftConfig, Voter } from './contract.ts';
import { replicaKeyOf } from './voter-set.ts';
import type {
  BeginEpochAsk,
  EndEpochAsk,
  EpochAnswer,
  FetchAnswer,
  FetchAsk,
  FetchSnapshotAnswer,
  FetchSnapshotAsk,
  RaftError,
  VoteAnswer,
  VoteAsk,
} from './quorum-types.ts';

export type NodeAddress = { readonly nodeId: number; readonly host: string; readonly port: number };

/** What every message carries of this node and its cluster. */
export type WireContext = {
  readonly clusterId: string;
  readonly directoryId: string;
  readonly listenerName: string;
  /** This node as it tells itself; null when it does not know its own endpoint. */
  readonly self: Voter | null;
  readonly voterOf: (id: number) => Voter | null;
  /** Told where leaders listen that other nodes speak of. */
  readonly noteAddresses: (nodes: readonly NodeAddress[]) => void;
  readonly config: RaftConfig;
};

/** A request, or the error code that answers it as a whole or for its partition. */
export type Parsed<A> = { readonly ask: A } | { readonly topLevelError: number } | { readonly partitionError: number };

const codeOf: Readonly<Record<Exclude<RaftError, 'OTHER'>, number>> = {
  NONE: ErrorCode.NONE,
  BROKER_NOT_AVAILABLE: ErrorCode.BROKER_NOT_AVAILABLE,
  FENCED_LEADER_EPOCH: ErrorCode.FENCED_LEADER_EPOCH,
  UNKNOWN_LEADER_EPOCH: ErrorCode.UNKNOWN_LEADER_EPOCH,
  NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  INVALID_REQUEST: ErrorCode.INVALID_REQUEST,
  INVALID_VOTER_KEY: ErrorCode.INVALID_VOTER_KEY,
  SNAPSHOT_NOT_FOUND: ErrorCode.SNAPSHOT_NOT_FOUND,
  POSITION_OUT_OF_RANGE: ErrorCode.POSITION_OUT_OF_RANGE,
  REQUEST_TIMED_OUT: ErrorCode.REQUEST_TIMED_OUT,
  UNSUPPORTED_VERSION: ErrorCode.UNSUPPORTED_VERSION,
  DUPLICATE_VOTER: ErrorCode.DUPLICATE_VOTER,
  VOTER_NOT_FOUND: ErrorCode.VOTER_NOT_FOUND,
};
const errorOfCode = new Map(Object.entries(codeOf).map(([name, code]) => [code, name as RaftError]));

export function toCode(error: RaftError): number {
  return error === 'OTHER' ? ErrorCode.UNKNOWN_SERVER_ERROR : codeOf[error];
}

export function fromCode(code: number): RaftError {
  return errorOfCode.get(code) ?? 'OTHER';
}

export function leaderOf(id: number): number | null {
  return id < 0 ? null : id;
}

export function directoryOrNull(directoryId: string): string | null {
  return replicaKeyOf(0, directoryId).directoryId;
}

type Named = { readonly topicName: string };
type Indexed = { readonly partitionIndex: number };

/** The one partition of a request, or the code that refuses it. */
function onlyPartition<P extends Indexed>(
  context: WireContext,
  clusterId: string | null,
  topics: readonly (Named & { readonly partitions: readonly P[] })[],
): { readonly partition: P } | { readonly topLevelError: number } | { readonly partitionError: number } {
  if (clusterId !== null && clusterId !== context.clusterId) {
    return { topLevelError: ErrorCode.INCONSISTENT_CLUSTER_ID };
  }
  const [topic, ...moreTopics] = topics;
  const [partition, ...morePartitions] = topic?.partitions ?? [];
  if (topic === undefined || partition === undefined || moreTopics.length + morePartitions.length > 0) {
    return { topLevelError: ErrorCode.INVALID_REQUEST };
  }
  if (topic.topicName !== metadataTopicName || partition.partitionIndex !== 0) {
    return { partitionError: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  }
  return { partition };
}

export function parseVote(context: WireContext, request: VoteRequest): Parsed<VoteAsk> {
  const found = onlyPartition(context, request.clusterId, request.topics);
  if (!('partition' in found)) return found;
  const { replicaEpoch: epoch, replicaId: candidate, lastOffsetEpoch, lastOffset, preVote } = found.partition;
  if (lastOffset < 0 || lastOffsetEpoch < 0 || lastOffsetEpoch > epoch) {
    return { partitionError: ErrorCode.INVALID_REQUEST };
  }
  const keys = {
    candidate,
    candidateDirectory: directoryOrNull(found.partition.replicaDirectoryId),
    voter: request.voterId,
    voterDirectory: directoryOrNull(found.partition.voterDirectoryId),
  };
  return { ask: { api: 'vote', epoch, ...keys, lastEpoch: lastOffsetEpoch, lastOffset, preVote } };
}

export function parseBeginQuorumEpoch(context: WireContext, request: BeginQuorumEpochRequest): Parsed<BeginEpochAsk> {
  const found = onlyPartition(context, request.clusterId, request.topics);
  if (!('partition' in found)) return found;
  const { leaderEpoch: epoch, leaderId: leader } = found.partition;
  const voterDirectory = directoryOrNull(found.partition.voterDirectoryId);
  return { ask: { api: 'beginQuorumEpoch', epoch, leader, voter: request.voterId, voterDirectory } };
}

export function parseEndQuorumEpoch(context: WireContext, request: EndQuorumEpochRequest): Parsed<EndEpochAsk> {
  const found = onlyPartition(context, request.clusterId, request.topics);
  if (!('partition' in found)) return found;
  const { leaderEpoch: epoch, leaderId: leader, preferredCandidates, preferredSuccessors } = found.partition;
  const candidates = preferredCandidates.map(({ candidateId }) => candidateId);
  const preferred = candidates.length > 0 ? candidates : preferredSuccessors;
  return { ask: { api: 'endQuorumEpoch', epoch, leader, preferredCandidates: preferred } };
}

export function parseFetch(context: WireContext, request: FetchRequest): Parsed<FetchAsk> {
  const byName = request.topics.map(({ topic, topicId, partitions }) => ({
    topicName: topic === '' && topicId === metadataTopicId ? metadataTopicName : topic,
    partitions: partitions.map((partition) => ({ ...partition, partitionIndex: partition.partition })),
  }));
  const found = onlyPartition(context, request.clusterId, byName);
  if (!('partition' in found)) {
    const isById = 'partitionError' in found && request.topics[0]?.topic === '';
    return isById ? { partitionError: ErrorCode.UNKNOWN_TOPIC_ID } : found;
  }
  const { currentLeaderEpoch: epoch, fetchOffset, lastFetchedEpoch, highWatermark } = found.partition;
  const replica = request.replicaState.replicaId >= 0 ? request.replicaState.replicaId : request.replicaId;
  if (request.maxWaitMs < 0 || lastFetchedEpoch > epoch) return { partitionError: ErrorCode.INVALID_REQUEST };
  const { maxWaitMs } = request;
  const replicaDirectory = directoryOrNull(found.partition.replicaDirectoryId);
  const place = { fetchOffset, lastFetchedEpoch, highWatermark };
  return { ask: { api: 'fetch', epoch, replica, replicaDirectory, ...place, maxWaitMs } };
}

export function parseFetchSnapshot(context: WireContext, request: FetchSnapshotRequest): Parsed<FetchSnapshotAsk> {
  const topics = request.topics.map(({ name, partitions }) => ({
    topicName: name,
    partitions: partitions.map((partition) => ({ ...partition, partitionIndex: partition.partition })),
  }));
  const found = onlyPartition(context, request.clusterId, topics);
  if (!('partition' in found)) return found;
  const { currentLeaderEpoch: epoch, snapshotId, position } = found.partition;
  const id = { offset: snapshotId.endOffset, epoch: snapshotId.epoch };
  const replica = request.replicaId;
  const replicaDirectory = directoryOrNull(found.partition.replicaDirectoryId);
  return { ask: { api: 'fetchSnapshot', epoch, replica, replicaDirectory, snapshotId: id, position } };
}

// ── responses that this node gives ─────────────────────────────────────────────────────────────────────────────

function endpointsOf(context: WireContext, leader: number | null): { nodeId: number; host: string; port: number }[] {
  const voter = leader === null ? null : context.voterOf(leader);
  return voter === null ? [] : [{ nodeId: voter.id, host: voter.host, port: voter.port }];
}

type Head = { readonly error: RaftError; readonly epoch: number; readonly leader: number | null };

export function voteResponse(context: WireContext, answer: Head & { granted: boolean; code?: number }) {
  const { epoch: leaderEpoch, leader, granted: voteGranted } = answer;
  const errorCode = answer.code ?? toCode(answer.error);
  const partition = { partitionIndex: 0, errorCode, leaderId: leader ?? -1, leaderEpoch, voteGranted };
  return {
    errorCode: ErrorCode.NONE,
    topics: [{ topicName: metadataTopicName, partitions: [partition] }],
    nodeEndpoints: endpointsOf(context, leader),
  } satisfies Writable<VoteResponse>;
}

export function epochResponse(context: WireContext, answer: Head & { code?: number }) {
  const { epoch: leaderEpoch, leader } = answer;
  const errorCode = answer.code ?? toCode(answer.error);
  const partition = { partitionIndex: 0, errorCode, leaderId: leader ?? -1, leaderEpoch };
  return {
    errorCode: ErrorCode.NONE,
    topics: [{ topicName: metadataTopicName, partitions: [partition] }],
    nodeEndpoints: endpointsOf(context, leader),
  } satisfies Writable<BeginQuorumEpochResponse> & Writable<EndQuorumEpochResponse>;
}

export function fetchResponse(
  context: WireContext,
  logStartOffset: number,
  answer: Omit<FetchAnswer, 'api' | 'records'> & { readonly bytes: Buffer | null; readonly code?: number },
) {
  const { epoch: leaderEpoch, leader, divergingEpoch, snapshotId } = answer;
  const partition = {
    partitionIndex: 0,
    errorCode: answer.code ?? toCode(answer.error),
    highWatermark: answer.highWatermark,
    logStartOffset,
    currentLeader: { leaderId: leader ?? -1, leaderEpoch },
    abortedTransactions: [],
    records: answer.bytes ?? Buffer.alloc(0),
    ...(divergingEpoch === null
      ? {}
      : { divergingEpoch: { epoch: divergingEpoch.epoch, endOffset: divergingEpoch.offset } }),
    ...(snapshotId === null ? {} : { snapshotId: { epoch: snapshotId.epoch, endOffset: snapshotId.offset } }),
  };
  return {
    errorCode: ErrorCode.NONE,
    // Both names: which one is written depends on the version.
    responses: [{ topic: metadataTopicName, topicId: metadataTopicId, partitions: [partition] }],
    nodeEndpoints: endpointsOf(context, leader),
  } satisfies Writable<FetchResponse>;
}

export function fetchSnapshotResponse(
  context: WireContext,
  answer: Omit<FetchSnapshotAnswer, 'api'> & { readonly code?: number },
) {
  const { epoch: leaderEpoch, leader, snapshotId, position, sizeBytes: size } = answer;
  const partition = {
    index: 0,
    errorCode: answer.code ?? toCode(answer.error),
    snapshotId: { endOffset: snapshotId.offset, epoch: snapshotId.epoch },
    currentLeader: { leaderId: leader ?? -1, leaderEpoch },
    size,
    position,
    unalignedRecords: answer.chunk,
  };
  return {
    errorCode: ErrorCode.NONE,
    topics: [{ name: metadataTopicName, partitions: [partition] }],
    nodeEndpoints: endpointsOf(context, leader),
  } satisfies Writable<FetchSnapshotResponse>;
}

// ── requests that this node sends, and what comes back ─────────────────────────────────────────────────────────

export function voteRequest(context: WireContext, ask: VoteAsk): Writable<VoteRequest> {
  const partition = {
    partitionIndex: 0,
    replicaEpoch: ask.epoch,
    replicaId: ask.candidate,
    replicaDirectoryId: context.directoryId,
    voterDirectoryId: ask.voterDirectory ?? zeroUuid,
    lastOffsetEpoch: ask.lastEpoch,
    lastOffset: ask.lastOffset,
    preVote: ask.preVote,
  };
  const topics = [{ topicName: metadataTopicName, partitions: [partition] }];
  return { clusterId: context.clusterId, voterId: ask.voter, topics };
}

export function beginQuorumEpochRequest(context: WireContext, ask: BeginEpochAsk): Writable<BeginQuorumEpochRequest> {
  const partition = {
    partitionIndex: 0,
    voterDirectoryId: ask.voterDirectory ?? zeroUuid,
    leaderId: ask.leader,
    leaderEpoch: ask.epoch,
  };
  const topics = [{ topicName: metadataTopicName, partitions: [partition] }];
  return { clusterId: context.clusterId, voterId: ask.voter, topics, leaderEndpoints: ownEndpoints(context) };
}

export function endQuorumEpochRequest(context: WireContext, ask: EndEpochAsk): Writable<EndQuorumEpochRequest> {
  const preferredCandidates = ask.preferredCandidates.map((candidateId) => ({
    candidateId,
    candidateDirectoryId: directoryOf(context, candidateId),
  }));
  const partition = { partitionIndex: 0, leaderId: ask.leader, leaderEpoch: ask.epoch, preferredCandidates };
  const topics = [{ topicName: metadataTopicName, partitions: [partition] }];
  return { clusterId: context.clusterId, topics, leaderEndpoints: ownEndpoints(context) };
}

export function fetchRequest(context: WireContext, ask: FetchAsk): Writable<FetchRequest> {
  const partition = {
    partition: 0,
    currentLeaderEpoch: ask.epoch,
    fetchOffset: ask.fetchOffset,
    lastFetchedEpoch: ask.lastFetchedEpoch,
    partitionMaxBytes: 0,
    replicaDirectoryId: context.directoryId,
    highWatermark: ask.highWatermark,
  };
  return {
    clusterId: context.clusterId,
    replicaState: { replicaId: ask.replica },
    maxWaitMs: ask.maxWaitMs,
    minBytes: 0,
    maxBytes: context.config.fetchBytesMax,
    topics: [{ topicId: metadataTopicId, partitions: [partition] }],
  };
}

export function fetchSnapshotRequest(context: WireContext, ask: FetchSnapshotAsk): Writable<FetchSnapshotRequest> {
  const partition = {
    partition: 0,
    currentLeaderEpoch: ask.epoch,
    snapshotId: { endOffset: ask.snapshotId.offset, epoch: ask.snapshotId.epoch },
    position: ask.position,
    replicaDirectoryId: context.directoryId,
  };
  return {
    clusterId: context.clusterId,
    replicaId: ask.replica,
    maxBytes: context.config.fetchSnapshotBytesMax,
    topics: [{ name: metadataTopicName, partitions: [partition] }],
  };
}

function ownEndpoints(context: WireContext): { name: string; host: string; port: number }[] {
  return context.self === null
    ? []
    : [{ name: context.listenerName, host: context.self.host, port: context.self.port }];
}

function directoryOf(context: WireContext, id: number): string {
  return context.voterOf(id)?.directoryId ?? zeroUuid;
}

export function parseVoteResponse(response: VoteResponse): VoteAnswer | null {
  const partition = response.topics[0]?.partitions[0];
  if (response.errorCode !== ErrorCode.NONE || partition === undefined) return null;
  const { errorCode, leaderEpoch: epoch, leaderId, voteGranted: granted } = partition;
  return { api: 'vote', error: fromCode(errorCode), epoch, leader: leaderOf(leaderId), granted };
}

export function parseEpochResponse(
  api: EpochAnswer['api'],
  response: BeginQuorumEpochResponse | EndQuorumEpochResponse,
): EpochAnswer | null {
  const partition = response.topics[0]?.partitions[0];
  if (response.errorCode !== ErrorCode.NONE || partition === undefined) return null;
  const { errorCode, leaderEpoch: epoch, leaderId } = partition;
  return { api, error: fromCode(errorCode), epoch, leader: leaderOf(leaderId) };
}

export function parseFetchResponse(response: FetchResponse): FetchAnswer | null {
  const partition = response.responses[0]?.partitions[0];
  if (response.errorCode !== ErrorCode.NONE || partition === undefined) return null;
  const { errorCode, currentLeader, highWatermark, divergingEpoch, snapshotId } = partition;
  return {
    api: 'fetch',
    error: fromCode(errorCode),
    epoch: currentLeader.leaderEpoch,
    leader: leaderOf(currentLeader.leaderId),
    highWatermark,
    records: wholeBatches(partition.records),
    divergingEpoch: divergingEpoch.epoch < 0 ? null : { offset: divergingEpoch.endOffset, epoch: divergingEpoch.epoch },
    snapshotId: snapshotId.epoch < 0 ? null : { offset: snapshotId.endOffset, epoch: snapshotId.epoch },
  };
}

/** Cuts off a last batch that did not fit. Throws RecordsError on bytes that are no batches or don't match their checksum. */
function wholeBatches(bytes: Buffer | null): FetchAnswer['records'] {
  if (bytes === null || bytes.length === 0) return null;
  let end = 0;
  let nextOffset = 0;
  for (const batch of batchesIn(bytes)) {
    batch.ensureValid();
    end = batch.endPosition;
    nextOffset = batch.nextOffset;
  }
  return end === 0 ? null : { bytes: bytes.subarray(0, end), nextOffset };
}

export function parseFetchSnapshotResponse(response: FetchSnapshotResponse): FetchSnapshotAnswer | null {
  const partition = response.topics[0]?.partitions[0];
  if (response.errorCode !== ErrorCode.NONE || partition === undefined) return null;
  const { errorCode, currentLeader, snapshotId, size: sizeBytes, position, unalignedRecords } = partition;
  return {
    api: 'fetchSnapshot',
    error: fromCode(errorCode),
    epoch: currentLeader.leaderEpoch,
    leader: leaderOf(currentLeader.leaderId),
    snapshotId: { offset: snapshotId.endOffset, epoch: snapshotId.epoch },
    sizeBytes,
    position,
    chunk: unalignedRecords,
  };
}
