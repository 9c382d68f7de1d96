// The door of raft: what a RaftNode needs, what it offers, and the words both sides use. The transport and the
// listeners are owned here and implemented above (main/broker, main/metadata, main/controller).

import type { BrokerId, LeaderEpoch, Offset } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import type { LogEnvironment } from '../log/partition-log.ts';
import type { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/messages/add-raft-voter.ts';
import type { ApiVersionsRequest, ApiVersionsResponse } from '../protocol/messages/api-versions.ts';
import type { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from '../protocol/messages/begin-quorum-epoch.ts';
import type { EndQuorumEpochRequest, EndQuorumEpochResponse } from '../protocol/messages/end-quorum-epoch.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { FetchSnapshotRequest, FetchSnapshotResponse } from '../protocol/messages/fetch-snapshot.ts';
import type { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '../protocol/messages/remove-raft-voter.ts';
import type { UpdateRaftVoterRequest, UpdateRaftVoterResponse } from '../protocol/messages/update-raft-voter.ts';
import type { VoteRequest, VoteResponse } from '../protocol/messages/vote.ts';
import type { Writable } from '../protocol/schema.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Names a snapshot: all records before `offset`, whose last one was written in `epoch`. */
export type OffsetAndEpoch = { readonly offset: number; readonly epoch: number };

export type LeaderAndEpoch = { readonly leaderId: BrokerId | null; readonly epoch: LeaderEpoch };

export type Endpoint = { readonly name: string; readonly host: string; readonly port: number };

/** One voter of `controller.quorum.voters`, or of a voters record (KIP-853). */
export type Voter = {
  readonly id: BrokerId;
  /** Where this node reaches it. */
  readonly host: string;
  readonly port: number;
  /** Known only from kraft.version 1 on; the zero uuid otherwise. */
  readonly directoryId?: string;
  /** What the voters record says of it, for all listeners; absent at kraft.version 0. */
  readonly endpoints?: readonly Endpoint[];
  /** The kraft.version range that it supports. */
  readonly kraftVersions?: { readonly min: number; readonly max: number };
};

/** Turns metadata records into the framed bytes of a record's value (frame version, type, version, body) and back. */
export type RecordCodec<R> = {
  encode(record: R): Buffer;
  decode(frame: Buffer): R;
};

/** A committed batch. Control batches come with no records: they only move the offset. */
export type CommittedBatch<R> = {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  readonly epoch: LeaderEpoch;
  readonly appendTimeMs: number;
  readonly sizeBytes: number;
  readonly records: readonly R[];
};

export type SnapshotReader<R> = {
  /** The snapshot holds everything before this offset. */
  readonly snapshotId: OffsetAndEpoch;
  readonly lastContainedLogTimestampMs: number;
  readonly sizeBytes: number;
  batches(): Iterable<readonly R[]>;
};

/**
 * Calls come from the scheduler's turn, one at a time, in log order, never from inside a call into RaftNode that
 * the listener itself makes. They may call `append`.
 */
export type RaftListener<R> = {
  onCommit(batch: CommittedBatch<R>): void;
  /** The state before `snapshotId.offset` is replaced by the snapshot: forget all that came before. */
  onSnapshot(reader: SnapshotReader<R>): void;
  /**
   * A new leader or epoch. When the leader is this node it is called only once this listener has been given
   * every batch of earlier epochs, so that its state is complete when it starts to decide.
   */
  onLeaderChange(leader: LeaderAndEpoch): void;
  onShutdown(): void;
};

/** Requests to other voters, as the wire has them. */
export type RaftApis = {
  readonly vote: { readonly request: VoteRequest; readonly response: VoteResponse };
  readonly beginQuorumEpoch: { readonly request: BeginQuorumEpochRequest; readonly response: BeginQuorumEpochResponse };
  readonly endQuorumEpoch: { readonly request: EndQuorumEpochRequest; readonly response: EndQuorumEpochResponse };
  readonly fetch: { readonly request: FetchRequest; readonly response: FetchResponse };
  readonly fetchSnapshot: { readonly request: FetchSnapshotRequest; readonly response: FetchSnapshotResponse };
  readonly addRaftVoter: { readonly request: AddRaftVoterRequest; readonly response: AddRaftVoterResponse };
  readonly removeRaftVoter: { readonly request: RemoveRaftVoterRequest; readonly response: RemoveRaftVoterResponse };
  readonly updateRaftVoter: { readonly request: UpdateRaftVoterRequest; readonly response: UpdateRaftVoterResponse };
  readonly apiVersions: { readonly request: ApiVersionsRequest; readonly response: ApiVersionsResponse };
};
export type RaftApiName = keyof RaftApis;

/**
 * Carries a request to another voter. Rejects when it can't be delivered or is not answered within `timeoutMs`.
 * A Fetch waits at the leader: it must not keep other requests to the same node waiting behind it.
 */
export type RaftTransport = {
  send<Name extends RaftApiName>(
    to: Voter,
    api: Name,
    request: Writable<RaftApis[Name]['request']>,
    timeoutMs: number,
  ): Promise<RaftApis[Name]['response']>;
};

/** Kafka's `controller.quorum.*` and `metadata.*` settings. */
export type RaftConfig = {
  readonly electionTimeoutMs: number;
  /** What a node that has never heard of a leader waits before it stands, besides the scatter; the election time-out. */
  readonly firstElectionTimeoutMs?: number;
  readonly fetchTimeoutMs: number;
  readonly electionBackoffMaxMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  /** controller.quorum.fetch.max.bytes */
  readonly fetchBytesMax: number;
  /** controller.quorum.fetch.snapshot.max.bytes */
  readonly fetchSnapshotBytesMax: number;
  /** metadata.log.segment.bytes */
  readonly segmentBytes: number;
  /** metadata.log.segment.ms */
  readonly segmentMs: number;
  /** metadata.max.retention.bytes, −1: no limit */
  readonly retentionBytes: number;
  /** metadata.max.retention.ms, −1: no limit */
  readonly retentionMs: number;
  /** metadata.log.max.record.bytes.between.snapshots */
  readonly recordBytesBetweenSnapshotsMax: number;
  /** metadata.log.max.snapshot.interval.ms, 0: none by time */
  readonly snapshotIntervalMaxMs: number;
  /** internal.metadata.max.batch.size.in.bytes */
  readonly batchBytesMax: number;
};

export const defaultRaftConfig: RaftConfig = {
  electionTimeoutMs: 1000,
  fetchTimeoutMs: 2000,
  electionBackoffMaxMs: 1000,
  requestTimeoutMs: 2000,
  retryBackoffMs: 20,
  fetchBytesMax: 1024 * 1024,
  fetchSnapshotBytesMax: 1024 * 1024,
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 24 * 3600 * 1000,
  retentionBytes: 100 * 1024 * 1024,
  retentionMs: 7 * 24 * 3600 * 1000,
  recordBytesBetweenSnapshotsMax: 20 * 1024 * 1024,
  snapshotIntervalMaxMs: 3600 * 1000,
  batchBytesMax: 8 * 1024 * 1024,
};

export type RaftNodeOptions<R> = {
  readonly runtime: Runtime;
  /** What all logs of the node share. */
  readonly logEnvironment: LogEnvironment;
  readonly nodeId: BrokerId;
  readonly clusterId: string;
  /** `directory.id` of meta.properties. */
  readonly directoryId: string;
  /** Path of `__cluster_metadata-0`; made when missing (its parent must be there). */
  readonly directory: string;
  /** Static voters; a directory at kraft.version 1 brings its own, which win. */
  readonly voters: readonly Voter[];
  /** Name of the controller listener, as told to others. */
  readonly listenerName: string;
  /** Where others reach this node's controller listener; without it the node can't become a voter by itself. */
  readonly endpoint?: { readonly host: string; readonly port: number };
  /** `controller.quorum.bootstrap.servers`: asked who leads, besides the voters. */
  readonly bootstrapServers?: readonly { readonly host: string; readonly port: number }[];
  /** `controller.quorum.auto.join.enable`: becomes a voter as soon as it has caught up. */
  readonly autoJoins?: boolean;
  readonly config: RaftConfig;
  readonly transport: RaftTransport;
  readonly codec: RecordCodec<R>;
  readonly journal: Journal;
};

/** This node's view of the quorum, for telemetry. */
export type QuorumReport = {
  readonly role: 'unattached' | 'prospective' | 'candidate' | 'leader' | 'follower' | 'voted' | 'resigned' | 'observer';
  readonly leaderId: number | null;
  readonly epoch: number;
  readonly votedFor: number | null;
  readonly logEndOffset: number;
  readonly highWatermark: number | null;
  /** Monotonic time of the next election or resignation if nothing is heard; null when none is set. */
  readonly deadlineMs: number | null;
};

/** Thrown by `append` when this node does not lead in the caller's epoch. Nothing was written. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
  readonly leader: LeaderAndEpoch;
  constructor(leader: LeaderAndEpoch, message: string) {
    super(message);
    this.leader = leader;
  }
}

/** Thrown by `append` when the records don't fit one batch (an append is atomic). Nothing was written. */
export class BatchTooLargeError extends Error {
  override readonly name = 'BatchTooLargeError';
}
