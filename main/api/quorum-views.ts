// What the Quorum screen shows beyond the pushed view, as data.

export type QuorumReplica = {
  readonly id: number;
  readonly isVoter: boolean;
  readonly logEndOffset: number;
  /** By the leader's wall clock; null where it has not heard. */
  readonly lastFetchMs: number | null;
  readonly lastCaughtUpMs: number | null;
};

/** DescribeQuorum, as the quorum's leader answers it. */
export type QuorumDescription = {
  readonly leaderId: number;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly replicas: readonly QuorumReplica[];
};

/** One record of the metadata log. */
export type MetadataLogEntry = {
  readonly offset: number;
  readonly epoch: number;
  readonly timestampMs: number;
  /** Kafka's name: TopicRecord, PartitionChangeRecord …, LeaderChangeMessage for control records. */
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The topic that a topic id in the record names. */
  readonly topic: string | null;
  /** For a partition's change: what was true before it. */
  readonly before: { readonly leader: number; readonly leaderEpoch: number; readonly isr: readonly number[] } | null;
};

export type MetadataLogPage = {
  /** Oldest first. Records that say nothing (NoOpRecord) are left out and counted. */
  readonly entries: readonly MetadataLogEntry[];
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly noOpCount: number;
};
