// The settings of one broker: server.properties under what was changed at run time. Typed reads; bad values of
// server.properties are found when it is made.

import { logConfigFrom, type LogConfig } from '../../log/log-config.ts';
import type { MetadataImage } from '../metadata-image.ts';
import { configValues, ConfigResourceType } from '../settings-image.ts';
import { configError, listValues, numberValue } from './config-definition.ts';
import { brokerConfigs, brokerConfigValue, effectiveTopicConfig, type BrokerConfigLayers } from './config-schema.ts';

export class InvalidSettingsError extends Error {
  override readonly name = 'InvalidSettingsError';
}

const nothing: ReadonlyMap<string, string> = new Map();

/** Settings that act inside the log, under the names that logConfigFrom knows. */
const logBrokerSettings = ['producer.id.expiration.ms', 'transaction.partition.verification.enable'] as const;

export class BrokerSettings {
  readonly #fixed: ReadonlyMap<string, string>;

  /** Throws InvalidSettingsError naming the setting. Unknown names are kept and described, as Kafka does. */
  constructor(properties: Readonly<Record<string, string>>) {
    const fixed = new Map<string, string>();
    for (const [name, value] of Object.entries(properties)) {
      const definition = brokerConfigs.get(name);
      const error = definition === undefined ? null : configError(definition, value);
      if (error !== null) throw new InvalidSettingsError(error);
      fixed.set(name, value);
    }
    // Two names for one thing: Kafka fills in whichever is missing.
    const nodeId = fixed.get('node.id') ?? fixed.get('broker.id');
    if (nodeId !== undefined) fixed.set('node.id', nodeId).set('broker.id', nodeId);
    this.#fixed = fixed;
  }

  get nodeId(): number {
    return this.number('node.id');
  }

  /** What server.properties says. */
  get fixed(): ReadonlyMap<string, string> {
    return this.#fixed;
  }

  /** With `image`, including what was changed at run time. */
  layers(image?: MetadataImage): BrokerConfigLayers {
    if (image === undefined) return { perBroker: nothing, clusterWide: nothing, fixed: this.#fixed };
    return {
      perBroker: configValues(image.configs, ConfigResourceType.BROKER, String(this.nodeId)),
      clusterWide: configValues(image.configs, ConfigResourceType.BROKER, ''),
      fixed: this.#fixed,
    };
  }

  text(name: string, image?: MetadataImage): string | null {
    return brokerConfigValue(name, this.layers(image));
  }

  number(name: string, image?: MetadataImage): number {
    const value = this.text(name, image);
    if (value === null || value === '')
      throw new InvalidSettingsError(`Missing required configuration "${name}" which has no default value.`);
    return numberValue(value);
  }

  boolean(name: string, image?: MetadataImage): boolean {
    return this.text(name, image)?.trim().toLowerCase() === 'true';
  }

  list(name: string, image?: MetadataImage): string[] {
    return listValues(this.text(name, image) ?? '');
  }
}

/** The configuration of a topic's logs on this broker. */
export function topicLogConfig(image: MetadataImage, settings: BrokerSettings, topic: string): LogConfig {
  const set = configValues(image.configs, ConfigResourceType.TOPIC, topic);
  const values = effectiveTopicConfig(set, settings.layers(image));
  for (const name of logBrokerSettings) {
    const value = settings.text(name, image);
    if (value !== null) values.set(name, value);
  }
  // For tests with small segments: wins over segment.bytes.
  const internalSegmentBytes = values.get('internal.segment.bytes');
  if (internalSegmentBytes !== undefined) values.set('segment.bytes', internalSegmentBytes);
  values.delete('internal.segment.bytes');
  return logConfigFrom(Object.fromEntries(values));
}
