// What a cluster consists of: its brokers with ports and racks, and the Kafka properties each one is started with.

import { securedDefaults, securedProtocol, type SecuredAccess } from './secured-access.ts';
import { profiles, type ProfileName } from './profiles.ts';

export type BrokerPlace = {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Of `/metrics`. Absent in files of former versions. */
  readonly metricsPort?: number | undefined;
  /** Of the listener for clients that say who they are. */
  readonly securedPort?: number | undefined;
  readonly rack: string | null;
};

/** Kept in `DIR/highwater/cluster.json`, so that `up` on the same directory resumes the same cluster. */
export type Topology = {
  readonly formatVersion: 1;
  readonly clusterId: string;
  readonly profile: ProfileName;
  readonly host: string;
  readonly brokers: readonly BrokerPlace[];
  /** Log directories of each broker; absent: one. */
  readonly logDirs?: number | undefined;
  /** Properties given with --config; they win over the profile. */
  readonly configs: Readonly<Record<string, string>>;
  /** Absent: plaintext only. */
  readonly secured?: SecuredAccess | undefined;
};

/** Distance between a broker's client port and its controller port. */
export const controllerPortOffset = 100;
/** The same of its listener for clients that say who they are. */
export const securedPortOffset = 50;
/** The same of its `/metrics`; ports of further clusters begin at twice the controllers' distance. */
export const metricsPortOffset = 150;
export const defaultPort = 19092;
export const brokersMax = 32;
export const logDirsMax = 16;

/** Kafka properties of one broker, as they would stand in server.properties. Later entries win. */
export function brokerProperties(
  topology: Topology,
  broker: BrokerPlace,
  logDirs: readonly string[],
): Record<string, string> {
  const count = topology.brokers.length;
  // With fewer than three brokers the replicated defaults can't be met: clamp, as `status` and the UI say.
  const replicationFactor = String(Math.min(3, count));
  const minInSync = String(Math.min(2, count));
  const voters = topology.brokers.map((each) => `${each.id}@${topology.host}:${each.controllerPort}`).join(',');
  const secured = securedListener(topology, broker);
  const plain = `PLAINTEXT://${topology.host}:${broker.port}`;
  const ofClients = secured === null ? plain : `${plain},${secured.name}://${secured.address}`;
  return {
    'default.replication.factor': replicationFactor,
    'min.insync.replicas': minInSync,
    'offsets.topic.replication.factor': replicationFactor,
    'transaction.state.log.replication.factor': replicationFactor,
    'transaction.state.log.min.isr': minInSync,
    'share.coordinator.state.topic.replication.factor': replicationFactor,
    'share.coordinator.state.topic.min.isr': minInSync,
    ...profiles[topology.profile],
    // The brokers and the app itself come over the plaintext listener: an authorizer must know them. Who says
    // otherwise with --config names them there (main/broker/access-startup.ts sees to it).
    ...('authorizer.class.name' in topology.configs ? { 'super.users': 'User:ANONYMOUS' } : {}),
    ...securedDefaults(topology.secured),
    ...topology.configs,
    'process.roles': 'broker,controller',
    'node.id': String(broker.id),
    'controller.quorum.voters': voters,
    listeners: `${ofClients},CONTROLLER://${topology.host}:${broker.controllerPort}`,
    'advertised.listeners': ofClients,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logDirs.join(','),
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${secured === null ? '' : `,${secured.name}:${secured.name}`}`,
    ...(broker.rack === null ? {} : { 'broker.rack': broker.rack }),
  };
}

export function bootstrapOf(topology: Topology): string {
  return topology.brokers.map((broker) => `${topology.host}:${broker.port}`).join(',');
}

/** Of the listener for clients that say who they are; null: the cluster has none. */
function securedListener(topology: Topology, { securedPort }: BrokerPlace): { name: string; address: string } | null {
  if (topology.secured === undefined || securedPort === undefined) return null;
  return { name: securedProtocol, address: `${topology.host}:${securedPort}` };
}

/** Where clients that say who they are find the cluster; null: nowhere. */
export function securedBootstrapOf(topology: Topology): string | null {
  const addresses = topology.brokers.flatMap((each) => securedListener(topology, each)?.address ?? []);
  return addresses.length === 0 ? null : addresses.join(',');
}
