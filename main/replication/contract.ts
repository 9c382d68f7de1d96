// What replication needs from others, as interfaces it owns (the broker connects them), and what it offers to the
// coordinators. Nothing here knows of sockets, metadata images or controllers.

import type { BrokerId, LeaderEpoch, Offset, PartitionId, TopicId } from '../core/ids.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/messages/alter-partition.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { ListOffsetsRequest, ListOffsetsResponse } from '../protocol/messages/list-offsets.ts';
import type { Writable } from '../protocol/schema.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { AppendAsLeaderOptions } from '../log/log-types.ts';

/** Broker settings that replication reads; the names are Kafka's with its dots taken out. */
export type ReplicationConfig = {
  readonly replicaLagTimeMaxMs: number;
  /** Bytes asked for per partition (`replica.fetch.max.bytes`). */
  readonly replicaFetchMaxBytes: number;
  readonly replicaFetchResponseMaxBytes: number;
  readonly replicaFetchMinBytes: number;
  readonly replicaFetchWaitMaxMs: number;
  readonly replicaFetchBackoffMs: number;
  /** Upper bound of any Fetch response (`fetch.max.bytes`). */
  readonly fetchMaxBytes: number;
  /** `max.incremental.fetch.session.cache.slots`. */
  readonly fetchSessionSlotsMax: number;
  /** `replica.selector.class` is the rack-aware selector: consumers are sent to a replica in their rack. */
  readonly isRackAwareReads: boolean;
};

/** One partition of the metadata image, as far as a broker that hosts a replica of it cares. −1 as leader: none. */
export type PartitionAssignment = {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: PartitionId;
  readonly leader: BrokerId | -1;
  readonly leaderEpoch: LeaderEpoch;
  readonly partitionEpoch: number;
  readonly replicas: readonly BrokerId[];
  readonly inSyncReplicas: readonly BrokerId[];
  /** The log directory that the metadata has for this broker's replica; absent or reserved: none. */
  readonly directoryId?: string;
};

/** What one metadata delta means for this broker's replicas. */
export type AssignmentChanges = {
  /** New or changed partitions of which this broker holds a replica. */
  readonly changed: readonly PartitionAssignment[];
  /** Partitions this broker no longer holds; their files go. */
  readonly removed: readonly { readonly topic: string; readonly topicId: TopicId; readonly partition: PartitionId }[];
};

export type BrokerEndpoint = { readonly host: string; readonly port: number; readonly rack: string | null };

/** Read access to the newest metadata image, asked at every use: never kept. */
export type ClusterMetadata = {
  topicName(topicId: TopicId): string | null;
  topicId(topic: string): TopicId | null;
  partitionExists(topicId: TopicId, partition: number): boolean;
  partitionLeader(topicId: TopicId, partition: number): { leader: BrokerId | -1; leaderEpoch: LeaderEpoch } | null;
  logConfig(topic: string): LogConfig;
  /** Epoch of a broker that is registered, unfenced and not shutting down; null for any other. */
  eligibleBrokerEpoch(brokerId: BrokerId): number | null;
  /** Of an unfenced broker; null for any other. On the listener over which brokers reach each other, or on another. */
  endpoint(brokerId: BrokerId, listenerName?: string): BrokerEndpoint | null;
};

/** The way to the active controller for ISR changes. Rejects when there is none in time; the sender tries again. */
export type AlterPartitionChannel = {
  alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse>;
};

/** Requests to other brokers, as a follower makes them. Rejects when the broker can't be reached or the link breaks. */
export type LeaderConnections = {
  /** Requests to one broker go out in the order of the calls, on one connection; several may be under way. */
  fetch(leader: BrokerId, request: Writable<FetchRequest>): Promise<FetchResponse>;
  listOffsets(leader: BrokerId, request: Writable<ListOffsetsRequest>): Promise<ListOffsetsResponse>;
};

/** A failed operation on one partition, with the protocol's error code. */
export class ReplicationError extends Error {
  override readonly name = 'ReplicationError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export type CoordinatorAppend = {
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
  /** Resolves when the high watermark has passed `lastOffset`; rejects with ReplicationError when it can't any more. */
  readonly committed: Promise<void>;
};

export type CoordinatorRead = {
  /** Whole batches from the one that holds `fromOffset`; empty at the end. */
  readonly records: readonly Buffer[];
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly highWatermark: Offset;
};

/** What the log is told of a transactional append: the proof that the transaction is open, or the marker's version. */
export type TransactionalTerms = Pick<AppendAsLeaderOptions, 'verificationGuard' | 'transactionVersion'>;

/** Internal partitions as their coordinators see them: written with acks=all by the leader of one epoch, read whole at load. */
export type PartitionHost = {
  /** Appends as the leader of exactly `leaderEpoch`; throws ReplicationError (NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS …). */
  append(
    topic: string,
    partition: PartitionId,
    records: Buffer,
    leaderEpoch: LeaderEpoch,
    terms?: TransactionalTerms,
  ): CoordinatorAppend;
  /** Reads up to the log end; throws ReplicationError when this broker doesn't lead the partition. */
  read(topic: string, partition: PartitionId, fromOffset: Offset, bytesMax: number): CoordinatorRead;
  /** Calls `listener` whenever the high watermark of a led partition rises; returns how to stop. */
  onHighWatermark(topic: string, partition: PartitionId, listener: (highWatermark: Offset) => void): () => void;
};

/** Slows down replicas that are behind and were asked to be (KIP-73). Owned here, filled in by the broker's settings. */
export type ReplicationThrottle = {
  /** Whether this replica of the partition is named and out of sync. */
  isThrottled(topic: string, partition: number, replicaId: number): boolean;
  record(bytes: number): void;
  /** 0: there is room. */
  waitMs(): number;
};

export type ReplicationThrottles = {
  readonly leader: ReplicationThrottle;
  readonly follower: ReplicationThrottle;
  /** Between this broker's own log directories. */
  readonly moves?: Pick<ReplicationThrottle, 'record' | 'waitMs'>;
};
