// Which ports a new cluster takes: a range that no other workspace remembers, and that is free now.

import { ClusterError } from '../cluster/cluster-error.ts';
import { controllerPortOffset, defaultPort, metricsPortOffset } from '../cluster/topology.ts';
import type { Network } from '../runtime/runtime.ts';

/** Client, controller and metrics ports of one cluster, and room between. */
const rangeStep = 2 * controllerPortOffset;
const lastPort = 65_535;

/** All ports of a cluster whose first client port is `first`. */
export function portsOf(first: number, brokers: number): number[] {
  const clients = Array.from({ length: brokers }, (_, index) => first + index);
  return [
    ...clients,
    ...clients.map((port) => port + controllerPortOffset),
    ...clients.map((port) => port + metricsPortOffset),
  ];
}

export async function freePortRange(network: Network, brokers: number, taken: ReadonlySet<number>): Promise<number> {
  for (let first = defaultPort; first + metricsPortOffset + brokers <= lastPort; first += rangeStep) {
    const ports = portsOf(first, brokers);
    if (ports.some((port) => taken.has(port))) continue;
    const free = await Promise.all(ports.map((port) => isFree(network, port)));
    if (free.every(Boolean)) return first;
  }
  throw new ClusterError('NO_FREE_PORTS', 'no range of free ports is left', 'delete a workspace, or name a first port');
}

async function isFree(network: Network, port: number): Promise<boolean> {
  try {
    await (await network.listen({ host: '127.0.0.1', port }, (each) => each.destroy())).close();
    return true;
  } catch {
    return false;
  }
}
