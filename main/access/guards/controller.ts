// What the controller listener asks for: rights on the cluster for all that nodes say to each other and for most of
// what the active controller decides. Topics and settings have guards of their own.

import { addRaftVoterApi } from '../../protocol/messages/add-raft-voter.ts';
import { allocateProducerIdsApi } from '../../protocol/messages/allocate-producer-ids.ts';
import { alterClientQuotasApi } from '../../protocol/messages/alter-client-quotas.ts';
import { alterPartitionReassignmentsApi } from '../../protocol/messages/alter-partition-reassignments.ts';
import { alterPartitionApi } from '../../protocol/messages/alter-partition.ts';
import { alterUserScramCredentialsApi } from '../../protocol/messages/alter-user-scram-credentials.ts';
import { assignReplicasToDirsApi } from '../../protocol/messages/assign-replicas-to-dirs.ts';
import { beginQuorumEpochApi } from '../../protocol/messages/begin-quorum-epoch.ts';
import { brokerHeartbeatApi } from '../../protocol/messages/broker-heartbeat.ts';
import { brokerRegistrationApi } from '../../protocol/messages/broker-registration.ts';
import { controllerRegistrationApi } from '../../protocol/messages/controller-registration.ts';
import { createAclsApi } from '../../protocol/messages/create-acls.ts';
import { deleteAclsApi } from '../../protocol/messages/delete-acls.ts';
import { electLeadersApi } from '../../protocol/messages/elect-leaders.ts';
import { endQuorumEpochApi } from '../../protocol/messages/end-quorum-epoch.ts';
import { envelopeApi } from '../../protocol/messages/envelope.ts';
import { fetchSnapshotApi } from '../../protocol/messages/fetch-snapshot.ts';
import { fetchApi } from '../../protocol/messages/fetch.ts';
import { listPartitionReassignmentsApi } from '../../protocol/messages/list-partition-reassignments.ts';
import { removeRaftVoterApi } from '../../protocol/messages/remove-raft-voter.ts';
import { unregisterBrokerApi } from '../../protocol/messages/unregister-broker.ts';
import { updateFeaturesApi } from '../../protocol/messages/update-features.ts';
import { updateRaftVoterApi } from '../../protocol/messages/update-raft-voter.ts';
import { voteApi } from '../../protocol/messages/vote.ts';
import { AclOperation } from '../acl.ts';
import { clusterGuard, guard, refusals, type GuardEntry } from './guard.ts';

const { ALTER, ALTER_CONFIGS, CLUSTER_ACTION, DESCRIBE } = AclOperation;

type Code = { readonly errorCode: number };
const codeOnly = (_request: unknown, { errorCode }: Code): Code => ({ errorCode });

/** Nodes among themselves. */
const nodeGuards: readonly GuardEntry[] = [
  clusterGuard(fetchApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(fetchSnapshotApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(voteApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(beginQuorumEpochApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(endQuorumEpochApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(envelopeApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(brokerRegistrationApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(brokerHeartbeatApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(controllerRegistrationApi, CLUSTER_ACTION, (_request, refusal) => refusal),
  clusterGuard(alterPartitionApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(allocateProducerIdsApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(assignReplicasToDirsApi, CLUSTER_ACTION, codeOnly),
  clusterGuard(updateRaftVoterApi, CLUSTER_ACTION, codeOnly),
];

export const controllerGuards: readonly GuardEntry[] = [
  ...nodeGuards,
  guard(electLeadersApi, (access, asking, request, serve) => {
    if (access.cluster(asking, ALTER)) return serve(request);
    return {
      // Version 0 has no error for the whole.
      ...(asking.apiVersion >= 1 ? { errorCode: refusals.cluster.errorCode } : {}),
      replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map((partitionId) => ({ partitionId, ...refusals.cluster })),
      })),
    };
  }),
  clusterGuard(alterPartitionReassignmentsApi, ALTER, (request, refusal) => ({
    ...refusal,
    responses: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...refusal })),
    })),
  })),
  clusterGuard(listPartitionReassignmentsApi, DESCRIBE, (_request, refusal) => refusal),
  clusterGuard(alterClientQuotasApi, ALTER_CONFIGS, (request, refusal) => ({
    entries: request.entries.map(({ entity }) => ({ ...refusal, entity })),
  })),
  clusterGuard(alterUserScramCredentialsApi, ALTER, (request, refusal) => ({
    results: [...new Set([...request.deletions, ...request.upsertions].map(({ name }) => name))].map((user) => ({
      user,
      ...refusal,
    })),
  })),
  clusterGuard(updateFeaturesApi, ALTER, (_request, refusal) => refusal),
  clusterGuard(createAclsApi, ALTER, (request, refusal) => ({ results: request.creations.map(() => refusal) })),
  clusterGuard(deleteAclsApi, ALTER, (request, refusal) => ({
    filterResults: request.filters.map(() => ({ ...refusal, matchingAcls: [] })),
  })),
  clusterGuard(unregisterBrokerApi, ALTER, (_request, refusal) => refusal),
  clusterGuard(addRaftVoterApi, ALTER, (_request, refusal) => refusal),
  clusterGuard(removeRaftVoterApi, ALTER, (_request, refusal) => refusal),
];
