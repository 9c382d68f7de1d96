// The smaller families of the metadata log: features, configurations, quotas, producer ids, access control,
// SCRAM credentials and delegation tokens. All immutable; what is not enforced is kept all the same.

import type {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  MetadataRecord,
  UserScramCredentialRecord,
} from '../protocol/messages/metadata-records.ts';

export const metadataVersionFeature = 'metadata.version';

export type FeaturesImage = {
  /** Null before the first record: the cluster is not formatted. */
  readonly metadataVersion: number | null;
  /** Finalised levels of all other features; level 0 is left out. */
  readonly finalized: ReadonlyMap<string, number>;
};

/** Resource types as ConfigRecord and the config APIs number them. */
export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

export type ConfigResource = { readonly type: number; readonly name: string };

export type ConfigurationsImage = ReadonlyMap<string, ConfigurationImage>;

export type ConfigurationImage = { readonly resource: ConfigResource; readonly values: ReadonlyMap<string, string> };

export function configKey(type: number, name: string): string {
  return `${type}:${name}`;
}

const noValues: ReadonlyMap<string, string> = new Map();

/** What was set for one resource; the empty map when nothing was. */
export function configValues(image: ConfigurationsImage, type: number, name: string): ReadonlyMap<string, string> {
  return image.get(configKey(type, name))?.values ?? noValues;
}

/** One entity of a client quota: `user` → name, null for the default entity. */
export type QuotaEntity = readonly { readonly entityType: string; readonly entityName: string | null }[];
export type ClientQuotaImage = { readonly entity: QuotaEntity; readonly quotas: ReadonlyMap<string, number> };
export type ClientQuotasImage = ReadonlyMap<string, ClientQuotaImage>;

export function quotaKey(entity: QuotaEntity): string {
  return [...entity]
    .sort((a, b) => (a.entityType < b.entityType ? -1 : 1))
    .map((part) => JSON.stringify([part.entityType, part.entityName]))
    .join();
}

/** By `scramKey`. */
export type ScramImage = ReadonlyMap<string, UserScramCredentialRecord>;
/** By acl id. */
export type AclsImage = ReadonlyMap<string, AccessControlEntryRecord>;
/** By token id. */
export type DelegationTokensImage = ReadonlyMap<string, DelegationTokenRecord>;

export function scramKey(mechanism: number, user: string): string {
  return `${mechanism}:${user}`;
}

export const emptyFeaturesImage: FeaturesImage = { metadataVersion: null, finalized: new Map() };

/** Finalised level of a feature, 0 when it is off. */
export function featureLevel(image: FeaturesImage, name: string): number {
  return name === metadataVersionFeature ? (image.metadataVersion ?? 0) : (image.finalized.get(name) ?? 0);
}

export function featureRecord(name: string, level: number): MetadataRecord {
  return { name: 'FeatureLevelRecord', version: 0, value: { name, featureLevel: level } };
}

export function* featuresToRecords(image: FeaturesImage): Generator<MetadataRecord> {
  if (image.metadataVersion !== null) yield featureRecord(metadataVersionFeature, image.metadataVersion);
  for (const [name, level] of image.finalized) yield featureRecord(name, level);
}

export function* configsToRecords(image: ConfigurationsImage): Generator<MetadataRecord> {
  for (const { resource, values } of image.values()) {
    for (const [name, value] of values) {
      yield {
        name: 'ConfigRecord',
        version: 0,
        value: { resourceType: resource.type, resourceName: resource.name, name, value },
      };
    }
  }
}

export function* quotasToRecords(image: ClientQuotasImage): Generator<MetadataRecord> {
  for (const { entity, quotas } of image.values()) {
    for (const [key, value] of quotas) {
      yield { name: 'ClientQuotaRecord', version: 0, value: { entity, key, value, remove: false } };
    }
  }
}
