// Where a config's value comes from, in words; and what would hold without the topic's own override.

import type { ConfigSource, ConfigView } from '../../../main/api/endpoints/topics.ts';

type SourceWords = { readonly word: string; readonly meaning: string; readonly order: number };

export const sourceWords: Readonly<Record<ConfigSource, SourceWords>> = {
  topic: { word: 'this topic', meaning: 'Overridden for this topic (DYNAMIC_TOPIC_CONFIG)', order: 0 },
  broker: { word: 'broker', meaning: 'Set at run time for one broker (DYNAMIC_BROKER_CONFIG)', order: 1 },
  cluster: { word: 'cluster', meaning: 'Set at run time for all brokers (DYNAMIC_DEFAULT_BROKER_CONFIG)', order: 2 },
  static: { word: 'server file', meaning: 'From the broker’s own properties (STATIC_BROKER_CONFIG)', order: 3 },
  default: { word: 'default', meaning: 'Apache Kafka’s default (DEFAULT_CONFIG)', order: 4 },
  unknown: { word: 'unknown', meaning: 'The broker does not say', order: 5 },
};

type Inherited = { readonly name: string; readonly value: string | null; readonly source: ConfigSource };

export function inheritedOf(config: ConfigView): Inherited | null {
  const below = config.synonyms.find((synonym) => synonym.source !== 'topic');
  if (below) return below;
  return config.source === 'topic' ? null : { name: config.name, value: config.value, source: config.source };
}
