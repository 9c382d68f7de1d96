// The real machine as the clients of a campaign see it: the clients are those of the simulation, on real sockets.

import { nodeRuntime } from '../../main/runtime/node/node-runtime.ts';
import type { ClientWorld } from '../simulation/clients/simulated-client.ts';

export type RealWorld = ClientWorld & { sleep(ms: number): Promise<void> };

export function realWorld(brokers: readonly { id: number; host: string; port: number }[]): RealWorld {
  const { clock, network, random } = nodeRuntime();
  const beginMs = clock.monotonicMs();
  const endpoints = new Map(brokers.map(({ id, host, port }) => [id, { host, port }]));
  return {
    get nowMs() {
      return clock.monotonicMs() - beginMs;
    },
    runtimeFor: () => ({ clock, network, random }),
    endpointOf: (id) => endpoints.get(id) ?? { host: '127.0.0.1', port: 1 },
    sleep: (ms) => new Promise((resolve) => clock.at(clock.monotonicMs() + ms, resolve)),
  };
}
