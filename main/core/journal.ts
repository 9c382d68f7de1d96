// The one journal. Every state change that matters is an event with its cause; the timeline, the narrator, the
// verdict, the simulation trace and the tests read these same events.

import type { Fault } from './faults.ts';

/** `source:sequence`, e.g. `broker-1:42`: names an event for ever. */
export type EventId = string;

export type EventSource = `broker-${number}` | 'supervisor' | 'workload';

/** What happened. Numbers are Kafka's own: ids, epochs, offsets. */
export type JournalEntry =
  // the metadata quorum (raft)
  | { readonly kind: 'quorum.prospective'; readonly epoch: number; readonly reason: string }
  | { readonly kind: 'quorum.candidate'; readonly epoch: number }
  | {
      readonly kind: 'quorum.voteAsked';
      readonly epoch: number;
      readonly from: number;
      readonly to: number;
      readonly preVote: boolean;
    }
  | {
      readonly kind: 'quorum.voteAnswered';
      readonly epoch: number;
      readonly candidate: number;
      readonly voter: number;
      readonly preVote: boolean;
      readonly granted: boolean;
      readonly reason: string;
    }
  | { readonly kind: 'quorum.leaderElected'; readonly epoch: number; readonly leader: number }
  | { readonly kind: 'quorum.following'; readonly epoch: number; readonly leader: number }
  | { readonly kind: 'quorum.resigned'; readonly epoch: number; readonly reason: string }
  // the active controller
  | { readonly kind: 'controller.active'; readonly epoch: number }
  | { readonly kind: 'controller.inactive'; readonly epoch: number }
  | { readonly kind: 'broker.registered'; readonly brokerId: number; readonly brokerEpoch: number }
  | { readonly kind: 'broker.fenced'; readonly brokerId: number; readonly reason: string }
  | { readonly kind: 'broker.unfenced'; readonly brokerId: number }
  | { readonly kind: 'broker.controlledShutdown'; readonly brokerId: number }
  | {
      readonly kind: 'topic.created';
      readonly topic: string;
      readonly partitions: number;
      readonly replicationFactor: number;
    }
  | { readonly kind: 'topic.deleted'; readonly topic: string }
  | { readonly kind: 'config.changed'; readonly resource: string; readonly name: string; readonly value: string | null }
  | {
      readonly kind: 'partition.leaderElected';
      readonly topic: string;
      readonly partition: number;
      /** −1: the partition is offline. */
      readonly leader: number;
      readonly previousLeader: number;
      readonly leaderEpoch: number;
      readonly inSyncReplicas: readonly number[];
      readonly unclean: boolean;
    }
  | {
      readonly kind: 'partition.isrShrunk' | 'partition.isrExpanded';
      readonly topic: string;
      readonly partition: number;
      readonly changed: readonly number[];
      readonly inSyncReplicas: readonly number[];
      readonly leaderEpoch: number;
    }
  // one broker's replicas
  | {
      readonly kind: 'replica.leading';
      readonly topic: string;
      readonly partition: number;
      readonly leaderEpoch: number;
      readonly logEndOffset: number;
    }
  | {
      readonly kind: 'replica.following';
      readonly topic: string;
      readonly partition: number;
      readonly leaderEpoch: number;
      readonly leader: number;
    }
  | {
      readonly kind: 'replica.truncated';
      readonly topic: string;
      readonly partition: number;
      readonly from: number;
      readonly to: number;
      readonly leaderEpoch: number;
    }
  | {
      readonly kind: 'log.recovered';
      readonly topic: string;
      readonly partition: number;
      readonly truncatedBytes: number;
      readonly detail: string;
    }
  | { readonly kind: 'log.directoryFailed'; readonly directory: string; readonly reason: string }
  // groups
  | {
      readonly kind: 'group.rebalancing';
      readonly groupId: string;
      readonly generation: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'group.stable';
      readonly groupId: string;
      readonly generation: number;
      readonly members: number;
      readonly protocol: string;
    }
  /** Its last member is gone: nobody waits for anything. */
  | { readonly kind: 'group.empty'; readonly groupId: string; readonly generation: number }
  | {
      readonly kind: 'group.memberJoined';
      readonly groupId: string;
      readonly memberId: string;
      readonly clientId: string;
      readonly protocol: 'classic' | 'consumer' | 'share' | 'streams';
      /** The id under which a static member was here before; its partitions go on with it. */
      readonly replaces: string | null;
    }
  /** What a member holds from now on, as its coordinator knows it; told when that changed. */
  | {
      readonly kind: 'group.memberHolds';
      readonly groupId: string;
      readonly memberId: string;
      readonly clientId: string;
      /** The generation of a classic group, the member epoch of the newer protocols. */
      readonly epoch: number;
      /**
       * rejoined: a classic member came back and said what it did not give up · assigned: the classic leader's
       * assignment was handed out · reconciled: a newer protocol's coordinator gave or took, heartbeat by heartbeat.
       */
      readonly told: 'rejoined' | 'assigned' | 'reconciled';
      readonly partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
    }
  | {
      readonly kind: 'group.memberRemoved';
      readonly groupId: string;
      readonly memberId: string;
      readonly reason: string;
    }
  // transactions, as their coordinator has them on its log
  | {
      readonly kind: 'transaction.began' | 'transaction.partitionsAdded';
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
    }
  | {
      /** prepared: the decision is on the log, come what may · completed: so are all its markers. */
      readonly kind: 'transaction.prepared' | 'transaction.completed';
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly decision: 'commit' | 'abort';
      /** client: EndTxn · successor: another process took the transactional id · timeout: open for too long. */
      readonly by: 'client' | 'successor' | 'timeout';
      readonly startedWallMs: number;
      readonly partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
      /** Committed ones of this transactional id since the last that was told: too many to tell each. */
      readonly untold: number;
    }
  /** A new process has the transactional id: whoever had the epoch before may not write any more. */
  | {
      readonly kind: 'transaction.fenced';
      readonly transactionalId: string;
      readonly producerId: number;
      readonly fencedEpoch: number;
      readonly producerEpoch: number;
    }
  | {
      readonly kind: 'coordinator.loaded';
      readonly topic: string;
      readonly partition: number;
      readonly records: number;
      readonly tookMs: number;
    }
  // processes, as the supervisor sees them
  | { readonly kind: 'process.started'; readonly brokerId: number; readonly pid: number }
  | {
      readonly kind: 'process.exited';
      readonly brokerId: number;
      readonly pid: number;
      readonly signal: string | null;
      readonly code: number | null;
      readonly wanted: boolean;
    }
  | {
      readonly kind: 'process.paused' | 'process.resumed' | 'process.killed' | 'process.stopping';
      readonly brokerId: number;
      readonly pid: number;
    }
  /** What was not synced is gone with the process; counts are null when the broker could not tell any more. */
  | {
      readonly kind: 'process.powerLost';
      readonly brokerId: number;
      readonly pid: number;
      readonly torn: boolean;
      readonly lostFiles: number | null;
      readonly lostBytes: number | null;
    }
  | { readonly kind: 'cluster.ready'; readonly readyMs: number }
  // faults that were given to brokers (core/faults.ts)
  | { readonly kind: 'fault.added' | 'fault.cleared'; readonly faultId: string; readonly fault: Fault }
  // a drill's step that does something to the cluster or its clients (waits are not recorded)
  | { readonly kind: 'drill.step'; readonly drill: string; readonly step: number; readonly text: string }
  // the built-in workload, as clients see it
  | { readonly kind: 'client.error'; readonly client: string; readonly error: string; readonly detail: string }
  | { readonly kind: 'client.recovered'; readonly client: string; readonly unavailableMs: number };

export type JournalKind = JournalEntry['kind'];

export type JournalEvent = {
  readonly id: EventId;
  readonly source: EventSource;
  /** Rises by one per source. */
  readonly sequence: number;
  readonly wallMs: number;
  /** Monotonic clock of the source's machine; one machine hosts all sources, so they compare. */
  readonly monotonicMs: number;
  /** The event, request or verb that led to this one; null where there is none. */
  readonly cause: EventId | string | null;
  readonly entry: JournalEntry;
};

export type Journal = {
  /** Adds an event and returns its id, to be passed on as the cause of what follows. Never throws, never waits. */
  record(entry: JournalEntry, cause?: EventId | string | null): EventId;
};
