// What the screens show, as data. Pure types: the renderer, the engine and the tests share them.
// Each figure's source is named in the comment; rates are computed by cluster-view from counters.

import type { ActiveFault } from '../core/faults.ts';
import type { JournalEvent } from '../core/journal.ts';

export type { ActiveFault, Fault, FaultDirection, FaultKind, FaultPeer } from '../core/faults.ts';
export type { JournalEvent, JournalEntry, JournalKind } from '../core/journal.ts';

/** What moves all the time: log start, high watermark, log end, messages/s; log end, high watermark, size by replica. */
export type PartitionFigures = readonly (number | null)[];

/** By partition number, of one topic. */
export type TopicFigures = {
  readonly topic: string;
  readonly partitions: readonly (readonly [partition: number, figures: PartitionFigures])[];
};

export type BrokerView = {
  readonly id: number;
  readonly pid: number | null;
  readonly host: string;
  readonly port: number;
  readonly controllerPort: number;
  /** Of `/metrics` on 127.0.0.1; null while there is none. */
  readonly metricsPort: number | null;
  readonly logDir: string;
  readonly rack: string | null;
  /** What the supervisor knows of the process. */
  readonly process: 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'killed' | 'crashed';
  /** What the cluster believes (metadata image of the active controller); null until registered. */
  readonly registration: 'fenced' | 'active' | 'controlled-shutdown' | null;
  readonly isController: boolean;
  readonly brokerEpoch: number | null;
  readonly residentBytes: number;
  /** Share of one core over the last interval, 0..1+. */
  readonly cpuShare: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly messagesInPerSecond: number;
  readonly leaderCount: number;
  readonly replicaCount: number;
  readonly startedWallMs: number | null;
  /** Why it failed to start or died, with what to do; null when fine. */
  readonly problem: string | null;
};

export type ReplicaView = {
  readonly brokerId: number;
  /** leader · in-sync · lagging (alive, out of the ISR) · offline (its process or registration is down). */
  readonly state: 'leader' | 'in-sync' | 'lagging' | 'offline';
  /** null: not reported yet. */
  readonly logEndOffset: number | null;
  readonly highWatermark: number | null;
  readonly sizeBytes: number | null;
};

export type PartitionView = {
  readonly topic: string;
  readonly partition: number;
  /** −1: offline. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** In assignment order: the first is the preferred leader. */
  readonly replicas: readonly ReplicaView[];
  readonly inSyncReplicas: readonly number[];
  readonly logStartOffset: number | null;
  readonly highWatermark: number | null;
  readonly logEndOffset: number | null;
  readonly messagesInPerSecond: number;
};

export type TopicView = {
  readonly topic: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly partitionCount: number;
  readonly replicationFactor: number;
};

export type QuorumView = {
  readonly leaderId: number | null;
  readonly epoch: number;
  readonly highWatermark: number | null;
  readonly nodes: readonly {
    readonly id: number;
    readonly role: string;
    readonly epoch: number;
    readonly votedFor: number | null;
    readonly logEndOffset: number;
    readonly deadlineInMs: number | null;
  }[];
};

export type GroupView = {
  readonly groupId: string;
  /** `consumer` (classic or KIP-848), `share`, `streams`, or what a classic client says, `connect` for one. Empty: not yet said. */
  readonly protocolType: string;
  readonly state: string;
  readonly generation: number;
  readonly coordinator: number;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly host: string;
    readonly partitionCount: number;
  }[];
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly committedOffset: number | null;
    readonly logEndOffset: number | null;
    readonly lag: number | null;
    readonly memberId: string | null;
  }[];
  readonly totalLag: number | null;
};

/** The built-in demo workload: kafkajs producers with the "durable" preset and a consumer group. */
export type WorkloadView = {
  readonly running: boolean;
  readonly topic: string;
  readonly targetPerSecond: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly consumed: number;
  readonly acknowledgedPerSecond: number;
  readonly consumedPerSecond: number;
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  /** Monotonic ms since the first unanswered send; null while writes go on. */
  readonly unavailableForMs: number | null;
  readonly lastError: string | null;
};

export type ClusterView = {
  readonly clusterId: string;
  readonly bootstrap: string;
  readonly dataDir: string;
  readonly profile: 'laptop' | 'kafka';
  readonly ephemeral: boolean;
  readonly state: 'starting' | 'ready' | 'degraded' | 'stopping' | 'failed';
  readonly readyMs: number | null;
  readonly problem: string | null;
  readonly brokers: readonly BrokerView[];
  readonly topics: readonly TopicView[];
  readonly partitions: readonly PartitionView[];
  readonly quorum: QuorumView;
  readonly groups: readonly GroupView[];
  readonly workload: WorkloadView;
  /** Faults that are on, oldest first; from the supervisor. */
  readonly faults: readonly ActiveFault[];
  /** Newest last; the last `eventsMax`. */
  readonly events: readonly JournalEvent[];
  /** Monotonic and wall time of the newest change, to show ages. */
  readonly monotonicMs: number;
  readonly wallMs: number;
};

export const eventsMax = 2000;

/** A numbered change of the view. Lists hold whole replaced elements by key; `removed` their keys. A gap in `number` means: resync. */
export type ClusterDelta = {
  readonly number: number;
  readonly cluster?: Partial<Omit<ClusterView, 'brokers' | 'topics' | 'partitions' | 'groups' | 'events'>>;
  readonly brokers?: readonly BrokerView[];
  readonly topics?: readonly TopicView[];
  readonly removedTopics?: readonly string[];
  readonly partitions?: readonly PartitionView[];
  /** Partitions of which only the numbers moved. */
  readonly figures?: readonly TopicFigures[];
  /** `topic-partition` keys. */
  readonly removedPartitions?: readonly string[];
  readonly groups?: readonly GroupView[];
  readonly removedGroups?: readonly string[];
  readonly events?: readonly JournalEvent[];
};
