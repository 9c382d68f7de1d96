// The records of the KRaft metadata log, by type number. Framing: metadata-record-frame.ts.

import {
  array,
  bool,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  record,
  string,
  uint16,
  uuid,
  type DecodedOf,
} from '../schema.ts';

export const registerBrokerRecord = record({
  name: 'RegisterBrokerRecord',
  key: 0,
  versions: '0-4',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    isMigratingZkBroker: bool('2+'),
    incarnationId: uuid('0+'),
    brokerEpoch: int64('0+'),
    endPoints: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+'),
    logDirs: array('3+', 'uuid', { tagged: '3+', tag: 0 }),
    cordonedLogDirs: array('4+', 'uuid', { nullable: '4+', tagged: '4+', tag: 1, default: null }),
  },
});
export type RegisterBrokerRecord = DecodedOf<typeof registerBrokerRecord>;

export const unregisterBrokerRecord = record({
  name: 'UnregisterBrokerRecord',
  key: 1,
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
  },
});
export type UnregisterBrokerRecord = DecodedOf<typeof unregisterBrokerRecord>;

export const topicRecord = record({
  name: 'TopicRecord',
  key: 2,
  versions: '0',
  flexible: '0+',
  fields: {
    name: string('0+'),
    topicId: uuid('0+'),
  },
});
export type TopicRecord = DecodedOf<typeof topicRecord>;

export const partitionRecord = record({
  name: 'PartitionRecord',
  key: 3,
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    replicas: array('0+', 'int32'),
    isr: array('0+', 'int32'),
    removingReplicas: array('0+', 'int32'),
    addingReplicas: array('0+', 'int32'),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { tagged: '0+', tag: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: array('1+', 'uuid'),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', tagged: '2+', tag: 1, default: null }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', tagged: '2+', tag: 2, default: null }),
  },
});
export type PartitionRecord = DecodedOf<typeof partitionRecord>;

export const configRecord = record({
  name: 'ConfigRecord',
  key: 4,
  versions: '0',
  flexible: '0+',
  fields: {
    resourceType: int8('0+'),
    resourceName: string('0+'),
    name: string('0+'),
    value: string('0+', { nullable: '0+' }),
  },
});
export type ConfigRecord = DecodedOf<typeof configRecord>;

export const partitionChangeRecord = record({
  name: 'PartitionChangeRecord',
  key: 5,
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    isr: array('0+', 'int32', { nullable: '0+', tagged: '0+', tag: 0, default: null }),
    leader: int32('0+', { tagged: '0+', tag: 1, default: -2 }),
    replicas: array('0+', 'int32', { nullable: '0+', tagged: '0+', tag: 2, default: null }),
    removingReplicas: array('0+', 'int32', { nullable: '0+', tagged: '0+', tag: 3, default: null }),
    addingReplicas: array('0+', 'int32', { nullable: '0+', tagged: '0+', tag: 4, default: null }),
    leaderRecoveryState: int8('0+', { tagged: '0+', tag: 5, default: -1 }),
    directories: array('1+', 'uuid', { nullable: '1+', tagged: '1+', tag: 8, default: null }),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', tagged: '2+', tag: 6, default: null }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', tagged: '2+', tag: 7, default: null }),
  },
});
export type PartitionChangeRecord = DecodedOf<typeof partitionChangeRecord>;

export const fenceBrokerRecord = record({
  name: 'FenceBrokerRecord',
  key: 7,
  versions: '0',
  flexible: '0+',
  fields: {
    id: int32('0+'),
    epoch: int64('0+'),
  },
});
export type FenceBrokerRecord = DecodedOf<typeof fenceBrokerRecord>;

export const unfenceBrokerRecord = record({
  name: 'UnfenceBrokerRecord',
  key: 8,
  versions: '0',
  flexible: '0+',
  fields: {
    id: int32('0+'),
    epoch: int64('0+'),
  },
});
export type UnfenceBrokerRecord = DecodedOf<typeof unfenceBrokerRecord>;

export const removeTopicRecord = record({
  name: 'RemoveTopicRecord',
  key: 9,
  versions: '0',
  flexible: '0+',
  fields: {
    topicId: uuid('0+'),
  },
});
export type RemoveTopicRecord = DecodedOf<typeof removeTopicRecord>;

export const delegationTokenRecord = record({
  name: 'DelegationTokenRecord',
  key: 10,
  versions: '0',
  flexible: '0+',
  fields: {
    owner: string('0+'),
    requester: string('0+'),
    renewers: array('0+', 'string'),
    issueTimestamp: int64('0+'),
    maxTimestamp: int64('0+'),
    expirationTimestamp: int64('0+'),
    tokenId: string('0+'),
  },
});
export type DelegationTokenRecord = DecodedOf<typeof delegationTokenRecord>;

