// The handler table: every API this node serves to clients. ApiVersions and docs/PROTOCOL.md are computed from it.

import type { Access } from '../../access/access.ts';
import { route, type Route } from '../../net/route.ts';
import { alterReplicaLogDirsApi } from '../../protocol/messages/alter-replica-log-dirs.ts';
import { deleteRecordsApi } from '../../protocol/messages/delete-records.ts';
import { describeAclsApi } from '../../protocol/messages/describe-acls.ts';
import { describeClientQuotasApi } from '../../protocol/messages/describe-client-quotas.ts';
import { describeClusterApi } from '../../protocol/messages/describe-cluster.ts';
import { describeConfigsApi } from '../../protocol/messages/describe-configs.ts';
import { describeLogDirsApi } from '../../protocol/messages/describe-log-dirs.ts';
import { describeProducersApi } from '../../protocol/messages/describe-producers.ts';
import { describeTopicPartitionsApi } from '../../protocol/messages/describe-topic-partitions.ts';
import { describeUserScramCredentialsApi } from '../../protocol/messages/describe-user-scram-credentials.ts';
import { fetchApi } from '../../protocol/messages/fetch.ts';
import { initProducerIdApi } from '../../protocol/messages/init-producer-id.ts';
import { listConfigResourcesApi } from '../../protocol/messages/list-config-resources.ts';
import { listOffsetsApi } from '../../protocol/messages/list-offsets.ts';
import { metadataApi } from '../../protocol/messages/metadata.ts';
import { offsetForLeaderEpochApi } from '../../protocol/messages/offset-for-leader-epoch.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { AutoTopicCreation } from '../auto-topic-creation.ts';
import type { StreamsTopicCreation } from '../streams-topic-creation.ts';
import type { ClientMetrics } from '../client-metrics/client-metrics.ts';
import type { ControllerChannel } from '../controller-channel.ts';
import type { Listeners } from '../listener-config.ts';
import type { ProducerIds } from '../producer-ids.ts';
import type { ShareServices } from '../share-services.ts';
import type { TransactionVerification } from '../transaction-verification.ts';
import { clientMetricsRoutes } from './client-metrics-routes.ts';
import { createAlterReplicaLogDirsHandler } from './alter-replica-log-dirs.ts';
import { createDeleteRecordsHandler } from './delete-records.ts';
import { createDescribeAclsHandler } from './describe-acls.ts';
import { createDescribeClientQuotasHandler } from './describe-client-quotas.ts';
import { createDescribeClusterHandler } from './describe-cluster.ts';
import { createDescribeConfigsHandler } from './describe-configs.ts';
import { createDescribeLogDirsHandler } from './describe-log-dirs.ts';
import { createDescribeProducersHandler } from './describe-producers.ts';
import { createDescribeTopicPartitionsHandler } from './describe-topic-partitions.ts';
import { createDescribeUserScramCredentialsHandler } from './describe-user-scram-credentials.ts';
import { createFetchHandler } from './fetch.ts';
import { forwardingRoutes } from './forwarding.ts';
import { groupRoutes } from './group-routes.ts';
import { createInitProducerIdHandler } from './init-producer-id.ts';
import { createListConfigResourcesHandler } from './list-config-resources.ts';
import { createListOffsetsHandler } from './list-offsets.ts';
import { createMetadataHandler } from './metadata.ts';
import { createOffsetForLeaderEpochHandler } from './offset-for-leader-epoch.ts';
import { createProduceHandler } from './produce.ts';
import { securityRoutes } from './security.ts';
import { shareRoutes } from './share-routes.ts';
import { transactionRoutes } from './transaction-routes.ts';

export type HandlerDependencies = {
  /** Null: no authorizer, everybody may do everything. */
  readonly access: Access | null;
  readonly replicas: ReplicaManager;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly transactionVerification: TransactionVerification;
  readonly shares: ShareServices;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly counters: { produceRequests: number; failedProduceRequests: number; fetchRequests: number };
  readonly settings: BrokerSettings;
  readonly image: () => MetadataImage;
  readonly clusterId: string;
  readonly nodeId: number;
  readonly listeners: Listeners;
  readonly activeController: () => number | null;
  readonly controllerChannel: ControllerChannel;
  readonly autoTopicCreation: AutoTopicCreation;
  readonly streamsTopics: Pick<StreamsTopicCreation, 'request'>;
  readonly producerIds: ProducerIds;
  readonly clientMetrics: ClientMetrics;
};

