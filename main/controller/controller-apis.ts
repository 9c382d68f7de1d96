// Every API that the active controller decides: which decision serves it, and what a failure of the whole request
// looks like in its response. The controller listener's routes, Envelope and a broker's forwarding are made from it.

import type { QuotaClient } from '../metadata/client-quota-limits.ts';
import type { ConfigResource } from '../metadata/settings-image.ts';
import type { Requester } from '../net/handler.ts';
import { allocateProducerIdsApi } from '../protocol/messages/allocate-producer-ids.ts';
import { alterClientQuotasApi } from '../protocol/messages/alter-client-quotas.ts';
import { alterConfigsApi } from '../protocol/messages/alter-configs.ts';
import { alterPartitionReassignmentsApi } from '../protocol/messages/alter-partition-reassignments.ts';
import { alterPartitionApi } from '../protocol/messages/alter-partition.ts';
import { alterUserScramCredentialsApi } from '../protocol/messages/alter-user-scram-credentials.ts';
import { assignReplicasToDirsApi } from '../protocol/messages/assign-replicas-to-dirs.ts';
import { brokerHeartbeatApi } from '../protocol/messages/broker-heartbeat.ts';
import { brokerRegistrationApi } from '../protocol/messages/broker-registration.ts';
import { controllerRegistrationApi } from '../protocol/messages/controller-registration.ts';
import { createAclsApi } from '../protocol/messages/create-acls.ts';
import { createPartitionsApi } from '../protocol/messages/create-partitions.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteAclsApi } from '../protocol/messages/delete-acls.ts';
import { deleteTopicsApi } from '../protocol/messages/delete-topics.ts';
import { electLeadersApi } from '../protocol/messages/elect-leaders.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { listPartitionReassignmentsApi } from '../protocol/messages/list-partition-reassignments.ts';
import { unregisterBrokerApi } from '../protocol/messages/unregister-broker.ts';
import { updateFeaturesApi } from '../protocol/messages/update-features.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import { createAcls, deleteAcls } from './acl-control.ts';
import { alterClientQuotas } from './client-quota-control.ts';
import { assignReplicasToDirs, registerController, unregisterBroker } from './cluster-control.ts';
import { alterConfigs, incrementalAlterConfigs } from './configuration-control.ts';
import type { ControllerView, Decision, PartError } from './decision.ts';
import { updateFeatures } from './feature-control.ts';
import { alterPartition } from './isr-control.ts';
import { electLeaders } from './leadership-control.ts';
import { allocateProducerIds } from './producer-id-control.ts';
import type { QuorumController } from './quorum-controller.ts';
import { alterPartitionReassignments, listPartitionReassignments } from './reassignment-control.ts';
import { alterUserScramCredentials } from './scram-control.ts';
import { createPartitions, createTopics, deleteTopics } from './topic-control.ts';

/** Whose request it is: of a client whose request a broker passed on, that client. */
export type ControllerClient = Requester & QuotaClient;

export type ControllerApi<Request = unknown, Response = unknown> = {
  readonly api: Api<Request, Response>;
  /** Brokers pass it on from their clients, in an Envelope. */
  readonly isForwarded: boolean;
  /** Resolves when committed; rejects with ApiError when the request fails as a whole. */
  serve(
    controller: QuorumController,
    request: Request,
    apiVersion: number,
    client: ControllerClient,
  ): Promise<Response>;
  /** The response that says so. */
  failed(request: Request, error: PartError, apiVersion: number): Writable<Response>;
};

function decided<Q, P>(
  api: Api<Q, P>,
  isForwarded: boolean,
  decide: (view: ControllerView, request: Q, apiVersion: number) => Decision<P>,
  failed: (request: Q, error: PartError, apiVersion: number) => Writable<P>,
): ControllerApi {
  return served({
    api,
    isForwarded,
    serve: (controller, request, apiVersion) =>
      controller.perform(api.name, (view) => decide(view, request, apiVersion)),
    failed,
  });
}

/** Counts partitions against the client's quota; from version `strictFrom` on too many are refused (KIP-599). */
function mutating<Q, P extends { readonly throttleTimeMs: number }>(
  api: Api<Q, P>,
  strictFrom: number,
  decide: (view: ControllerView, request: Q, apiVersion: number) => Decision<P>,
  failed: (request: Q, error: PartError, apiVersion: number) => Writable<P>,
): ControllerApi {
  return served({
    api,
    isForwarded: true,
    serve: (controller, request, apiVersion, quota) =>
      controller.performWithinQuota(api.name, { quota, isStrict: apiVersion >= strictFrom }, (view) =>
        decide(view, request, apiVersion),
      ),
    failed,
  });
}

