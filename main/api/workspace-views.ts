// Workspaces as the screens show them: the clusters of this app. Pure types and limits.

import type { ClusterView } from './views.ts';

/** What a local cluster is made of; the words are those of `highwater up`. */
export type LocalSettings = {
  readonly brokers: number;
  /** One a broker, in the order of their ids; null: no rack. Shorter lists leave the rest without. */
  readonly racks: readonly (string | null)[];
  readonly profile: ClusterView['profile'];
  /** Client port of broker 1; the others follow. Null: a free range is picked and remembered. */
  readonly port: number | null;
  /** Kafka properties for every broker. */
  readonly configs: Readonly<Record<string, string>>;
};

/** `kind` leaves room for clusters that are not ours. */
export type WorkspaceSettings = { readonly kind: 'local' } & LocalSettings;

export type WorkspaceState = 'stopped' | 'starting' | 'running' | 'stopping' | 'failed';

export type WorkspaceView = {
  /** Name of its directory; stands in addresses. */
  readonly id: string;
  readonly name: string;
  readonly settings: WorkspaceSettings;
  readonly state: WorkspaceState;
  /** Why it could not start, with what to do; null when fine. */
  readonly problem: string | null;
  /** Rises with each start: what belongs to an earlier run is not of this one. */
  readonly run: number;
  /** The one that this app was started with. */
  readonly isHome: boolean;
  /** A directory elsewhere, given on the command line: it can't be duplicated over or deleted from here. */
  readonly isAdopted: boolean;
  /** Nothing is kept when it stops. */
  readonly ephemeral: boolean;
  readonly dataDir: string | null;
  /** Pid of another Highwater that runs this directory now. */
  readonly runBy: number | null;
  /** A drill is on it at this moment. */
  readonly drilling: boolean;
  readonly figures: WorkspaceFigures | null;
};

/** Of a running one; taken once a second from its view. */
export type WorkspaceFigures = {
  readonly clusterId: string;
  readonly bootstrap: string;
  readonly state: ClusterView['state'];
  readonly brokersUp: number;
  readonly brokerCount: number;
  readonly topicCount: number;
  readonly messagesInPerSecond: number | null;
  readonly bytesInPerSecond: number | null;
  readonly residentBytes: number | null;
};

export type WorkspaceList = {
  readonly workspaces: readonly WorkspaceView[];
  /** Where they live. */
  readonly root: string;
  /** Directories that hold a workspace that can't be read, with what to do. */
  readonly damaged: readonly { readonly path: string; readonly problem: string }[];
};

export const workspacesMax = 64;
export const workspaceBrokersMax = 32;
