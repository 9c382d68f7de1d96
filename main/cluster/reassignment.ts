// Replicas moved by hand: AlterPartitionReassignments and what is under way, over the wire like any admin client, and the
// throttle that keeps copying from taking the brokers' breath (KIP-73), as kafka-reassign-partitions sets it.

import type { PartitionResult, TopicOutputs } from '../api/endpoints/topics.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '../protocol/messages/alter-partition-reassignments.ts';
import {
  incrementalAlterConfigsApi,
  type IncrementalAlterConfigsRequest,
} from '../protocol/messages/incremental-alter-configs.ts';
import { listPartitionReassignmentsApi } from '../protocol/messages/list-partition-reassignments.ts';
import type { Writable } from '../protocol/schema.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ClusterError } from './cluster-error.ts';
import { type ThrottleMemory, ThrottleRelease } from './throttle-release.ts';

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
  readonly #release: ThrottleRelease;

  constructor(client: ClusterClient, clock: Clock, memory: ThrottleMemory) {
    this.#client = client;
    this.#release = new ThrottleRelease({
      clock,
      memory,
      underWay: () => this.#moving(),
      release: (topic, withRates) => this.#unthrottle(topic, withRates),
    });
  }

  close(): void {
    this.#release.close();
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
    this.#release.moved(topic);
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

  /** Topics with replicas on the move. */
  async #moving(): Promise<ReadonlySet<string>> {
    const answer = await this.#client.sendToAny(listPartitionReassignmentsApi, { timeoutMs, topics: null }, timeoutMs);
    requireOk(answer.errorCode, answer.errorMessage);
    return new Set(answer.topics.map(({ name }) => name));
  }

  /** Goes by itself when the move is over; null takes it off now. */
  async #throttle(topic: string, bytesPerSecond: number | null): Promise<null> {
    if (bytesPerSecond === null) {
      await this.#release.take(topic);
      return null;
    }
    await this.#client.refresh([topic]);
    this.#release.throttled(topic);
    // The topic last, so that no replica is held to a rate that is not there yet.
    const resources = [...this.#rates(String(bytesPerSecond)), replicas(topic, '*')];
    for (const { errorCode, errorMessage } of await this.#alter(resources)) requireOk(errorCode, errorMessage);
    return null;
  }

  async #unthrottle(topic: string, withRates: boolean): Promise<void> {
    await this.#client.refresh([topic]);
    const resources = [replicas(topic, null), ...(withRates ? this.#rates(null) : [])];
    for (const { errorCode, errorMessage } of await this.#alter(resources)) {
      // A topic that was deleted has no throttle either.
      if (errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) requireOk(errorCode, errorMessage);
    }
  }

  #rates(value: string | null): Resource[] {
    return this.#client.nodeIds.map((id) => ({
      resourceType: brokerResource,
      resourceName: String(id),
      configs: throttledRates.map((name) => changeOf(name, value)),
    }));
  }

  async #alter(resources: Resource[]) {
    const body = { resources, validateOnly: false };
    return (await this.#client.sendToAny(incrementalAlterConfigsApi, body, timeoutMs)).responses;
  }
}

type Resource = NonNullable<Writable<IncrementalAlterConfigsRequest>['resources']>[number];

function replicas(topic: string, value: string | null): Resource {
  const configs = throttledReplicas.map((name) => changeOf(name, value));
  return { resourceType: topicResource, resourceName: topic, configs };
}

/** null takes the config back to its default. */
function changeOf(name: string, value: string | null) {
  return { name, configOperation: value === null ? deleteOperation : setOperation, value };
}

function requireOk(errorCode: number, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  const name = errorName(errorCode);
  throw new ClusterError(name, message ?? name);
}
