// How components reach the page's few owners of state, without a global.

import { createContext } from 'svelte';
import type { EngineLink } from '../engine/engine-link.ts';
import type { Actions } from './actions.ts';
import type { ClusterModel } from './cluster-model.ts';
import type { ClusterState } from './cluster-state.svelte.ts';
import type { Notices } from './notices.svelte.ts';
import type { Preferences } from './preferences.svelte.ts';
import type { Router } from './router.svelte.ts';
import type { Schemas } from './schemas.svelte.ts';
import type { Screen } from './screen.svelte.ts';
import type { WorkspaceActions } from './workspace-actions.svelte.ts';
import type { WorkspacesState } from './workspaces.svelte.ts';

/** What outlives a change of workspace. */
export type AppOwners = {
  readonly link: EngineLink;
  readonly preferences: Preferences;
  readonly notices: Notices;
  readonly router: Router;
  readonly schemas: Schemas;
  readonly workspaces: WorkspacesState;
  readonly workspaceActions: WorkspaceActions;
};

/** With what belongs to the one cluster that is shown. */
export type Page = AppOwners & {
  readonly cluster: ClusterState;
  readonly screen: Screen;
  readonly actions: Actions;
};

export const [getPage, setPage] = createContext<Page>();

/** For components below the cluster view, where a snapshot is there. */
export const [getModel, setModel] = createContext<{ readonly current: ClusterModel }>();
