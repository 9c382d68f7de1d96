// The screens of the app: how each is called, found and loaded. A screen is shown in the rail and in the palette once
// its owner sets `shown`; its view is loaded when it is first gone to.

import type { Component } from 'svelte';
import Activity from '@lucide/svelte/icons/activity';
import Boxes from '@lucide/svelte/icons/boxes';
import Crown from '@lucide/svelte/icons/crown';
import Flame from '@lucide/svelte/icons/flame';
import Grid from '@lucide/svelte/icons/grid-3x3';
import Layers from '@lucide/svelte/icons/layers';
import Mail from '@lucide/svelte/icons/message-square-text';
import Send from '@lucide/svelte/icons/send';
import Server from '@lucide/svelte/icons/server';
import Settings from '@lucide/svelte/icons/settings';
import Users from '@lucide/svelte/icons/users';
import type { ScreenName } from '../state/route.ts';
import ClusterScreen from './ClusterScreen.svelte';

export type ScreenEntry = {
  readonly name: ScreenName;
  readonly label: string;
  /** What it answers, for the palette. */
  readonly hint: string;
  /** Pressed after `g`. */
  readonly key: string;
  readonly icon: Component<{ size?: number }>;
  readonly shown: boolean;
  load(): Component | Promise<Component>;
};

const view = (loading: Promise<{ default: Component }>): Promise<Component> => loading.then((module) => module.default);

export const screens: readonly ScreenEntry[] = [
  {
    name: 'workspaces',
    label: 'Clusters',
    hint: 'All workspaces: create, start, duplicate, connect',
    key: 'w',
    icon: Boxes,
    shown: true,
    load: () => view(import('./WorkspacesScreen.svelte')),
  },
  {
    name: 'cluster',
    label: 'Cluster',
    hint: 'Partitions by broker, live',
    key: 'c',
    icon: Grid,
    shown: true,
    load: () => ClusterScreen,
  },
  {
    name: 'quorum',
    label: 'Quorum',
    hint: 'Roles, epochs, votes and the metadata log',
    key: 'q',
    icon: Crown,
    shown: true,
    load: () => view(import('./QuorumScreen.svelte')),
  },
  {
    name: 'topics',
    label: 'Topics',
    hint: 'Partitions, configs, segments and records',
    key: 't',
    icon: Layers,
    shown: true,
    load: () => view(import('./TopicsScreen.svelte')),
  },
  {
    name: 'messages',
    label: 'Messages',
    hint: 'Browse, follow, search, produce and export',
    key: 'm',
    icon: Mail,
    shown: true,
    load: () => view(import('./MessagesScreen.svelte')),
  },
  {
    name: 'groups',
    label: 'Groups',
    hint: 'Members, lag and offsets',
    key: 'g',
    icon: Users,
    shown: true,
    load: () => view(import('./GroupsScreen.svelte')),
  },
  {
    name: 'producers',
    label: 'Producers',
    hint: 'Presets side by side, measured here',
    key: 'p',
    icon: Send,
    shown: true,
    load: () => view(import('./ProducersScreen.svelte')),
  },
  {
    name: 'drills',
    label: 'Drills',
    hint: 'Break it on purpose and read the verdict',
    key: 'd',
    icon: Flame,
    shown: true,
    load: () => view(import('./DrillsScreen.svelte')),
  },
  {
    name: 'brokers',
    label: 'Brokers',
    hint: 'Configs, log directories, metrics and log files',
    key: 'b',
    icon: Server,
    shown: true,
    load: () => view(import('./BrokersScreen.svelte')),
  },
  {
    name: 'events',
    label: 'Events',
    hint: 'The journal with its causes',
    key: 'e',
    icon: Activity,
    shown: true,
    load: () => view(import('./EventsScreen.svelte')),
  },
  {
    name: 'settings',
    label: 'Settings',
    hint: 'Look of the page, clusters, client snippets',
    key: 's',
    icon: Settings,
    shown: true,
    load: () => view(import('./SettingsScreen.svelte')),
  },
];

export const shownScreens = screens.filter((screen) => screen.shown);

export function screenOf(name: ScreenName): ScreenEntry {
  const found =
    shownScreens.find((screen) => screen.name === name) ?? screens.find((screen) => screen.name === 'cluster');
  if (!found) throw new Error('there is no screen');
  return found;
}
