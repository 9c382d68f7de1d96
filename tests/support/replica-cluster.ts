// Several brokers' replication over the simulated machine: real logs, real connections, real handlers, and a scripted
// controller in place of the metadata quorum.

import { toBrokerId, toTopicId, type BrokerId, type TopicId } from '../../main/core/ids.ts';
import type { Journal, JournalEntry } from '../../main/core/journal.ts';
import { createDeleteRecordsHandler } from '../../main/broker/handlers/delete-records.ts';
import { createDescribeLogDirsHandler } from '../../main/broker/handlers/describe-log-dirs.ts';
import { createDescribeProducersHandler } from '../../main/broker/handlers/describe-producers.ts';
import { createFetchHandler } from '../../main/broker/handlers/fetch.ts';
import { createListOffsetsHandler } from '../../main/broker/handlers/list-offsets.ts';
import { createOffsetForLeaderEpochHandler } from '../../main/broker/handlers/offset-for-leader-epoch.ts';
import { createProduceHandler } from '../../main/broker/handlers/produce.ts';
import { TransactionVerification } from '../../main/broker/transaction-verification.ts';
import { defaultLogConfig, type LogConfig } from '../../main/log/log-config.ts';
import { LogDirectories } from '../../main/log/log-directories.ts';
import { formatLogDirectory, LogDirectory } from '../../main/log/log-directory.ts';
import { NodeConnections } from '../../main/net/node-connections.ts';
import { route } from '../../main/net/route.ts';
import { RpcServer } from '../../main/net/server.ts';
import { deleteRecordsApi } from '../../main/protocol/messages/delete-records.ts';
import { describeLogDirsApi } from '../../main/protocol/messages/describe-log-dirs.ts';
import { describeProducersApi } from '../../main/protocol/messages/describe-producers.ts';
import { fetchApi } from '../../main/protocol/messages/fetch.ts';
import { listOffsetsApi } from '../../main/protocol/messages/list-offsets.ts';
import { offsetForLeaderEpochApi } from '../../main/protocol/messages/offset-for-leader-epoch.ts';
import { produceApi } from '../../main/protocol/messages/produce.ts';
import type { Api, Writable } from '../../main/protocol/schema.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import { recordsOf } from '../../main/records/record.ts';
import { batchesIn } from '../../main/records/record-batch.ts';
import type { ReplicationConfig } from '../../main/replication/contract.ts';
import { NodeLeaderConnections } from '../../main/replication/node-leader-connections.ts';
import type { Partition } from '../../main/replication/partition.ts';
import { ReplicaManager } from '../../main/replication/replica-manager.ts';
import { NetworkError } from '../../main/runtime/runtime.ts';
import { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { NodeView, ScriptedController } from './scripted-controller.ts';

export const testTopic = 'orders';
export const testTopicId: TopicId = toTopicId('b3JkZXJzLW9yZGVycy1vcg');

export const testReplicationConfig: ReplicationConfig = {
  replicaLagTimeMaxMs: 1000,
  replicaFetchMaxBytes: 1024 * 1024,
  replicaFetchResponseMaxBytes: 10 * 1024 * 1024,
  replicaFetchMinBytes: 1,
  replicaFetchWaitMaxMs: 500,
  replicaFetchBackoffMs: 1000,
  fetchMaxBytes: 55 * 1024 * 1024,
  fetchSessionSlotsMax: 1000,
  isRackAwareReads: false,
};

const clientNodeId = 900;

export class ReplicaNode {
  readonly id: BrokerId;
  readonly view = new NodeView();
  readonly journal: JournalEntry[] = [];
  readonly directory: LogDirectory;
  readonly replicas: ReplicaManager;
  brokerEpoch = -1;
  /** Whether it and the controller hear one another. */
  hearsController = true;
  private readonly world: SimulatedWorld;

  constructor(cluster: ReplicaCluster, id: BrokerId) {
    const { world, controller } = cluster;
    this.id = id;
    this.world = world;
    this.view.config = cluster.logConfig;
    const runtime = world.runtimeFor(id);
    const { clock, network, random, disk } = runtime;
    const path = '/data';
    const identity = { clusterId: 'test-cluster-test-clus', nodeId: id, directoryId: `dir-of-node-${id}-dir-of-n` };
    if (!disk.exists(path)) formatLogDirectory({ disk, clock, path, ...identity });
    this.directory = LogDirectory.open({
      disk,
      clock,
      random,
      path,
      nodeId: id,
      clusterId: identity.clusterId,
      configFor: () => cluster.logConfig,
      preallocateIndexes: false,
    });
    const connections = (purpose: string): NodeConnections =>
      new NodeConnections({
        clock,
        network,
        random,
        clientId: `broker-${id}-${purpose}`,
        connectTimeoutMs: 1000,
        endpointOf: (nodeId) => ({ host: '127.0.0.1', port: portOf(nodeId) }),
        reconnectBackoffMs: 20,
        reconnectBackoffMsMax: 200,
      });
    const journal: Journal = { record: (entry) => `broker-${id}:${this.journal.push(entry)}` };
    this.replicas = new ReplicaManager({
      runtime,
      nodeId: id,
      logs: new LogDirectories([this.directory]),
      assignments: { assign: (_topicId, _partition, _directoryId, onAccepted) => onAccepted() },
      config: cluster.config,
      metadata: this.view,
      alterPartitions: { alterPartition: (request) => controller.alterPartition(id, request) },
      connections: new NodeLeaderConnections(connections('fetcher'), connections('offsets'), 5000),
      journal,
      brokerEpoch: () => this.brokerEpoch,
      onStorageError: (topic, partition, error) => {
        throw new Error(`${topic}-${partition} failed on disk`, { cause: error });
      },
    });
    const counters = { produceRequests: 0, failedProduceRequests: 0, fetchRequests: 0 };
    const { replicas } = this;
    // There is no transaction coordinator in this world.
    const transactionVerification = new TransactionVerification({
      clock,
      coordinatorOf: () => null,
      retryBackoffMs: 20,
      retryMsMax: 100,
      send: () => Promise.reject(new NetworkError('unreachable', 'there is no transaction coordinator')),
    });
    const server = new RpcServer({
      clock,
      network,
      host: '127.0.0.1',
      port: portOf(id),
      listener: 'client',
      onProblem: ({ error }) => cluster.problems.push(error),
      routes: [
        route(produceApi, { isPipelined: true }, createProduceHandler({ replicas, transactionVerification, counters })),
        route(fetchApi, { isPipelined: true }, createFetchHandler({ replicas, counters, access: null })),
        route(listOffsetsApi, {}, createListOffsetsHandler({ replicas })),
        route(offsetForLeaderEpochApi, {}, createOffsetForLeaderEpochHandler({ replicas })),
        route(deleteRecordsApi, {}, createDeleteRecordsHandler({ replicas })),
        route(describeLogDirsApi, {}, createDescribeLogDirsHandler({ replicas })),
        route(describeProducersApi, {}, createDescribeProducersHandler({ replicas })),
      ],
    });
    void server.listen();
    this.brokerEpoch = controller.register(this, { host: '127.0.0.1', port: portOf(id), rack: `rack-${id}` });
  }

  isAlive(): boolean {
    return this.hearsController && this.world.isAlive(this.id);
  }

  applyChanges(changes: Parameters<ReplicaManager['applyChanges']>[0]): void {
    this.replicas.applyChanges(changes);
  }

  brokersChanged(): void {
    this.replicas.brokersChanged();
  }

  partition(index = 0): Partition {
    const found = this.replicas.findByName(testTopic, index);
    if (typeof found === 'number') throw new Error(`${testTopic}-${index} is not on node ${this.id}: error ${found}`);
    return found;
  }
}

export class ReplicaCluster {
  readonly world: SimulatedWorld;
  readonly controller: ScriptedController;
  readonly config: ReplicationConfig;
  readonly logConfig: LogConfig;
  readonly problems: unknown[] = [];
  readonly nodes = new Map<number, ReplicaNode>();
  /** Two, as clients have: a long poll must not hold up the answer to a write. */
  private readonly client: NodeConnections;
  private readonly consumer: NodeConnections;

  constructor(options: {
    readonly seed: number;
    readonly nodeCount?: number;
    readonly config?: Partial<ReplicationConfig>;
    readonly logConfig?: Partial<LogConfig>;
    readonly afterEvent?: () => void;
  }) {
    this.world = new SimulatedWorld({
      seed: options.seed,
      ...(options.afterEvent === undefined ? {} : { afterEvent: options.afterEvent }),
    });
    this.config = { ...testReplicationConfig, ...options.config };
    this.logConfig = { ...defaultLogConfig, minInsyncReplicas: 2, ...options.logConfig };
    this.controller = new ScriptedController(this.world, this.logConfig);
    for (let id = 1; id <= (options.nodeCount ?? 3); id++) this.start(id);
    const { clock, network, random } = this.world.runtimeFor(clientNodeId);
    const connections = (): NodeConnections =>
      new NodeConnections({
        clock,
        network,
        random,
        clientId: 'test-client',
        endpointOf: (nodeId) => ({ host: '127.0.0.1', port: portOf(nodeId) }),
        reconnectBackoffMs: 10,
        reconnectBackoffMsMax: 20,
      });
    this.client = connections();
    this.consumer = connections();
  }

  start(id: number): ReplicaNode {
    const node = new ReplicaNode(this, toBrokerId(id));
    this.nodes.set(id, node);
    return node;
  }

  node(id: number): ReplicaNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  async createTopic(partitionCount = 1, replicas: readonly number[] = [...this.nodes.keys()]): Promise<void> {
    this.controller.createTopic(testTopic, testTopicId, partitionCount, replicas);
    await this.world.runFor(100);
  }

  get key(): string {
    return `${testTopicId}:0`;
  }

  /** Sends a request as a client and gives the answer; rejects when the connection breaks. */
  send<Q, P>(nodeId: number, api: Api<Q, P>, request: Writable<Q>, version?: number): Promise<P> {
    const connections = api.key === fetchApi.key ? this.consumer : this.client;
    return connections.send(nodeId, api, request, version === undefined ? {} : { version });
  }

  /** Produces one batch of values; resolves to the row of the answer. */
  async produce(
    nodeId: number,
    values: readonly string[],
    options: { acks?: number; timeoutMs?: number; index?: number } = {},
  ): Promise<ProducedRow> {
    const { acks = -1, timeoutMs = 30_000, index = 0 } = options;
    const response = await this.send(nodeId, produceApi, {
      acks,
      timeoutMs,
      topicData: [{ topicId: testTopicId, partitionData: [{ index, records: batchOf(values) }] }],
    });
    const row = response.responses[0]?.partitionResponses[0];
    if (row === undefined) throw new Error('the answer names no partition');
    return row;
  }

  /** All values of a node's log, in order. */
  values(nodeId: number, index = 0): string[] {
    return valuesIn(this.node(nodeId).partition(index));
  }
}

export type ProducedRow = {
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly errorMessage: string | null;
};

function portOf(nodeId: number): number {
  return 9000 + nodeId;
}

export function batchOf(
  values: readonly string[],
  more: { producerId?: number; producerEpoch?: number; baseSequence?: number } = {},
): Buffer {
  return buildBatch(
    more,
    values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1_700_000_000_000 })),
  );
}

export function valuesIn({ log }: Partition): string[] {
  const values: string[] = [];
  let offset: number = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const read = log.read(offset, 1024 * 1024, 'log-end', true);
    for (const bytes of read.records) {
      for (const batch of batchesIn(bytes)) {
        for (const record of recordsOf(batch)) values.push(record.value?.toString() ?? '');
        offset = batch.nextOffset;
      }
    }
  }
  return values;
}
