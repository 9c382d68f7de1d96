// What the Drills screen shows, and what a run's journal file holds, as data. Pure types, shared by the engine and
// the renderer. All times called `atMs` count from the start of the run, on the one monotonic clock of the machine.

import type { JournalEvent } from '../core/journal.ts';
import type { ClusterDelta, ClusterView } from './views.ts';

/** One drill of the library, as its card shows it. */
export type DrillSummary = {
  readonly name: string;
  readonly title: string;
  readonly teaches: string;
  readonly story: string;
  readonly level: 'first' | 'basic' | 'advanced';
  readonly tags: readonly string[];
  readonly brokers: number;
  /** The file, for the editor. */
  readonly source: string;
  readonly steps: readonly string[];
  readonly questions: readonly DrillQuestion[];
};

/** Asked before the run; the verdict's figure answers it. */
export type DrillQuestion = {
  readonly ask: string;
  readonly answers: readonly string[];
};

export type DrillStepRecord = {
  readonly index: number;
  /** A sentence: what the step does. */
  readonly text: string;
  /** fault · repair · load · wait · hold */
  readonly kind: DrillStepKind;
  readonly startMs: number;
  /** Null while it runs. */
  readonly endMs: number | null;
  readonly outcome: 'running' | 'done' | 'failed';
  /** What the role meant, what was seen, or why it failed. */
  readonly detail: string;
  /** The broker it acted on. */
  readonly brokerId: number | null;
};

export type DrillStepKind = 'fault' | 'repair' | 'load' | 'wait' | 'hold';

/** Ten a second: rates, latencies and lags since the one before. */
export type DrillSample = {
  readonly atMs: number;
  readonly producers: Readonly<Record<string, ProducerSample>>;
  readonly groups: Readonly<Record<string, GroupSample>>;
};

export type ProducerSample = {
  readonly acknowledged: number;
  readonly acknowledgedPerSecond: number;
  readonly failed: number;
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  /** Age of the oldest record without an answer; 0 when there is none. */
  readonly unansweredMs: number;
};

export type GroupSample = {
  readonly consumed: number;
  readonly consumedPerSecond: number;
  /** Log ends minus positions; null while a log end is unknown. */
  readonly lag: number | null;
  readonly members: number;
};

/** Something that a client was told or did, in its lane. */
export type ClientMark = {
  readonly atMs: number;
  readonly client: string;
  /**
   * error: refused, tries again · failed: given up · refresh: a metadata answer that helped nothing yet · leader: one
   * that named another leader · recovered: acknowledged again.
   */
  readonly kind:
    | 'error'
    | 'failed'
    | 'refresh'
    | 'leader'
    | 'recovered'
    | 'rebalance'
    | 'assigned'
    | 'joined'
    | 'left'
    | 'crashed'
    | 'note';
  /** `topic-partition` that it is about; left out where it is about none, or about many. */
  readonly partition?: string;
  readonly text: string;
  /** How often the same thing was said from `atMs` to `untilMs`. */
  readonly count: number;
  readonly untilMs: number;
};

/** A span in which a client could not write or read; from its own history. */
export type Gap = {
  readonly client: string;
  readonly kind: 'writes' | 'reads';
  readonly partition: string;
  readonly fromMs: number;
  readonly toMs: number;
};

export type ElectionRecord = {
  /** `orders-0`, or `quorum` for the active controller. */
  readonly of: string;
  readonly epoch: number;
  readonly leader: number;
  readonly previousLeader: number | null;
  readonly isUnclean: boolean;
  /** Time of the fault that led to it; null where none did. */
  readonly faultAtMs: number | null;
  /** The controller decided (quorum: the node won). */
  readonly decidedAtMs: number;
  /** From the fault until somebody noticed: the broker was fenced, or a voter asked for pre-votes. */
  readonly detectionMs: number | null;
  /** Of the quorum election on the way, where the active controller died too. */
  readonly voteMs: number | null;
  /** From the decision until the new leader acts on it. */
  readonly metadataMs: number | null;
  /** From then until the first acknowledgement that a producer got of it. */
  readonly discoveryMs: number | null;
  /** From the fault to that acknowledgement. */
  readonly totalMs: number | null;
};