export const userScramCredentialRecord = record({
  name: 'UserScramCredentialRecord',
  key: 11,
  versions: '0',
  flexible: '0+',
  fields: {
    name: string('0+'),
    mechanism: int8('0+'),
    salt: bytes('0+'),
    storedKey: bytes('0+'),
    serverKey: bytes('0+'),
    iterations: int32('0+'),
  },
});
export type UserScramCredentialRecord = DecodedOf<typeof userScramCredentialRecord>;

export const featureLevelRecord = record({
  name: 'FeatureLevelRecord',
  key: 12,
  versions: '0',
  flexible: '0+',
  fields: {
    name: string('0+'),
    featureLevel: int16('0+'),
  },
});
export type FeatureLevelRecord = DecodedOf<typeof featureLevelRecord>;

export const clientQuotaRecord = record({
  name: 'ClientQuotaRecord',
  key: 14,
  versions: '0',
  flexible: '0+',
  fields: {
    entity: array('0+', {
      entityType: string('0+'),
      entityName: string('0+', { nullable: '0+' }),
    }),
    key: string('0+'),
    value: float64('0+'),
    remove: bool('0+'),
  },
});
export type ClientQuotaRecord = DecodedOf<typeof clientQuotaRecord>;

export const producerIdsRecord = record({
  name: 'ProducerIdsRecord',
  key: 15,
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    nextProducerId: int64('0+'),
  },
});
export type ProducerIdsRecord = DecodedOf<typeof producerIdsRecord>;

export const brokerRegistrationChangeRecord = record({
  name: 'BrokerRegistrationChangeRecord',
  key: 17,
  versions: '0-3',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    fenced: int8('0+', { tagged: '0+', tag: 0 }),
    inControlledShutdown: int8('1+', { tagged: '1+', tag: 1 }),
    logDirs: array('2+', 'uuid', { tagged: '2+', tag: 2 }),
    cordonedLogDirs: array('3+', 'uuid', { nullable: '3+', tagged: '3+', tag: 3, default: null }),
  },
});
export type BrokerRegistrationChangeRecord = DecodedOf<typeof brokerRegistrationChangeRecord>;

export const accessControlEntryRecord = record({
  name: 'AccessControlEntryRecord',
  key: 18,
  versions: '0',
  flexible: '0+',
  fields: {
    id: uuid('0+'),
    resourceType: int8('0+'),
    resourceName: string('0+'),
    patternType: int8('0+'),
    principal: string('0+'),
    host: string('0+'),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
});
export type AccessControlEntryRecord = DecodedOf<typeof accessControlEntryRecord>;

export const removeAccessControlEntryRecord = record({
  name: 'RemoveAccessControlEntryRecord',
  key: 19,
  versions: '0',
  flexible: '0+',
  fields: {
    id: uuid('0+'),
  },
});
export type RemoveAccessControlEntryRecord = DecodedOf<typeof removeAccessControlEntryRecord>;

export const noOpRecord = record({
  name: 'NoOpRecord',
  key: 20,
  versions: '0',
  flexible: '0+',
  fields: {},
});
export type NoOpRecord = DecodedOf<typeof noOpRecord>;

export const zkMigrationStateRecord = record({
  name: 'ZkMigrationStateRecord',
  key: 21,
  versions: '0',
  flexible: '0+',
  fields: {
    zkMigrationState: int8('0+'),
  },
});
export type ZkMigrationStateRecord = DecodedOf<typeof zkMigrationStateRecord>;

export const removeUserScramCredentialRecord = record({
  name: 'RemoveUserScramCredentialRecord',
  key: 22,
  versions: '0',
  flexible: '0+',
  fields: {
    name: string('0+'),
    mechanism: int8('0+'),
  },
});
export type RemoveUserScramCredentialRecord = DecodedOf<typeof removeUserScramCredentialRecord>;

export const beginTransactionRecord = record({
  name: 'BeginTransactionRecord',
  key: 23,
  versions: '0',
  flexible: '0+',
  fields: {
    name: string('0+', { nullable: '0+', tagged: '0+', tag: 0, default: null }),
  },
});
export type BeginTransactionRecord = DecodedOf<typeof beginTransactionRecord>;

export const endTransactionRecord = record({
  name: 'EndTransactionRecord',
  key: 24,
  versions: '0',
  flexible: '0+',
  fields: {},
});
export type EndTransactionRecord = DecodedOf<typeof endTransactionRecord>;

export const abortTransactionRecord = record({
  name: 'AbortTransactionRecord',
  key: 25,
  versions: '0',
  flexible: '0+',
  fields: {
    reason: string('0+', { nullable: '0+', tagged: '0+', tag: 0, default: null }),
  },
});
export type AbortTransactionRecord = DecodedOf<typeof abortTransactionRecord>;

export const removeDelegationTokenRecord = record({
  name: 'RemoveDelegationTokenRecord',
  key: 26,
  versions: '0',
  flexible: '0+',
  fields: {
    tokenId: string('0+'),
  },
});
export type RemoveDelegationTokenRecord = DecodedOf<typeof removeDelegationTokenRecord>;

export const registerControllerRecord = record({
  name: 'RegisterControllerRecord',
  key: 27,
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
    endPoints: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  },
});
export type RegisterControllerRecord = DecodedOf<typeof registerControllerRecord>;

