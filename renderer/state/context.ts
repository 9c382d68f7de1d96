// How components reach the page's few owners of state, without a global.

import { createContext } from 'svelte';
import type { Actions } from './actions.ts';
import type { ClusterModel } from './cluster-model.ts';
import type { ClusterState } from './cluster-state.svelte.ts';
import type { Notices } from './notices.svelte.ts';
import type { Preferences } from './preferences.svelte.ts';
import type { Router } from './router.svelte.ts';
import type { Schemas } from './schemas.svelte.ts';
import type { Screen } from './screen.svelte.ts';

export type Page = {
  readonly cluster: ClusterState;
  readonly preferences: Preferences;
  readonly notices: Notices;
  readonly screen: Screen;
  readonly actions: Actions;
  readonly router: Router;
  readonly schemas: Schemas;
};

export const [getPage, setPage] = createContext<Page>();

/** For components below the cluster view, where a snapshot is there. */
export const [getModel, setModel] = createContext<{ readonly current: ClusterModel }>();
