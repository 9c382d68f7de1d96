// The cluster that a drill runs against, as the runner sees it. The engine gives one of real processes; whatever can
// do the verbs and tell its view can give another.

import type { ClusterDelta, ClusterView, JournalEntry } from '../api/views.ts';
import type { ClusterControl } from '../cluster/cluster-control.ts';
import type { EventId } from '../core/journal.ts';
import type { NodeEndpoint } from '../net/node-connections.ts';
import type { Runtime } from '../runtime/runtime.ts';

export type DrillWorld = {
  readonly runtime: Pick<Runtime, 'clock' | 'network'>;
  readonly control: ClusterControl;
  readonly bootstrap: readonly NodeEndpoint[];
  /** Stands before the names of the drill's topics and groups, so that they meet no others. */
  readonly prefix: string;
  view(): ClusterView;
  /** The view as of the last delta; deltas from there on come to `receive`. Returns the end of the subscription. */
  follow(receive: (delta: ClusterDelta) => void): { readonly snapshot: ClusterView; end(): void };
  /** Puts a step of the drill into the cluster's journal. */
  record(entry: JournalEntry): EventId;
};
