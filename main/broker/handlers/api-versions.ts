// The ApiVersions route of each listener: ranges from the router, features from the metadata.

import { createApiVersionsHandler } from '../../net/api-versions-handler.ts';
import type { ListenerKind } from '../../net/handler.ts';
import { route, type AdvertisedVersions, type Route } from '../../net/route.ts';
import { apiVersionsApi } from '../../protocol/messages/api-versions.ts';
import { supportedFeatures } from '../../metadata/features.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';

export function apiVersionsRoute(
  listener: ListenerKind,
  advertised: () => readonly AdvertisedVersions[],
  image: () => MetadataImage,
): Route {
  const supported = supportedFeatures.map((feature) => ({
    name: feature.name,
    minVersion: feature.minSupportedVersion,
    maxVersion: feature.maxSupportedVersion,
  }));
  return route(
    apiVersionsApi,
    { listeners: [listener] },
    createApiVersionsHandler({
      advertised,
      features: () => {
        const { features, provenance } = image();
        const finalized = [['metadata.version', features.metadataVersion ?? 0] as const, ...features.finalized].map(
          ([name, level]) => ({ name, minVersionLevel: level, maxVersionLevel: level }),
        );
        return { supported, finalized, finalizedEpoch: provenance.lastContainedOffset };
      },
    }),
  );
}
