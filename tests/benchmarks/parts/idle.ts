// What a cluster costs that nobody uses: one topic of 12 partitions, no client.

import { pause } from '../clusters/cluster.ts';
import { cpuSeconds, proportionalSetBytes } from '../processes.ts';
import type { Figure, Part } from './figures.ts';

const memory: Figure = {
  key: 'idle-memory',
  title: 'idle memory (PSS of all processes)',
  unit: 'MB',
  better: 'less',
};
const cpu: Figure = { key: 'idle-cpu', title: 'idle CPU (all processes)', unit: '% of a core', better: 'less' };

/** Start-up work is over by then, on both sides. */
const settleMs = 10_000;

export const idlePart: Part = {
  name: 'idle',
  profile: 'kafka',
  figures: [memory, cpu],
  run: async ({ cluster, observer, options, note, say }) => {
    const topic = 'idle';
    await observer.createTopic(topic, 12);
    observer.close();
    await pause(settleMs);
    say(`idle for ${options.idleSeconds} s`);
    const startedMs = performance.now();
    const before = cpuSeconds(cluster.pids());
    await pause(options.idleSeconds * 1000);
    const used = cpuSeconds(cluster.pids()) - before;
    note(cpu, (100 * used) / ((performance.now() - startedMs) / 1000));
    note(memory, proportionalSetBytes(cluster.pids()) / 1e6);
    await observer.deleteTopic(topic);
  },
};