export const clearElrRecord = record({
  name: 'ClearElrRecord',
  key: 28,
  versions: '0',
  flexible: '0+',
  fields: {
    topicName: string('0+'),
  },
});
export type ClearElrRecord = DecodedOf<typeof clearElrRecord>;

/** All record types of the metadata log, in order of their number. */
export const metadataRecords = [
  registerBrokerRecord,
  unregisterBrokerRecord,
  topicRecord,
  partitionRecord,
  configRecord,
  partitionChangeRecord,
  fenceBrokerRecord,
  unfenceBrokerRecord,
  removeTopicRecord,
  delegationTokenRecord,
  userScramCredentialRecord,
  featureLevelRecord,
  clientQuotaRecord,
  producerIdsRecord,
  brokerRegistrationChangeRecord,
  accessControlEntryRecord,
  removeAccessControlEntryRecord,
  noOpRecord,
  zkMigrationStateRecord,
  removeUserScramCredentialRecord,
  beginTransactionRecord,
  endTransactionRecord,
  abortTransactionRecord,
  removeDelegationTokenRecord,
  registerControllerRecord,
  clearElrRecord,
] as const;

/** One record of the metadata log, told apart by its name. */
export type MetadataRecord =
  | { readonly name: 'RegisterBrokerRecord'; readonly version: number; readonly value: RegisterBrokerRecord }
  | { readonly name: 'UnregisterBrokerRecord'; readonly version: number; readonly value: UnregisterBrokerRecord }
  | { readonly name: 'TopicRecord'; readonly version: number; readonly value: TopicRecord }
  | { readonly name: 'PartitionRecord'; readonly version: number; readonly value: PartitionRecord }
  | { readonly name: 'ConfigRecord'; readonly version: number; readonly value: ConfigRecord }
  | { readonly name: 'PartitionChangeRecord'; readonly version: number; readonly value: PartitionChangeRecord }
  | { readonly name: 'FenceBrokerRecord'; readonly version: number; readonly value: FenceBrokerRecord }
  | { readonly name: 'UnfenceBrokerRecord'; readonly version: number; readonly value: UnfenceBrokerRecord }
  | { readonly name: 'RemoveTopicRecord'; readonly version: number; readonly value: RemoveTopicRecord }
  | { readonly name: 'DelegationTokenRecord'; readonly version: number; readonly value: DelegationTokenRecord }
  | { readonly name: 'UserScramCredentialRecord'; readonly version: number; readonly value: UserScramCredentialRecord }
  | { readonly name: 'FeatureLevelRecord'; readonly version: number; readonly value: FeatureLevelRecord }
  | { readonly name: 'ClientQuotaRecord'; readonly version: number; readonly value: ClientQuotaRecord }
  | { readonly name: 'ProducerIdsRecord'; readonly version: number; readonly value: ProducerIdsRecord }
  | {
      readonly name: 'BrokerRegistrationChangeRecord';
      readonly version: number;
      readonly value: BrokerRegistrationChangeRecord;
    }
  | { readonly name: 'AccessControlEntryRecord'; readonly version: number; readonly value: AccessControlEntryRecord }
  | {
      readonly name: 'RemoveAccessControlEntryRecord';
      readonly version: number;
      readonly value: RemoveAccessControlEntryRecord;
    }
  | { readonly name: 'NoOpRecord'; readonly version: number; readonly value: NoOpRecord }
  | { readonly name: 'ZkMigrationStateRecord'; readonly version: number; readonly value: ZkMigrationStateRecord }
  | {
      readonly name: 'RemoveUserScramCredentialRecord';
      readonly version: number;
      readonly value: RemoveUserScramCredentialRecord;
    }
  | { readonly name: 'BeginTransactionRecord'; readonly version: number; readonly value: BeginTransactionRecord }
  | { readonly name: 'EndTransactionRecord'; readonly version: number; readonly value: EndTransactionRecord }
  | { readonly name: 'AbortTransactionRecord'; readonly version: number; readonly value: AbortTransactionRecord }
  | {
      readonly name: 'RemoveDelegationTokenRecord';
      readonly version: number;
      readonly value: RemoveDelegationTokenRecord;
    }
  | { readonly name: 'RegisterControllerRecord'; readonly version: number; readonly value: RegisterControllerRecord }
  | { readonly name: 'ClearElrRecord'; readonly version: number; readonly value: ClearElrRecord };
