// Endpoints of the Brokers screen: configs with their source, log directories, the broker's own log file.

import * as v from 'valibot';
import type { ConfigView } from './topics.ts';

const brokerId = v.pipe(v.number(), v.integer(), v.minValue(0));

export const brokerInputs = {
  'broker.configs': v.object({ brokerId }),
  /** Null as broker: the cluster-wide default that all brokers take. Null as value: back to what stands below. */
  'broker.alterConfig': v.object({
    brokerId: v.nullable(brokerId),
    name: v.string(),
    value: v.nullable(v.string()),
    validateOnly: v.boolean(),
  }),
  'broker.logDirs': v.object({ brokerId }),
  /** From a position on; null: the last part of the file. */
  'broker.logTail': v.object({ brokerId, from: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))) }),
} as const;

export type LogDirView = {
  readonly path: string;
  /** Kafka's error name; null when the directory works. */
  readonly error: string | null;
  readonly totalBytes: number | null;
  readonly usableBytes: number | null;
  readonly usedBytes: number;
  /** Largest first, at most `logDirReplicasMax`. */
  readonly replicas: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly sizeBytes: number;
    readonly offsetLag: number;
  }[];
  readonly replicaCount: number;
};

export const logDirReplicasMax = 200;

export type LogTail = {
  readonly path: string;
  readonly text: string;
  /** Where `text` begins and ends in the file. */
  readonly from: number;
  readonly to: number;
  /** The file became shorter than asked for: it was started anew. */
  readonly restarted: boolean;
};

export type BrokerOutputs = {
  'broker.configs': { readonly configs: readonly ConfigView[] };
  'broker.alterConfig': null;
  'broker.logDirs': readonly LogDirView[];
  'broker.logTail': LogTail;
};
