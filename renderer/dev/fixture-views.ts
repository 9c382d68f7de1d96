// The fixture world as the engine would show it.

import type {
  BrokerView,
  ClusterView,
  GroupView,
  PartitionView,
  QuorumView,
  WorkloadView,
} from '../../main/api/views.ts';
import {
  type Broker,
  electionTimeoutMs,
  type FixtureWorld,
  type Group,
  type Partition,
  replicaOf,
  workloadTopic,
} from './fixture-world.ts';

export class FixtureViews {
  readonly #world: FixtureWorld;

  constructor(world: FixtureWorld) {
    this.#world = world;
  }

  brokerView(broker: Broker): BrokerView {
    const led = this.#world.partitions.filter((partition) => partition.leader === broker.id);
    const alive = this.#world.alive(broker.id);
    const messages = alive ? led.reduce((sum, partition) => sum + this.partitionRate(partition), 0) : 0;
    return {
      id: broker.id,
      pid: broker.pid,
      host: '127.0.0.1',
      port: 19_091 + broker.id,
      controllerPort: 19_191 + broker.id,
      metricsPort: 19_241 + broker.id,
      logDir: `/home/ada/highwater/local/node-${broker.id}`,
      rack: null,
      process: broker.process,
      registration: broker.registration,
      isController: this.#world.quorumLeader === broker.id,
      brokerEpoch: broker.brokerEpoch,
      residentBytes: broker.pid === null ? 0 : broker.residentBytes,
      cpuShare: broker.cpu,
      bytesInPerSecond: messages * 1_062,
      bytesOutPerSecond: messages * 2_140,
      messagesInPerSecond: messages,
      leaderCount: led.length,
      replicaCount: this.#world.partitions.filter((partition) => replicaOf(partition, broker.id) !== null).length,
      startedWallMs: broker.startedWallMs,
      problem: broker.problem,
    };
  }

  partitionRate(partition: Partition): number {
    if (!this.#world.alive(partition.leader)) return 0;
    return partition.topic === workloadTopic ? this.#world.workload.rate / 6 : partition.weight * 40;
  }

  partitionView(partition: Partition): PartitionView {
    const leaderEnd = replicaOf(partition, partition.leader)?.leo ?? null;
    return {
      topic: partition.topic,
      partition: partition.partition,
      leader: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      replicas: partition.replicas.map((replica) => ({
        brokerId: replica.brokerId,
        state: this.#world.isOffline(replica.brokerId)
          ? 'offline'
          : replica.brokerId === partition.leader
            ? 'leader'
            : partition.isr.includes(replica.brokerId)
              ? 'in-sync'
              : 'lagging',
        logEndOffset: replica.leo,
        highWatermark: this.highWatermark(partition),
        sizeBytes: replica.leo * 1_062,
      })),
      inSyncReplicas: [...partition.isr],
      logStartOffset: 0,
      highWatermark: this.highWatermark(partition),
      logEndOffset: leaderEnd,
      messagesInPerSecond: this.partitionRate(partition),
    };
  }

  highWatermark(partition: Partition): number {
    const ends = partition.replicas
      .filter((replica) => partition.isr.includes(replica.brokerId))
      .map((replica) => replica.leo);
    return ends.length === 0 ? 0 : Math.min(...ends);
  }

  groupView(group: Group): GroupView {
    const partitions = this.#world.partitions
      .filter((partition) => partition.topic === group.topic)
      .map((partition) => {
        const logEndOffset = this.highWatermark(partition);
        const committedOffset = Math.min(group.committed[partition.partition] ?? 0, logEndOffset);
        return {
          topic: partition.topic,
          partition: partition.partition,
          committedOffset,
          logEndOffset,
          lag: logEndOffset - committedOffset,
          memberId: group.members[partition.partition % group.members.length] ?? null,
        };
      });
    return {
      groupId: group.groupId,
      protocolType: 'consumer',
      state: group.state,
      generation: group.generation,
      coordinator: 2,
      members: group.members.map((memberId) => ({
        memberId,
        clientId: memberId,
        host: '127.0.0.1',
        partitionCount: partitions.filter((partition) => partition.memberId === memberId).length,
      })),
      partitions,
      totalLag: partitions.reduce((sum, partition) => sum + partition.lag, 0),
    };
  }

  quorum(): QuorumView {
    return {
      leaderId: this.#world.quorumLeader,
      epoch: this.#world.quorumEpoch,
      highWatermark: this.#world.metadataOffset,
      nodes: this.#world.nodes.map((node) => ({
        id: node.id,
        role: this.#world.alive(node.id) ? node.role : 'unreachable',
        epoch: node.epoch,
        votedFor: node.votedFor,
        logEndOffset: this.#world.metadataOffset,
        deadlineInMs:
          !this.#world.alive(node.id) || node.role === 'leader'
            ? null
            : node.deadlineAtMs === null
              ? electionTimeoutMs - (this.#world.nowMs % 100)
              : Math.max(0, node.deadlineAtMs - this.#world.nowMs),
      })),
    };
  }

  workloadView(): WorkloadView {
    const { running, target, rate, stalledSinceMs, lastError } = this.#world.workload;
    return {
      running,
      topic: workloadTopic,
      targetPerSecond: target,
      sent: Math.floor(this.#world.workload.sent),
      acknowledged: Math.floor(this.#world.workload.acknowledged),
      failed: this.#world.workload.failed,
      consumed: Math.floor(this.#world.workload.consumed),
      acknowledgedPerSecond: rate,
      consumedPerSecond: this.#world.workload.consumedRate,
      latencyP50Ms: running ? 2.1 + this.#world.chance() * 0.4 : null,
      latencyP99Ms: running ? 7.4 + this.#world.chance() * 3 : null,
      unavailableForMs: stalledSinceMs === null ? null : this.#world.nowMs - stalledSinceMs,
      lastError,
    };
  }

  state(): ClusterView['state'] {
    if (this.#world.scenario === 'starting') return 'starting';
    if (this.#world.scenario === 'failed') return 'failed';
    const healthy =
      this.#world.brokers.every((broker) => broker.process === 'running' && broker.registration === 'active') &&
      this.#world.partitions.every((partition) => partition.isr.length === partition.replicas.length);
    return healthy && this.#world.quorumLeader !== null ? 'ready' : 'degraded';
  }

  problem(): string | null {
    return this.#world.scenario === 'failed'
      ? 'Broker 2 could not start: port 19093 is taken. Stop the process that uses it, or start the cluster with another --port.'
      : null;
  }

  snapshot(): { number: number; view: ClusterView } {
    const view: ClusterView = {
      clusterId: 'vPeOCWypqUOSepEvx0cbog',
      bootstrap: '127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094',
      dataDir: '/home/ada/highwater/local',
      profile: 'laptop',
      ephemeral: false,
      state: this.state(),
      readyMs: this.#world.scenario === 'starting' || this.#world.scenario === 'failed' ? null : 812,
      problem: this.problem(),
      brokers: this.#world.brokers.map((broker) => this.brokerView(broker)),
      topics: this.#world.topics,
      partitions: this.#world.partitions.map((partition) => this.partitionView(partition)),
      quorum: this.quorum(),
      groups: this.#world.groups.map((group) => this.groupView(group)),
      workload: this.workloadView(),
      faults: this.#world.faults,
      events: this.#world.events.slice(-2000),
      monotonicMs: this.#world.nowMs,
      wallMs: this.#world.wall(),
    };
    return { number: this.#world.number, view };
  }
}
