// Every API of Apache Kafka 4.3.1 by key, and the versions that a live broker and a live controller advertise.
// Facts about Kafka: what we serve is computed from the handler tables.

import { produceApi } from './messages/produce.ts';
import { fetchApi } from './messages/fetch.ts';
import { listOffsetsApi } from './messages/list-offsets.ts';
import { metadataApi } from './messages/metadata.ts';
import { offsetCommitApi } from './messages/offset-commit.ts';
import { offsetFetchApi } from './messages/offset-fetch.ts';
import { findCoordinatorApi } from './messages/find-coordinator.ts';
import { joinGroupApi } from './messages/join-group.ts';
import { heartbeatApi } from './messages/heartbeat.ts';
import { leaveGroupApi } from './messages/leave-group.ts';
import { syncGroupApi } from './messages/sync-group.ts';
import { describeGroupsApi } from './messages/describe-groups.ts';
import { listGroupsApi } from './messages/list-groups.ts';
import { saslHandshakeApi } from './messages/sasl-handshake.ts';
import { apiVersionsApi } from './messages/api-versions.ts';
import { createTopicsApi } from './messages/create-topics.ts';
import { deleteTopicsApi } from './messages/delete-topics.ts';
import { deleteRecordsApi } from './messages/delete-records.ts';
import { initProducerIdApi } from './messages/init-producer-id.ts';
import { offsetForLeaderEpochApi } from './messages/offset-for-leader-epoch.ts';
import { addPartitionsToTxnApi } from './messages/add-partitions-to-txn.ts';
import { addOffsetsToTxnApi } from './messages/add-offsets-to-txn.ts';
import { endTxnApi } from './messages/end-txn.ts';
import { writeTxnMarkersApi } from './messages/write-txn-markers.ts';
import { txnOffsetCommitApi } from './messages/txn-offset-commit.ts';
import { describeAclsApi } from './messages/describe-acls.ts';
import { createAclsApi } from './messages/create-acls.ts';
import { deleteAclsApi } from './messages/delete-acls.ts';
import { describeConfigsApi } from './messages/describe-configs.ts';
import { alterConfigsApi } from './messages/alter-configs.ts';
import { alterReplicaLogDirsApi } from './messages/alter-replica-log-dirs.ts';
import { describeLogDirsApi } from './messages/describe-log-dirs.ts';
import { saslAuthenticateApi } from './messages/sasl-authenticate.ts';
import { createPartitionsApi } from './messages/create-partitions.ts';
import { createDelegationTokenApi } from './messages/create-delegation-token.ts';
import { renewDelegationTokenApi } from './messages/renew-delegation-token.ts';
import { expireDelegationTokenApi } from './messages/expire-delegation-token.ts';
import { describeDelegationTokenApi } from './messages/describe-delegation-token.ts';
import { deleteGroupsApi } from './messages/delete-groups.ts';
import { electLeadersApi } from './messages/elect-leaders.ts';
import { incrementalAlterConfigsApi } from './messages/incremental-alter-configs.ts';
import { alterPartitionReassignmentsApi } from './messages/alter-partition-reassignments.ts';
import { listPartitionReassignmentsApi } from './messages/list-partition-reassignments.ts';
import { offsetDeleteApi } from './messages/offset-delete.ts';
import { describeClientQuotasApi } from './messages/describe-client-quotas.ts';
import { alterClientQuotasApi } from './messages/alter-client-quotas.ts';
import { describeUserScramCredentialsApi } from './messages/describe-user-scram-credentials.ts';
import { alterUserScramCredentialsApi } from './messages/alter-user-scram-credentials.ts';
import { voteApi } from './messages/vote.ts';
import { beginQuorumEpochApi } from './messages/begin-quorum-epoch.ts';
import { endQuorumEpochApi } from './messages/end-quorum-epoch.ts';
import { describeQuorumApi } from './messages/describe-quorum.ts';
import { alterPartitionApi } from './messages/alter-partition.ts';
import { updateFeaturesApi } from './messages/update-features.ts';
import { envelopeApi } from './messages/envelope.ts';
import { fetchSnapshotApi } from './messages/fetch-snapshot.ts';
import { describeClusterApi } from './messages/describe-cluster.ts';
import { describeProducersApi } from './messages/describe-producers.ts';
import { brokerRegistrationApi } from './messages/broker-registration.ts';
import { brokerHeartbeatApi } from './messages/broker-heartbeat.ts';
import { unregisterBrokerApi } from './messages/unregister-broker.ts';
import { describeTransactionsApi } from './messages/describe-transactions.ts';
import { listTransactionsApi } from './messages/list-transactions.ts';
import { allocateProducerIdsApi } from './messages/allocate-producer-ids.ts';
import { consumerGroupHeartbeatApi } from './messages/consumer-group-heartbeat.ts';
import { consumerGroupDescribeApi } from './messages/consumer-group-describe.ts';
import { controllerRegistrationApi } from './messages/controller-registration.ts';
import { getTelemetrySubscriptionsApi } from './messages/get-telemetry-subscriptions.ts';
import { pushTelemetryApi } from './messages/push-telemetry.ts';
import { assignReplicasToDirsApi } from './messages/assign-replicas-to-dirs.ts';
import { listConfigResourcesApi } from './messages/list-config-resources.ts';
import { describeTopicPartitionsApi } from './messages/describe-topic-partitions.ts';
import { shareGroupHeartbeatApi } from './messages/share-group-heartbeat.ts';
import { shareGroupDescribeApi } from './messages/share-group-describe.ts';
import { shareFetchApi } from './messages/share-fetch.ts';
import { shareAcknowledgeApi } from './messages/share-acknowledge.ts';
import { addRaftVoterApi } from './messages/add-raft-voter.ts';
import { removeRaftVoterApi } from './messages/remove-raft-voter.ts';
import { updateRaftVoterApi } from './messages/update-raft-voter.ts';
import { initializeShareGroupStateApi } from './messages/initialize-share-group-state.ts';
import { readShareGroupStateApi } from './messages/read-share-group-state.ts';
import { writeShareGroupStateApi } from './messages/write-share-group-state.ts';
import { deleteShareGroupStateApi } from './messages/delete-share-group-state.ts';
import { readShareGroupStateSummaryApi } from './messages/read-share-group-state-summary.ts';
import { streamsGroupHeartbeatApi } from './messages/streams-group-heartbeat.ts';
import { streamsGroupDescribeApi } from './messages/streams-group-describe.ts';
import { describeShareGroupOffsetsApi } from './messages/describe-share-group-offsets.ts';
import { alterShareGroupOffsetsApi } from './messages/alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsApi } from './messages/delete-share-group-offsets.ts';
import { ProtocolError } from './protocol-error.ts';
import type { Api, ListenerKind } from './schema.ts';
import { parseVersions, type VersionRange } from './versions.ts';

