// Everything the metadata log says, at one offset. Immutable: readers keep a reference, a MetadataDelta makes the
// next one and shares with it all that did not change. Every record family is kept, also what is not enforced.

import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { clusterToRecords, emptyClusterImage, type ClusterImage } from './cluster-image.ts';
import {
  configsToRecords,
  emptyFeaturesImage,
  featuresToRecords,
  quotasToRecords,
  type AclsImage,
  type ClientQuotasImage,
  type ConfigurationsImage,
  type DelegationTokensImage,
  type FeaturesImage,
  type ScramImage,
} from './settings-image.ts';
import { emptyTopicsImage, topicsToRecords, type TopicsImage } from './topics-image.ts';

/** The last record an image contains. */
export type MetadataProvenance = {
  /** −1 before the first record. */
  readonly lastContainedOffset: number;
  readonly lastContainedEpoch: number;
  readonly lastContainedLogTimeMs: number;
};

export type MetadataImage = {
  readonly provenance: MetadataProvenance;
  readonly features: FeaturesImage;
  readonly cluster: ClusterImage;
  readonly topics: TopicsImage;
  readonly configs: ConfigurationsImage;
  readonly clientQuotas: ClientQuotasImage;
  /** −1: no block was ever handed out. */
  readonly nextProducerId: number;
  readonly acls: AclsImage;
  readonly scram: ScramImage;
  readonly delegationTokens: DelegationTokensImage;
};

export const emptyMetadataImage: MetadataImage = {
  provenance: { lastContainedOffset: -1, lastContainedEpoch: -1, lastContainedLogTimeMs: -1 },
  features: emptyFeaturesImage,
  cluster: emptyClusterImage,
  topics: emptyTopicsImage,
  configs: new Map(),
  clientQuotas: new Map(),
  nextProducerId: -1,
  acls: new Map(),
  scram: new Map(),
  delegationTokens: new Map(),
};

/** The records of a snapshot, in the order in which Kafka writes them. */
export function* imageToRecords(image: MetadataImage): Generator<MetadataRecord> {
  yield* featuresToRecords(image.features);
  yield* clusterToRecords(image.cluster);
  yield* topicsToRecords(image.topics);
  yield* configsToRecords(image.configs);
  yield* quotasToRecords(image.clientQuotas);
  if (image.nextProducerId >= 0) {
    const value = { brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId };
    yield { name: 'ProducerIdsRecord', version: 0, value };
  }
  for (const value of image.acls.values()) yield { name: 'AccessControlEntryRecord', version: 0, value };
  for (const value of image.scram.values()) yield { name: 'UserScramCredentialRecord', version: 0, value };
  for (const value of image.delegationTokens.values()) yield { name: 'DelegationTokenRecord', version: 0, value };
}
