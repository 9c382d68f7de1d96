// A controller for tests of replication: it decides what a script tells it, judges AlterPartition as Kafka's does, and
// tells each node of changes in order, a random moment later. No quorum, no log: what the brokers see is the same.

import {
  toBrokerId,
  toLeaderEpoch,
  toPartitionId,
  type BrokerId,
  type LeaderEpoch,
  type PartitionId,
  type TopicId,
} from '../../main/core/ids.ts';
import { defaultLogConfig, type LogConfig } from '../../main/log/log-config.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../../main/protocol/messages/alter-partition.ts';
import type {
  AssignmentChanges,
  BrokerEndpoint,
  ClusterMetadata,
  PartitionAssignment,
} from '../../main/replication/contract.ts';
import type { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';

type Registration = { readonly epoch: number; readonly isFenced: boolean; readonly endpoint: BrokerEndpoint };

/** A node's view of the cluster at the last change it heard of. */
export class NodeView implements ClusterMetadata {
  readonly partitions = new Map<string, PartitionAssignment>();
  readonly brokers = new Map<BrokerId, Registration>();
  readonly topicNames = new Map<TopicId, string>();
  config: LogConfig = defaultLogConfig;

  topicName(topicId: TopicId): string | null {
    return this.topicNames.get(topicId) ?? null;
  }
  topicId(topic: string): TopicId | null {
    for (const [id, name] of this.topicNames) if (name === topic) return id;
    return null;
  }
  partitionExists(topicId: TopicId, partition: number): boolean {
    return this.partitions.has(`${topicId}:${partition}`);
  }
  partitionLeader(topicId: TopicId, partition: number): { leader: BrokerId | -1; leaderEpoch: LeaderEpoch } | null {
    return this.partitions.get(`${topicId}:${partition}`) ?? null;
  }
  logConfig(): LogConfig {
    return this.config;
  }
  eligibleBrokerEpoch(brokerId: BrokerId): number | null {
    const broker = this.brokers.get(brokerId);
    return broker === undefined || broker.isFenced ? null : broker.epoch;
  }
  endpoint(brokerId: BrokerId): BrokerEndpoint | null {
    const broker = this.brokers.get(brokerId);
    return broker === undefined || broker.isFenced ? null : broker.endpoint;
  }
}

export type ControlledNode = {
  readonly id: BrokerId;
  readonly view: NodeView;
  isAlive(): boolean;
  applyChanges(changes: AssignmentChanges): void;
  brokersChanged(): void;
};

type Change =
  { readonly partition: PartitionAssignment } | { readonly brokerId: BrokerId; readonly registration: Registration };

export class ScriptedController {
  readonly partitions = new Map<string, PartitionAssignment>();
  readonly brokers = new Map<BrokerId, Registration>();
  /** All changes so far, in order: what a node that starts late is told. */
  readonly history: Change[] = [];
  /** While false it answers nobody and tells nothing. */
  isReachable = true;
  alterPartitionCount = 0;
  private readonly world: SimulatedWorld;
  private readonly topicNames = new Map<TopicId, string>();
  private readonly nodes = new Map<BrokerId, { node: ControlledNode; told: number }>();
  private readonly config: LogConfig;
  private nextEpoch = 100;

  constructor(world: SimulatedWorld, config: LogConfig) {
    this.world = world;
    this.config = config;
  }

  // ── the script ──

  /** A broker's new life: registers (unfenced), and hears everything. */
  register(node: ControlledNode, endpoint: BrokerEndpoint): number {
    const epoch = this.nextEpoch++;
    node.view.config = this.config;
    this.nodes.set(node.id, { node, told: 0 });
    this.setBroker(node.id, { epoch, isFenced: false, endpoint });
    return epoch;
  }

  createTopic(topic: string, topicId: TopicId, partitionCount: number, replicas: readonly number[]): void {
    this.topicNames.set(topicId, topic);
    const ids = replicas.map(toBrokerId);
    for (let index = 0; index < partitionCount; index++) {
      const order = ids.map((_, at) => ids[(at + index) % ids.length] ?? toBrokerId(0));
      this.setPartition({
        topic,
        topicId,
        partition: toPartitionId(index),
        leader: order[0] ?? -1,
        leaderEpoch: toLeaderEpoch(0),
        partitionEpoch: 0,
        replicas: order,
        inSyncReplicas: order,
      });
    }
  }

  /** The session timed out: out of every ISR (but the last member stays), leaders elected from who is left. */
  fence(brokerId: BrokerId): void {
    const broker = this.brokers.get(brokerId);
    if (broker === undefined) return;
    this.setBroker(brokerId, { ...broker, isFenced: true });
    for (const partition of [...this.partitions.values()]) {
      if (!partition.inSyncReplicas.includes(brokerId) && partition.leader !== brokerId) continue;
      const others = partition.inSyncReplicas.filter((id) => id !== brokerId);
      const inSyncReplicas = others.length > 0 ? others : partition.inSyncReplicas;
      const leader =
        partition.leader === brokerId ? this.electable(partition, inSyncReplicas, brokerId) : partition.leader;
      this.change(partition, leader, inSyncReplicas);
    }
  }

  unfence(brokerId: BrokerId): void {
    const broker = this.brokers.get(brokerId);
    if (broker === undefined) return;
    this.setBroker(brokerId, { ...broker, isFenced: false });
    for (const partition of [...this.partitions.values()]) {
      if (partition.leader === -1 && partition.inSyncReplicas.includes(brokerId)) {
        this.change(partition, brokerId, partition.inSyncReplicas);
      }
    }
  }

  /** Moves the lead to a member of the ISR, or, uncleanly, to anyone. */
  elect(key: string, leader: BrokerId): void {
    const partition = this.partitions.get(key);
    if (partition === undefined || partition.leader === leader) return;
    const isClean = partition.inSyncReplicas.includes(leader);
    this.change(partition, leader, isClean ? partition.inSyncReplicas : [leader]);
  }

  remove(key: string): void {
    const partition = this.partitions.get(key);
    if (partition === undefined) return;
    this.partitions.delete(key);
    this.topicNames.delete(partition.topicId);
    this.setPartition({
      ...partition,
      leader: -1,
      replicas: [],
      inSyncReplicas: [],
      partitionEpoch: partition.partitionEpoch + 1,
    });
    this.partitions.delete(key);
  }

  // ── what brokers ask ──

  /** Judges at the time the request arrives; the answer travels back. */
  alterPartition(from: BrokerId, request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    this.alterPartitionCount++;
    return new Promise((resolve, reject) => {
      this.later(() => {
        if (!this.isReachable || this.nodes.get(from)?.node.isAlive() !== true) {
          reject(new Error('the controller does not answer'));
          return;
        }
        const response = this.judge(request);
        this.later(() => resolve(response));
      });
    });
  }

  private judge(request: AlterPartitionRequest): AlterPartitionResponse {
    const broker = this.brokers.get(toBrokerId(request.brokerId));
    if (broker === undefined || broker.epoch !== request.brokerEpoch) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.STALE_BROKER_EPOCH, topics: [] };
    }
    const topics = request.topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map((asked) => {
        const known = this.partitions.get(`${topicId}:${asked.partitionIndex}`);
        const errorCode = this.judgeOne(toBrokerId(request.brokerId), known, asked);
        const now =
          errorCode === ErrorCode.NONE && known !== undefined
            ? this.change(
                known,
                known.leader,
                asked.newIsrWithEpochs.map(({ brokerId }) => toBrokerId(brokerId)),
              )
            : known;
        return {
          partitionIndex: asked.partitionIndex,
          errorCode,
          leaderId: now?.leader ?? -1,
          leaderEpoch: now?.leaderEpoch ?? -1,
          isr: errorCode === ErrorCode.NONE ? [...(now?.inSyncReplicas ?? [])] : [],
          leaderRecoveryState: 0,
          partitionEpoch: now?.partitionEpoch ?? -1,
        };
      }),
    }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics };
  }

  private judgeOne(
    from: BrokerId,
    known: PartitionAssignment | undefined,
    asked: AlterPartitionRequest['topics'][number]['partitions'][number],
  ): number {
    if (known === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (asked.leaderEpoch < known.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (known.leader !== from) return ErrorCode.INVALID_REQUEST;
    if (asked.partitionEpoch < known.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;
    for (const { brokerId, brokerEpoch } of asked.newIsrWithEpochs) {
      const broker = this.brokers.get(toBrokerId(brokerId));
      if (broker === undefined || broker.isFenced || (brokerEpoch !== -1 && brokerEpoch !== broker.epoch))
        return ErrorCode.INELIGIBLE_REPLICA;
    }
    return ErrorCode.NONE;
  }

  // ── changes and their spreading ──

  private electable(partition: PartitionAssignment, inSync: readonly BrokerId[], gone: BrokerId): BrokerId | -1 {
    const alive = partition.replicas.find(
      (id) => id !== gone && inSync.includes(id) && this.brokers.get(id)?.isFenced === false,
    );
    return alive ?? -1;
  }

  private change(
    before: PartitionAssignment,
    leader: BrokerId | -1,
    inSyncReplicas: readonly BrokerId[],
  ): PartitionAssignment {
    const leaderEpoch = leader === before.leader ? before.leaderEpoch : toLeaderEpoch(before.leaderEpoch + 1);
    return this.setPartition({
      ...before,
      leader,
      leaderEpoch,
      inSyncReplicas,
      partitionEpoch: before.partitionEpoch + 1,
    });
  }

  private setPartition(partition: PartitionAssignment): PartitionAssignment {
    this.partitions.set(`${partition.topicId}:${partition.partition}`, partition);
    this.history.push({ partition });
    this.spread();
    return partition;
  }

  private setBroker(brokerId: BrokerId, registration: Registration): void {
    this.brokers.set(brokerId, registration);
    this.history.push({ brokerId, registration });
    this.spread();
  }

  private spread(): void {
    for (const id of this.nodes.keys()) this.later(() => this.tell(id));
  }

  private later(action: () => void): void {
    this.world.at(this.world.nowMs + 0.5 + this.world.random.next() * 5, action);
  }

  /** Everything new up to now, as one delta. */
  private tell(id: BrokerId): void {
    const state = this.nodes.get(id);
    if (state === undefined || !state.node.isAlive() || !this.isReachable) return;
    const { node } = state;
    const news = this.history.slice(state.told);
    state.told = this.history.length;
    const changed = new Map<string, PartitionAssignment>();
    const removed: { topic: string; topicId: TopicId; partition: PartitionId }[] = [];
    for (const change of news) {
      if ('brokerId' in change) {
        node.view.brokers.set(change.brokerId, change.registration);
        continue;
      }
      const { partition } = change;
      const key = `${partition.topicId}:${partition.partition}`;
      if (partition.replicas.length === 0) {
        node.view.partitions.delete(key);
        node.view.topicNames.delete(partition.topicId);
        changed.delete(key);
        removed.push({ topic: partition.topic, topicId: partition.topicId, partition: partition.partition });
        continue;
      }
      node.view.partitions.set(key, partition);
      node.view.topicNames.set(partition.topicId, partition.topic);
      if (partition.replicas.includes(id)) changed.set(key, partition);
    }
    if (changed.size > 0 || removed.length > 0) node.applyChanges({ changed: [...changed.values()], removed });
    else if (news.length > 0) node.brokersChanged();
  }

  /** Tells everyone what they missed while the controller could not be reached. */
  reconnect(): void {
    this.isReachable = true;
    this.spread();
  }
}