export type ProducerVerdict = {
  readonly producer: string;
  readonly preset: string;
  readonly acks: string;
  readonly sent: number;
  readonly acknowledged: number;
  readonly failed: number;
  /** Failed for the client, and yet in the log. */
  readonly failedButWritten: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  readonly latencyMaxMs: number | null;
  readonly unavailableMs: number;
};

export type GroupVerdict = {
  readonly group: string;
  readonly assignor: string;
  readonly consumed: number;
  /** Delivered again to the group, same offset. */
  readonly deliveredAgain: number;
  readonly maxLag: number;
  readonly maxLagAtMs: number | null;
  /** From the highest lag until it was back near nothing; null when it never was, or never rose. */
  readonly drainMs: number | null;
  readonly unavailableMs: number;
  readonly rebalances: number;
  readonly partitionsMoved: number;
  /** Longest time that a partition had no owner. */
  readonly unownedMs: number;
};

export type LostRecord = {
  readonly producer: string;
  readonly number: number;
  readonly topic: string;
  readonly partition: number;
  /** What the acknowledgement said. */
  readonly offset: number | null;
  readonly acknowledgedAtMs: number;
};

export type ExpectationResult = {
  readonly measure: string;
  readonly expected: string;
  readonly actual: number | null;
  readonly passed: boolean;
};

export type AnsweredQuestion = DrillQuestion & {
  /** What happened. */
  readonly actual: string;
  readonly because: string;
  /** What the person said; null when nobody asked. */
  readonly predicted: string | null;
};

export type DrillVerdict = {
  readonly passed: boolean;
  /** One sentence. */
  readonly summary: string;
  /** Why the run could not be finished; null when it was. */
  readonly failure: string | null;
  readonly expectations: readonly ExpectationResult[];
  /** Every figure by its name, as expectations use them. */
  readonly measures: Readonly<Record<string, number | null>>;
  readonly producers: readonly ProducerVerdict[];
  readonly groups: readonly GroupVerdict[];
  readonly elections: readonly ElectionRecord[];
  readonly gaps: readonly Gap[];
  /** The first hundred. */
  readonly lostRecords: readonly LostRecord[];
  /** Broken promises of Kafka's, if there were any. */
  readonly violations: readonly string[];
  readonly questions: readonly AnsweredQuestion[];
};

export type RunState = 'preparing' | 'running' | 'settling' | 'passed' | 'failed' | 'aborted';

/** What is known of a run at any time; pushed while it runs. */
export type DrillRunView = {
  readonly runId: string;
  readonly drill: string;
  readonly title: string;
  readonly seed: number;
  readonly state: RunState;
  readonly startedWallMs: number;
  /** Monotonic time of the machine at which the run began: event times minus this are `atMs`. */
  readonly originMs: number;
  readonly elapsedMs: number;
  /** One sentence: what just happened, and why. */
  readonly narration: string;
  readonly steps: readonly DrillStepRecord[];
  readonly samples: readonly DrillSample[];
  readonly marks: readonly ClientMark[];
  readonly topics: readonly string[];
  readonly verdict: DrillVerdict | null;
};

/** What is pushed: lists hold only what is new since the last push; `steps` from `stepsFrom` on. */
export type DrillProgress = {
  readonly runId: string;
  readonly drill: string;
  readonly title: string;
  readonly originMs: number;
  readonly topics: readonly string[];
  readonly state: RunState;
  readonly elapsedMs: number;
  readonly narration: string;
  readonly steps: readonly DrillStepRecord[];
  readonly samples: readonly DrillSample[];
  readonly marks: readonly ClientMark[];
  readonly isOver: boolean;
};

/** A finished run with everything that is needed to scrub through it. */
export type DrillRunRecord = DrillRunView & {
  readonly source: string;
  readonly profile: string;
  readonly brokers: number;
  readonly snapshot: ClusterView;
  readonly deltas: readonly { readonly atMs: number; readonly delta: ClusterDelta }[];
  readonly events: readonly (JournalEvent & { readonly atMs: number })[];
};

export type DrillRunSummary = {
  readonly runId: string;
  readonly drill: string;
  readonly title: string;
  readonly seed: number;
  readonly state: RunState;
  readonly startedWallMs: number;
  readonly elapsedMs: number;
  readonly summary: string;
};
