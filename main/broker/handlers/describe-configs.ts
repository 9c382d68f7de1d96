// DescribeConfigs (32), versions 1-4: topics, brokers, groups and client metrics subscriptions, with sources and
// synonyms (KIP-226). Documentation is never given (KIP-569 allows null). Broker loggers are not configurable.

import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeConfigsRequest, DescribeConfigsResponse } from '../../protocol/messages/describe-configs.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import {
  describeBrokerConfigs,
  describeClientMetricsConfigs,
  describeClusterWideConfigs,
  describeGroupConfigs,
  describeTopicConfigs,
  type DescribedConfig,
} from '../../metadata/configs/described-configs.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { configValues, ConfigResourceType } from '../../metadata/settings-image.ts';
import { topicNameError } from '../../controller/topic-names.ts';

type Resource = DescribeConfigsRequest['resources'][number];
type Result = Writable<DescribeConfigsResponse['results'][number]>;
type Outcome = readonly DescribedConfig[] | { readonly errorCode: number; readonly errorMessage: string | null };

export type DescribeConfigsOptions = {
  readonly image: () => MetadataImage;
  readonly settings: BrokerSettings;
};

export function createDescribeConfigsHandler(options: DescribeConfigsOptions) {
  return (_context: RequestContext, request: DescribeConfigsRequest): Writable<DescribeConfigsResponse> => ({
    results: request.resources.map((resource) => describe(options, resource, request.includeSynonyms)),
  });
}

function describe(options: DescribeConfigsOptions, resource: Resource, includesSynonyms: boolean): Result {
  const { resourceType, resourceName, configurationKeys } = resource;
  const outcome = configsOf(options, resourceType, resourceName);
  if ('errorCode' in outcome) return { ...outcome, resourceType, resourceName };
  const wanted = configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys);
  const configs = outcome
    .filter((config) => wanted === null || wanted.has(config.name))
    .map(({ name, value, source, isReadOnly, isSensitive, synonyms, type }) => ({
      name,
      value,
      readOnly: isReadOnly,
      configSource: source,
      isSensitive,
      synonyms: includesSynonyms ? synonyms : [],
      configType: type,
      documentation: null,
    }));
  return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName, configs };
}

function configsOf({ image: newest, settings }: DescribeConfigsOptions, type: number, name: string): Outcome {
  const image = newest();
  const layers = settings.layers(image);
  const set = configValues(image.configs, type, name);
  const invalid = (errorMessage: string): Outcome => ({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage });
  switch (type) {
    case ConfigResourceType.TOPIC: {
      const nameError = topicNameError(name);
      if (nameError !== null) return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: nameError };
      if (!image.topics.byName.has(name)) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: '' };
      return describeTopicConfigs(set, layers);
    }
    case ConfigResourceType.BROKER:
      if (name === '') return describeClusterWideConfigs(layers);
      if (name === String(settings.nodeId)) return describeBrokerConfigs(layers);
      if (!/^-?\d+$/.test(name)) return invalid(`Broker id must be an integer, but it is: ${name}`);
      return invalid(`Unexpected broker id, expected ${settings.nodeId} or empty string, but received ${name}`);
    case ConfigResourceType.GROUP:
      return name === '' ? invalid('Group name must not be empty') : describeGroupConfigs(set, layers);
    case ConfigResourceType.CLIENT_METRICS:
      if (name === '') return invalid('Client metrics subscription name must not be empty');
      return describeClientMetricsConfigs(set);
    case ConfigResourceType.BROKER_LOGGER:
      return invalid('Loggers of this broker are not configurable.');
    default:
      return invalid(`Unsupported resource type: ${type}`);
  }
}
