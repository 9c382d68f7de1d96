// What this node serves to clients and other brokers once it knows the metadata: replicas, groups, and the handlers
// over them. Connects each part to what it needs from the others.

import type { Access } from '../access/access.ts';
import { guardedRoutes } from '../access/guarded-routes.ts';
import type { BrokerId } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import { groupCoordinatorConfig } from '../coordinators/group/group-config.ts';
import { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { LogDirectories } from '../log/log-directories.ts';
import type { LogDirectory } from '../log/log-directory.ts';
import { topicLogConfig, type BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataDelta } from '../metadata/metadata-delta.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { MetadataLoader } from '../metadata/metadata-loader.ts';
import { ConfigResourceType } from '../metadata/settings-image.ts';
import { directoryOf } from '../metadata/topics-image.ts';
import { NodeConnections } from '../net/node-connections.ts';
import type { AdvertisedVersions, Route } from '../net/route.ts';
import { alterPartitionApi } from '../protocol/messages/alter-partition.ts';
import { getTelemetrySubscriptionsApi } from '../protocol/messages/get-telemetry-subscriptions.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { pushTelemetryApi } from '../protocol/messages/push-telemetry.ts';
import type { RaftNode } from '../raft/raft-node.ts';
import { ImageMetadata, toAssignmentChanges } from '../replication/image-metadata.ts';
import { NodeLeaderConnections } from '../replication/node-leader-connections.ts';
import { ReplicaManager } from '../replication/replica-manager.ts';
import type { DiskError, Runtime } from '../runtime/runtime.ts';
import { AutoTopicCreation } from './auto-topic-creation.ts';
import { ClientMetrics } from './client-metrics/client-metrics.ts';
import { StreamsTopicCreation } from './streams-topic-creation.ts';
import { replicationConfig } from './broker-config.ts';
import type { BrokerCounters, GroupReport, ReplicaReport } from './contract.ts';
import type { ControllerChannel } from './controller-channel.ts';
import type { Listeners } from './listener-config.ts';
import { clientRoutes, controllerListenerRoutes, type HandlerDependencies } from './handlers/index.ts';
import { readGroups } from './metrics/group-readings.ts';
import type { MBeanReadings } from './metrics/mbean-readings.ts';
import { readReplicas } from './metrics/replica-readings.ts';
import { DirectoryAssignments } from './directory-assignments.ts';
import { partitionEnds } from './partition-ends.ts';
import { ProducerIds } from './producer-ids.ts';
import { ClientQuotas } from './quotas/client-quotas.ts';
import { MoveThrottle } from './quotas/move-throttle.ts';
import { SharedReplicationThrottle } from './quotas/replication-throttle.ts';
import { throttledRoutes } from './quotas/throttled-routes.ts';
import { ShareServices } from './share-services.ts';
import { TransactionServices } from './transaction-services.ts';

export type ServicesOptions = {
  readonly access: Access | null;
  readonly runtime: Runtime;
  readonly settings: BrokerSettings;
  readonly listeners: Listeners;
  readonly nodeId: BrokerId;
  readonly logs: LogDirectories;
  readonly loader: MetadataLoader;
  readonly raft: RaftNode<MetadataRecord>;
  readonly controllerChannel: ControllerChannel;
  readonly journal: Journal;
  /** −1 before the first registration. */
  readonly brokerEpoch: () => number;
  /** False when another broker may have been elected without this one knowing. */
  readonly isLeadershipCertain: () => boolean;
  readonly onDirectoryFailed: (directory: LogDirectory, error: DiskError) => void;
  readonly onCordonedChanged: () => void;
  readonly onStorageError: (topic: string, partition: number, error: DiskError) => void;
  readonly log: (text: string) => void;
};

const connectTimeoutMs = 1000;
const telemetryKeys: ReadonlySet<number> = new Set([getTelemetrySubscriptionsApi.key, pushTelemetryApi.key]);

export class Services {
  readonly #options: ServicesOptions;
  readonly #replicas: ReplicaManager;
  readonly #groups: GroupCoordinator;
  readonly #transactions: TransactionServices;
  readonly #fetchConnections: NodeConnections;
  readonly #questionConnections: NodeConnections;
  readonly #markerConnections: NodeConnections;
  readonly #verificationConnections: NodeConnections;
  readonly #shareConnections: NodeConnections;
  readonly #shares: ShareServices;
  readonly #counters = { produceRequests: 0, failedProduceRequests: 0, fetchRequests: 0 };
  readonly #handlers: HandlerDependencies;
  readonly #quotas: ClientQuotas;
  readonly #clientMetrics: ClientMetrics;
  readonly #assignments: DirectoryAssignments;
  #configs: { readonly of: MetadataImage['configs'] | null; readonly byTopic: Map<string, LogConfig> } = {
    of: null,
    byTopic: new Map(),
  };

  constructor(options: ServicesOptions) {
    this.#options = options;
    const { runtime, settings, nodeId, loader, listeners, controllerChannel, journal, brokerEpoch } = options;
    const image = (): MetadataImage => loader.image;
    this.#quotas = new ClientQuotas({ clock: runtime.clock, settings, image });
    const metadata = new ImageMetadata(image, listeners.client.name, (topic) => this.#logConfig(topic));
    const requestTimeoutMs = settings.number('replica.socket.timeout.ms');
    this.#fetchConnections = this.#connections('fetcher', metadata, requestTimeoutMs);
    this.#questionConnections = this.#connections('offsets', metadata, requestTimeoutMs);
    this.#markerConnections = this.#connections('markers', metadata, requestTimeoutMs);
    this.#verificationConnections = this.#connections('transactions', metadata, requestTimeoutMs);
    this.#shareConnections = this.#connections('shares', metadata, requestTimeoutMs);
    const autoTopicCreation = new AutoTopicCreation(controllerChannel, settings);
    const streamsTopics = new StreamsTopicCreation(controllerChannel, runtime.clock);
    this.#assignments = new DirectoryAssignments({
      clock: runtime.clock,
      channel: controllerChannel,
      nodeId,
      brokerEpoch,
      image,
    });
    this.#replicas = new ReplicaManager({
      runtime,
      nodeId,
      logs: options.logs,
      assignments: this.#assignments,
      config: replicationConfig(settings),
      metadata,
      alterPartitions: {
        alterPartition: (request) =>
          controllerChannel.send(alterPartitionApi, request, {
            timeoutMs: settings.number('controller.socket.timeout.ms'),
          }),
      },
      connections: new NodeLeaderConnections(this.#fetchConnections, this.#questionConnections, requestTimeoutMs),
      journal,
      brokerEpoch,
      throttles: {
        leader: new SharedReplicationThrottle('leader', { clock: runtime.clock, settings, image }),
        follower: new SharedReplicationThrottle('follower', { clock: runtime.clock, settings, image }),
        moves: new MoveThrottle({ clock: runtime.clock, settings, image }),
      },
      onDirectoryFailed: options.onDirectoryFailed,
      onStorageError: options.onStorageError,
    });
    this.#shares = new ShareServices({
      nodeId,
      settings,
      replicas: this.#replicas,
      clock: runtime.clock,
      journal,
      image,
      connections: this.#shareConnections,
      ensureInternalTopic: (name) => void autoTopicCreation.request([name]),
      isLeadershipCertain: options.isLeadershipCertain,
      onLoadFailed: (partition, error) =>
        options.log(`__share_group_state-${partition} could not be loaded: ${String(error)}`),
    });
    this.#groups = new GroupCoordinator({
      isLeadershipCertain: options.isLeadershipCertain,
      nodeId,
      config: groupCoordinatorConfig(settings),
      host: this.#replicas,
      clock: runtime.clock,
      random: runtime.random,
      journal,
      image,
      shares: {
        state: this.#shares.state,
        endOffsets: partitionEnds({ nodeId, image, replicas: this.#replicas, connections: this.#questionConnections }),
      },
      onLoadFailed: (partition, error) =>
        options.log(`__consumer_offsets-${partition} could not be loaded: ${String(error)}`),
    });
    const producerIds = new ProducerIds(controllerChannel, nodeId, () => (brokerEpoch() < 0 ? null : brokerEpoch()));
    this.#clientMetrics = new ClientMetrics({ clock: runtime.clock, random: runtime.random, settings, image });
    this.#transactions = new TransactionServices({
      isLeadershipCertain: options.isLeadershipCertain,
      nodeId,
      settings,
      host: this.#replicas,
      clock: runtime.clock,
      journal,
      image,
      metadata,
      nextProducerId: () => producerIds.next(),
      markerConnections: this.#markerConnections,
      verificationConnections: this.#verificationConnections,
      onLoadFailed: (partition, error) =>
        options.log(`__transaction_state-${partition} could not be loaded: ${String(error)}`),
    });
    this.#handlers = {
      access: options.access,
      replicas: this.#replicas,
      groups: this.#groups,
      transactions: this.#transactions.coordinator,
      transactionVerification: this.#transactions.verification,
      shares: this.#shares,
      clock: runtime.clock,
      requestTimeoutMs: settings.number('request.timeout.ms'),
      counters: this.#counters,
      settings,
      image,
      clusterId: options.logs.main.meta.clusterId,
      nodeId,
      listeners,
      activeController: () => options.raft.leaderAndEpoch().leaderId,
      controllerChannel,
      autoTopicCreation,
      streamsTopics,
      producerIds,
      clientMetrics: this.#clientMetrics,
    };
  }

  clientRoutes(): Route[] {
    const routes = guardedRoutes(clientRoutes(this.#handlers), this.#options.access, 'client');
    return throttledRoutes(routes, this.#quotas, this.#options.runtime.clock);
  }

  /** Until when a throttled client's connection is left unread; 0: it is not. */
  mutedUntilMs(connectionId: string): number {
    return this.#quotas.mutedUntilMs(connectionId);
  }

  /** What ApiVersions says: the telemetry APIs only where there is a receiver, as in Kafka. */
  advertised(served: readonly AdvertisedVersions[]): readonly AdvertisedVersions[] {
    return this.#clientMetrics.isAdvertised ? served : served.filter(({ apiKey }) => !telemetryKeys.has(apiKey));
  }

  /** The session of a share group's member ends with its connection. */
  connectionClosed(connectionId: string): void {
    this.#shares.leader.connectionClosed(connectionId);
    this.#clientMetrics.connectionClosed(connectionId);
  }

  controllerListenerRoutes(): Route[] {
    return guardedRoutes(controllerListenerRoutes(this.#handlers), this.#options.access, 'controller');
  }

  /** From now on replicas and groups follow the metadata, beginning with what it says now. */
  startPublishing(): void {
    this.#finishMoves(this.#options.loader.image);
    this.#dropStrays(this.#options.loader.image);
    this.#readCordoned(this.#options.loader.image);
    this.#options.loader.install({ name: 'replicas', onUpdate: (delta, image) => this.#onUpdate(delta, image) });
  }

  takeReplicaReports(): { readonly changed: readonly ReplicaReport[]; readonly removed: readonly string[] } {
    return this.#replicas.takeReports();
  }

  takeGroupReports(): { readonly changed: readonly GroupReport[]; readonly removed: readonly string[] } {
    return this.#groups.takeReports();
  }

  counters(): Omit<BrokerCounters, 'connections' | 'cpuMs' | 'residentBytes'> {
    return { ...this.#replicas.counters, ...this.#counters };
  }

  /** For `/metrics`. */
  readMetrics(readings: MBeanReadings): void {
    readReplicas(readings, this.#replicas, this.#options.loader.image);
    readGroups(readings, this.#groups.counts());
    this.#clientMetrics.read(readings);
  }

  close(): void {
    this.#clientMetrics.close();
    this.#groups.shutdown();
    this.#transactions.coordinator.shutdown();
    this.#shares.close();
    this.#assignments.close();
    this.#replicas.close();
    this.#fetchConnections.closeAll();
    this.#questionConnections.closeAll();
    this.#markerConnections.closeAll();
    this.#verificationConnections.closeAll();
    this.#shareConnections.closeAll();
  }

  #onUpdate(delta: MetadataDelta, image: MetadataImage): void {
    if (delta.topics !== null) {
      this.#replicas.applyChanges(
        toAssignmentChanges(delta.topics.localChanges(this.#options.nodeId), this.#options.nodeId),
      );
    }
    if (delta.changedConfigs.size > 0)
      this.#groups.onConfigChange(groupCoordinatorConfig(this.#options.settings, image));
    if (delta.changedConfigs.size > 0 && this.#readCordoned(image)) this.#options.onCordonedChanged();
    if ([...delta.changedConfigs.values()].some(({ type }) => type === ConfigResourceType.CLIENT_METRICS)) {
      this.#clientMetrics.subscriptionsChanged();
    }
    this.#groups.onMetadataUpdate(delta, image);
    this.#transactions.coordinator.onMetadataUpdate(delta);
    this.#shares.onMetadataUpdate(delta, image);
    for (const topic of changedTopicConfigs(delta, image)) this.#replicas.topicConfigChanged(topic);
    if (delta.changedBrokers.size > 0) {
      this.#replicas.brokersChanged();
      this.#transactions.brokersChanged(image);
    }
  }

  /** A log directory failed in the background. */
  directoryFailed(error: DiskError): void {
    this.#replicas.directoryFailed(error);
  }

  /** `cordoned.log.dirs`, `*` for all; returns whether they are others than before. */
  #readCordoned(image: MetadataImage): boolean {
    const { logs, settings } = this.#options;
    const paths = settings.list('cordoned.log.dirs', image);
    const before = logs.cordoned;
    logs.setCordoned(new Set(paths.includes('*') ? logs.paths : paths));
    const { cordoned } = logs;
    return cordoned.length !== before.length || cordoned.some((each) => !before.includes(each));
  }

  /** Replicas that this broker was about to put in their new place when it died. */
  #finishMoves(image: MetadataImage): void {
    const { logs, nodeId, log } = this.#options;
    const promoted = logs.promoteAbandoned(({ topicId, partition }) => {
      const registration = topicId === null ? undefined : image.topics.byId.get(topicId)?.partitions.get(partition);
      return registration === undefined ? null : directoryOf(registration, nodeId);
    });
    for (const each of promoted) log(`${each.name} has moved to ${each.directory}`);
  }

  /** Partitions on disk that the metadata gives to nobody or to others: deleted while this broker was away. */
  #dropStrays(image: MetadataImage): void {
    const { logs, nodeId, log } = this.#options;
    for (const each of [...logs.logs(), ...logs.futures()]) {
      const topic = each.topicId === null ? image.topics.byName.get(each.topic) : image.topics.byId.get(each.topicId);
      const isOurs =
        topic?.name === each.topic && topic.partitions.get(each.partition)?.replicas.includes(nodeId) === true;
      if (isOurs) continue;
      log(`${each.name} is not assigned to this broker any more: deleting ${each.directory}`);
      const directory = logs.directoryOf(each);
      if (directory?.futures.get(each.name) === each) directory.deleteFuture(each.topic, each.partition);
      else directory?.deleteLog(each.topic, each.partition);
    }
  }

  /** Resolving a topic's settings walks every layer: kept for as long as no setting changes. */
  #logConfig(topic: string): LogConfig {
    const { loader, settings } = this.#options;
    if (this.#configs.of !== loader.image.configs) this.#configs = { of: loader.image.configs, byTopic: new Map() };
    let config = this.#configs.byTopic.get(topic);
    if (config === undefined) {
      config = topicLogConfig(loader.image, settings, topic);
      this.#configs.byTopic.set(topic, config);
    }
    return config;
  }

  #connections(purpose: string, metadata: ImageMetadata, requestTimeoutMs: number): NodeConnections {
    const { runtime, nodeId } = this.#options;
    return new NodeConnections({
      clock: runtime.clock,
      network: runtime.network,
      random: runtime.random,
      clientId: `broker-${nodeId}-${purpose}`,
      endpointOf: (id) => metadata.endpoint(id as BrokerId),
      connectTimeoutMs,
      requestTimeoutMs,
      reconnectBackoffMs: 20,
      reconnectBackoffMsMax: 500,
    });
  }
}

/** Topics whose settings a delta changed; all known ones when a broker default changed. */
function changedTopicConfigs(delta: MetadataDelta, image: MetadataImage): Iterable<string> {
  const changes = [...delta.changedConfigs.values()];
  if (changes.some((each) => each.type === ConfigResourceType.BROKER)) return image.topics.byName.keys();
  return changes.filter((each) => each.type === ConfigResourceType.TOPIC).map((each) => each.name);
}
