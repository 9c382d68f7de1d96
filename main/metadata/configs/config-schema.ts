// The tables of settings by resource, and how a topic's or group's setting falls back to the broker's: through
// synonyms in several units (log.retention.ms, .minutes, .hours). Resolution only; what is set comes from callers.

import { assert, present } from '../../core/assert.ts';
import { ConfigResourceType } from '../settings-image.ts';
import { brokerConfigDefinitions } from './broker-config-definitions.ts';
import { clientMetricsConfigDefinitions } from './client-metrics-config-definitions.ts';
import type { ConfigDefinition } from './config-definition.ts';
import { coordinationConfigDefinitions } from './coordination-config-definitions.ts';
import { groupConfigDefinitions } from './group-config-definitions.ts';
import { topicConfigDefinitions } from './topic-config-definitions.ts';

type Table = ReadonlyMap<string, ConfigDefinition>;

function table(...lists: readonly (readonly ConfigDefinition[])[]): Table {
  const definitions = lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map(definitions.map((definition) => [definition.name, definition]));
}

export const brokerConfigs: Table = table(brokerConfigDefinitions, coordinationConfigDefinitions);
export const topicConfigs: Table = table(topicConfigDefinitions);
export const groupConfigs: Table = table(groupConfigDefinitions);
export const clientMetricsConfigs: Table = table(clientMetricsConfigDefinitions);

/** Settings by resource type; null for a type that has none. */
export function configTable(resourceType: number): Table | null {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return topicConfigs;
    case ConfigResourceType.BROKER:
      return brokerConfigs;
    case ConfigResourceType.GROUP:
      return groupConfigs;
    case ConfigResourceType.CLIENT_METRICS:
      return clientMetricsConfigs;
    default:
      return null;
  }
}

/** `ConfigSource` of DescribeConfigs. */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
  GROUP_CONFIG: 8,
} as const;

export type ConfigSynonym = { readonly name: string; readonly value: string; readonly source: number };

/** What is set for one broker, strongest first. */
export type BrokerConfigLayers = {
  /** Dynamic, for this broker. */
  readonly perBroker: ReadonlyMap<string, string>;
  /** Dynamic, for all brokers. */
  readonly clusterWide: ReadonlyMap<string, string>;
  /** server.properties. */
  readonly fixed: ReadonlyMap<string, string>;
};

const minuteMs = 60_000;
const hourMs = 3_600_000;
/** Broker settings for one and the same thing, strongest first, with the factor that brings them to the first's unit. */
const unitSynonyms: readonly (readonly (readonly [name: string, factor: number])[])[] = [
  [
    ['log.retention.ms', 1],
    ['log.retention.minutes', minuteMs],
    ['log.retention.hours', hourMs],
  ],
  [
    ['log.roll.ms', 1],
    ['log.roll.hours', hourMs],
  ],
  [
    ['log.roll.jitter.ms', 1],
    ['log.roll.jitter.hours', hourMs],
  ],
];
const flushSynonyms = [
  ['log.flush.interval.ms', 1],
  ['log.flush.scheduler.interval.ms', 1],
] as const;

const topicSynonyms: Readonly<Record<string, string>> = {
  'retention.ms': 'log.retention.ms',
  'segment.ms': 'log.roll.ms',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'flush.ms': 'log.flush.interval.ms',
};

/** All names under which a broker setting can be given, the strongest first. */
function withFactors(name: string): readonly (readonly [name: string, factor: number])[] {
  if (name === flushSynonyms[0][0]) return flushSynonyms;
  const family = unitSynonyms.find((members) => members.some(([member]) => member === name));
  return family ?? [[name, 1]];
}

/** The broker setting that a topic or group setting falls back to, or null. */
export function brokerSynonymOf(definition: ConfigDefinition): string | null {
  return (
    definition.brokerDefaultFrom ??
    topicSynonyms[definition.name] ??
    (brokerConfigs.has(definition.name) ? definition.name : null)
  );
}

/** Everything that is set for a broker setting under all its names, strongest first, as DescribeConfigs lists it. */
export function brokerConfigSynonyms(name: string, layers: BrokerConfigLayers): ConfigSynonym[] {
  const names = withFactors(name).map(([member]) => member);
  const found: ConfigSynonym[] = [];
  const add = (values: ReadonlyMap<string, string>, source: number): void => {
    for (const member of names) {
      const value = values.get(member);
      if (value !== undefined) found.push({ name: member, value, source });
    }
  };
  add(layers.perBroker, ConfigSource.DYNAMIC_BROKER_CONFIG);
  add(layers.clusterWide, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
  add(layers.fixed, ConfigSource.STATIC_BROKER_CONFIG);
  for (const member of names) {
    const value = brokerConfigs.get(member)?.default;
    if (value !== undefined && value !== null) found.push({ name: member, value, source: ConfigSource.DEFAULT_CONFIG });
  }
  return found;
}

/** The value in force for a broker setting under its own name; null when it has none. */
export function brokerConfigValue(name: string, layers: BrokerConfigLayers): string | null {
  const set = layers.perBroker.get(name) ?? layers.clusterWide.get(name) ?? layers.fixed.get(name);
  return set ?? brokerConfigs.get(name)?.default ?? null;
}

/** The value in force for a broker setting, whatever name and unit it was given in; in the unit of the first name. */
export function effectiveBrokerValue(name: string, layers: BrokerConfigLayers): string | null {
  const members = withFactors(name);
  for (const values of [layers.perBroker, layers.clusterWide, layers.fixed]) {
    for (const [member, factor] of members) {
      const value = values.get(member);
      if (value !== undefined) return scaled(value, factor);
    }
  }
  for (const [member, factor] of members) {
    const value = brokerConfigs.get(member)?.default;
    if (value !== undefined && value !== null) return scaled(value, factor);
  }
  return null;
}

/** A negative time means "never" in every unit. */
function scaled(value: string, factor: number): string {
  if (factor === 1) return value;
  const number = Number(value);
  return number < 0 ? '-1' : String(number * factor);
}

/** What a topic or group without settings of its own has, on a broker with these settings. */
export function inheritedValue(definition: ConfigDefinition, layers: BrokerConfigLayers): string | null {
  const synonym = brokerSynonymOf(definition);
  const inherited = synonym === null ? null : effectiveBrokerValue(synonym, layers);
  return inherited ?? definition.default ?? null;
}

/** All settings of a topic in force, by name; those without a value are left out. */
export function effectiveTopicConfig(
  set: ReadonlyMap<string, string>,
  layers: BrokerConfigLayers,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const definition of topicConfigs.values()) {
    const value = set.get(definition.name) ?? inheritedValue(definition, layers);
    if (value !== null) values.set(definition.name, value);
  }
  return values;
}

export function definitionOf(definitions: Table, name: string): ConfigDefinition {
  const definition = present(definitions.get(name), `definition of ${name}`);
  assert(definition.name === name, `definition under the wrong name: ${name}`);
  return definition;
}
