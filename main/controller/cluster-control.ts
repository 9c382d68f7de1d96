// Brokers and controllers of the cluster: registration, heartbeats, fencing, controlled shutdown. Pure but for the
// heartbeat times, which are soft state.

import { ErrorCode } from '../protocol/errors.ts';
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/messages/assign-replicas-to-dirs.ts';
import type { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from '../protocol/messages/broker-heartbeat.ts';
import type {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../protocol/messages/broker-registration.ts';
import type {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '../protocol/messages/controller-registration.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import type { UnregisterBrokerResponse } from '../protocol/messages/unregister-broker.ts';
import { isReservedUuid } from '../protocol/uuid.ts';
import { brokerToRecord, type BrokerRegistration, type SupportedFeature } from '../metadata/cluster-image.ts';
import { metadataVersionName } from '../metadata/features.ts';
import { metadataVersionFeature } from '../metadata/settings-image.ts';
import { directoryOf, isDirectoryOnline, type PartitionRegistration } from '../metadata/topics-image.ts';
import { ApiError, type ControllerView, type Decision } from './decision.ts';
import { allPartitions, changeBasis, leadershipChanges } from './leadership-control.ts';
import { partitionChange } from './partition-change.ts';

const fence = 1;
const unfence = -1;
const inControlledShutdown = 1;

type RegistrationChange = {
  readonly fenced?: number;
  readonly inControlledShutdown?: number;
  readonly logDirs?: readonly string[];
  readonly cordonedLogDirs?: readonly string[];
};

/** The oldest record version that can say it, as Kafka writes it. */
function registrationChange(broker: BrokerRegistration, change: RegistrationChange): MetadataRecord {
  const version =
    change.cordonedLogDirs !== undefined
      ? 3
      : change.logDirs !== undefined
        ? 2
        : change.inControlledShutdown !== undefined
          ? 1
          : 0;
  return {
    name: 'BrokerRegistrationChangeRecord',
    version,
    value: {
      brokerId: broker.id,
      brokerEpoch: broker.epoch,
      fenced: change.fenced ?? 0,
      inControlledShutdown: change.inControlledShutdown ?? 0,
      logDirs: change.logDirs ?? [],
      cordonedLogDirs: change.cordonedLogDirs ?? null,
    },
  };
}

/** The registration of the broker that sent a request; refuses requests of an earlier incarnation. */
export function checkBrokerEpoch(view: ControllerView, brokerId: number, brokerEpoch: number): BrokerRegistration {
  const broker = view.image.cluster.brokers.get(brokerId);
  if (broker === undefined) {
    throw new ApiError(ErrorCode.STALE_BROKER_EPOCH, `No broker registration found for broker id ${brokerId}`);
  }
  if (broker.epoch !== brokerEpoch) {
    throw new ApiError(
      ErrorCode.STALE_BROKER_EPOCH,
      `Expected broker epoch ${broker.epoch}, but got broker epoch ${brokerEpoch}`,
    );
  }
  return broker;
}

export function registerBroker(
  view: ControllerView,
  request: BrokerRegistrationRequest,
): Decision<BrokerRegistrationResponse> {
  if (request.clusterId !== view.clusterId) {
    throw new ApiError(
      ErrorCode.INCONSISTENT_CLUSTER_ID,
      `Expected cluster ID ${view.clusterId}, but got cluster ID ${request.clusterId}`,
    );
  }
  const { brokerId } = request;
  const existing = view.image.cluster.brokers.get(brokerId) ?? null;
  const isNewIncarnation = existing?.incarnationId !== request.incarnationId;
  if (existing !== null && isNewIncarnation && view.heartbeats.hasSession(brokerId, view.nowMs)) {
    throw new ApiError(ErrorCode.DUPLICATE_BROKER_REGISTRATION, 'Another broker is registered with that broker id.');
  }
  checkDirectories(view, request);
  checkFeatures(view, brokerId, request.features);
  const records: MetadataRecord[] = [];
  if (isNewIncarnation && existing !== null) {
    // A clean stop leaves the old epoch behind as proof that nothing was lost.
    const wasClean = request.previousBrokerEpoch === existing.epoch;
    records.push(...leadershipChanges(view, wasClean ? { removed: brokerId } : { uncleanShutdown: brokerId }));
  }
  const epoch = isNewIncarnation || existing === null ? view.nextOffset : existing.epoch;
  const registration: BrokerRegistration = {
    id: brokerId,
    epoch,
    incarnationId: request.incarnationId,
    endpoints: request.listeners,
    features: request.features,
    rack: request.rack,
    isFenced: isNewIncarnation || existing === null ? true : existing.isFenced,
    inControlledShutdown: isNewIncarnation || existing === null ? false : existing.inControlledShutdown,
    directories: request.logDirs,
    cordonedDirectories: null,
  };
  records.push(brokerToRecord(registration));
  return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, brokerEpoch: epoch } };
}

function checkDirectories(view: ControllerView, request: BrokerRegistrationRequest): void {
  const refuse = (message: string): never => {
    throw new ApiError(ErrorCode.INVALID_REGISTRATION, message);
  };
  if (request.logDirs.length === 0) refuse('No directories specified in request');
  if (request.logDirs.some(isReservedUuid)) refuse('Reserved directory ID in request');
  if (new Set(request.logDirs).size !== request.logDirs.length) refuse('Duplicate directory ID in request');
  for (const other of view.image.cluster.brokers.values()) {
    if (other.id === request.brokerId) continue;
    const shared = request.logDirs.find((directory) => other.directories.includes(directory));
    if (shared !== undefined) refuse(`Broker ${other.id} is already registered with directory ${shared}`);
  }
}

function checkFeatures(view: ControllerView, brokerId: number, features: readonly SupportedFeature[]): void {
  const { metadataVersion, finalized } = view.image.features;
  const levels = new Map([
    ...finalized,
    ...(metadataVersion === null ? [] : [[metadataVersionFeature, metadataVersion] as const]),
  ]);
  for (const [name, level] of levels) {
    const range = features.find((feature) => feature.name === name) ?? {
      minSupportedVersion: 0,
      maxSupportedVersion: 0,
    };
    if (level >= range.minSupportedVersion && level <= range.maxSupportedVersion) continue;
    const shown = name === metadataVersionFeature ? metadataVersionName(level) : String(level);
    throw new ApiError(
      ErrorCode.UNSUPPORTED_VERSION,
      `Unable to register because the broker does not support finalized version ${shown} of ${name}. ` +
        `The broker wants a version between ${range.minSupportedVersion} and ${range.maxSupportedVersion}, inclusive. (broker ${brokerId})`,
    );
  }
}

export function registerController(
  _view: ControllerView,
  request: ControllerRegistrationRequest,
): Decision<ControllerRegistrationResponse> {
  const record: MetadataRecord = {
    name: 'RegisterControllerRecord',
    version: 0,
    value: {
      controllerId: request.controllerId,
      incarnationId: request.incarnationId,
      zkMigrationReady: request.zkMigrationReady,
      endPoints: request.listeners,
      features: request.features,
    },
  };
  return { records: [record], response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null } };
}

