// Replicas moved by hand: AlterPartitionReassignments and what is under way, over the wire like any admin client, and the
// throttle that keeps copying from taking the brokers' breath (KIP-73), as kafka-reassign-partitions sets it.

import type { PartitionResult, TopicOutputs } from '../api/endpoints/topics.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '../protocol/messages/alter-partition-reassignments.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { listPartitionReassignmentsApi } from '../protocol/messages/list-partition-reassignments.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ClusterError } from './cluster-error.ts';

const timeoutMs = 10_000;
const topicResource = 2;
const brokerResource = 4;
const setOperation = 0;
const deleteOperation = 1;
const throttledReplicas = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas'];
const throttledRates = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'];

export type ReassignmentEndpoint = Extract<keyof TopicOutputs, `topic.${'reassign' | 'reassignments' | 'throttle'}`>;

export class Reassignment {
  readonly #client: ClusterClient;

  constructor(client: ClusterClient) {
    this.#client = client;
  }

  handlers(): Pick<EndpointHandlers, ReassignmentEndpoint> {
    return {
      'topic.reassign': ({ topic, partitions }) => this.#reassign(topic, partitions),
      'topic.reassignments': ({ topic, partitions }) => this.#list(topic, partitions),
      'topic.throttle': ({ topic, bytesPerSecond }) => this.#throttle(topic, bytesPerSecond),
    };
  }

  async #reassign(
    topic: string,
    partitions: readonly { partition: number; replicas: number[] | null }[],
  ): Promise<TopicOutputs['topic.reassign']> {
    const answer = await this.#client.sendToAny(
      alterPartitionReassignmentsApi,
      {
        timeoutMs,
        topics: [
          {
            name: topic,
            partitions: partitions.map(({ partition, replicas }) => ({ partitionIndex: partition, replicas })),
          },
        ],
      },
      timeoutMs,
    );
    requireOk(answer.errorCode, answer.errorMessage);
    const results = answer.responses[0]?.partitions ?? [];
    return {
      results: results.map((result): PartitionResult => ({
        partition: result.partitionIndex,
        code: errorName(result.errorCode),
        message: result.errorMessage,
      })),
    };
  }

  async #list(topic: string, partitionIndexes: readonly number[]): Promise<TopicOutputs['topic.reassignments']> {
    const answer = await this.#client.sendToAny(
      listPartitionReassignmentsApi,
      { timeoutMs, topics: [{ name: topic, partitionIndexes: [...partitionIndexes] }] },
      timeoutMs,
    );
    requireOk(answer.errorCode, answer.errorMessage);
    const partitions = answer.topics.find((each) => each.name === topic)?.partitions ?? [];
    return {
      reassignments: partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
        partition: partitionIndex,
        replicas,
        adding: addingReplicas,
        removing: removingReplicas,
      })),
    };
  }

  /** null takes the throttle off again. */
  async #throttle(topic: string, bytesPerSecond: number | null): Promise<null> {
    await this.#client.refresh([topic]);
    const change = (names: readonly string[], value: string) =>
      names.map((name) => ({
        name,
        configOperation: bytesPerSecond === null ? deleteOperation : setOperation,
        value: bytesPerSecond === null ? null : value,
      }));
    const brokers = this.#client.nodeIds.map((id) => ({
      resourceType: brokerResource,
      resourceName: String(id),
      configs: change(throttledRates, String(bytesPerSecond)),
    }));
    const answer = await this.#client.sendToAny(
      incrementalAlterConfigsApi,
      {
        resources: [
          // The topic last when the throttle is set, so that no replica is held to a rate that is not there yet.
          ...brokers,
          { resourceType: topicResource, resourceName: topic, configs: change(throttledReplicas, '*') },
        ],
        validateOnly: false,
      },
      timeoutMs,
    );
    for (const { errorCode, errorMessage } of answer.responses) requireOk(errorCode, errorMessage);
    return null;
  }
}

function requireOk(errorCode: number, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  const name = errorName(errorCode);
  throw new ClusterError(name, message ?? name);
}
