// The one endpoint list of the UI. Endpoints `workspaces.*` speak to the app, all others to the cluster of the workspace
// that the message names (none: the one the app was started with).
// Client and host are derived from it, so drift is a compile error; the host
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
import { workspaceInputs, type WorkspaceOutputs } from './endpoints/workspaces.ts';
import type { DrillProgress } from './drill-views.ts';
import type { MeasurementView } from './producer-views.ts';
import type { ClusterSample } from './sample-views.ts';
import type { ClusterDelta } from './views.ts';
import type { WorkspaceList } from './workspace-views.ts';

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
  ...workspaceInputs,
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
  TopicOutputs &
  WorkspaceOutputs;

export type Endpoint = keyof typeof inputs & keyof Outputs;
/** Asked of the app as a whole. */
export type AppEndpoint = keyof WorkspaceOutputs;
/** Asked of one cluster. */
export type ClusterEndpoint = Exclude<Endpoint, AppEndpoint>;
export type InputOf<Name extends Endpoint> = v.InferOutput<(typeof inputs)[Name]>;
export type OutputOf<Name extends Endpoint> = Outputs[Name];

/** Pushed to subscribers. */
export type Pushed = {
  readonly 'cluster.delta': ClusterDelta;
  readonly 'cluster.sample': ClusterSample;
  readonly 'drill.progress': DrillProgress;
  readonly 'producers.measurement': MeasurementView;
  /** Of the app as a whole; the other channels are a cluster's. */
  readonly 'workspaces.changed': WorkspaceList;
};
export type Channel = keyof Pushed;
export type ClusterChannel = Exclude<Channel, 'workspaces.changed'>;
export const channels = [
  'cluster.delta',
  'cluster.sample',
  'drill.progress',
  'producers.measurement',
  'workspaces.changed',
] as const satisfies readonly Channel[];

/** A refusal that a person reads: what happened, and what to do. */
export type Refusal = { readonly code: string; readonly message: string; readonly advice: string | null };

/** Messages on the transport, both shells alike. Without `workspace` the app's first one is meant. */
export type ClientMessage =
  | {
      readonly type: 'request';
      readonly id: number;
      readonly endpoint: string;
      readonly input: unknown;
      readonly workspace?: string;
    }
  | { readonly type: 'subscribe'; readonly channel: string; readonly workspace?: string }
  | { readonly type: 'unsubscribe'; readonly channel: string; readonly workspace?: string };
export type HostMessage =
  | { readonly type: 'answer'; readonly id: number; readonly output: unknown }
  | { readonly type: 'refusal'; readonly id: number; readonly refusal: Refusal }
  | { readonly type: 'push'; readonly channel: string; readonly payload: unknown; readonly workspace?: string };

/** What both preload and WebSocket transport give the renderer; never grows. */
export type Bridge = {
  request<Name extends Endpoint>(endpoint: Name, input: InputOf<Name>, workspace?: string): Promise<OutputOf<Name>>;
  /** Returns the function that ends the subscription. */
  subscribe<Name extends Channel>(
    channel: Name,
    receive: (payload: Pushed[Name]) => void,
    workspace?: string,
  ): () => void;
};

/** One key for a channel of one workspace, at both ends. */
export const channelKey = (channel: string, workspace: string | undefined): string => `${workspace ?? ''} ${channel}`;
