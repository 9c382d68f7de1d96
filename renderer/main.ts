// Entry of the page: makes the few owners of state and mounts the app.

import './theme/fonts.css';
import './theme/tokens.css';
import './theme/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { chooseLink } from './engine/choose-link.ts';
import { Actions } from './state/actions.ts';
import { ClusterState } from './state/cluster-state.svelte.ts';
import { Notices } from './state/notices.svelte.ts';
import { Preferences } from './state/preferences.svelte.ts';
import { Router } from './state/router.svelte.ts';
import { Schemas } from './state/schemas.svelte.ts';
import { Screen } from './state/screen.svelte.ts';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');

const cluster = new ClusterState(chooseLink(window));
const notices = new Notices();
mount(App, {
  target,
  props: {
    owners: {
      cluster,
      notices,
      preferences: new Preferences(),
      screen: new Screen(),
      router: new Router(),
      schemas: new Schemas(),
      actions: new Actions(cluster.bridge, notices),
    },
  },
});