/** API keys by name. 4 to 7 (LeaderAndIsr, StopReplica, UpdateMetadata, ControlledShutdown) were removed; never reuse them. */
export const ApiKey = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  DescribeGroups: 15,
  ListGroups: 16,
  SaslHandshake: 17,
  ApiVersions: 18,
  CreateTopics: 19,
  DeleteTopics: 20,
  DeleteRecords: 21,
  InitProducerId: 22,
  OffsetForLeaderEpoch: 23,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  WriteTxnMarkers: 27,
  TxnOffsetCommit: 28,
  DescribeAcls: 29,
  CreateAcls: 30,
  DeleteAcls: 31,
  DescribeConfigs: 32,
  AlterConfigs: 33,
  AlterReplicaLogDirs: 34,
  DescribeLogDirs: 35,
  SaslAuthenticate: 36,
  CreatePartitions: 37,
  CreateDelegationToken: 38,
  RenewDelegationToken: 39,
  ExpireDelegationToken: 40,
  DescribeDelegationToken: 41,
  DeleteGroups: 42,
  ElectLeaders: 43,
  IncrementalAlterConfigs: 44,
  AlterPartitionReassignments: 45,
  ListPartitionReassignments: 46,
  OffsetDelete: 47,
  DescribeClientQuotas: 48,
  AlterClientQuotas: 49,
  DescribeUserScramCredentials: 50,
  AlterUserScramCredentials: 51,
  Vote: 52,
  BeginQuorumEpoch: 53,
  EndQuorumEpoch: 54,
  DescribeQuorum: 55,
  AlterPartition: 56,
  UpdateFeatures: 57,
  Envelope: 58,
  FetchSnapshot: 59,
  DescribeCluster: 60,
  DescribeProducers: 61,
  BrokerRegistration: 62,
  BrokerHeartbeat: 63,
  UnregisterBroker: 64,
  DescribeTransactions: 65,
  ListTransactions: 66,
  AllocateProducerIds: 67,
  ConsumerGroupHeartbeat: 68,
  ConsumerGroupDescribe: 69,
  ControllerRegistration: 70,
  GetTelemetrySubscriptions: 71,
  PushTelemetry: 72,
  AssignReplicasToDirs: 73,
  ListConfigResources: 74,
  DescribeTopicPartitions: 75,
  ShareGroupHeartbeat: 76,
  ShareGroupDescribe: 77,
  ShareFetch: 78,
  ShareAcknowledge: 79,
  AddRaftVoter: 80,
  RemoveRaftVoter: 81,
  UpdateRaftVoter: 82,
  InitializeShareGroupState: 83,
  ReadShareGroupState: 84,
  WriteShareGroupState: 85,
  DeleteShareGroupState: 86,
  ReadShareGroupStateSummary: 87,
  StreamsGroupHeartbeat: 88,
  StreamsGroupDescribe: 89,
  DescribeShareGroupOffsets: 90,
  AlterShareGroupOffsets: 91,
  DeleteShareGroupOffsets: 92,
} as const;
export type ApiKey = (typeof ApiKey)[keyof typeof ApiKey];

