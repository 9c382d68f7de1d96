// Replays records on top of an image: collects what changes, then makes the next image. The only way metadata changes.

import { present, unreachable } from '../core/assert.ts';
import type {
  ClientQuotaRecord,
  ConfigRecord,
  FeatureLevelRecord,
  MetadataRecord,
  UserScramCredentialRecord,
} from '../protocol/messages/metadata-records.ts';
import {
  brokerFromRecord,
  controllerFromRecord,
  mergeBroker,
  type BrokerRegistration,
  type ControllerRegistration,
} from './cluster-image.ts';
import { emptyMetadataImage, type MetadataImage, type MetadataProvenance } from './metadata-image.ts';
import {
  configKey,
  ConfigResourceType,
  metadataVersionFeature,
  quotaKey,
  scramKey,
  type ClientQuotaImage,
  type ConfigResource,
  type ConfigurationImage,
} from './settings-image.ts';
import { TopicsDelta } from './topics-delta.ts';

/** Copies a map at the first change only. */
class MapDraft<K, V> {
  readonly #before: ReadonlyMap<K, V>;
  #after: Map<K, V> | null = null;
  readonly changed = new Set<K>();

  /** A snapshot starts from nothing, yet tells what differs from `before`. */
  constructor(before: ReadonlyMap<K, V>, startsEmpty: boolean) {
    this.#before = before;
    if (!startsEmpty) return;
    this.#after = new Map();
    for (const key of before.keys()) this.changed.add(key);
  }

