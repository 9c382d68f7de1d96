// What a drill changes in the cluster over the wire: its topics, their configs, elections.

import type { ClusterClient } from '../cluster/cluster-client.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../protocol/messages/delete-topics.ts';
import { electLeadersApi } from '../protocol/messages/elect-leaders.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import type { TopicPlan } from './drill-plan.ts';

const timeoutMs = 10_000;
const topicResource = 2;
const setOperation = 0;

/**
 * A topic that is there already is removed first: it is an earlier run's. Null: Kafka places the replicas. Answers the new
 * one's id.
 */
export async function createTopic(
  client: ClusterClient,
  name: string,
  plan: TopicPlan,
  replicas: readonly number[] | null,
): Promise<string> {
  await client.refresh([name]);
  if (client.topic(name) !== null) {
    const deleted = await client.sendToAny(deleteTopicsApi, { topics: [{ name }], topicNames: [name], timeoutMs });
    requireOk(deleted.responses[0]?.errorCode, deleted.responses[0]?.errorMessage ?? null);
  }
  const { partitions: numPartitions, replicationFactor } = plan;
  const configs = Object.entries(plan.configs).map(([key, value]) => ({ name: key, value }));
  const brokerIds = replicas === null ? [] : [...replicas];
  const placed = Array.from({ length: numPartitions }, (_, partitionIndex) => ({ partitionIndex, brokerIds }));
  const topics =
    replicas === null
      ? [{ name, numPartitions, replicationFactor, configs }]
      : [{ name, numPartitions: -1, replicationFactor: -1, assignments: placed, configs }];
  const created = await client.sendToAny(createTopicsApi, { topics, timeoutMs });
  requireOk(created.topics[0]?.errorCode, created.topics[0]?.errorMessage ?? null);
  return created.topics[0]?.topicId ?? '';
}

export async function setTopicConfigs(
  client: ClusterClient,
  topic: string,
  set: Readonly<Record<string, string>>,
): Promise<void> {
  const configs = Object.entries(set).map(([name, value]) => ({ name, value, configOperation: setOperation }));
  const resources = [{ resourceType: topicResource, resourceName: topic, configs }];
  const answer = await client.sendToAny(incrementalAlterConfigsApi, { resources, validateOnly: false });
  requireOk(answer.responses[0]?.errorCode, answer.responses[0]?.errorMessage ?? null);
}

export async function elect(
  client: ClusterClient,
  topic: string,
  partition: number,
  isUnclean: boolean,
): Promise<void> {
  const topicPartitions = [{ topic, partitions: [partition] }];
  const electionType = isUnclean ? 1 : 0;
  const answer = await client.sendToAny(electLeadersApi, { electionType, topicPartitions, timeoutMs });
  requireOk(answer.errorCode, null);
  const result = answer.replicaElectionResults[0]?.partitionResult[0];
  if (result === undefined || result.errorCode === ErrorCode.ELECTION_NOT_NEEDED) return;
  requireOk(result.errorCode, result.errorMessage);
}

function requireOk(errorCode: number | undefined, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  const name = errorName(errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR);
  throw new ClusterError(name, message ?? name);
}
