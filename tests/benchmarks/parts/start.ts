// From the first command to a cluster that serves. The starter of the cluster has measured it.

import type { Figure, Part } from './figures.ts';

const start: Figure = { key: 'start', title: 'start: command to ready', unit: 'ms', better: 'less' };
const format: Figure = { key: 'format', title: 'formatting before the first start', unit: 'ms', better: 'less' };

export const startPart: Part = {
  name: 'start',
  profile: 'laptop',
  figures: [start, format],
  run: ({ cluster, note }) => {
    note(start, cluster.startMs);
    note(format, cluster.formatMs);
    return Promise.resolve();
  },
};
