// Entry of the page: makes the few owners of state and mounts the app.

import './theme/fonts.css';
import './theme/tokens.css';
import './theme/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { chooseLink } from './engine/choose-link.ts';
import { Notices } from './state/notices.svelte.ts';
import { Preferences } from './state/preferences.svelte.ts';
import { Router } from './state/router.svelte.ts';
import { Schemas } from './state/schemas.svelte.ts';
import { WorkspaceActions } from './state/workspace-actions.svelte.ts';
import { WorkspacesState } from './state/workspaces.svelte.ts';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');

const link = chooseLink(window);
const notices = new Notices();
mount(App, {
  target,
  props: {
    owners: {
      link,
      notices,
      preferences: new Preferences(),
      router: new Router(),
      schemas: new Schemas(),
      workspaces: new WorkspacesState(link),
      workspaceActions: new WorkspaceActions(link.bridge, notices),
    },
  },
});
