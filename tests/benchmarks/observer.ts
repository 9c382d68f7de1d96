// Looks at a cluster over the wire as a client does: who is alive, who leads, who is in sync, where logs end.

import { RpcClient } from '../../main/net/rpc-client.ts';
import { errorName } from '../../main/protocol/errors.ts';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../../main/protocol/messages/delete-topics.ts';
import { describeQuorumApi } from '../../main/protocol/messages/describe-quorum.ts';
import { listOffsetsApi } from '../../main/protocol/messages/list-offsets.ts';
import { metadataApi, type MetadataResponse } from '../../main/protocol/messages/metadata.ts';
import { nodeRuntime } from '../../main/runtime/node/node-runtime.ts';
import { until, type Node } from './clusters/cluster.ts';

export type TopicView = {
  readonly topicId: string;
  readonly partitions: MetadataResponse['topics'][number]['partitions'];
};

const probeTimeoutMs = 1000;
/** Creating a topic on a busy machine takes seconds. */
const requestTimeoutMs = 30_000;
const latest = -1;

const { clock, network } = nodeRuntime();

export async function connectTo(node: { host: string; port: number }, timeoutMs = 30_000): Promise<RpcClient> {
  return RpcClient.connect({
    clock,
    network,
    host: node.host,
    port: node.port,
    clientId: 'benchmark',
    negotiate: true,
    connectTimeoutMs: Math.min(timeoutMs, 5000),
    requestTimeoutMs: timeoutMs,
  });
}

export class Observer {
  readonly #nodes: readonly Node[];
  readonly #connections = new Map<number, RpcClient>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  /** Whether this broker answers and names `count` brokers. Never throws. */
  static async seesAll(node: Node, count: number): Promise<boolean> {
    const observer = new Observer([node]);
    try {
      return (await observer.metadata(null, node.id)).brokers.length === count;
    } catch {
      return false;
    } finally {
      observer.close();
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  /** From the node named, else from the first that can be reached. */
  async metadata(topic: string | null, from?: number): Promise<MetadataResponse> {
    const topics = topic === null ? [] : [{ name: topic }];
    return this.#ask(from, (connection) => connection.send(metadataApi, { topics, allowAutoTopicCreation: false }));
  }

  /** Null while the topic, or a leader of it, is not there. */
  async topic(name: string, from?: number): Promise<TopicView | null> {
    const view = (await this.metadata(name, from)).topics[0];
    if (view === undefined || view.errorCode !== 0) return null;
    if (view.partitions.some(({ leaderId, errorCode }) => leaderId < 0 || (errorCode !== 0 && errorCode !== 9))) {
      return null;
    }
    return { topicId: view.topicId, partitions: view.partitions };
  }

  /** Resolves when every replica is in sync, known to all brokers, and every leader serves. */
  async createTopic(
    name: string,
    partitions: number,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<TopicView> {
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: Math.min(3, this.#nodes.length),
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    };
    const answer = await this.#ask(undefined, (connection) =>
      connection.send(createTopicsApi, { topics: [topic], timeoutMs: 30_000 }),
    );
    const result = answer.topics[0];
    if (result?.errorCode !== 0) {
      throw new Error(`CreateTopics: ${errorName(result?.errorCode ?? -1)} ${result?.errorMessage ?? ''}`);
    }
    const view = await this.untilInSync(name);
    // Kafka's brokers name a leader a moment before that leader knows that it is one.
    await until(`leaders of ${name} that serve`, 30_000, () => this.endOffsets(name).catch(() => null));
    return view;
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#ask(undefined, (connection) =>
      connection.send(deleteTopicsApi, { topics: [{ name }], topicNames: [name], timeoutMs: 30_000 }),
    );
  }

  /** Until every broker names every replica of the topic as in sync. */
  async untilInSync(name: string, timeoutMs = 120_000): Promise<TopicView> {
    const isWhole = (view: TopicView | null): boolean =>
      view !== null && view.partitions.every((each) => each.isrNodes.length === each.replicaNodes.length);
    return until(`every replica of ${name} in sync`, timeoutMs, async () => {
      try {
        const views = await Promise.all(this.#nodes.map((node) => this.topic(name, node.id)));
        return views.every(isWhole) ? (views[0] ?? null) : null;
      } catch {
        return null;
      }
    });
  }

  /** High watermarks by partition, each from its leader. */
  async endOffsets(name: string): Promise<Map<number, number>> {
    const view = await until(`leaders of ${name}`, 30_000, () => this.topic(name));
    const ends = new Map<number, number>();
    for (const { id } of this.#nodes) {
      const led = view.partitions.filter((each) => each.leaderId === id);
      if (led.length === 0) continue;
      const partitions = led.map(({ partitionIndex }) => ({ partitionIndex, timestamp: latest }));
      const answer = await this.#ask(id, (connection) =>
        connection.send(listOffsetsApi, { replicaId: -1, topics: [{ name, partitions }], timeoutMs: 10_000 }),
      );
      for (const each of answer.topics[0]?.partitions ?? []) {
        if (each.errorCode !== 0) throw new Error(`ListOffsets: ${errorName(each.errorCode)}`);
        ends.set(each.partitionIndex, each.offset);
      }
    }
    return ends;
  }

  async #ask<T>(from: number | undefined, request: (connection: RpcClient) => Promise<T>): Promise<T> {
    const nodes = from === undefined ? this.#nodes : this.#nodes.filter(({ id }) => id === from);
    let lastError: unknown = new Error('no node');
    for (const node of nodes) {
      try {
        return await request(await this.#connection(node));
      } catch (error) {
        this.#connections.delete(node.id);
        lastError = error;
      }
    }
    throw lastError;
  }

  async #connection(node: Node): Promise<RpcClient> {
    const known = this.#connections.get(node.id);
    if (known?.isOpen === true) return known;
    const connection = await connectTo(node, requestTimeoutMs);
    this.#connections.set(node.id, connection);
    return connection;
  }
}

/** The active controller, from the controllers' own listeners: only the active one answers DescribeQuorum. */
export async function controllerAmong(nodes: readonly Node[]): Promise<{ id: number; epoch: number } | null> {
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
  const answers = await Promise.all(
    nodes.map(async ({ host, controllerPort }) => {
      let connection: RpcClient | null = null;
      try {
        connection = await connectTo({ host, port: controllerPort }, probeTimeoutMs);
        const answer = await connection.send(describeQuorumApi, { topics });
        const partition = answer.topics[0]?.partitions[0];
        if (answer.errorCode !== 0 || partition === undefined || partition.errorCode !== 0) return null;
        return partition.leaderId < 0 ? null : { id: partition.leaderId, epoch: partition.leaderEpoch };
      } catch {
        return null;
      } finally {
        connection?.close();
      }
    }),
  );
  return answers.find((answer) => answer !== null) ?? null;
}
