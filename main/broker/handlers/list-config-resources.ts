// ListConfigResources (74), versions 0-1. KIP-714 (version 0: client metrics subscriptions only), KIP-1142.

import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '../../protocol/messages/list-config-resources.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ConfigResourceType } from '../../metadata/settings-image.ts';

const supportedTypes: readonly number[] = Object.values(ConfigResourceType);

export function createListConfigResourcesHandler(deps: { readonly image: () => MetadataImage }) {
  return (context: RequestContext, request: ListConfigResourcesRequest): Writable<ListConfigResourcesResponse> => {
    const asked = context.apiVersion === 0 ? [ConfigResourceType.CLIENT_METRICS] : request.resourceTypes;
    const types = asked.length === 0 ? supportedTypes : asked;
    if (types.some((type) => !supportedTypes.includes(type))) return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
    const image = deps.image();
    const configResources = [...new Set(types)].flatMap((resourceType) =>
      resourceNames(image, resourceType).map((resourceName) => ({ resourceName, resourceType })),
    );
    return { errorCode: ErrorCode.NONE, configResources };
  };
}

function resourceNames(image: MetadataImage, type: number): string[] {
  switch (type) {
    case ConfigResourceType.TOPIC:
      return [...image.topics.byName.keys()];
    case ConfigResourceType.BROKER:
    case ConfigResourceType.BROKER_LOGGER:
      return [...image.cluster.brokers.values()]
        .filter((broker) => !broker.isFenced)
        .map((broker) => String(broker.id));
    default:
      return [...image.configs.values()]
        .filter(({ resource }) => resource.type === type)
        .map(({ resource }) => resource.name);
  }
}