type Row = readonly [api: Api, broker: string | null, controller: string | null];

// The broker's Produce range begins at 0 although 0 to 2 are refused: librdkafka looks for them.
const rows: readonly Row[] = [
  [produceApi, '0-13', null],
  [fetchApi, '4-18', '4-18'],
  [listOffsetsApi, '1-11', null],
  [metadataApi, '0-13', null],
  [offsetCommitApi, '2-10', null],
  [offsetFetchApi, '1-10', null],
  [findCoordinatorApi, '0-6', null],
  [joinGroupApi, '0-9', null],
  [heartbeatApi, '0-4', null],
  [leaveGroupApi, '0-5', null],
  [syncGroupApi, '0-5', null],
  [describeGroupsApi, '0-6', null],
  [listGroupsApi, '0-5', null],
  [saslHandshakeApi, '0-1', '0-1'],
  [apiVersionsApi, '0-4', '0-4'],
  [createTopicsApi, '2-7', '2-7'],
  [deleteTopicsApi, '1-6', '1-6'],
  [deleteRecordsApi, '0-2', null],
  [initProducerIdApi, '0-5', null],
  [offsetForLeaderEpochApi, '2-4', null],
  [addPartitionsToTxnApi, '0-5', null],
  [addOffsetsToTxnApi, '0-4', null],
  [endTxnApi, '0-5', null],
  [writeTxnMarkersApi, '1-2', null],
  [txnOffsetCommitApi, '0-5', null],
  [describeAclsApi, '1-3', '1-3'],
  [createAclsApi, '1-3', '1-3'],
  [deleteAclsApi, '1-3', '1-3'],
  [describeConfigsApi, '1-4', '1-4'],
  [alterConfigsApi, '0-2', '0-2'],
  [alterReplicaLogDirsApi, '1-2', null],
  [describeLogDirsApi, '1-5', null],
  [saslAuthenticateApi, '0-2', '0-2'],
  [createPartitionsApi, '0-3', '0-3'],
  [createDelegationTokenApi, '1-3', '1-3'],
  [renewDelegationTokenApi, '1-2', '1-2'],
  [expireDelegationTokenApi, '1-2', '1-2'],
  [describeDelegationTokenApi, '1-3', '1-3'],
  [deleteGroupsApi, '0-2', null],
  [electLeadersApi, '0-2', '0-2'],
  [incrementalAlterConfigsApi, '0-1', '0-1'],
  [alterPartitionReassignmentsApi, '0-1', '0-1'],
  [listPartitionReassignmentsApi, '0-0', '0-0'],
  [offsetDeleteApi, '0-0', null],
  [describeClientQuotasApi, '0-1', null],
  [alterClientQuotasApi, '0-1', '0-1'],
  [describeUserScramCredentialsApi, '0-0', '0-0'],
  [alterUserScramCredentialsApi, '0-0', '0-0'],
  [voteApi, null, '0-2'],
  [beginQuorumEpochApi, null, '0-1'],
  [endQuorumEpochApi, null, '0-1'],
  [describeQuorumApi, '0-2', '0-2'],
  [alterPartitionApi, null, '2-3'],
  [updateFeaturesApi, '0-2', '0-2'],
  [envelopeApi, null, '0-0'],
  [fetchSnapshotApi, null, '0-1'],
  [describeClusterApi, '0-2', '0-2'],
  [describeProducersApi, '0-0', null],
  [brokerRegistrationApi, null, '0-4'],
  [brokerHeartbeatApi, null, '0-2'],
  [unregisterBrokerApi, '0-0', '0-0'],
  [describeTransactionsApi, '0-0', null],
  [listTransactionsApi, '0-2', null],
  [allocateProducerIdsApi, null, '0-0'],
  [consumerGroupHeartbeatApi, '0-1', null],
  [consumerGroupDescribeApi, '0-1', null],
  [controllerRegistrationApi, null, '0-0'],
  [getTelemetrySubscriptionsApi, null, null],
  [pushTelemetryApi, null, null],
  [assignReplicasToDirsApi, null, '0-0'],
  [listConfigResourcesApi, '0-1', null],
  [describeTopicPartitionsApi, '0-0', null],
  [shareGroupHeartbeatApi, '1-1', null],
  [shareGroupDescribeApi, '1-1', null],
  [shareFetchApi, '1-2', null],
  [shareAcknowledgeApi, '1-2', null],
  [addRaftVoterApi, '0-1', '0-1'],
  [removeRaftVoterApi, '0-0', '0-0'],
  [updateRaftVoterApi, null, '0-0'],
  [initializeShareGroupStateApi, '0-0', null],
  [readShareGroupStateApi, '0-0', null],
  [writeShareGroupStateApi, '0-1', null],
  [deleteShareGroupStateApi, '0-0', null],
  [readShareGroupStateSummaryApi, '0-1', null],
  [streamsGroupHeartbeatApi, '0-0', null],
  [streamsGroupDescribeApi, '0-0', null],
  [describeShareGroupOffsetsApi, '0-1', null],
  [alterShareGroupOffsetsApi, '0-0', null],
  [deleteShareGroupOffsetsApi, '0-0', null],
];

/** All defined APIs in order of their key. */
export const apis: readonly Api[] = rows.map(([api]) => api);

const apisByKey: ReadonlyMap<number, Api> = new Map(apis.map((api) => [api.key, api]));

export function findApi(key: number): Api | null {
  return apisByKey.get(key) ?? null;
}

export function apiOf(key: number): Api {
  const api = apisByKey.get(key);
  if (api === undefined) throw new ProtocolError(`there is no API with key ${key}`);
  return api;
}

/** Newest version that may be used: an unstable newest one is left out. */
export function latestStableVersion(api: Api): number {
  return api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max;
}

export type AdvertisedRange = { readonly api: Api; readonly versions: VersionRange };

/** What a Kafka 4.3.1 node advertises on such a listener, in order of the key. */
export function advertisedByKafka(listener: ListenerKind): readonly AdvertisedRange[] {
  return rows.flatMap(([api, broker, controller]) => {
    const versions = listener === 'broker' ? broker : controller;
    return versions === null ? [] : [{ api, versions: parseVersions(versions) }];
  });
}
