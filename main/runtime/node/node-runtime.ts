// The real machine as a Runtime: one per broker process.

import type { Runtime } from '../runtime.ts';
import { nodeClock } from './node-clock.ts';
import { nodeDisk } from './node-disk.ts';
import { nodeNetwork } from './node-network.ts';
import { nodeRandom } from './node-random.ts';

/** EX_SOFTWARE of sysexits.h: the process ended itself because an invariant broke. */
const fatalExitCode = 70;

export type NodeRuntimeOptions = {
  /** Told the error last of all, synchronously (a log, the supervisor); stderr by default. */
  readonly onFatal?: (error: unknown) => void;
};

export function nodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  return {
    clock: nodeClock(),
    random: nodeRandom(),
    disk: nodeDisk(),
    network: nodeNetwork(),
    fatal: (error) => {
      try {
        (options.onFatal ?? reportToStderr)(error);
      } finally {
        process.exit(fatalExitCode);
      }
    },
    usage: () => {
      const { user, system } = process.cpuUsage();
      return { residentBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 };
    },
  };
}

function reportToStderr(error: unknown): void {
  process.stderr.write(`fatal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
