// A drill as the runner needs it: durations in milliseconds, each step one discriminated action. Made from a file by
// plan-drill.ts.

import type { ProducerSettings } from '../workloads/presets.ts';
import type { Bound, DrillFile, KeysSetting } from './drill-file.ts';
import type { Role } from './roles.ts';

export type PartitionName = { readonly topic: string; readonly partition: number };

export type Wait =
  | { readonly kind: 'acknowledged' | 'consumed' | 'failed'; readonly by: string; readonly more: number }
  | { readonly kind: 'refused'; readonly by: string; readonly error: string | null; readonly more: number }
  | { readonly kind: 'writesResume'; readonly by: string }
  | { readonly kind: 'writesStall'; readonly by: string; readonly forMs: number }
  | { readonly kind: 'newLeader' | 'offline'; readonly of: PartitionName }
  | { readonly kind: 'leader'; readonly of: PartitionName; readonly is: Role }
  | { readonly kind: 'newController' }
  | { readonly kind: 'inSync'; readonly topic: string; readonly partition: number | null; readonly size: number }
  | { readonly kind: 'fenced' | 'unfenced' | 'ended'; readonly who: Role }
  | { readonly kind: 'lag'; readonly of: string; readonly atLeast: number | null; readonly atMost: number | null }
  | { readonly kind: 'groupStable'; readonly of: string; readonly members: number }
  | { readonly kind: 'copied'; readonly by: string; readonly more: number }
  | { readonly kind: 'copierFenced'; readonly by: string }
  | { readonly kind: 'event'; readonly fields: Readonly<Record<string, unknown>> };

export type TimedWait = { readonly wait: Wait; readonly withinMs: number };

export type BrokerVerb = 'kill' | 'stop' | 'start' | 'restart' | 'pause' | 'resume' | 'powerLoss' | 'fullDisk';

export type Action =
  | (TimedWait & { readonly kind: 'wait' })
  | { readonly kind: 'hold'; readonly forMs: number }
  | { readonly kind: 'broker'; readonly verb: BrokerVerb; readonly who: Role }
  | { readonly kind: 'rollingRestart'; readonly between: TimedWait | null }
  | {
      readonly kind: 'cut';
      readonly of: Role;
      readonly from: readonly (Role | 'clients' | 'brokers')[];
      readonly direction: 'both' | 'in' | 'out';
    }
  | { readonly kind: 'delay'; readonly of: Role; readonly byMs: number; readonly jitterMs: number }
  | { readonly kind: 'slowDisk'; readonly of: Role; readonly byMs: number }
  | { readonly kind: 'skewClock'; readonly of: Role; readonly byMs: number }
  | { readonly kind: 'heal'; readonly who: Role | null }
  | { readonly kind: 'startProducer' | 'stopProducer'; readonly producer: string }
  | { readonly kind: 'rate'; readonly producer: string; readonly perSecond: number }
  | { readonly kind: 'keys'; readonly producer: string; readonly keys: KeysSetting }
  | { readonly kind: 'addMember' | 'stopMember' | 'crashMember'; readonly group: string }
  | { readonly kind: 'startCopier' | 'crashCopier' | 'freezeCopier' | 'thawCopier'; readonly copier: string }
  | { readonly kind: 'config'; readonly topic: string; readonly set: Readonly<Record<string, string>> }
  | { readonly kind: 'elect'; readonly of: PartitionName; readonly isUnclean: boolean };

export type Step = {
  readonly action: Action;
  /** The name that later steps use for the broker of this one. */
  readonly as: string | null;
  /** A sentence; the file's own note where it has one. */
  readonly text: string;
};

export type ProducerPlan = {
  readonly name: string;
  readonly topic: string;
  readonly preset: string;
  readonly settings: ProducerSettings;
  readonly rate: number;
  readonly keys: KeysSetting;
  readonly valueBytes: number;
  readonly atStart: boolean;
};

export type GroupPlan = {
  readonly name: string;
  readonly topic: string;
  readonly members: number;
  /** `consumer`: KIP-848, where the coordinator assigns. */
  readonly protocol: 'classic' | 'consumer';
  readonly assignor: 'range' | 'cooperative-sticky';
  readonly sessionTimeoutMs: number;
  readonly workPerRecordMs: number;
};

/** A read-process-write program. */
export type CopierPlan = {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly mode: 'at-most-once' | 'at-least-once' | 'exactly-once';
  /** Records a turn. */
  readonly batch: number;
  readonly atStart: boolean;
};

export type TopicPlan = {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Its first replica; null: as Kafka places it. */
  readonly leadBy: Role | null;
  /** Holds no replica. */
  readonly without: Role | null;
  readonly configs: Readonly<Record<string, string>>;
};

export type DrillPlan = {
  readonly name: string;
  readonly title: string;
  readonly teaches: string;
  readonly story: string;
  readonly level: DrillFile['level'];
  readonly tags: readonly string[];
  readonly brokers: number;
  readonly profile: 'laptop' | 'kafka';
  readonly configs: Readonly<Record<string, string>>;
  readonly topics: readonly TopicPlan[];
  readonly producers: readonly ProducerPlan[];
  readonly groups: readonly GroupPlan[];
  readonly copiers: readonly CopierPlan[];
  readonly questions: DrillFile['predict'];
  readonly steps: readonly Step[];
  readonly expectations: readonly { readonly measure: string; readonly bound: Bound }[];
  readonly source: string;
};
