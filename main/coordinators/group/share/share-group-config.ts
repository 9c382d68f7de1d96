// The broker settings of share groups (KIP-932), by Kafka's names with the dots taken out, and what one group may set
// for itself within the broker's limits.

import type { BrokerSettings } from '../../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import { configValues, ConfigResourceType } from '../../../metadata/settings-image.ts';
import { type Limited, limitedBy, withinLimits } from '../group-limits.ts';

export type ShareGroupConfig = {
  readonly sessionTimeoutMs: Limited;
  readonly heartbeatIntervalMs: Limited;
  readonly assignmentIntervalMs: Limited;
  readonly maxSize: number;
  readonly initializeRetryIntervalMs: number;
  // ── read by the leaders of share partitions ──
  readonly recordLockDurationMs: Limited;
  readonly deliveryCountLimit: Limited;
  readonly partitionMaxRecordLocks: Limited;
  readonly maxShareSessions: number;
};

/** With `image`, including what was changed at run time. */
export function shareGroupConfig(settings: BrokerSettings, image?: MetadataImage): ShareGroupConfig {
  const number = (name: string): number => settings.number(`group.share.${name}`, image);
  const limited = limitedBy(number);
  return {
    sessionTimeoutMs: limited('session.timeout.ms'),
    heartbeatIntervalMs: limited('heartbeat.interval.ms'),
    assignmentIntervalMs: limited('assignment.interval.ms'),
    maxSize: number('max.size'),
    initializeRetryIntervalMs: number('initialize.retry.interval.ms'),
    recordLockDurationMs: limited('record.lock.duration.ms'),
    deliveryCountLimit: limited('delivery.count.limit'),
    partitionMaxRecordLocks: limited('partition.max.record.locks'),
    maxShareSessions: number('max.share.sessions'),
  };
}

export type ShareGroupSettings = {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
  readonly recordLockDurationMs: number;
  readonly deliveryCountLimit: number;
  readonly partitionMaxRecordLocks: number;
  readonly isRenewAllowed: boolean;
  readonly isReadCommitted: boolean;
  /** `latest`, `earliest`, or `by_duration:` with an ISO 8601 duration. */
  readonly autoOffsetReset: string;
};

export function shareGroupSettings(
  config: ShareGroupConfig,
  image: MetadataImage,
  groupId: string,
): ShareGroupSettings {
  const own = configValues(image.configs, ConfigResourceType.GROUP, groupId);
  const within = withinLimits(image, groupId, 'share');
  return {
    sessionTimeoutMs: within('session.timeout.ms', config.sessionTimeoutMs),
    heartbeatIntervalMs: within('heartbeat.interval.ms', config.heartbeatIntervalMs),
    assignmentIntervalMs: within('assignment.interval.ms', config.assignmentIntervalMs),
    recordLockDurationMs: within('record.lock.duration.ms', config.recordLockDurationMs),
    deliveryCountLimit: within('delivery.count.limit', config.deliveryCountLimit),
    partitionMaxRecordLocks: within('partition.max.record.locks', config.partitionMaxRecordLocks),
    isRenewAllowed: own.get('share.renew.acknowledge.enable') !== 'false',
    isReadCommitted: own.get('share.isolation.level') === 'read_committed',
    autoOffsetReset: own.get('share.auto.offset.reset') ?? 'latest',
  };
}
