// A Runtime whose network, disk and clock can be given faults while a broker runs on it.

import type { Runtime } from '../runtime.ts';
import type { BrokerFaults, NeighbourPorts } from './broker-faults.ts';
import { FaultyClock } from './faulty-clock.ts';
import { FaultyDisk } from './faulty-disk.ts';
import { FaultyNetwork, type IsFromBroker } from './faulty-network.ts';

export type FaultyRuntimeOptions = {
  readonly neighbours: NeighbourPorts;
  readonly isFromBroker: IsFromBroker;
  /** Stops the whole process for so long. */
  readonly block: (ms: number) => void;
};

export type FaultyRuntime = {
  readonly runtime: Runtime;
  /** All faults from now on. */
  apply(faults: BrokerFaults): void;
  /** What was not synced is gone; the process must end without doing anything else. */
  losePower(how: { readonly torn: boolean }): { lostFiles: number; lostBytes: number };
};

export function faultyRuntime(base: Runtime, options: FaultyRuntimeOptions): FaultyRuntime {
  const { neighbours, isFromBroker, block } = options;
  const { random } = base;
  const clock = new FaultyClock(base.clock);
  const disk = new FaultyDisk({ base: base.disk, clock: base.clock, block: (ms) => (ms > 0 ? block(ms) : undefined) });
  const network = new FaultyNetwork({ base: base.network, clock: base.clock, random, neighbours, isFromBroker });
  return {
    runtime: {
      clock,
      random,
      disk,
      network,
      fatal: (error) => base.fatal(error),
      usage: () => base.usage(),
    },
    apply: (faults) => {
      clock.apply(faults.clock);
      disk.apply(faults.disk);
      network.apply(faults.links);
    },
    losePower: ({ torn }) => disk.losePower(torn ? random : null),
  };
}