function resources(
  requested: readonly { readonly resourceType: number; readonly resourceName: string }[],
  error: PartError,
): (PartError & { resourceType: ConfigResource['type']; resourceName: string })[] {
  return requested.map(({ resourceType, resourceName }) => ({ ...error, resourceType, resourceName }));
}

const forTopics: readonly ControllerApi[] = [
  mutating(createTopicsApi, 6, createTopics, (request, error) => ({
    topics: request.topics.map(({ name }) => ({ name, topicId: zeroUuid, ...error })),
  })),
  mutating(deleteTopicsApi, 5, deleteTopics, (request, error) => ({
    responses: [
      ...request.topics.map(({ name, topicId }) => ({ name, topicId, ...error })),
      ...request.topicNames.map((name) => ({ name, ...error })),
    ],
  })),
  mutating(createPartitionsApi, 3, createPartitions, (request, error) => ({
    results: request.topics.map(({ name }) => ({ name, ...error })),
  })),
  decided(electLeadersApi, true, electLeaders, (request, error, apiVersion) => ({
    // Version 0 has no error for the whole.
    ...(apiVersion >= 1 ? { errorCode: error.errorCode } : {}),
    replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...error })),
    })),
  })),
  decided(alterPartitionReassignmentsApi, true, alterPartitionReassignments, (request, error) => ({
    ...error,
    responses: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...error })),
    })),
  })),
  decided(listPartitionReassignmentsApi, true, listPartitionReassignments, (_request, error) => error),
];

const forSettings: readonly ControllerApi[] = [
  decided(incrementalAlterConfigsApi, true, incrementalAlterConfigs, (request, error) => ({
    responses: resources(request.resources, error),
  })),
  decided(alterConfigsApi, true, alterConfigs, (request, error) => ({
    responses: resources(request.resources, error),
  })),
  decided(alterClientQuotasApi, true, alterClientQuotas, (request, error) => ({
    entries: request.entries.map(({ entity }) => ({ ...error, entity })),
  })),
  decided(updateFeaturesApi, true, updateFeatures, (request, error) => ({
    ...error,
    results: request.featureUpdates.map(({ feature }) => ({ feature, ...error })),
  })),
];

const forAccess: readonly ControllerApi[] = [
  decided(createAclsApi, true, createAcls, (request, error) => ({ results: request.creations.map(() => error) })),
  decided(deleteAclsApi, true, deleteAcls, (request, error) => ({
    filterResults: request.filters.map(() => ({ ...error, matchingAcls: [] })),
  })),
  decided(alterUserScramCredentialsApi, true, alterUserScramCredentials, ({ deletions, upsertions }, error) => ({
    results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map((user) => ({ user, ...error })),
  })),
];

/** One line per API, whatever its types: the table holds them all. */
function served<Q, P>(described: ControllerApi<Q, P>): ControllerApi {
  // What serves an API is only ever given what that API decoded.
  return described as unknown as ControllerApi;
}

const forNodes: readonly ControllerApi[] = [
  served({
    api: brokerRegistrationApi,
    isForwarded: false,
    serve: (controller, request) => controller.registerBroker(request),
    failed: (_request, { errorCode }) => ({ errorCode }),
  }),
  served({
    api: brokerHeartbeatApi,
    isForwarded: false,
    serve: (controller, request) => controller.brokerHeartbeat(request),
    failed: (_request, { errorCode }) => ({ errorCode }),
  }),
  decided(controllerRegistrationApi, false, registerController, (_request, error) => error),
  decided(
    unregisterBrokerApi,
    true,
    (view, request) => unregisterBroker(view, request.brokerId),
    (_request, error) => error,
  ),
  decided(alterPartitionApi, false, alterPartition, (_request, { errorCode }) => ({ errorCode })),
  decided(allocateProducerIdsApi, false, allocateProducerIds, (_request, { errorCode }) => ({ errorCode })),
  decided(assignReplicasToDirsApi, false, assignReplicasToDirs, (_request, { errorCode }) => ({ errorCode })),
];

export const controllerApis: readonly ControllerApi[] = [...forTopics, ...forSettings, ...forAccess, ...forNodes];
