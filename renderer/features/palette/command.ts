// What the palette offers: an action with its name, and the groups that they stand in.

import type { Component } from 'svelte';

export const commandGroups = ['Screens', 'Clusters', 'Brokers', 'Cluster', 'View', 'Topics', 'Groups'] as const;

export type Command = {
  readonly id: string;
  readonly group: (typeof commandGroups)[number];
  readonly label: string;
  readonly hint?: string;
  readonly icon: Component<{ size?: number }>;
  run(): void;
};
