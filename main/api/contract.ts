// The one endpoint list of the UI. Client and host are derived from it, so drift is a compile error; the host
// validates every input. Carried over Electron IPC and over a WebSocket alike.

import * as v from 'valibot';
import type { ClusterDelta, ClusterView } from './views.ts';

const brokerInput = v.object({ brokerId: v.pipe(v.number(), v.integer(), v.minValue(0)) });
const nothing = v.object({});

/** Input schemas of all requests. */
export const inputs = {
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
export type Outputs = {
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

export type Endpoint = keyof typeof inputs & keyof Outputs;
export type InputOf<Name extends Endpoint> = v.InferOutput<(typeof inputs)[Name]>;
export type OutputOf<Name extends Endpoint> = Outputs[Name];

/** Pushed to subscribers. */
export type Pushed = { readonly 'cluster.delta': ClusterDelta };
export type Channel = keyof Pushed;

/** A refusal that a person reads: what happened, and what to do. */
export type Refusal = { readonly code: string; readonly message: string; readonly advice: string | null };

/** Messages on the transport, both shells alike. */
export type ClientMessage =
  | { readonly type: 'request'; readonly id: number; readonly endpoint: string; readonly input: unknown }
  | { readonly type: 'subscribe'; readonly channel: string }
  | { readonly type: 'unsubscribe'; readonly channel: string };
export type HostMessage =
  | { readonly type: 'answer'; readonly id: number; readonly output: unknown }
  | { readonly type: 'refusal'; readonly id: number; readonly refusal: Refusal }
  | { readonly type: 'push'; readonly channel: string; readonly payload: unknown };

/** What both preload and WebSocket transport give the renderer; never grows. */
export type Bridge = {
  request<Name extends Endpoint>(endpoint: Name, input: InputOf<Name>): Promise<OutputOf<Name>>;
  /** Returns the function that ends the subscription. */
  subscribe<Name extends Channel>(channel: Name, receive: (payload: Pushed[Name]) => void): () => void;
};
