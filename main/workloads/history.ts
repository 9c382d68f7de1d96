// What the clients of a run were told, in the order in which they were told, and what the logs held in the end. Plain
// data, from which check-history.ts computes what was lost, doubled, reordered or seen too early. No opinion in here.

/** Each record names itself in its value: the producer, and a number that rises with each record that it sends. */
export type RecordName = { readonly producer: string; readonly number: number };

export type ProducerFacts = {
  readonly producer: string;
  readonly acks: 'all' | 'leader' | 'none';
  readonly isIdempotent: boolean;
};

type InPartition = { readonly topic: string; readonly partition: number };

/** Every event carries the time of one clock that all clients of the run share. */
export type HistoryEvent =
  | (RecordName & InPartition & { readonly type: 'sent'; readonly atMs: number })
  | (RecordName &
      InPartition & {
        readonly type: 'acknowledged';
        readonly atMs: number;
        /** When the request left; needed only where disks lose data. */
        readonly startMs?: number;
        /** Null when the broker answered "a duplicate" without saying where the first one stands. */
        readonly offset: number | null;
        /** The broker that answered; null where the client library does not say. */
        readonly leader: number | null;
        readonly key?: string;
      })
  | (RecordName &
      InPartition & {
        readonly type: 'failed';
        readonly atMs: number;
        readonly error: string;
        /** The cluster said that it did not write the record, at every attempt; otherwise nobody knows. */
        readonly isRefused: boolean;
      })
  | (InPartition & {
      readonly type: 'read';
      readonly atMs: number;
      /** When the request left; needed only where disks lose data. */
      readonly startMs?: number;
      readonly reader: string;
      /** The group for which the reader reads; null for a reader that commits nothing. */
      readonly group: string | null;
      readonly isolation: 'read_uncommitted' | 'read_committed';
      /** The broker that answered and the leader epoch that the reader knew; null where the library does not say. */
      readonly leader: number | null;
      readonly leaderEpoch: number | null;
      readonly highWatermark: number | null;
      /** Of readers of committed records, where they are told. */
      readonly lastStableOffset?: number | null;
      readonly logStartOffset?: number | null;
      /** In the order of their offsets. Offsets in between may hold control records. */
      readonly records: readonly StoredRecord[];
    })
  | (InPartition & {
      readonly type: 'committed';
      /** When the commit was asked for, and when it was acknowledged. */
      readonly startMs: number;
      readonly atMs: number;
      readonly group: string;
      readonly offset: number;
    })
  | (InPartition & {
      readonly type: 'committedRead';
      readonly startMs: number;
      readonly atMs: number;
      readonly group: string;
      /** Null: the group has none. */
      readonly offset: number | null;
    })
  | (InPartition & {
      /** DeleteRecords was acknowledged: the log begins there or later, on every replica that is in sync. */
      readonly type: 'recordsDeleted';
      readonly startMs: number;
      readonly atMs: number;
      readonly lowWatermark: number;
    })
  | (InPartition & {
      /** A heartbeat's answer (KIP-848) gave the partition to the member at this epoch. */
      readonly type: 'owned';
      readonly atMs: number;
      readonly group: string;
      readonly member: string;
      readonly epoch: number;
    })
  | {
      /** InitProducerId, or the end of a transaction (KIP-890), gave the life of a program its epoch. */
      readonly type: 'epochGiven';
      readonly startMs: number;
      readonly atMs: number;
      /** The life: another one under the same transactional id has another name. */
      readonly producer: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      /** A new life begins with it. */
      readonly isInitial: boolean;
    }
  | TransactionEvent;

/** A record that a transaction wrote, and what it was made of. */
export type TransactionRecord = RecordName &
  InPartition & { readonly source: InPartition & { readonly offset: number } };

/** A transaction that its producer is done with. */
export type TransactionEvent = {
  readonly type: 'transaction';
  readonly startMs: number;
  readonly atMs: number;
  readonly producer: string;
  /** Aborted: as asked for, or because nobody ever asked for a commit. Unknown: a commit was asked for, without an answer. */
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  readonly records: readonly TransactionRecord[];
  readonly group: string;
  readonly offsets: readonly (InPartition & { readonly offset: number })[];
};

export type StoredRecord = RecordName & {
  readonly offset: number;
  /** Of the leader that wrote it; null where the library does not say. */
  readonly leaderEpoch: number | null;
  /** Needed only where compaction goes by it. */
  readonly key?: string;
};

/** A partition as its leader hands it out once everything is whole again. A deleted topic has none. */
export type FinalLog = InPartition & {
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** Compaction may have taken records away: their absence proves nothing. */
  readonly isCompacted: boolean;
  readonly records: readonly StoredRecord[];
  /** Those that a reader of committed records is shown. Absent where no transaction writes. */
  readonly committed?: readonly StoredRecord[];
};

