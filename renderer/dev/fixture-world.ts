// What the fixture cluster consists of, and how it begins: brokers, partitions, groups, a journal and a clock that
// moves by hand. It has no behaviour; that is `fixture-cluster.ts`.

import type { Refusal } from '../../main/api/contract.ts';
import type { ActiveFault, BrokerView, JournalEntry, JournalEvent, TopicView } from '../../main/api/views.ts';

export type Scenario = 'healthy' | 'empty' | 'large' | 'starting' | 'failed' | 'silent';

export type Broker = {
  id: number;
  pid: number | null;
  process: BrokerView['process'];
  registration: BrokerView['registration'];
  brokerEpoch: number;
  startedWallMs: number | null;
  cpu: number;
  residentBytes: number;
  problem: string | null;
};
export type Replica = { brokerId: number; leo: number };
export type Partition = {
  topic: string;
  partition: number;
  leader: number;
  leaderEpoch: number;
  partitionEpoch: number;
  replicas: Replica[];
  isr: number[];
  weight: number;
  changed: boolean;
};
export type Node = { id: number; role: string; epoch: number; votedFor: number | null; deadlineAtMs: number | null };
export type Group = {
  groupId: string;
  topic: string;
  members: string[];
  state: string;
  generation: number;
  committed: number[];
  share: number;
};

export const electionTimeoutMs = 600;
export const workloadTopic = 'highwater.demo';

export class FixtureRefusal extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

export class FixtureWorld {
  readonly scenario: Scenario;
  nowMs = 10_000;
  readonly wallStartMs: number;
  number = 0;
  brokers: Broker[] = [];
  topics: TopicView[] = [];
  partitions: Partition[] = [];
  nodes: Node[] = [];
  groups: Group[] = [];
  events: JournalEvent[] = [];
  faults: readonly ActiveFault[] = [];
  faultCount = 0;
  newEvents: JournalEvent[] = [];
  newTopics: TopicView[] = [];
  removedTopics: string[] = [];
  sequences = new Map<string, number>();
  agenda: { atMs: number; run: () => void }[] = [];
  quorumLeader: number | null = 1;
  quorumEpoch = 4;
  metadataOffset = 1_840;
  workload = {
    running: false,
    target: 400,
    sent: 0,
    acknowledged: 0,
    failed: 0,
    consumed: 0,
    rate: 0,
    consumedRate: 0,
    stalledSinceMs: null as number | null,
    lastError: null as string | null,
  };
  random = 12_345;

  constructor(scenario: Scenario, wallMs: number) {
    this.scenario = scenario;
    this.wallStartMs = wallMs - this.nowMs;
    for (const id of [1, 2, 3]) {
      this.brokers.push({
        id,
        pid: 41_200 + id * 7,
        process: scenario === 'starting' ? 'starting' : 'running',
        registration: scenario === 'starting' ? (id === 1 ? 'fenced' : null) : 'active',
        brokerEpoch: 10 + id,
        startedWallMs: wallMs - 64_000,
        cpu: 0.01,
        residentBytes: 58e6 + id * 1.3e6,
        problem: null,
      });
      this.nodes.push({
        id,
        role: id === 1 ? 'leader' : 'follower',
        epoch: 4,
        votedFor: id === 1 ? null : 1,
        deadlineAtMs: null,
      });
    }
    if (scenario === 'failed') {
      const broker = this.broker(2);
      Object.assign(broker, {
        process: 'crashed',
        registration: null,
        pid: null,
        problem:
          'Port 19093 is taken by another process. Stop that process, or start the cluster with --port and another base port.',
      });
    }
    this.firstEvents();
    if (scenario === 'healthy' || scenario === 'large') this.fill(scenario === 'large');
    this.newEvents = [];
    this.newTopics = [];
  }

  broker(id: number): Broker {
    const broker = this.brokers.find((other) => other.id === id);
    if (!broker)
      throw new FixtureRefusal({ code: 'UNKNOWN_BROKER', message: `There is no broker ${id}.`, advice: null });
    return broker;
  }

  alive(id: number): boolean {
    const broker = this.brokers.find((other) => other.id === id);
    return broker !== undefined && (broker.process === 'running' || broker.process === 'stopping');
  }

  /** A frozen broker keeps its place until the controller fences it. */
  isOffline(id: number): boolean {
    const broker = this.broker(id);
    return broker.process === 'paused' ? broker.registration !== 'active' : !this.alive(id);
  }

  after(delayMs: number, run: () => void): void {
    this.agenda.push({ atMs: this.nowMs + delayMs, run });
  }

  wall(): number {
    return Math.round(this.wallStartMs + this.nowMs);
  }