const onClient = { listeners: ['client'] } as const;

export function clientRoutes(dependencies: HandlerDependencies): Route[] {
  return [
    ...dataRoutes(dependencies),
    ...metadataRoutes(dependencies),
    ...forwardingRoutes(dependencies.controllerChannel),
    describeAcls(dependencies),
    ...securityRoutes(),
    ...transactionRoutes(dependencies),
    ...shareRoutes(dependencies),
    ...clientMetricsRoutes(dependencies.clientMetrics),
    ...groupRoutes({
      access: dependencies.access,
      groups: dependencies.groups,
      image: dependencies.image,
      streamsTopics: dependencies.streamsTopics,
      transactionPartition: (transactionalId) => dependencies.transactions.partitionFor(transactionalId),
      sharePartition: (key) => dependencies.shares.coordinator.partitionForKey(key),
      ensureInternalTopic: (name) => void dependencies.autoTopicCreation.request([name]),
    }),
  ];
}

function dataRoutes(dependencies: HandlerDependencies): Route[] {
  return [
    // The append happens synchronously when the handler is called, so the next request need not wait for the answer.
    route(produceApi, { ...onClient, isPipelined: true }, createProduceHandler(dependencies)),
    route(fetchApi, { ...onClient, isPipelined: true }, createFetchHandler(dependencies)),
    route(listOffsetsApi, onClient, createListOffsetsHandler(dependencies)),
    route(offsetForLeaderEpochApi, onClient, createOffsetForLeaderEpochHandler(dependencies)),
    route(deleteRecordsApi, onClient, createDeleteRecordsHandler(dependencies)),
    route(alterReplicaLogDirsApi, onClient, createAlterReplicaLogDirsHandler(dependencies)),
    route(describeLogDirsApi, onClient, createDescribeLogDirsHandler(dependencies)),
    route(describeProducersApi, onClient, createDescribeProducersHandler(dependencies)),
    route(initProducerIdApi, onClient, createInitProducerIdHandler(dependencies)),
  ];
}

function metadataRoutes(dependencies: HandlerDependencies): Route[] {
  const { image, settings, clusterId, nodeId, activeController, autoTopicCreation } = dependencies;
  return [
    route(
      metadataApi,
      onClient,
      createMetadataHandler({ image, settings, clusterId, nodeId, activeController, autoTopicCreation }),
    ),
    route(describeTopicPartitionsApi, onClient, createDescribeTopicPartitionsHandler({ image, settings })),
    route(describeClusterApi, onClient, describeCluster(dependencies)),
    route(describeConfigsApi, onClient, createDescribeConfigsHandler({ image, settings })),
    route(describeClientQuotasApi, onClient, createDescribeClientQuotasHandler({ image })),
    route(describeUserScramCredentialsApi, onClient, createDescribeUserScramCredentialsHandler({ image })),
    route(listConfigResourcesApi, onClient, createListConfigResourcesHandler({ image })),
  ];
}

/** For both listeners. */
function describeAcls({ image, access }: HandlerDependencies): Route {
  return route(describeAclsApi, {}, createDescribeAclsHandler({ image, isAuthorizerOn: access !== null }));
}

function describeCluster({ image, clusterId, listeners, activeController }: HandlerDependencies) {
  return createDescribeClusterHandler({
    image,
    clusterId,
    controllerListenerName: listeners.controller.name,
    activeController,
  });
}

/** What the controller listener answers besides raft and the controller's own APIs. */
export function controllerListenerRoutes(dependencies: HandlerDependencies): Route[] {
  return [
    route(describeClusterApi, { listeners: ['controller'] }, describeCluster(dependencies)),
    route(describeConfigsApi, { listeners: ['controller'] }, createDescribeConfigsHandler(dependencies)),
    describeAcls(dependencies),
    ...securityRoutes(),
  ];
}
