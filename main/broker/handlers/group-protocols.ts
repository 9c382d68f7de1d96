// Which group protocols a broker offers: the finalised features must allow the newer ones.

import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { featureLevel } from '../../metadata/settings-image.ts';

const consumerGroupsFrom = 1;
const shareGroupsFrom = 1;
const streamsGroupsFrom = 1;

export function servesConsumerGroups(image: MetadataImage): boolean {
  return featureLevel(image.features, 'group.version') >= consumerGroupsFrom;
}

export function servesShareGroups(image: MetadataImage): boolean {
  return featureLevel(image.features, 'share.version') >= shareGroupsFrom;
}

export function servesStreamsGroups(image: MetadataImage): boolean {
  return featureLevel(image.features, 'streams.version') >= streamsGroupsFrom;
}