  /** Seeded, so that pictures repeat. */
  chance(): number {
    this.random = (this.random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.random / 2_147_483_648;
  }

  record(source: JournalEvent['source'], entry: JournalEntry, cause: string | null, agoMs = 0): string {
    const sequence = (this.sequences.get(source) ?? 0) + 1;
    this.sequences.set(source, sequence);
    const event: JournalEvent = {
      id: `${source}:${sequence}`,
      source,
      sequence,
      wallMs: this.wall() - agoMs,
      monotonicMs: this.nowMs - agoMs,
      cause,
      entry,
    };
    this.events.push(event);
    this.newEvents.push(event);
    return event.id;
  }

  addTopic(topic: string, partitions: number, replicationFactor: number, internal: boolean, weight: number): void {
    const view: TopicView = {
      topic,
      topicId: `t${this.topics.length}`.padEnd(22, 'A'),
      internal,
      partitionCount: partitions,
      replicationFactor,
    };
    this.topics.push(view);
    this.newTopics.push(view);
    for (let number = 0; number < partitions; number++) {
      const start =
        weight > 0
          ? Math.floor(20_000 + this.chance() * 180_000 * weight)
          : internal
            ? Math.floor(this.chance() * 300)
            : 0;
      const ids = [0, 1, 2]
        .map((offset) => ((number + this.topics.length + offset) % 3) + 1)
        .slice(0, replicationFactor);
      const leader = ids.find((id) => this.alive(id)) ?? -1;
      this.partitions.push({
        topic,
        partition: number,
        leader,
        leaderEpoch: Math.floor(this.chance() * 3),
        partitionEpoch: 0,
        replicas: ids.map((brokerId) => ({ brokerId, leo: start })),
        isr: ids.filter((id) => this.alive(id)).sort((a, b) => a - b),
        weight,
        changed: true,
      });
    }
  }

  addGroup(groupId: string, topic: string, members: number, share: number): void {
    const partitions = this.partitions.filter((partition) => partition.topic === topic);
    this.groups.push({
      groupId,
      topic,
      members: Array.from({ length: members }, (_, index) => `${groupId}-${index + 1}`),
      state: 'Stable',
      generation: 3,
      committed: partitions.map((partition) => (partition.replicas[0]?.leo ?? 0) - Math.floor(40 / share - 40)),
      share,
    });
  }

  fill(large: boolean): void {
    this.addTopic('orders', 6, 3, false, 3);
    this.addTopic('payments', 4, 3, false, 1);
    this.addTopic('inventory.changes', 3, 2, false, 0.4);
    this.addTopic(workloadTopic, 6, 3, false, 1);
    this.addTopic('__consumer_offsets', 50, 3, true, 0);
    if (large)
      for (let index = 0; index < 200; index++)
        this.addTopic(`stream.${String(index).padStart(3, '0')}`, 50, 3, false, index % 20 === 0 ? 0.2 : 0);
    this.addGroup('demo-readers', workloadTopic, 2, 0.9);
    this.addGroup('billing', 'payments', 1, 0.7);
    this.addGroup('order-search-index', 'orders', 3, 0.25);
    Object.assign(this.workload, {
      running: true,
      rate: 400,
      acknowledged: 24_610,
      consumedRate: 398,
      consumed: 24_590,
      sent: 24_613,
    });
    this.record(
      'broker-2',
      { kind: 'group.stable', groupId: 'demo-readers', generation: 3, members: 2, protocol: 'RoundRobinAssigner' },
      null,
    );
  }

  firstEvents(): void {
    for (const { id, pid } of this.brokers)
      this.record(
        'supervisor',
        { kind: 'process.started', brokerId: id, pid: pid ?? 0 },
        'request: up',
        64_000 - id * 3,
      );
    if (this.scenario === 'starting' || this.scenario === 'failed') {
      if (this.scenario === 'failed')
        this.record(
          'supervisor',
          { kind: 'process.exited', brokerId: 2, pid: 41_214, signal: null, code: 1, wanted: false },
          null,
          63_700,
        );
      return;
    }
    const asked = this.record('broker-1', { kind: 'quorum.candidate', epoch: 4 }, null, 63_600);
    this.record(
      'broker-2',
      {
        kind: 'quorum.voteAnswered',
        epoch: 4,
        candidate: 1,
        voter: 2,
        preVote: false,
        granted: true,
        reason: 'log is up to date',
      },
      asked,
      63_590,
    );
    const won = this.record('broker-1', { kind: 'quorum.leaderElected', epoch: 4, leader: 1 }, asked, 63_588);
    this.record('broker-1', { kind: 'controller.active', epoch: 4 }, won, 63_560);
    const registered = [1, 2, 3].map((id) =>
      this.record('broker-1', { kind: 'broker.registered', brokerId: id, brokerEpoch: 10 + id }, won, 63_500 - id * 8),
    );
    for (const [index, cause] of registered.entries())
      this.record('broker-1', { kind: 'broker.unfenced', brokerId: index + 1 }, cause, 63_375 - index * 5);
    this.record('supervisor', { kind: 'cluster.ready', readyMs: 812 }, null, 63_188);
  }

  touchAll(id: number): void {
    for (const partition of this.partitions) if (replicaOf(partition, id)) partition.changed = true;
  }
}

export function replicaOf(partition: Partition, brokerId: number): Replica | null {
  return partition.replicas.find((replica) => replica.brokerId === brokerId) ?? null;
}
