// What the Producers screen shows, as data.

export type PresetSettingView = {
  /** Kafka's name, as in producer.properties. */
  readonly name: string;
  readonly value: string;
  readonly sentence: string;
};

export type PresetView = {
  readonly name: string;
  readonly title: string;
  readonly isSafe: boolean;
  readonly summary: string;
  readonly settings: readonly PresetSettingView[];
};

export type TrialPhase = 'throughput' | 'latency' | 'kill' | 'counting';

/** One preset, measured on this cluster; all figures are exact counts of this run. */
export type TrialResult = {
  readonly preset: string;
  readonly recordBytes: number;
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly requests: number;
  readonly recordsPerBatch: number;
  /** At 1000 records a second, from send to acknowledgement; null with none acknowledged. */
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
  readonly latencyP99Ms: number | null;
  readonly latencyMaxMs: number | null;
  /** With the busiest leader killed under 10,000 records a second; null when not asked for. */
  readonly kill: {
    readonly brokerId: number;
    readonly sent: number;
    readonly acknowledged: number;
    readonly failed: number;
    readonly inLog: number;
    readonly lost: number;
    readonly duplicated: number;
    readonly reordered: number;
    readonly failedButInLog: number;
    readonly lostExamples: readonly number[];
    /** Longest time in which a partition acknowledged nothing, after the kill. */
    readonly longestSilenceMs: number;
  } | null;
};

export type MeasurementView = {
  readonly isRunning: boolean;
  readonly current: { readonly preset: string; readonly phase: TrialPhase } | null;
  readonly waiting: readonly string[];
  /** Newest of each preset. */
  readonly results: readonly TrialResult[];
  readonly problem: string | null;
};
