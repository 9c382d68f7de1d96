// Registered brokers and controllers at one offset of the metadata log. Immutable.

import type {
  BrokerRegistrationChangeRecord,
  MetadataRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
} from '../protocol/messages/metadata-records.ts';

export type Endpoint = {
  /** Listener name, e.g. PLAINTEXT. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: number;
};

export type SupportedFeature = {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
};

export type BrokerRegistration = {
  readonly id: number;
  /** Offset of the registration's record: rises with every registration. */
  readonly epoch: number;
  /** Chosen anew by every start of the process. */
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  readonly features: readonly SupportedFeature[];
  readonly rack: string | null;
  readonly isFenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Ids of its log directories that are online. */
  readonly directories: readonly string[];
  /** Online directories that get no new replicas (KIP-1066); null where the broker never said. */
  readonly cordonedDirectories: readonly string[] | null;
};

export type ControllerRegistration = {
  readonly id: number;
  readonly incarnationId: string;
  readonly zkMigrationReady: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly features: readonly SupportedFeature[];
};

export type ClusterImage = {
  readonly brokers: ReadonlyMap<number, BrokerRegistration>;
  readonly controllers: ReadonlyMap<number, ControllerRegistration>;
};

export const emptyClusterImage: ClusterImage = { brokers: new Map(), controllers: new Map() };

/** Alive and staying: may lead partitions. */
export function isActive(broker: BrokerRegistration): boolean {
  return !broker.isFenced && !broker.inControlledShutdown;
}

export function brokerFromRecord(record: RegisterBrokerRecord): BrokerRegistration {
  return {
    id: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    features: record.features,
    rack: record.rack,
    isFenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    directories: record.logDirs,
    cordonedDirectories: record.cordonedLogDirs,
  };
}

export function brokerToRecord(broker: BrokerRegistration): MetadataRecord {
  return {
    name: 'RegisterBrokerRecord',
    version: 4,
    value: {
      brokerId: broker.id,
      isMigratingZkBroker: false,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: broker.endpoints,
      features: broker.features,
      rack: broker.rack,
      fenced: broker.isFenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: broker.directories,
      cordonedLogDirs: broker.cordonedDirectories,
    },
  };
}

/** The change's flags: 1 sets, −1 clears (only fencing), 0 leaves as it is. */
export function mergeBroker(before: BrokerRegistration, change: BrokerRegistrationChangeRecord): BrokerRegistration {
  return {
    ...before,
    isFenced: change.fenced === 0 ? before.isFenced : change.fenced === 1,
    inControlledShutdown: change.inControlledShutdown === 1 ? true : before.inControlledShutdown,
    directories: change.logDirs.length > 0 ? change.logDirs : before.directories,
    cordonedDirectories: change.cordonedLogDirs ?? before.cordonedDirectories,
  };
}

export function controllerFromRecord(record: RegisterControllerRecord): ControllerRegistration {
  return {
    id: record.controllerId,
    incarnationId: record.incarnationId,
    zkMigrationReady: record.zkMigrationReady,
    endpoints: record.endPoints,
    features: record.features,
  };
}

export function* clusterToRecords(image: ClusterImage): Generator<MetadataRecord> {
  for (const broker of image.brokers.values()) yield brokerToRecord(broker);
  for (const controller of image.controllers.values()) {
    yield {
      name: 'RegisterControllerRecord',
      version: 0,
      value: {
        controllerId: controller.id,
        incarnationId: controller.incarnationId,
        zkMigrationReady: controller.zkMigrationReady,
        endPoints: controller.endpoints,
        features: controller.features,
      },
    };
  }
}
