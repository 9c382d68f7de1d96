// The one endpoint list of the UI. Client and host are derived from it, so drift is a compile error; the host
// validates every input. Each feature's endpoints stand in endpoints/.
// Carried over Electron IPC and over a WebSocket alike.

import type * as v from 'valibot';
import { brokerInputs, type BrokerOutputs } from './endpoints/brokers.ts';
import { clusterInputs, type ClusterOutputs } from './endpoints/cluster.ts';
import { drillInputs, type DrillOutputs } from './endpoints/drills.ts';
import { faultInputs, type FaultOutputs } from './endpoints/faults.ts';
import { groupInputs, type GroupOutputs } from './endpoints/groups.ts';
import { messageInputs, type MessageOutputs } from './endpoints/messages.ts';
import { producerInputs, type ProducerOutputs } from './endpoints/producers.ts';
import { quorumInputs, type QuorumOutputs } from './endpoints/quorum.ts';
import { sampleInputs, type SampleOutputs } from './endpoints/samples.ts';
import { segmentInputs, type SegmentOutputs } from './endpoints/segments.ts';
import { topicInputs, type TopicOutputs } from './endpoints/topics.ts';
import type { DrillProgress } from './drill-views.ts';
import type { MeasurementView } from './producer-views.ts';
import type { ClusterSample } from './sample-views.ts';
import type { ClusterDelta } from './views.ts';

/** Input schemas of all requests, one file a feature. */
export const inputs = {
  ...brokerInputs,
  ...clusterInputs,
  ...drillInputs,
  ...groupInputs,
  ...producerInputs,
  ...quorumInputs,
  ...sampleInputs,
  ...faultInputs,
  ...messageInputs,
  ...segmentInputs,
  ...topicInputs,
} as const;

/** What each request answers. */
export type Outputs = BrokerOutputs &
  ClusterOutputs &
  DrillOutputs &
  GroupOutputs &
  ProducerOutputs &
  QuorumOutputs &
  SampleOutputs &
  FaultOutputs &
  MessageOutputs &
  SegmentOutputs &
  TopicOutputs;

export type Endpoint = keyof typeof inputs & keyof Outputs;
export type InputOf<Name extends Endpoint> = v.InferOutput<(typeof inputs)[Name]>;
export type OutputOf<Name extends Endpoint> = Outputs[Name];

/** Pushed to subscribers. */
export type Pushed = {
  readonly 'cluster.delta': ClusterDelta;
  readonly 'cluster.sample': ClusterSample;
  readonly 'drill.progress': DrillProgress;
  readonly 'producers.measurement': MeasurementView;
};
export type Channel = keyof Pushed;
export const channels = [
  'cluster.delta',
  'cluster.sample',
  'drill.progress',
  'producers.measurement',
] as const satisfies readonly Channel[];

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