export function unregisterBroker(view: ControllerView, brokerId: number): Decision<UnregisterBrokerResponse> {
  const broker = view.image.cluster.brokers.get(brokerId);
  if (broker === undefined) {
    throw new ApiError(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`);
  }
  const records = leadershipChanges(view, { uncleanShutdown: brokerId });
  records.push({
    name: 'UnregisterBrokerRecord',
    version: 0,
    value: { brokerId, brokerEpoch: broker.epoch },
  });
  return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null } };
}

export function fenceBroker(view: ControllerView, broker: BrokerRegistration): MetadataRecord[] {
  return [...leadershipChanges(view, { removed: broker.id }), registrationChange(broker, { fenced: fence })];
}

/** fenced → unfenced → controlled shutdown → may stop; any → fenced. */
export type BrokerState = 'fenced' | 'unfenced' | 'controlledShutdown' | 'shutdownNow';

function presentState(broker: BrokerRegistration): BrokerState {
  if (broker.isFenced) return 'fenced';
  return broker.inControlledShutdown ? 'controlledShutdown' : 'unfenced';
}

function hasLeaderships(view: ControllerView, brokerId: number): boolean {
  for (const [, , partition] of allPartitions(view)) {
    if (partition.leader === brokerId) return true;
  }
  return false;
}

function nextState(view: ControllerView, broker: BrokerRegistration, request: BrokerHeartbeatRequest): BrokerState {
  const present = presentState(broker);
  switch (present) {
    case 'fenced':
      if (request.wantShutDown) return 'shutdownNow';
      if (request.wantFence) return 'fenced';
      return request.currentMetadataOffset >= broker.epoch ? 'unfenced' : 'fenced';
    case 'unfenced':
      if (request.wantFence) return request.wantShutDown ? 'shutdownNow' : 'fenced';
      if (!request.wantShutDown) return 'unfenced';
      return hasLeaderships(view, broker.id) ? 'controlledShutdown' : 'shutdownNow';
    case 'controlledShutdown': {
      if (hasLeaderships(view, broker.id)) return 'controlledShutdown';
      // It may go once all others have read that it leads nothing any more.
      const offset = view.heartbeats.contact(broker.id)?.controlledShutdownOffset ?? null;
      const lowest = view.heartbeats.lowestActiveOffset();
      return offset === null || lowest === null || offset <= lowest ? 'shutdownNow' : 'controlledShutdown';
    }
    case 'shutdownNow':
      return 'shutdownNow';
  }
}

export type HeartbeatDecision = Decision<BrokerHeartbeatResponse> & { readonly next: BrokerState };

export function brokerHeartbeat(view: ControllerView, request: BrokerHeartbeatRequest): HeartbeatDecision {
  const broker = checkBrokerEpoch(view, request.brokerId, request.brokerEpoch);
  const next = nextState(view, broker, request);
  const records = next === presentState(broker) ? [] : stateChange(view, broker, next);
  records.push(...directoryChanges(view, broker, request));
  const isFenced = next === 'fenced' || next === 'shutdownNow';
  const response = {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    isCaughtUp: request.currentMetadataOffset >= broker.epoch,
    isFenced,
    shouldShutDown: next === 'shutdownNow',
  };
  return { records, response, next };
}

function stateChange(view: ControllerView, broker: BrokerRegistration, next: BrokerState): MetadataRecord[] {
  switch (next) {
    case 'fenced':
    case 'shutdownNow':
      return broker.isFenced ? [] : fenceBroker(view, broker);
    case 'unfenced':
      return [registrationChange(broker, { fenced: unfence }), ...leadershipChanges(view, { added: broker.id })];
    case 'controlledShutdown':
      return [registrationChange(broker, { inControlledShutdown }), ...leadershipChanges(view, { removed: broker.id })];
  }
}

/** Directories that went offline take their replicas out of the ISRs; cordoned ones are only noted. */
function directoryChanges(
  view: ControllerView,
  broker: BrokerRegistration,
  request: BrokerHeartbeatRequest,
): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  const offline = request.offlineLogDirs.filter((directory) => broker.directories.includes(directory));
  if (offline.length > 0) {
    const isOffline = (directory: string | null): boolean => directory !== null && offline.includes(directory);
    records.push(
      ...leadershipChanges(view, { removed: broker.id }, (_topic, partition) =>
        isOffline(directoryOf(partition, broker.id)),
      ),
      registrationChange(broker, { logDirs: broker.directories.filter((directory) => !offline.includes(directory)) }),
    );
  }
  const cordoned = request.cordonedLogDirs;
  const known = broker.cordonedDirectories;
  const isSame =
    cordoned !== null &&
    known !== null &&
    cordoned.length === known.length &&
    cordoned.every((directory) => known.includes(directory));
  if (cordoned !== null && !isSame) records.push(registrationChange(broker, { cordonedLogDirs: cordoned }));
  return records;
}

export function assignReplicasToDirs(
  view: ControllerView,
  request: AssignReplicasToDirsRequest,
): Decision<AssignReplicasToDirsResponse> {
  checkBrokerEpoch(view, request.brokerId, request.brokerEpoch);
  const records: MetadataRecord[] = [];
  const online = view.image.cluster.brokers.get(request.brokerId)?.directories ?? [];
  const toOffline = new Set<PartitionRegistration>();
  const assign = (topicId: string, index: number, directory: string): number => {
    const topic = view.image.topics.byId.get(topicId);
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    const partition = topic.partitions.get(index);
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (!partition.replicas.includes(request.brokerId)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const directories = new Map([[request.brokerId, directory]]);
    const record = partitionChange({ ...changeBasis(view, topic, index, partition), directories });
    if (record !== null) records.push(record);
    if (!isDirectoryOnline(directory, online)) toOffline.add(partition);
    return ErrorCode.NONE;
  };
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: assign(topicId, partitionIndex, id),
      })),
    })),
  }));
  // Its directory has failed meanwhile: it neither leads nor counts as in sync.
  if (toOffline.size > 0) {
    const isOffline = (_topic: unknown, partition: PartitionRegistration): boolean => toOffline.has(partition);
    records.push(...leadershipChanges(view, { removed: request.brokerId }, isOffline));
  }
  return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, directories } };
}
