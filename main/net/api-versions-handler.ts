// ApiVersions (18), versions 0-4. KIP-35, KIP-511 (client software), KIP-584 (features). The ranges are those of the
// router that serves the request; an ApiVersions from the future is answered by the router itself.

import { ErrorCode } from '../protocol/errors.ts';
import type { ApiVersionsRequest, ApiVersionsResponse } from '../protocol/messages/api-versions.ts';
import type { Writable } from '../protocol/schema.ts';
import type { Handler } from './handler.ts';
import type { AdvertisedVersions } from './route.ts';

export type AdvertisedFeatures = {
  readonly supported: readonly { readonly name: string; readonly minVersion: number; readonly maxVersion: number }[];
  readonly finalized: readonly {
    readonly name: string;
    readonly minVersionLevel: number;
    readonly maxVersionLevel: number;
  }[];
  /** Offset of the metadata that the finalized levels come from; −1 before there is any. */
  readonly finalizedEpoch: number;
};

/** What KIP-511 allows as a software name or version. */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

export function createApiVersionsHandler(deps: {
  /** `server.router.advertised`, asked per request because the router is made from the routes. */
  readonly advertised: () => readonly AdvertisedVersions[];
  readonly features: () => AdvertisedFeatures;
}): Handler<ApiVersionsRequest, Writable<ApiVersionsResponse>> {
  return (context, request) => {
    const isValid =
      context.apiVersion < 3 ||
      (softwarePattern.test(request.clientSoftwareName) && softwarePattern.test(request.clientSoftwareVersion));
    if (!isValid) return { errorCode: ErrorCode.INVALID_REQUEST };
    const { supported, finalized, finalizedEpoch } = deps.features();
    return {
      apiKeys: deps.advertised(),
      // Older clients can't read a lowest level of 0 (KAFKA-17492): such features are left out for them.
      supportedFeatures: context.apiVersion >= 4 ? supported : supported.filter((each) => each.minVersion > 0),
      finalizedFeaturesEpoch: finalizedEpoch,
      // Level 0 means that the feature is off: Kafka has no row for it.
      finalizedFeatures: finalized.filter((each) => each.maxVersionLevel > 0),
    };
  };
}
