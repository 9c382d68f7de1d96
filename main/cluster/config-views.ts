// Configs as DescribeConfigs answers them, in the words of the screens.

import type { ConfigKind, ConfigSource, ConfigView } from '../api/endpoints/topics.ts';
import type { DescribeConfigsResponse } from '../protocol/messages/describe-configs.ts';

/** Kafka's resource types. */
export const resourceType = { topic: 2, broker: 4 } as const;

const sources: readonly ConfigSource[] = ['unknown', 'topic', 'broker', 'cluster', 'static', 'default'];
const kinds: readonly ConfigKind[] = [
  'unknown',
  'boolean',
  'string',
  'int',
  'short',
  'long',
  'double',
  'list',
  'class',
  'password',
];

type DescribedConfig = DescribeConfigsResponse['results'][number]['configs'][number];

export function configView(config: DescribedConfig): ConfigView {
  const { name, value, readOnly, isSensitive, documentation } = config;
  return {
    name,
    value,
    source: sources[config.configSource] ?? 'unknown',
    kind: kinds[config.configType] ?? 'unknown',
    readOnly,
    sensitive: isSensitive,
    documentation,
    synonyms: config.synonyms.map((each) => ({
      name: each.name,
      value: each.value,
      source: sources[each.source] ?? 'unknown',
    })),
  };
}
