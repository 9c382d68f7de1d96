// The broker settings of streams groups (KIP-1071), by Kafka's names with the dots taken out, and what one group may
// set for itself within the broker's limits.

import type { BrokerSettings } from '../../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import { configValues, ConfigResourceType } from '../../../metadata/settings-image.ts';
import { type Limited, limitedBy, withinLimits } from '../group-limits.ts';

export type StreamsGroupConfig = {
  readonly sessionTimeoutMs: Limited;
  readonly heartbeatIntervalMs: Limited;
  readonly assignmentIntervalMs: Limited;
  readonly standbyReplicas: Limited;
  readonly initialRebalanceDelayMs: number;
  readonly maxSize: number;
};

export type StreamsGroupSettings = {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
  readonly standbyReplicas: number;
  readonly initialRebalanceDelayMs: number;
};

/** With `image`, including what was changed at run time. */
export function streamsGroupConfig(settings: BrokerSettings, image?: MetadataImage): StreamsGroupConfig {
  const number = (name: string): number => settings.number(`group.streams.${name}`, image);
  const limited = limitedBy(number);
  return {
    sessionTimeoutMs: limited('session.timeout.ms'),
    heartbeatIntervalMs: limited('heartbeat.interval.ms'),
    assignmentIntervalMs: limited('assignment.interval.ms'),
    standbyReplicas: {
      value: number('num.standby.replicas'),
      least: 0,
      most: number('max.standby.replicas'),
    },
    initialRebalanceDelayMs: number('initial.rebalance.delay.ms'),
    maxSize: number('max.size'),
  };
}

export function streamsGroupSettings(
  config: StreamsGroupConfig,
  image: MetadataImage,
  groupId: string,
): StreamsGroupSettings {
  const own = configValues(image.configs, ConfigResourceType.GROUP, groupId);
  const within = withinLimits(image, groupId, 'streams');
  return {
    sessionTimeoutMs: within('session.timeout.ms', config.sessionTimeoutMs),
    heartbeatIntervalMs: within('heartbeat.interval.ms', config.heartbeatIntervalMs),
    assignmentIntervalMs: within('assignment.interval.ms', config.assignmentIntervalMs),
    standbyReplicas: within('num.standby.replicas', config.standbyReplicas),
    initialRebalanceDelayMs: Number(own.get('streams.initial.rebalance.delay.ms') ?? config.initialRebalanceDelayMs),
  };
}
