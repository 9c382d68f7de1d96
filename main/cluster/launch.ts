// From options to a running cluster: fresh or resumed, ports checked, directory taken. The one way in for the CLI,
// the app and the embedded API.

import { randomUuid } from '../protocol/uuid.ts';
import type { Processes } from '../runtime/processes.ts';
import { NetworkError, type Network, type Runtime } from '../runtime/runtime.ts';
import { ClusterDirectory } from './cluster-directory.ts';
import { ClusterError } from './cluster-error.ts';
import type { ProfileName } from './profiles.ts';
import type { SecuredAccess } from './secured-access.ts';
import { Supervisor } from './supervisor.ts';
import {
  brokersMax,
  controllerPortOffset,
  defaultPort,
  logDirsMax,
  metricsPortOffset,
  type BrokerPlace,
  type Topology,
  securedPortOffset,
} from './topology.ts';

export type LaunchOptions = {
  readonly dataDir: string;
  /** Absent: what the directory holds, else 3. */
  readonly brokers?: number;
  /** First client port; 0 picks free ones. Absent: what the directory holds, else 19092. */
  readonly port?: number;
  readonly profile?: ProfileName;
  readonly configs?: Readonly<Record<string, string>>;
  /** Log directories of each broker. Absent: what the directory holds, else 1. */
  readonly logDirs?: number;
  /** Absent: what the directory holds. Users are added to those it holds. */
  readonly secured?: SecuredAccess;
  readonly ephemeral?: boolean;
  readonly brokerScript: string;
  readonly onChange?: () => void;
};

const host = '127.0.0.1';

/** Takes the directory and prepares the cluster; nothing runs yet. */
export async function prepareCluster(
  runtime: Runtime,
  processes: Processes,
  options: LaunchOptions,
): Promise<{ supervisor: Supervisor; directory: ClusterDirectory }> {
  const directory = new ClusterDirectory(options.dataDir, runtime.disk);
  await directory.take(processes, runtime.clock);
  try {
    const topology = await decideTopology(runtime, directory, options);
    directory.writeTopology(topology);
    const { brokerScript, ephemeral = false } = options;
    const supervisor = new Supervisor({
      runtime,
      processes,
      directory,
      topology,
      ephemeral,
      brokerScript,
      ...(options.onChange === undefined ? {} : { onChange: options.onChange }),
    });
    return { supervisor, directory };
  } catch (error) {
    directory.release(options.ephemeral === true);
    throw error;
  }
}

async function decideTopology(
  runtime: Runtime,
  directory: ClusterDirectory,
  options: LaunchOptions,
): Promise<Topology> {
  const stored = directory.readTopology();
  const count = options.brokers ?? stored?.brokers.length ?? 3;
  if (!Number.isInteger(count) || count < 1 || count > brokersMax) {
    throw new ClusterError('BAD_OPTION', `--brokers must be 1 to ${brokersMax}, not ${count}`);
  }
  if (stored !== null && stored.brokers.length !== count) {
    throw new ClusterError(
      'TOPOLOGY_DIFFERS',
      `${directory.path} holds a cluster of ${stored.brokers.length} brokers, not ${count}`,
      'leave out --brokers to resume it, or give another directory with --data',
    );
  }
  const logDirs = decideLogDirs(options.logDirs, stored);
  const { secured: asked } = options;
  const secured =
    asked === undefined ? stored?.secured : { ...asked, users: { ...stored?.secured?.users, ...asked.users } };
  const places = await placeBrokers(runtime.network, count, options.port, stored);
  const brokers = secured === undefined ? places : await placeSecured(runtime.network, places, options.port === 0);
  return {
    formatVersion: 1,
    clusterId: stored?.clusterId ?? directory.existingClusterId(1) ?? randomUuid(runtime.random),
    profile: options.profile ?? stored?.profile ?? 'laptop',
    host,
    brokers,
    ...(logDirs === 1 ? {} : { logDirs }),
    configs: { ...stored?.configs, ...options.configs },
    ...(secured === undefined ? {} : { secured }),
  };
}

/** More may be added to a cluster, not taken away: they hold replicas. */
function decideLogDirs(wanted: number | undefined, stored: Topology | null): number {
  const held = stored?.logDirs ?? 1;
  const count = wanted ?? held;
  if (!Number.isInteger(count) || count < 1 || count > logDirsMax) {
    throw new ClusterError('BAD_OPTION', `--log-dirs must be 1 to ${logDirsMax}, not ${count}`);
  }
  if (count < held) {
    throw new ClusterError(
      'TOPOLOGY_DIFFERS',
      `brokers of this cluster have ${held} log directories each, not ${count}`,
      'leave out --log-dirs to resume it, or give more',
    );
  }
  return count;
}

async function placeBrokers(
  network: Network,
  count: number,
  port: number | undefined,
  stored: Topology | null,
): Promise<BrokerPlace[]> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  if (port === 0) {
    const free = await freePorts(network, count * 3);
    return ids.map((id, index) => ({
      id,
      port: free[index] ?? 0,
      controllerPort: free[count + index] ?? 0,
      metricsPort: free[2 * count + index] ?? 0,
      rack: stored?.brokers[index]?.rack ?? null,
    }));
  }
  const first = port ?? stored?.brokers[0]?.port ?? defaultPort;
  const places =
    port === undefined && stored !== null
      ? stored.brokers.map((place) => ({ ...place, metricsPort: place.metricsPort ?? place.port + metricsPortOffset }))
      : ids.map((id) => ({
          id,
          port: first + id - 1,
          controllerPort: first + controllerPortOffset + id - 1,
          metricsPort: first + metricsPortOffset + id - 1,
          rack: null,
        }));
  for (const place of places) {
    await requireFree(network, place.port, `client port of broker ${place.id}`);
    await requireFree(network, place.controllerPort, `controller port of broker ${place.id}`);
  }
  return places;
}

/** Adds the ports of the listener for clients that say who they are. */
async function placeSecured(network: Network, places: BrokerPlace[], picksFree: boolean): Promise<BrokerPlace[]> {
  const free = picksFree ? await freePorts(network, places.length) : [];
  const secured = places.map((place, index) => ({
    ...place,
    securedPort: free[index] ?? place.securedPort ?? place.port + securedPortOffset,
  }));
  for (const { id, securedPort } of secured) await requireFree(network, securedPort, `secured port of broker ${id}`);
  return secured;
}

async function freePorts(network: Network, count: number): Promise<number[]> {
  const listeners = await Promise.all(
    Array.from({ length: count }, () => network.listen({ host, port: 0 }, (each) => each.destroy())),
  );
  const ports = listeners.map((listener) => listener.port);
  await Promise.all(listeners.map((listener) => listener.close()));
  return ports;
}

async function requireFree(network: Network, port: number, what: string): Promise<void> {
  if (port < 1 || port > 65535)
    throw new ClusterError('BAD_OPTION', `${what} would be ${port}`, 'choose another --port');
  try {
    await (await network.listen({ host, port }, (each) => each.destroy())).close();
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    throw new ClusterError(
      'PORT_TAKEN',
      `port ${port} (${what}) can't be used: ${error.message}`,
      'choose another with --port, or --port 0 for free ones',
      error,
    );
  }
}