  get(key: K): V | undefined {
    return (this.#after ?? this.#before).get(key);
  }

  set(key: K, value: V): void {
    this.#after ??= new Map(this.#before);
    this.#after.set(key, value);
    this.changed.add(key);
  }

  delete(key: K): void {
    if (!(this.#after ?? this.#before).has(key)) return;
    this.#after ??= new Map(this.#before);
    this.#after.delete(key);
    this.changed.add(key);
  }

  result(): ReadonlyMap<K, V> {
    return this.#after ?? this.#before;
  }
}

export type MetadataDeltaOptions = {
  /** The records to come are a whole snapshot: they replace the image instead of adding to it. */
  readonly isSnapshot?: boolean;
};

export class MetadataDelta {
  readonly image: MetadataImage;
  readonly isSnapshot: boolean;
  readonly #topics: TopicsDelta;
  readonly #features: MapDraft<string, number>;
  #metadataVersion: number | null;
  readonly #brokers: MapDraft<number, BrokerRegistration>;
  readonly #controllers: MapDraft<number, ControllerRegistration>;
  readonly #configs: MapDraft<string, ConfigurationImage>;
  readonly #changedConfigs = new Map<string, ConfigResource>();
  readonly #quotas: MapDraft<string, ClientQuotaImage>;
  readonly #acls: MapDraft<string, MetadataImage['acls'] extends ReadonlyMap<string, infer V> ? V : never>;
  readonly #scram: MapDraft<string, UserScramCredentialRecord>;
  readonly #tokens: MapDraft<
    string,
    MetadataImage['delegationTokens'] extends ReadonlyMap<string, infer V> ? V : never
  >;
  #nextProducerId: number;

  constructor(image: MetadataImage, options: MetadataDeltaOptions = {}) {
    const isSnapshot = options.isSnapshot ?? false;
    this.image = image;
    this.isSnapshot = isSnapshot;
    this.#topics = new TopicsDelta(image.topics);
    this.#features = new MapDraft(image.features.finalized, isSnapshot);
    this.#metadataVersion = isSnapshot ? null : image.features.metadataVersion;
    this.#brokers = new MapDraft(image.cluster.brokers, isSnapshot);
    this.#controllers = new MapDraft(image.cluster.controllers, isSnapshot);
    this.#configs = new MapDraft(image.configs, isSnapshot);
    this.#quotas = new MapDraft(image.clientQuotas, isSnapshot);
    this.#acls = new MapDraft(image.acls, isSnapshot);
    this.#scram = new MapDraft(image.scram, isSnapshot);
    this.#tokens = new MapDraft(image.delegationTokens, isSnapshot);
    this.#nextProducerId = isSnapshot ? emptyMetadataImage.nextProducerId : image.nextProducerId;
    if (isSnapshot) for (const [key, value] of image.configs) this.#changedConfigs.set(key, value.resource);
  }

  /** Null when no topic changed. */
  get topics(): TopicsDelta | null {
    return this.#topics.changes.size > 0 || this.#topics.deleted.size > 0 ? this.#topics : null;
  }

  get changedBrokers(): ReadonlySet<number> {
    return this.#brokers.changed;
  }

  get changedControllers(): ReadonlySet<number> {
    return this.#controllers.changed;
  }

  get changedConfigs(): ReadonlyMap<string, ConfigResource> {
    return this.#changedConfigs;
  }

  get featuresChanged(): boolean {
    return this.#features.changed.size > 0 || this.#metadataVersion !== this.image.features.metadataVersion;
  }

  broker(id: number): BrokerRegistration | null {
    return this.#brokers.get(id) ?? null;
  }

  replayAll(records: Iterable<MetadataRecord>): this {
    for (const record of records) this.replay(record);
    return this;
  }

  replay(record: MetadataRecord): void {
    switch (record.name) {
      case 'RegisterBrokerRecord':
        this.#brokers.set(record.value.brokerId, brokerFromRecord(record.value));
        return;
      case 'UnregisterBrokerRecord':
        this.#brokers.delete(record.value.brokerId);
        return;
      case 'BrokerRegistrationChangeRecord':
        this.#changeBroker(record.value.brokerId, (broker) => mergeBroker(broker, record.value));
        return;
      case 'FenceBrokerRecord':
        this.#changeBroker(record.value.id, (broker) => ({ ...broker, isFenced: true }));
        return;
      case 'UnfenceBrokerRecord':
        this.#changeBroker(record.value.id, (broker) => ({ ...broker, isFenced: false }));
        return;
      case 'RegisterControllerRecord':
        this.#controllers.set(record.value.controllerId, controllerFromRecord(record.value));
        return;
      case 'TopicRecord':
        if (this.isSnapshot) this.#topics.replaySnapshotTopic(record.value);
        else this.#topics.replayTopic(record.value);
        return;
      case 'PartitionRecord':
        this.#topics.replayPartition(record.value);
        return;
      case 'PartitionChangeRecord':
        this.#topics.replayPartitionChange(record.value);
        return;
      case 'RemoveTopicRecord':
        this.#removeTopic(record.value.topicId);
        return;
      case 'ClearElrRecord':
        this.#topics.replayClearElr(record.value.topicName);
        return;
      default:
        this.#replaySetting(record);
    }
  }

  #replaySetting(
    record: Exclude<
      MetadataRecord,
      {
        name:
          | 'RegisterBrokerRecord'
          | 'UnregisterBrokerRecord'
          | 'BrokerRegistrationChangeRecord'
          | 'FenceBrokerRecord'
          | 'UnfenceBrokerRecord'
          | 'RegisterControllerRecord'
          | 'TopicRecord'
          | 'PartitionRecord'
          | 'PartitionChangeRecord'
          | 'RemoveTopicRecord'
          | 'ClearElrRecord';
      }
    >,
  ): void {
    switch (record.name) {
      case 'FeatureLevelRecord':
        this.#replayFeature(record.value);
        return;
      case 'ConfigRecord':
        this.#replayConfig(record.value);
        return;
      case 'ClientQuotaRecord':
        this.#replayQuota(record.value);
        return;
      case 'ProducerIdsRecord':
        this.#nextProducerId = record.value.nextProducerId;
        return;
      case 'AccessControlEntryRecord':
        this.#acls.set(record.value.id, record.value);
        return;
      case 'RemoveAccessControlEntryRecord':
        this.#acls.delete(record.value.id);
        return;
      case 'UserScramCredentialRecord':
        this.#scram.set(scramKey(record.value.mechanism, record.value.name), ownedCredential(record.value));
        return;
      case 'RemoveUserScramCredentialRecord':
        this.#scram.delete(scramKey(record.value.mechanism, record.value.name));
        return;
      case 'DelegationTokenRecord':
        this.#tokens.set(record.value.tokenId, record.value);
        return;
      case 'RemoveDelegationTokenRecord':
        this.#tokens.delete(record.value.tokenId);
        return;
      case 'NoOpRecord':
      case 'ZkMigrationStateRecord':
      // Transactions are resolved by the loader, before records come here.
      case 'BeginTransactionRecord':
      case 'EndTransactionRecord':
      case 'AbortTransactionRecord':
        return;
      default:
        unreachable(record);
    }
  }

  /** Call once all records are replayed. */
  apply(provenance: MetadataProvenance): MetadataImage {
    if (this.isSnapshot) this.#topics.finishSnapshot();
    const brokers = this.#brokers.result();
    const controllers = this.#controllers.result();
    const before = this.image;
    const sameCluster = brokers === before.cluster.brokers && controllers === before.cluster.controllers;
    return {
      provenance,
      features: this.featuresChanged
        ? { metadataVersion: this.#metadataVersion, finalized: this.#features.result() }
        : before.features,
      cluster: sameCluster ? before.cluster : { brokers, controllers },
      topics: this.#topics.apply(),
      configs: this.#configs.result(),
      clientQuotas: this.#quotas.result(),
      nextProducerId: this.#nextProducerId,
      acls: this.#acls.result(),
      scram: this.#scram.result(),
      delegationTokens: this.#tokens.result(),
    };
  }

  #changeBroker(id: number, change: (broker: BrokerRegistration) => BrokerRegistration): void {
    this.#brokers.set(id, change(present(this.#brokers.get(id), `registration of broker ${id}`)));
  }

  /** A topic's configuration goes with it. */
  #removeTopic(topicId: string): void {
    const name = this.#topics.replayRemoveTopic(topicId);
    const key = configKey(ConfigResourceType.TOPIC, name);
    if (this.#configs.get(key) === undefined) return;
    this.#configs.delete(key);
    this.#changedConfigs.set(key, { type: ConfigResourceType.TOPIC, name });
  }

  #replayFeature(record: FeatureLevelRecord): void {
    if (record.name === metadataVersionFeature) this.#metadataVersion = record.featureLevel;
    else if (record.featureLevel === 0) this.#features.delete(record.name);
    else this.#features.set(record.name, record.featureLevel);
  }

  #replayConfig(record: ConfigRecord): void {
    const resource = { type: record.resourceType, name: record.resourceName };
    const key = configKey(resource.type, resource.name);
    const values = new Map(this.#configs.get(key)?.values);
    if (record.value === null) values.delete(record.name);
    else values.set(record.name, record.value);
    if (values.size === 0) this.#configs.delete(key);
    else this.#configs.set(key, { resource, values });
    this.#changedConfigs.set(key, resource);
  }

  #replayQuota(record: ClientQuotaRecord): void {
    const key = quotaKey(record.entity);
    const quotas = new Map(this.#quotas.get(key)?.quotas);
    if (record.remove) quotas.delete(record.key);
    else quotas.set(record.key, record.value);
    if (quotas.size === 0) this.#quotas.delete(key);
    else this.#quotas.set(key, { entity: record.entity, quotas });
  }
}

/** The record's bytes are views on a batch: an image that lives for long must not hold the whole batch. */
function ownedCredential(record: UserScramCredentialRecord): UserScramCredentialRecord {
  return {
    ...record,
    salt: Buffer.from(record.salt),
    storedKey: Buffer.from(record.storedKey),
    serverKey: Buffer.from(record.serverKey),
  };
}
