// What the app needs of a cluster that it shows, be it our own or one elsewhere.

import type { EngineApi } from '../api/host.ts';
import type { WorkspaceFigures } from '../api/workspace-views.ts';

export type HostedCluster = {
  /** Resolves when it is ready to be used. */
  start(): Promise<{ readyMs: number }>;
  /** Ends it and gives back all it holds. */
  stop(): Promise<void>;
  api(): EngineApi;
  figures(): WorkspaceFigures;
  /** Where `highwater status` finds the page. */
  setUiUrl(url: string): void;
  /** Told when another program asks this cluster to end. */
  onShutdownAsked(action: () => void): void;
};
