// A second of the cluster's life, and the last minutes of it, as data: what charts draw.

export type BrokerSample = {
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly messagesInPerSecond: number;
  readonly cpuShare: number;
  readonly residentBytes: number;
};

export type GroupSample = {
  /** Null where an end offset is not known. */
  readonly lag: number | null;
  /** Growth of the committed offsets; null where none are known, as in a share group, or not long enough yet. */
  readonly consumedPerSecond: number | null;
  /** Growth of the logs that the group commits to; null as above. */
  readonly producedPerSecond: number | null;
  /** At these rates; 0 without lag, null when it will never be or a rate is not known. */
  readonly timeToDrainMs: number | null;
  /** By `topic-partition`. */
  readonly partitionLags: Readonly<Record<string, number | null>>;
};

/** Pushed once a second while somebody listens. */
export type ClusterSample = {
  readonly wallMs: number;
  readonly brokers: Readonly<Record<string, BrokerSample>>;
  readonly groups: Readonly<Record<string, GroupSample>>;
};

/** One sample a second. */
export const sampleIntervalMs = 1000;
export const samplesMax = 300;
