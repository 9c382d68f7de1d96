// What any Kafka client keeps of a cluster: where the nodes are, who leads which partition, who coordinates a group;
// and a connection to each node. Learns everything over the wire, so it works with any cluster.

import { NodeConnections, type NodeEndpoint } from '../net/node-connections.ts';
import type { SendOptions } from '../net/rpc-client.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { findCoordinatorApi } from '../protocol/messages/find-coordinator.ts';
import { metadataApi, type MetadataResponse } from '../protocol/messages/metadata.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ClusterError } from './cluster-error.ts';

export type ClusterClientOptions = {
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'network'>;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly clientId: string;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
};

export type TopicMetadata = {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  /** By partition; leader −1 while there is none. */
  readonly partitions: readonly PartitionLeader[];
};

export type PartitionLeader = { readonly leader: number; readonly leaderEpoch: number };

const defaultConnectTimeoutMs = 2000;
const defaultRequestTimeoutMs = 10_000;
/** A node that is asked something that any node can answer is given up after this, and the next one asked. */
const anyNodeTimeoutMs = 3000;
const coordinatorsMax = 1000;

export class ClusterClient {
  readonly #options: ClusterClientOptions;
  readonly #connections: NodeConnections;
  readonly #nodes = new Map<number, NodeEndpoint>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #coordinators = new Map<string, number>();
  #clusterId: string | null = null;
  #controllerId = -1;
  /** Where the last answer came from: asked first the next time. */
  #preferred: number | null = null;

  constructor(options: ClusterClientOptions) {
    this.#options = options;
    const { runtime, clientId } = options;
    this.#connections = new NodeConnections({
      ...runtime,
      clientId,
      negotiate: true,
      connectTimeoutMs: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
      requestTimeoutMs: options.requestTimeoutMs ?? defaultRequestTimeoutMs,
      // Bootstrap addresses are nodes −1, −2 …, as in Kafka's clients.
      endpointOf: (id) => (id < 0 ? (options.bootstrap[-1 - id] ?? null) : (this.#nodes.get(id) ?? null)),
    });
  }

  get clusterId(): string | null {
    return this.#clusterId;
  }

  get controllerId(): number {
    return this.#controllerId;
  }

  /** Ids of the brokers that the cluster last named. */
  get nodeIds(): readonly number[] {
    return [...this.#nodes.keys()];
  }

  topic(name: string): TopicMetadata | null {
    return this.#topics.get(name) ?? null;
  }

  /** Every topic that was asked for and exists. */
  topics(): readonly TopicMetadata[] {
    return [...this.#topics.values()];
  }

  leaderOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.leader ?? -1;
  }

  /** Takes over a newer leader that an answer named (KIP-951). */
  noteLeader(topic: string, partition: number, leader: PartitionLeader): void {
    const known = this.#topics.get(topic);
    const before = known?.partitions[partition];
    if (known === undefined || before === undefined || before.leaderEpoch >= leader.leaderEpoch) return;
    this.#topics.set(topic, { ...known, partitions: known.partitions.with(partition, leader) });
  }

  /** Asks for some topics, or for all with null. */
  async refresh(names: readonly string[] | null): Promise<void> {
    const topics = names?.map((name) => ({ name })) ?? null;
    const answer = await this.sendToAny(metadataApi, { topics, allowAutoTopicCreation: false });
    this.#take(answer, names);
  }

  send<Q, P>(nodeId: number, api: Api<Q, P>, body: Writable<Q>, options?: SendOptions): Promise<P> {
    return this.#connections.send(nodeId, api, body, options);
  }

  /** Sends what has no answer. */
  post<Q, P>(nodeId: number, api: Api<Q, P>, body: Writable<Q>): Promise<boolean> {
    return this.#connections.post(nodeId, api, body);
  }

  /** Asks the nodes in turn until one answers. */
  async sendToAny<Q, P>(api: Api<Q, P>, body: Writable<Q>, timeoutMs = anyNodeTimeoutMs): Promise<P> {
    const bootstrap = this.#options.bootstrap.map((_, index) => -1 - index);
    const candidates = new Set([
      ...(this.#preferred === null ? [] : [this.#preferred]),
      ...this.#nodes.keys(),
      ...bootstrap,
    ]);
    let lastError: unknown = null;
    for (const nodeId of candidates) {
      try {
        const answer = await this.#connections.send(nodeId, api, body, { timeoutMs });
        this.#preferred = nodeId;
        return answer;
      } catch (error) {
        lastError = error;
      }
    }
    this.#preferred = null;
    throw new ClusterError(
      'CLUSTER_UNREACHABLE',
      'no broker of this cluster answers',
      'start a broker, then try again',
      lastError,
    );
  }

  /** The broker that coordinates a group; asked for once and kept until {@link forgetCoordinator}. */
  async coordinatorOf(groupId: string): Promise<number> {
    const known = this.#coordinators.get(groupId);
    if (known !== undefined) return known;
    const answer = await this.sendToAny(findCoordinatorApi, { keyType: 0, coordinatorKeys: [groupId] });
    const found = answer.coordinators[0] ?? answer;
    if (found.errorCode !== ErrorCode.NONE) {
      const name = errorName(found.errorCode);
      throw new ClusterError(name, found.errorMessage ?? name, 'the coordinator may be moving: try again');
    }
    this.#nodes.set(found.nodeId, { host: found.host, port: found.port });
    if (this.#coordinators.size >= coordinatorsMax) this.#coordinators.clear();
    this.#coordinators.set(groupId, found.nodeId);
    return found.nodeId;
  }

  forgetCoordinator(groupId: string): void {
    this.#coordinators.delete(groupId);
  }

  isConnected(nodeId: number): boolean {
    return this.#connections.isConnected(nodeId);
  }

  close(): void {
    this.#connections.closeAll();
  }

  #take(answer: MetadataResponse, names: readonly string[] | null): void {
    this.#clusterId = answer.clusterId;
    this.#controllerId = answer.controllerId;
    this.#nodes.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port });
    if (names === null) this.#topics.clear();
    for (const each of answer.topics) {
      if (each.name === null) continue;
      if (each.errorCode !== ErrorCode.NONE) {
        this.#topics.delete(each.name);
        continue;
      }
      const partitions: PartitionLeader[] = [];
      for (const { partitionIndex, leaderId, leaderEpoch } of each.partitions) {
        partitions[partitionIndex] = { leader: leaderId, leaderEpoch };
      }
      const { name, topicId, isInternal } = each;
      const known = this.#topics.get(name);
      // A broker that is behind must not undo what a newer answer said.
      const newest = partitions.map((partition, index) => {
        const before = known?.topicId === topicId ? known.partitions[index] : undefined;
        return before !== undefined && before.leaderEpoch > partition.leaderEpoch ? before : partition;
      });
      this.#topics.set(name, { name, topicId, isInternal, partitions: newest });
    }
  }
}
