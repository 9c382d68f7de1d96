// What one broker reads of its properties: voters and the settings of each part, typed. Names, defaults
// and validation are Kafka's (metadata/configs).

import { toBrokerId } from '../core/ids.ts';
import { BrokerSettings, InvalidSettingsError } from '../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { canonicalAddress, noConnectionLimit } from '../net/connection-admission.ts';
import type { ServerLimits } from '../net/server.ts';
import type { RaftConfig, Voter } from '../raft/contract.ts';
import { parseQuorumVoters } from '../raft/voter-set.ts';
import type { ReplicationConfig } from '../replication/contract.ts';
import { StartupError } from './startup-error.ts';

/** Reads the properties; throws StartupError naming the setting that is wrong. */
export function readSettings(properties: Readonly<Record<string, string>>): BrokerSettings {
  try {
    const settings = new BrokerSettings(properties);
    parseVoters(settings);
    parseBootstrapServers(settings);
    const overrides = addressOverrides(settings);
    if (settings.number('max.connections.per.ip') === 0 && overrides.size === 0) {
      throw new InvalidSettingsError(
        'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
      );
    }
    checkCordoned(settings);
    return settings;
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    throw new StartupError(error.message, 'mend the setting (highwater up --config name=value) and start again', error);
  }
}

/** `controller.quorum.voters`; throws InvalidSettingsError naming the entry that is wrong. */
export function parseVoters(settings: BrokerSettings): Voter[] {
  try {
    return parseQuorumVoters(settings.text('controller.quorum.voters') ?? '', (id, host, port) => ({
      id: toBrokerId(id),
      host,
      port,
    }));
  } catch (error) {
    throw new InvalidSettingsError(error instanceof Error ? error.message : String(error));
  }
}

/** `controller.quorum.bootstrap.servers`, `host:port` each; throws InvalidSettingsError naming the entry that is wrong. */
export function parseBootstrapServers(settings: BrokerSettings): { host: string; port: number }[] {
  return settings.list('controller.quorum.bootstrap.servers').map((entry) => {
    const match = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry);
    if (match === null)
      throw new InvalidSettingsError(`controller.quorum.bootstrap.servers: "${entry}" is not host:port`);
    return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
  });
}

export function raftConfig(settings: BrokerSettings): RaftConfig {
  const number = (name: string) => settings.number(name);
  return {
    electionTimeoutMs: number('controller.quorum.election.timeout.ms'),
    // Kafka waits for the time-out here, too; a new cluster starts sooner without.
    firstElectionTimeoutMs: 0,
    fetchTimeoutMs: number('controller.quorum.fetch.timeout.ms'),
    electionBackoffMaxMs: number('controller.quorum.election.backoff.max.ms'),
    requestTimeoutMs: number('controller.quorum.request.timeout.ms'),
    retryBackoffMs: number('controller.quorum.retry.backoff.ms'),
    fetchBytesMax: number('controller.quorum.fetch.max.bytes'),
    fetchSnapshotBytesMax: number('controller.quorum.fetch.snapshot.max.bytes'),
    segmentBytes: number('metadata.log.segment.bytes'),
    segmentMs: number('metadata.log.segment.ms'),
    retentionBytes: number('metadata.max.retention.bytes'),
    retentionMs: number('metadata.max.retention.ms'),
    recordBytesBetweenSnapshotsMax: number('metadata.log.max.record.bytes.between.snapshots'),
    snapshotIntervalMaxMs: number('metadata.log.max.snapshot.interval.ms'),
    batchBytesMax: 8 * 1024 * 1024,
  };
}

export function replicationConfig(settings: BrokerSettings): ReplicationConfig {
  const number = (name: string) => settings.number(name);
  return {
    replicaLagTimeMaxMs: number('replica.lag.time.max.ms'),
    replicaFetchMaxBytes: number('replica.fetch.max.bytes'),
    replicaFetchResponseMaxBytes: number('replica.fetch.response.max.bytes'),
    replicaFetchMinBytes: number('replica.fetch.min.bytes'),
    replicaFetchWaitMaxMs: number('replica.fetch.wait.max.ms'),
    replicaFetchBackoffMs: number('replica.fetch.backoff.ms'),
    fetchMaxBytes: number('fetch.max.bytes'),
    fetchSessionSlotsMax: number('max.incremental.fetch.session.cache.slots'),
    isRackAwareReads: (settings.text('replica.selector.class') ?? '').endsWith('RackAwareReplicaSelector'),
  };
}

/** With `image`, including what was changed at run time. */
export function serverLimits(settings: BrokerSettings, image?: MetadataImage): Partial<ServerLimits> {
  return {
    requestBytesMax: settings.number('socket.request.max.bytes', image),
    connectionCountMax: settings.number('max.connections', image),
    connectionsPerAddressMax: settings.number('max.connections.per.ip', image),
    connectionsPerAddressOverrides: validOverrides(settings, image),
    connectionRateMax: settings.number('max.connection.creation.rate', image),
    connectionRateMaxOf: connectionRates(image),
    rateSampleCount: settings.number('quota.window.num'),
    rateSampleMs: settings.number('quota.window.size.seconds') * 1000,
    connectionIdleMsMax: settings.number('connections.max.idle.ms', image),
    queuedRequestBytesMax: settings.number('queued.max.request.bytes', image),
  };
}

/** What was set at run time and can't be read leaves what was configured, as in Kafka. */
function validOverrides(settings: BrokerSettings, image?: MetadataImage): Map<string, number> {
  try {
    return addressOverrides(settings, image);
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    return addressOverrides(settings);
  }
}

/** `max.connections.per.ip.overrides`: `host:count` pairs. Throws InvalidSettingsError. */
function addressOverrides(settings: BrokerSettings, image?: MetadataImage): Map<string, number> {
  const name = 'max.connections.per.ip.overrides';
  const overrides = new Map<string, number>();
  for (const entry of settings.list(name, image)) {
    const at = entry.lastIndexOf(':');
    const count = entry.slice(at + 1).trim();
    if (at < 0 || !/^\d+$/.test(count)) {
      throw new InvalidSettingsError(`Error parsing configuration property '${name}': ${entry} is not host:count`);
    }
    overrides.set(canonicalAddress(entry.slice(0, at)), Number(count));
  }
  return overrides;
}

/** The quota `connection_creation_rate` of an address, or of the default one (KIP-612). */
function connectionRates(image?: MetadataImage): (address: string) => number {
  const rates = new Map<string | null, number>();
  for (const { entity, quotas } of image?.clientQuotas.values() ?? []) {
    const [ip, ...others] = entity;
    const rate = quotas.get('connection_creation_rate');
    if (ip?.entityType !== 'ip' || others.length > 0 || rate === undefined) continue;
    rates.set(ip.entityName === null ? null : canonicalAddress(ip.entityName), rate);
  }
  const byDefault = rates.get(null) ?? noConnectionLimit;
  return (address) => rates.get(address) ?? byDefault;
}

/** In Kafka's words. Throws InvalidSettingsError. */
function checkCordoned(settings: BrokerSettings): void {
  const cordoned = settings.list('cordoned.log.dirs');
  if (cordoned.includes('*')) {
    if (cordoned.length === 1) return;
    throw new InvalidSettingsError('When cordoned.log.dirs is set to *, it must not contain other values');
  }
  const known = settings.list('log.dirs');
  if (cordoned.every((path) => known.includes(path))) return;
  throw new InvalidSettingsError('All entries in cordoned.log.dirs must be present in log.dirs or log.dir');
}
