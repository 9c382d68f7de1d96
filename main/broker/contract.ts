// All that crosses the boundary of a broker process besides the Kafka wire: what the supervisor tells a broker and
// what a broker reports. Plain data, JSON-safe. The fleet side may import this file and nothing else of the broker.

import type { JournalEvent } from '../core/journal.ts';
import type { BrokerFaults, NeighbourPorts } from '../runtime/faulty/broker-faults.ts';

/** What a broker process is started with (one JSON argument on its command line names a file that holds it). */
export type BrokerProcessConfig = {
  /** Kafka properties as they would stand in server.properties: node.id, listeners, controller.quorum.voters, log.dirs … */
  readonly properties: Readonly<Record<string, string>>;
  readonly clusterId: string;
  /** Where this broker's own log file goes (`DIR/highwater/logs/broker-I.log`). */
  readonly logFile: string | null;
  /** The lock that names the process which has the log directory (`DIR/highwater/node-I.lock`). */
  readonly lockFile?: string;
  /** How often telemetry is sent while something changes; nothing is sent while nothing changes. */
  readonly telemetryIntervalMs: number;
  /** Loopback port of `/metrics`; 0 picks a free one. Absent: no such page. */
  readonly metricsPort?: number;
  /** Where the other brokers listen, so that a cut or a slow link knows whom a connection leads to. */
  readonly neighbours?: NeighbourPorts;
  /** Faults that are on already when the process starts. */
  readonly faults?: BrokerFaults;
};

/** Supervisor → broker. The channel's closing means: the supervisor is gone, exit at once. */
export type BrokerCommand =
  /** Controlled shutdown: move leaders away, flush, leave the clean-shutdown file, exit 0. */
  | { readonly type: 'shutdown' }
  /** The majority of the voters is gone for good: a shutdown that waits for a controller waits in vain. */
  | { readonly type: 'no-quorum' }
  /** All faults that this broker has from now on; answered by `faultsApplied` with the same number. */
  | { readonly type: 'faults'; readonly number: number; readonly faults: BrokerFaults }
  /** The machine loses power: roll the files back to what was synced and die at once. */
  | { readonly type: 'power-loss'; readonly torn: boolean };

export type BrokerPhase = 'starting' | 'recovering' | 'registering' | 'fenced' | 'running' | 'stopping';

/** One replica that this broker hosts. Sent when anything in it changed. */
export type ReplicaReport = {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly role: 'leader' | 'follower' | 'offline';
  readonly leaderEpoch: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly sizeBytes: number;
  /** Only from the leader: what it knows of the others. */
  readonly inSyncReplicas: readonly number[] | null;
};

/** This node's view of the metadata quorum. */
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

export type TopicReport = {
  readonly topic: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly leaderEpoch: number;
    readonly partitionEpoch: number;
    readonly replicas: readonly number[];
    readonly inSyncReplicas: readonly number[];
  }[];
};

export type GroupReport = {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  readonly generation: number;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly host: string;
    readonly partitions: readonly { topic: string; partition: number }[];
  }[];
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly committedOffset: number;
    readonly metadata: string;
  }[];
};

/** Totals since the process started; the reader computes rates. */
export type BrokerCounters = {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly messagesIn: number;
  readonly produceRequests: number;
  readonly fetchRequests: number;
  readonly failedProduceRequests: number;
  readonly replicationBytesIn: number;
  readonly replicationBytesOut: number;
  readonly connections: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
};

/** Broker → supervisor. */
export type BrokerReport =
  | {
      readonly type: 'listening';
      readonly clientPort: number;
      readonly controllerPort: number;
      /** Null: its port was taken, or none was wanted. A broker does not fail over its metrics. */
      readonly metricsPort: number | null;
    }
  | { readonly type: 'phase'; readonly phase: BrokerPhase; readonly brokerEpoch: number | null }
  /** The process can't go on; it exits after this. `advice` says what a person can do. */
  | { readonly type: 'failed'; readonly message: string; readonly advice: string }
  | { readonly type: 'faultsApplied'; readonly number: number }
  /** Last words of a broker whose power goes: what its disk lost. */
  | { readonly type: 'powerLost'; readonly lostFiles: number; readonly lostBytes: number }
  | {
      readonly type: 'telemetry';
      readonly monotonicMs: number;
      readonly events: readonly JournalEvent[];
      /** Changed since the last report; `removedReplicas` as `topic-partition`. */
      readonly replicas: readonly ReplicaReport[];
      readonly removedReplicas: readonly string[];
      readonly quorum: QuorumReport | null;
      readonly counters: BrokerCounters;
      /** Changed groups that this broker coordinates, and those it no longer does. */
      readonly groups: readonly GroupReport[];
      readonly removedGroups: readonly string[];
      /** From the active controller only: changed topics and brokers of the committed metadata image. */
      readonly topics: readonly TopicReport[];
      readonly removedTopics: readonly string[];
      readonly controllerBrokers:
        | readonly {
            readonly brokerId: number;
            readonly brokerEpoch: number;
            readonly fenced: boolean;
            readonly inControlledShutdown: boolean;
          }[]
        | null;
    };

/** The broker's end of the channel to its supervisor. */
export type ControlChannel = {
  send(report: BrokerReport): void;
  onCommand(receive: (command: BrokerCommand) => void): void;
};
