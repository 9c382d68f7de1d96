// Endpoints of the Cluster screen: the verbs on brokers, quick topic actions and the demo workload.

import * as v from 'valibot';
import type { ClusterView } from '../views.ts';

const brokerInput = v.object({ brokerId: v.pipe(v.number(), v.integer(), v.minValue(0)) });
const nothing = v.object({});

/** Input schemas. */
export const clusterInputs = {
  'cluster.snapshot': nothing,
  'broker.start': brokerInput,
  /** Controlled shutdown. */
  'broker.stop': brokerInput,
  /** SIGKILL. */
  'broker.kill': brokerInput,
  /** SIGSTOP. */
  'broker.pause': brokerInput,
  /** SIGCONT. */
  'broker.resume': brokerInput,
  /** Controlled shutdown, then start. */
  'broker.restart': brokerInput,
  'topic.create': v.object({
    topic: v.pipe(v.string(), v.minLength(1), v.maxLength(249)),
    partitions: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)),
    replicationFactor: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(32767)),
    configs: v.optional(v.record(v.string(), v.string())),
  }),
  'topic.delete': v.object({ topic: v.string() }),
  'partition.electPreferred': v.object({
    topic: v.string(),
    partition: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  'workload.start': v.object({
    messagesPerSecond: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)),
  }),
  'workload.stop': nothing,
} as const;

/** What each request answers. */
export type ClusterOutputs = {
  'cluster.snapshot': { readonly number: number; readonly view: ClusterView };
  'broker.start': null;
  'broker.stop': null;
  'broker.kill': null;
  'broker.pause': null;
  'broker.resume': null;
  'broker.restart': null;
  'topic.create': { readonly topicId: string };
  'topic.delete': null;
  'partition.electPreferred': null;
  'workload.start': null;
  'workload.stop': null;
};
