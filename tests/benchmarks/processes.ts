// What the operating system says of processes: CPU time and memory from /proc (Linux only).

import { readFileSync } from 'node:fs';
import { pause } from './clusters/cluster.ts';

/** USER_HZ, fixed at 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** User and system time so far, all threads, in seconds. */
export function cpuSeconds(pids: Iterable<number>): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; utime and stime are fields 14 and 15, the 12th and 13th behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** Proportional set size: shared pages are counted once over all who share them. */
export function proportionalSetBytes(pids: Iterable<number>): number {
  let kilobytes = 0;
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN);
  }
  return kilobytes * 1024;
}

/** How much of a core everything on this machine uses over a while, in percent; what others do when we do nothing. */
export async function machineCpuPercent(overMs: number): Promise<number> {
  const before = busyTicks();
  const startedMs = performance.now();
  await pause(overMs);
  return (100 * (busyTicks() - before)) / ticksPerSecond / ((performance.now() - startedMs) / 1000);
}

function busyTicks(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return user + nice + system + irq + softIrq;
}
