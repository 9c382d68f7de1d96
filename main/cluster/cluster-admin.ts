// What the screens change in the cluster, done over the wire like any client: create and delete topics, elect the
// preferred leader. Kafka's own error messages come back unchanged.

import { RpcClient } from '../net/rpc-client.ts';
import { errorName } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../protocol/messages/delete-topics.ts';
import { electLeadersApi } from '../protocol/messages/elect-leaders.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ClusterError } from './cluster-error.ts';
import type { Topology } from './topology.ts';

const requestTimeoutMs = 10_000;

export class ClusterAdmin {
  readonly #runtime: Runtime;
  readonly #topology: Topology;

  constructor(runtime: Runtime, topology: Topology) {
    this.#runtime = runtime;
    this.#topology = topology;
  }

  async createTopic(input: {
    topic: string;
    partitions: number;
    replicationFactor: number;
    configs?: Record<string, string> | undefined;
  }): Promise<{ topicId: string }> {
    const configs = Object.entries(input.configs ?? {}).map(([name, value]) => ({ name, value }));
    const topic = {
      name: input.topic,
      numPartitions: input.partitions,
      replicationFactor: input.replicationFactor,
      configs,
    };
    const response = await this.#ask((client) =>
      client.send(createTopicsApi, { topics: [topic], timeoutMs: requestTimeoutMs }),
    );
    const result = response.topics[0];
    requireOk(result?.errorCode ?? -1, result?.errorMessage ?? null);
    return { topicId: result?.topicId ?? '' };
  }

  async deleteTopic(topic: string): Promise<void> {
    const response = await this.#ask((client) =>
      client.send(deleteTopicsApi, { topics: [{ name: topic }], timeoutMs: requestTimeoutMs }),
    );
    const result = response.responses[0];
    requireOk(result?.errorCode ?? -1, result?.errorMessage ?? null);
  }

  async electPreferred(topic: string, partition: number): Promise<void> {
    const topicPartitions = [{ topic, partitions: [partition] }];
    const response = await this.#ask((client) =>
      client.send(electLeadersApi, { electionType: 0, topicPartitions, timeoutMs: requestTimeoutMs }),
    );
    const result = response.replicaElectionResults[0]?.partitionResult[0];
    if (result !== undefined) requireOk(result.errorCode, result.errorMessage);
  }

  /** Asks the first broker that can be reached. */
  async #ask<T>(request: (client: RpcClient) => Promise<T>): Promise<T> {
    const { network, clock } = this.#runtime;
    const { host, brokers } = this.#topology;
    let lastError: unknown = null;
    for (const { port } of brokers) {
      let client: RpcClient | null = null;
      try {
        client = await RpcClient.connect({
          network,
          clock,
          host,
          port,
          clientId: 'highwater-ui',
          connectTimeoutMs: 1000,
          requestTimeoutMs,
        });
        return await request(client);
      } catch (error) {
        lastError = error;
      } finally {
        client?.close();
      }
    }
    throw new ClusterError(
      'CLUSTER_UNREACHABLE',
      'no broker of this cluster answers',
      'start a broker, then try again',
      lastError,
    );
  }
}

function requireOk(errorCode: number, message: string | null): void {
  if (errorCode === 0) return;
  const name = errorName(errorCode);
  throw new ClusterError(name, message ?? name);
}