/** What the metadata said from then on. */
export type InSyncFact = InPartition & {
  readonly atMs: number;
  readonly leader: number;
  /** The ISR, with the eligible leader replicas (KIP-966) where there are any. */
  readonly inSyncReplicas: readonly number[];
  /** Of those the ones that are not in the ISR: they may be away. Absent where nobody told them apart. */
  readonly eligibleOnly?: readonly number[];
  /** All that host it: another one deletes what it had. Absent where nobody noted them. */
  readonly replicas?: readonly number[];
  /** The leader was elected outside the ISR: acknowledged records may go. */
  readonly isUnclean?: boolean;
};

/** A broker's disk lost what was not synced (power loss). A process that is only killed loses nothing. */
export type DiskLoss = { readonly atMs: number; readonly broker: number };

/** A broker registers again without the mark of an orderly stop: KIP-966 takes it out of ISR and ELR, whatever its disk holds. */
export type UncleanEnd = { readonly atMs: number; readonly broker: number };

export type History = {
  readonly producers: readonly ProducerFacts[];
  readonly events: readonly HistoryEvent[];
  readonly logs: readonly FinalLog[];
  /** In order of time. Needed only to excuse losses: without disk losses both may be empty. */
  readonly inSync: readonly InSyncFact[];
  readonly diskLosses: readonly DiskLoss[];
  /** With these the in-sync facts must be complete: all that the metadata said of the partitions, in order. */
  readonly uncleanEnds?: readonly UncleanEnd[];
  /** Topics that ask for unclean elections: what those lose is told, not blamed. */
  readonly uncleanTopics?: readonly string[];
  /** The partition of `__consumer_offsets` that holds a group, where known. */
  readonly groupPartitions?: ReadonlyMap<string, number>;
};

export type HistoryRule =
  | 'lost'
  | 'duplicated'
  | 'reordered'
  | 'moved'
  | 'invented'
  | 'refused-but-written'
  | 'read-above-high-watermark'
  | 'read-changed'
  | 'read-out-of-order'
  | 'high-watermark-fell'
  | 'two-leaders-in-one-epoch'
  | 'leader-epoch-fell'
  | 'commit-fell'
  | 'skipped-by-group'
  | 'log-start-fell'
  | 'latest-of-key-lost'
  | 'owned-twice'
  | 'last-stable-offset-fell'
  | 'read-above-last-stable-offset'
  | 'transaction-torn'
  | 'transaction-lost'
  | 'aborted-visible'
  | 'copied-twice'
  | 'epoch-given-twice'
  | 'offsets-apart';

export type HistoryViolation = InPartition & { readonly rule: HistoryRule; readonly message: string };

export type HistoryCounts = {
  readonly sent: number;
  readonly acknowledged: number;
  readonly failed: number;
  /** Acknowledged and not in the final log, whatever was promised: by the producer's acks. */
  readonly lost: { readonly all: number; readonly leader: number };
  /** Of the acks=all ones: no in-sync replica's disk survived, so nobody promised more. */
  readonly lostExcused: number;
  /**
   * Of the acks=all ones: a disk still held it, but everyone who was in sync had ended uncleanly, and Kafka (KIP-966)
   * elected the last known leader, which had lost it. Kafka gives these up; so must we.
   */
  readonly lostGivenUp: number;
  /** Of the acks=all ones: an unclean election that the topic asks for took it. */
  readonly lostToUnclean: number;
  /** Copies beyond the first in the final log; of any producer, then of the idempotent ones. */
  readonly duplicated: number;
  readonly duplicatedIdempotent: number;
  /** Records that stand behind one that their producer sent later; of any producer, then of the idempotent ones. */
  readonly reordered: number;
  readonly reorderedIdempotent: number;
  readonly read: number;
  readonly commits: number;
  readonly transactions: { readonly committed: number; readonly aborted: number; readonly unknown: number };
};

export type HistoryReport = {
  readonly counts: HistoryCounts;
  /** The first `violationCountMax`; `violationCount` is how many there are. */
  readonly violations: readonly HistoryViolation[];
  readonly violationCount: number;
};

/** The text that a record's value begins with, and its way back; null when it is none of ours. */
export function nameToText({ producer, number }: RecordName): string {
  return `${producer}#${number};`;
}

export function nameFromText(text: string): RecordName | null {
  const match = /^([^#;]+)#(\d+);/.exec(text);
  return match === null ? null : { producer: match[1] ?? '', number: Number(match[2]) };
}
