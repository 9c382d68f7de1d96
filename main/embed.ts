// The embeddable API for test suites: `import { startCluster } from 'highwater'`.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DrillRunRecord } from './api/drill-views.ts';
import type { ClusterView } from './api/views.ts';
import { securedBootstrapOf } from './cluster/topology.ts';
import type { ProfileName } from './cluster/profiles.ts';
import type { ActiveFault, Fault, PowerLoss } from './core/faults.ts';
import { DrillLibrary } from './drills/drill-library.ts';
import { Engine } from './engine.ts';
import { runDrillOnFreshCluster } from './run-drill.ts';
import { nodeRuntime } from './runtime/node/node-runtime.ts';

export type StartClusterOptions = {
  /** Default 3. */
  readonly brokers?: number;
  /** First client port; default: free ones. */
  readonly port?: number;
  /** Kept and resumed when given; otherwise a temporary directory that `stop` removes. */
  readonly dataDir?: string;
  readonly profile?: ProfileName;
  /** Log directories of each broker. Default 1. */
  readonly logDirs?: number;
  /** Kafka broker properties. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Passwords by user: makes a further listener, for clients that log in. */
  readonly users?: Readonly<Record<string, string>>;
};

export type RunningCluster = {
  /** For any Kafka client: `host:port,host:port,…`. */
  readonly bootstrap: string;
  /** The same for clients that log in; null without users. */
  readonly securedBootstrap: string | null;
  readonly clusterId: string;
  readonly dataDir: string;
  readonly readyMs: number;
  readonly brokers: readonly {
    readonly id: number;
    readonly pid: number;
    readonly host: string;
    readonly port: number;
  }[];
  /** SIGKILL; resolves when the process is gone. */
  kill(brokerId: number): Promise<void>;
  /** Resolves when the broker is registered and unfenced. */
  start(brokerId: number): Promise<void>;
  /** Controlled shutdown of one broker. */
  stopBroker(brokerId: number): Promise<void>;
  /** SIGSTOP. */
  pause(brokerId: number): Promise<void>;
  /** SIGCONT. */
  resume(brokerId: number): Promise<void>;
  /** Cuts, slow links, bad disks, skewed clocks: acts on the running broker until it is cleared. */
  addFault(fault: Fault): Promise<ActiveFault>;
  clearFault(faultId: string): Promise<void>;
  /** Resolves with how many there were. */
  clearFaults(): Promise<number>;
  /** The broker's machine loses power: what it had not synced is gone. */
  powerLoss(brokerId: number, how?: PowerLoss): Promise<void>;
  /**
   * Runs a drill of the library, or a drill file, on this cluster; resolves with its verdict and evidence. Its topics
   * and groups begin with `drill-`. Throws when the file is wrong or the cluster too small.
   */
  runDrill(nameOrFile: string, options?: RunDrillOptions): Promise<DrillRunRecord>;
  /** The cluster as the screens show it: leaders, epochs, ISR, offsets, groups, events. */
  view(): ClusterView;
  /** Controlled shutdown of all; removes the directory unless one was given. */
  stop(): Promise<void>;
};

export type RunDrillOptions = {
  /** Which follower, which keys: what a drill leaves open. Default: 1. */
  readonly seed?: number;
};

/** Runs a drill of the library, or a drill file, on a cluster of its own that is gone afterwards. */
export function runDrill(nameOrFile: string, options: RunDrillOptions = {}): Promise<DrillRunRecord> {
  const plan = new DrillLibrary(nodeRuntime().disk, join(distDirectory(), 'drills')).find(nameOrFile);
  const dataDir = mkdtempSync(join(tmpdir(), 'highwater-drill-'));
  return runDrillOnFreshCluster({ plan, seed: options.seed ?? 1, dataDir, brokerScript: brokerScript() });
}

const distDirectory = () => dirname(fileURLToPath(import.meta.url));
const brokerScript = () => join(distDirectory(), 'broker', 'process.js');

/** Starts a cluster of real broker processes; resolves when a client that asks any of them sees all. */
export async function startCluster(options: StartClusterOptions = {}): Promise<RunningCluster> {
  const engine = await Engine.prepare({
    dataDir: options.dataDir ?? mkdtempSync(join(tmpdir(), 'highwater-')),
    ephemeral: options.dataDir === undefined,
    port: options.port ?? 0,
    brokerScript: brokerScript(),
    ...(options.brokers === undefined ? {} : { brokers: options.brokers }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.logDirs === undefined ? {} : { logDirs: options.logDirs }),
    ...(options.users === undefined ? {} : { secured: { users: options.users } }),
    ...(options.configs === undefined ? {} : { configs: options.configs }),
  });
  let readyMs: number;
  try {
    ({ readyMs } = await engine.start());
  } catch (error) {
    await engine.stop();
    throw error;
  }
  const { supervisor } = engine;
  return {
    bootstrap: engine.view().bootstrap,
    securedBootstrap: securedBootstrapOf(supervisor.topology),
    clusterId: engine.view().clusterId,
    dataDir: engine.view().dataDir,
    readyMs,
    get brokers() {
      return engine.view().brokers.map(({ id, pid, host, port }) => ({ id, pid: pid ?? 0, host, port }));
    },
    kill: (brokerId) => supervisor.kill(brokerId),
    start: (brokerId) => supervisor.start(brokerId),
    stopBroker: (brokerId) => supervisor.stop(brokerId),
    pause: (brokerId) => supervisor.pause(brokerId),
    resume: (brokerId) => supervisor.resume(brokerId),
    addFault: (fault) => supervisor.addFault(fault),
    clearFault: (faultId) => supervisor.clearFault(faultId),
    clearFaults: () => supervisor.clearFaults(),
    powerLoss: (brokerId, how) => supervisor.powerLoss(brokerId, how),
    runDrill: (nameOrFile, { seed = 1 } = {}) => engine.runDrill(nameOrFile, seed),
    view: () => engine.view(),
    stop: () => engine.stop(),
  };
}
