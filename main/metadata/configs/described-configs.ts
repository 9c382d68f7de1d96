// Settings as DescribeConfigs and CreateTopics show them: value in force, where it comes from, and its synonyms.

import { isSensitive, type ConfigDefinition, type ConfigType } from './config-definition.ts';
import {
  brokerConfigs,
  brokerConfigSynonyms,
  brokerConfigValue,
  brokerSynonymOf,
  clientMetricsConfigs,
  ConfigSource,
  groupConfigs,
  inheritedValue,
  topicConfigs,
  type BrokerConfigLayers,
  type ConfigSynonym,
} from './config-schema.ts';

export type DescribedConfig = {
  readonly name: string;
  /** Null when there is none, and when it is sensitive. */
  readonly value: string | null;
  readonly source: number;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: number }[];
  /** As the protocol numbers types; 0: unknown. */
  readonly type: number;
};

const unknownType = 0;
const typeNumbers: Readonly<Record<ConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
};

function hidden(synonyms: readonly ConfigSynonym[]): DescribedConfig['synonyms'] {
  return synonyms.map((synonym) => ({ ...synonym, value: null }));
}

/** Topic or group settings: what is set, else the broker's synonym, else the default. */
function describeInherited(
  definitions: ReadonlyMap<string, ConfigDefinition>,
  set: ReadonlyMap<string, string>,
  layers: BrokerConfigLayers,
  source: number,
): DescribedConfig[] {
  const described: DescribedConfig[] = [];
  for (const definition of definitions.values()) {
    if (definition.isInternal) continue;
    const { name } = definition;
    const own = set.get(name);
    const brokerName = brokerSynonymOf(definition);
    const inherited =
      brokerName === null
        ? ownDefault(definition, source)
        : brokerConfigSynonyms(brokerName, layers).filter(startingAt(brokerName));
    const synonyms = own === undefined ? inherited : [{ name, value: own, source }, ...inherited];
    described.push({
      name,
      value: own ?? inheritedValue(definition, layers),
      source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
      isReadOnly: false,
      isSensitive: isSensitive(definition),
      synonyms,
      type: typeNumbers[definition.type],
    });
  }
  return described;
}

/** Kafka shows a default of a setting that no broker setting stands behind for groups only. */
function ownDefault(definition: ConfigDefinition, source: number): ConfigSynonym[] {
  const value = definition.default ?? null;
  if (value === null || source !== ConfigSource.GROUP_CONFIG) return [];
  return [{ name: definition.name, value, source: ConfigSource.DEFAULT_CONFIG }];
}

/** A filter that drops what comes before the first entry with the name asked for, as Kafka does. */
function startingAt(name: string): (synonym: ConfigSynonym) => boolean {
  let isStarted = false;
  return (synonym) => {
    isStarted ||= synonym.name === name;
    return isStarted;
  };
}

export function describeTopicConfigs(set: ReadonlyMap<string, string>, layers: BrokerConfigLayers): DescribedConfig[] {
  return describeInherited(topicConfigs, set, layers, ConfigSource.TOPIC_CONFIG);
}

export function describeGroupConfigs(set: ReadonlyMap<string, string>, layers: BrokerConfigLayers): DescribedConfig[] {
  return describeInherited(groupConfigs, set, layers, ConfigSource.GROUP_CONFIG);
}

export function describeClientMetricsConfigs(set: ReadonlyMap<string, string>): DescribedConfig[] {
  const layers = { perBroker: new Map(), clusterWide: new Map(), fixed: new Map() };
  return describeInherited(clientMetricsConfigs, set, layers, ConfigSource.CLIENT_METRICS_CONFIG);
}

/** Every setting of one broker. */
export function describeBrokerConfigs(layers: BrokerConfigLayers): DescribedConfig[] {
  // Settings that Kafka does not know are shown too: plugins have some.
  const given = new Set([...layers.perBroker.keys(), ...layers.clusterWide.keys(), ...layers.fixed.keys()]);
  const unknown = [...given].filter((name) => !brokerConfigs.has(name)).sort();
  const known = [...brokerConfigs.values()].filter((definition) => !definition.isInternal);
  return [
    ...known.map((definition) => describeBrokerConfig(definition, layers, () => true)),
    ...unknown.map((name) => describeBrokerConfig({ name, type: 'PASSWORD' }, layers, () => true)),
  ];
}

/** What is set for all brokers at once: the entity without a name. */
export function describeClusterWideConfigs(layers: BrokerConfigLayers): DescribedConfig[] {
  const isClusterWide = (synonym: ConfigSynonym): boolean =>
    synonym.source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG;
  return [...layers.clusterWide].map(([name, value]) => {
    const definition = brokerConfigs.get(name) ?? { name, type: 'PASSWORD' };
    const described = describeBrokerConfig(definition, layers, isClusterWide);
    return { ...described, value: described.isSensitive ? null : value };
  });
}

function describeBrokerConfig(
  definition: ConfigDefinition,
  layers: BrokerConfigLayers,
  isShown: (synonym: ConfigSynonym) => boolean,
): DescribedConfig {
  const { name } = definition;
  const sensitive = isSensitive(definition);
  const synonyms = brokerConfigSynonyms(name, layers).filter(startingAt(name)).filter(isShown);
  return {
    name,
    value: sensitive ? null : brokerConfigValue(name, layers),
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isReadOnly: definition.dynamic === undefined,
    isSensitive: sensitive,
    synonyms: sensitive ? hidden(synonyms) : synonyms,
    type: brokerConfigs.has(name) ? typeNumbers[definition.type] : unknownType,
  };
}
