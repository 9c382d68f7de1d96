// The cluster as the screens show it: reports and process events in, a view and numbered deltas out. Pure: time
// comes with the events. Each figure keeps its source: metadata from the active controller, log ends and sizes from
// the broker that holds the replica, process state from the supervisor.

import type { BrokerReport, GroupReport, QuorumReport, ReplicaReport, TopicReport } from '../broker/contract.ts';
import {
  eventsMax,
  type BrokerView,
  type ClusterDelta,
  type ClusterView,
  type GroupView,
  type JournalEvent,
  type PartitionFigures,
  type PartitionView,
  type ReplicaView,
  type TopicFigures,
  type TopicView,
  type WorkloadView,
} from '../api/views.ts';
import { figuresOf } from '../api/partition-figures.ts';
import { partitionName } from '../core/ids.ts';
import { CounterRates } from './counter-rates.ts';

type Telemetry = Extract<BrokerReport, { type: 'telemetry' }>;
type TopicPartitionReport = TopicReport['partitions'][number];
type ClusterFacts = Omit<
  ClusterView,
  'brokers' | 'topics' | 'partitions' | 'groups' | 'events' | 'quorum' | 'monotonicMs' | 'wallMs'
>;
export type BrokerFacts = Pick<
  BrokerView,
  'id' | 'host' | 'port' | 'controllerPort' | 'metricsPort' | 'logDir' | 'rack'
>;

type BrokerState = {
  facts: BrokerFacts;
  process: BrokerView['process'];
  pid: number | null;
  startedWallMs: number | null;
  problem: string | null;
  registration: BrokerView['registration'];
  brokerEpoch: number | null;
  quorum: QuorumReport | null;
  residentBytes: number;
  rates: CounterRates;
  replicas: Map<string, ReplicaReport>;
};

type PartitionState = { topic: TopicReport; report: TopicPartitionReport; rate: CounterRates };
/** `partitions`: names of those with an offset, so that a moving log end finds the groups it concerns. */
type GroupState = { report: GroupReport; coordinator: number; partitions: ReadonlySet<string> };
type ReplicaCounts = { leaders: number; replicas: number };

const deltaEventsMax = 500;
/** Elections and rebalances are few and worth keeping when a thousand replicas change sides; each by its own bound. */
const rareEventsMax = { quorum: 1000, group: 4000 } as const;
/** Of more moving partitions than this in a second the screens are told less often: ten thousand move in two seconds. */
const figuresPerSecondMax = 5000;

export const idleWorkload: WorkloadView = {
  running: false,
  topic: '',
  targetPerSecond: 0,
  sent: 0,
  acknowledged: 0,
  failed: 0,
  consumed: 0,
  acknowledgedPerSecond: 0,
  consumedPerSecond: 0,
  latencyP50Ms: null,
  latencyP99Ms: null,
  unavailableForMs: null,
  lastError: null,
};

export class ClusterViewState {
  #facts: ClusterFacts;
  readonly #brokers = new Map<number, BrokerState>();
  readonly #topics = new Map<string, TopicReport>();
  readonly #partitions = new Map<string, PartitionState>();
  readonly #groups = new Map<string, GroupState>();
  /** null: leaders or assignments changed since they were counted. */
  #replicaCounts: ReadonlyMap<number, ReplicaCounts> | null = null;
  readonly #events: JournalEvent[] = [];
  readonly #rareEvents: Record<keyof typeof rareEventsMax, JournalEvent[]> = { quorum: [], group: [] };
  #monotonicMs = 0;
  #wallMs = 0;
  #number = 0;
  /** Partitions whose rate is above zero: silence about them must bring it down again. */
  readonly #flowing = new Set<string>();

  // What changed since the last delta.
  #factsChanged = false;
  #quorumChanged = false;
  readonly #changedBrokers = new Set<number>();
  readonly #changedTopics = new Set<string>();
  readonly #removedTopics = new Set<string>();
  readonly #changedPartitions = new Set<string>();
  /** Only their numbers moved. */
  readonly #movedPartitions = new Set<string>();
  #figuresToldMs = -Infinity;
  readonly #removedPartitions = new Set<string>();
  readonly #changedGroups = new Set<string>();
  readonly #removedGroups = new Set<string>();
  #newEvents: JournalEvent[] = [];

  constructor(facts: ClusterFacts) {
    this.#facts = facts;
  }

  get number(): number {
    return this.#number;
  }

  get topicCount(): number {
    return this.#topics.size;
  }

  get facts(): Readonly<ClusterFacts> {
    return this.#facts;
  }

  get eventsSoFar(): readonly JournalEvent[] {
    return this.#events;
  }

  /** What was said in elections and rebalances, also long ago; oldest first. */
  rareEvents(family: 'quorum' | 'group'): readonly JournalEvent[] {
    return this.#rareEvents[family];
  }

  setFacts(change: Partial<ClusterFacts>): void {
    this.#facts = { ...this.#facts, ...change };
    this.#factsChanged = true;
  }

  setProcess(
    facts: BrokerFacts,
    change: {
      process: BrokerView['process'];
      pid: number | null;
      startedWallMs: number | null;
      problem: string | null;
    },
  ): void {
    const broker = this.#brokers.get(facts.id);
    if (broker === undefined) {
      this.#brokers.set(facts.id, {
        facts,
        ...change,
        registration: null,
        brokerEpoch: null,
        quorum: null,
        residentBytes: 0,
        rates: new CounterRates(),
        replicas: new Map(),
      });
    } else {
      if (change.pid !== broker.pid) broker.rates = new CounterRates();
      Object.assign(broker, { facts, ...change });
      if (!isUp(broker)) broker.quorum = null;
      for (const key of broker.replicas.keys()) this.#changedPartitions.add(key);
    }
    this.#changedBrokers.add(facts.id);
    this.#quorumChanged = true;
    for (const [key, partition] of this.#partitions) {
      if (partition.report.replicas.includes(facts.id)) this.#changedPartitions.add(key);
    }
  }

  addEvents(events: readonly JournalEvent[]): void {
    for (const event of events) {
      this.#monotonicMs = Math.max(this.#monotonicMs, event.monotonicMs);
      this.#wallMs = Math.max(this.#wallMs, event.wallMs);
      this.#events.push(event);
      this.#newEvents.push(event);
      if (event.entry.kind.startsWith('quorum.')) this.#rareEvents.quorum.push(event);
      else if (event.entry.kind.startsWith('group.')) this.#rareEvents.group.push(event);
    }
    if (this.#events.length > eventsMax) this.#events.splice(0, this.#events.length - eventsMax);
    for (const family of ['quorum', 'group'] as const) {
      const kept = this.#rareEvents[family];
      if (kept.length > rareEventsMax[family]) kept.splice(0, kept.length - rareEventsMax[family]);
    }
    if (this.#newEvents.length > deltaEventsMax) this.#newEvents = this.#newEvents.slice(-deltaEventsMax);
  }

  /** `wallMs` is the supervisor's clock when the report came in. */
  applyTelemetry(brokerId: number, report: Telemetry, wallMs: number): void {
    const broker = this.#brokers.get(brokerId);
    if (broker === undefined) return;
    this.#monotonicMs = Math.max(this.#monotonicMs, report.monotonicMs);
    this.#wallMs = Math.max(this.#wallMs, wallMs);
    this.addEvents(report.events);
    if (JSON.stringify(broker.quorum) !== JSON.stringify(report.quorum)) {
      broker.quorum = report.quorum;
      this.#quorumChanged = true;
    }
    broker.residentBytes = report.counters.residentBytes;
    broker.rates.add(report.monotonicMs, {
      bytesIn: report.counters.bytesIn,
      bytesOut: report.counters.bytesOut,
      messagesIn: report.counters.messagesIn,
      cpuMs: report.counters.cpuMs,
    });
    this.#changedBrokers.add(brokerId);
    for (const topic of report.topics) this.#applyTopic(topic);
    for (const topic of report.removedTopics) this.#removeTopic(topic);
    for (const replica of report.replicas) this.#applyReplica(broker, replica, report.monotonicMs);
    this.#settleRates(brokerId, broker, report);
    for (const key of report.removedReplicas) {
      broker.replicas.delete(key);
      this.#changedPartitions.add(key);
    }
    for (const group of report.groups) {
      const partitions = new Set(group.offsets.map((each) => partitionName(each.topic, each.partition)));
      this.#groups.set(group.groupId, { report: group, coordinator: brokerId, partitions });
      this.#removedGroups.delete(group.groupId);
      this.#changedGroups.add(group.groupId);
    }
    for (const groupId of report.removedGroups) {
      // Another broker may have taken the group over already: only its coordinator can say that it is gone.
      if (this.#groups.get(groupId)?.coordinator !== brokerId) continue;
      this.#groups.delete(groupId);
      this.#changedGroups.delete(groupId);
      this.#removedGroups.add(groupId);
    }
    if (report.controllerBrokers !== null) this.#applyRegistrations(report.controllerBrokers);
  }

  #applyRegistrations(registrations: NonNullable<Telemetry['controllerBrokers']>): void {
    for (const registration of registrations) {
      const broker = this.#brokers.get(registration.brokerId);
      if (broker === undefined) continue;
      const state = registration.inControlledShutdown
        ? 'controlled-shutdown'
        : registration.fenced
          ? 'fenced'
          : 'active';
      if (broker.registration === state && broker.brokerEpoch === registration.brokerEpoch) continue;
      broker.registration = state;
      broker.brokerEpoch = registration.brokerEpoch;
      this.#changedBrokers.add(registration.brokerId);
      for (const [key, partition] of this.#partitions) {
        if (partition.report.replicas.includes(registration.brokerId)) this.#changedPartitions.add(key);
      }
    }
  }

  #applyReplica(broker: BrokerState, replica: ReplicaReport, monotonicMs: number): void {
    const key = partitionName(replica.topic, replica.partition);
    broker.replicas.set(key, replica);
    this.#movedPartitions.add(key);
    if (replica.role !== 'leader') return;
    this.#partitions.get(key)?.rate.add(monotonicMs, { messages: replica.logEndOffset });
    this.#flowing.add(key);
    for (const [groupId, group] of this.#groups) if (group.partitions.has(key)) this.#changedGroups.add(groupId);
  }

  /** A broker reports only what changed: what it leads and did not mention has stood still. */
  #settleRates(brokerId: number, broker: BrokerState, report: Telemetry): void {
    const mentioned = new Set(report.replicas.map((each) => partitionName(each.topic, each.partition)));
    for (const key of this.#flowing) {
      const partition = this.#partitions.get(key);
      const replica = broker.replicas.get(key);
      if (partition === undefined) this.#flowing.delete(key);
      else if (partition.report.leader === brokerId && replica !== undefined && !mentioned.has(key)) {
        partition.rate.add(report.monotonicMs, { messages: replica.logEndOffset });
        this.#movedPartitions.add(key);
        if (partition.rate.perSecond('messages') === 0) this.#flowing.delete(key);
      }
    }
  }

  #applyTopic(topic: TopicReport): void {
    this.#replicaCounts = null;
    const before = this.#topics.get(topic.topic);
    // Deleted and made anew between two reports: what the new one does not have is gone.
    if (before !== undefined && before.topicId !== topic.topicId) {
      const kept = new Set(topic.partitions.map(({ partition }) => partition));
      for (const { partition } of before.partitions)
        if (!kept.has(partition)) this.#removePartition(topic.topic, partition);
    }
    this.#topics.set(topic.topic, topic);
    this.#changedTopics.add(topic.topic);
    this.#removedTopics.delete(topic.topic);
    for (const report of topic.partitions) {
      const key = partitionName(topic.topic, report.partition);
      const known = this.#partitions.get(key);
      this.#partitions.set(key, { topic, report, rate: known?.rate ?? new CounterRates() });
      this.#changedPartitions.add(key);
      this.#removedPartitions.delete(key);
      if (known?.report.leader !== report.leader) for (const id of report.replicas) this.#changedBrokers.add(id);
    }
  }

  #removeTopic(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#replicaCounts = null;
    this.#topics.delete(name);
    this.#changedTopics.delete(name);
    this.#removedTopics.add(name);
    for (const { partition } of topic.partitions) this.#removePartition(name, partition);
  }

  #removePartition(topic: string, partition: number): void {
    const key = partitionName(topic, partition);
    const replicas = this.#partitions.get(key)?.report.replicas ?? [];
    this.#partitions.delete(key);
    this.#changedPartitions.delete(key);
    this.#movedPartitions.delete(key);
    this.#removedPartitions.add(key);
    for (const id of replicas) {
      this.#changedBrokers.add(id);
      this.#brokers.get(id)?.replicas.delete(key);
    }
  }

  view(): ClusterView {
    return {
      ...this.#facts,
      monotonicMs: this.#monotonicMs,
      wallMs: this.#wallMs,
      brokers: [...this.#brokers.values()].map((broker) => this.#brokerView(broker)),
      topics: [...this.#topics.values()].map(topicView),
      partitions: [...this.#partitions].map(([key, partition]) => this.#partitionView(key, partition)),
      quorum: this.#quorumView(),
      groups: [...this.#groups.values()].map(({ report, coordinator }) => this.#groupView(report, coordinator)),
      events: [...this.#events],
    };
  }

  /** Brokers that a partition is assigned to; none when it is not known. */
  replicasOf(topic: string, partition: number): readonly number[] {
    return this.#partitions.get(partitionName(topic, partition))?.report.replicas ?? [];
  }

  /** What is sampled each second: the view without its many partitions. */
  samplingView(): Pick<ClusterView, 'brokers' | 'groups'> {
    return {
      brokers: [...this.#brokers.values()].map((broker) => this.#brokerView(broker)),
      groups: [...this.#groups.values()].map(({ report, coordinator }) => this.#groupView(report, coordinator)),
    };
  }

  /** What changed since the last call; null when nothing did. Each delta's number is one above the last. */
  takeDelta(): ClusterDelta | null {
    const cluster: {
      -readonly [Key in keyof NonNullable<ClusterDelta['cluster']>]: NonNullable<ClusterDelta['cluster']>[Key];
    } = {};
    if (this.#factsChanged) Object.assign(cluster, this.#facts);
    if (this.#quorumChanged) cluster.quorum = this.#quorumView();
    const brokers = [...this.#changedBrokers].flatMap((id) => {
      const broker = this.#brokers.get(id);
      return broker === undefined ? [] : [this.#brokerView(broker)];
    });
    const topics = [...this.#changedTopics].flatMap((name) => {
      const topic = this.#topics.get(name);
      return topic === undefined ? [] : [topicView(topic)];
    });
    const partitions = [...this.#changedPartitions].flatMap((key) => {
      const partition = this.#partitions.get(key);
      return partition === undefined ? [] : [this.#partitionView(key, partition)];
    });
    const figures = this.#takeFigures();
    const groups = [...this.#changedGroups].flatMap((groupId) => {
      const group = this.#groups.get(groupId);
      return group === undefined ? [] : [this.#groupView(group.report, group.coordinator)];
    });
    const events = this.#newEvents;
    const changed =
      this.#factsChanged ||
      this.#quorumChanged ||
      this.#removedTopics.size + this.#removedPartitions.size + this.#removedGroups.size > 0 ||
      brokers.length + topics.length + partitions.length + figures.length + groups.length + events.length > 0;
    if (!changed) return null;
    const delta: ClusterDelta = {
      number: ++this.#number,
      cluster: { ...cluster, monotonicMs: this.#monotonicMs, wallMs: this.#wallMs },
      brokers,
      topics,
      removedTopics: [...this.#removedTopics],
      partitions,
      figures,
      removedPartitions: [...this.#removedPartitions],
      groups,
      removedGroups: [...this.#removedGroups],
      events,
    };
    this.#clearChanges();
    return delta;
  }

  /** What only moved, unless so much did that it is not yet time to tell. */
  #takeFigures(): readonly TopicFigures[] {
    for (const key of this.#changedPartitions) this.#movedPartitions.delete(key);
    const sinceMs = this.#monotonicMs - this.#figuresToldMs;
    if (this.#movedPartitions.size > (sinceMs * figuresPerSecondMax) / 1000) return [];
    this.#figuresToldMs = this.#monotonicMs;
    const byTopic = new Map<string, (readonly [number, PartitionFigures])[]>();
    for (const key of this.#movedPartitions) {
      const partition = this.#partitions.get(key);
      if (partition === undefined) continue;
      const rows = byTopic.get(partition.topic.topic) ?? [];
      byTopic.set(partition.topic.topic, rows);
      rows.push([partition.report.partition, figuresOf(this.#partitionView(key, partition))]);
    }
    this.#movedPartitions.clear();
    return [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
  }

  #clearChanges(): void {
    this.#factsChanged = false;
    this.#quorumChanged = false;
    this.#newEvents = [];
    for (const set of [this.#changedBrokers, this.#changedTopics, this.#changedPartitions, this.#changedGroups])
      set.clear();
    for (const set of [this.#removedTopics, this.#removedPartitions, this.#removedGroups]) set.clear();
  }

  #brokerView(broker: BrokerState): BrokerView {
    this.#replicaCounts ??= countReplicas(this.#partitions.values());
    const counts = this.#replicaCounts.get(broker.facts.id);
    const up = isUp(broker);
    const rate = (name: string) => (up ? broker.rates.perSecond(name) : 0);
    return {
      ...broker.facts,
      pid: broker.pid,
      process: broker.process,
      registration: broker.registration,
      isController: this.#controllerId() === broker.facts.id,
      brokerEpoch: broker.brokerEpoch,
      residentBytes: up ? broker.residentBytes : 0,
      cpuShare: rate('cpuMs') / 1000,
      bytesInPerSecond: rate('bytesIn'),
      bytesOutPerSecond: rate('bytesOut'),
      messagesInPerSecond: rate('messagesIn'),
      leaderCount: counts?.leaders ?? 0,
      replicaCount: counts?.replicas ?? 0,
      startedWallMs: broker.startedWallMs,
      problem: broker.problem,
    };
  }

  /** The leader of the highest epoch that any living node names. */
  #controllerId(): number | null {
    let best: QuorumReport | null = null;
    for (const { quorum } of this.#brokers.values()) {
      if (quorum !== null && quorum.leaderId !== null && (best === null || quorum.epoch > best.epoch)) best = quorum;
    }
    const leaderId = best?.leaderId ?? null;
    if (leaderId === null) return null;
    const leader = this.#brokers.get(leaderId);
    return leader !== undefined && isUp(leader) ? leaderId : null;
  }

  #quorumView(): ClusterView['quorum'] {
    let epoch = 0;
    let highWatermark: number | null = null;
    const nodes = [];
    for (const { facts, quorum } of this.#brokers.values()) {
      if (quorum === null) continue;
      epoch = Math.max(epoch, quorum.epoch);
      if (quorum.highWatermark !== null) highWatermark = Math.max(highWatermark ?? 0, quorum.highWatermark);
      nodes.push({
        id: facts.id,
        role: quorum.role,
        epoch: quorum.epoch,
        votedFor: quorum.votedFor,
        logEndOffset: quorum.logEndOffset,
        deadlineInMs: quorum.deadlineMs === null ? null : Math.max(0, quorum.deadlineMs - this.#monotonicMs),
      });
    }
    return { leaderId: this.#controllerId(), epoch, highWatermark, nodes };
  }

  #partitionView(key: string, { topic, report, rate }: PartitionState): PartitionView {
    const leaderState = report.leader >= 0 ? this.#brokers.get(report.leader) : undefined;
    const leaderReplica = replicaOf(leaderState, key, topic.topicId);
    return {
      topic: topic.topic,
      partition: report.partition,
      leader: report.leader,
      leaderEpoch: report.leaderEpoch,
      partitionEpoch: report.partitionEpoch,
      replicas: report.replicas.map((id): ReplicaView => {
        const broker = this.#brokers.get(id);
        const replica = replicaOf(broker, key, topic.topicId);
        const offline = broker === undefined || !isUp(broker) || broker.registration === 'fenced';
        const state = offline
          ? 'offline'
          : report.leader === id
            ? 'leader'
            : report.inSyncReplicas.includes(id)
              ? 'in-sync'
              : 'lagging';
        return {
          brokerId: id,
          state,
          logEndOffset: replica?.logEndOffset ?? null,
          highWatermark: replica?.highWatermark ?? null,
          sizeBytes: replica?.sizeBytes ?? null,
        };
      }),
      inSyncReplicas: report.inSyncReplicas,
      logStartOffset: leaderReplica?.logStartOffset ?? null,
      highWatermark: leaderReplica?.highWatermark ?? null,
      logEndOffset: leaderReplica?.logEndOffset ?? null,
      messagesInPerSecond: rate.perSecond('messages'),
    };
  }

  #groupView(report: GroupReport, coordinator: number): GroupView {
    const owners = new Map<string, string>();
    for (const member of report.members) {
      for (const { topic, partition } of member.partitions)
        owners.set(partitionName(topic, partition), member.memberId);
    }
    const committed = new Map(report.offsets.map((each) => [partitionName(each.topic, each.partition), each]));
    const names = new Map<string, { topic: string; partition: number }>();
    for (const member of report.members)
      for (const each of member.partitions) names.set(partitionName(each.topic, each.partition), each);
    for (const [key, each] of committed) names.set(key, each);
    const partitions = [...names].map(([key, { topic, partition }]) => {
      const known = this.#partitions.get(key);
      const leader = this.#brokers.get(known?.report.leader ?? -1);
      const logEndOffset = replicaOf(leader, key, known?.topic.topicId ?? '')?.highWatermark ?? null;
      const committedOffset = committed.get(key)?.committedOffset ?? null;
      return {
        topic,
        partition,
        committedOffset,
        logEndOffset,
        lag: committedOffset === null || logEndOffset === null ? null : Math.max(0, logEndOffset - committedOffset),
        memberId: owners.get(key) ?? null,
      };
    });
    partitions.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
    const lags = partitions.map((each) => each.lag).filter((lag) => lag !== null);
    return {
      groupId: report.groupId,
      protocolType: report.protocolType,
      state: report.state,
      generation: report.generation,
      coordinator,
      members: report.members.map((member) => ({
        memberId: member.memberId,
        clientId: member.clientId,
        host: member.host,
        partitionCount: member.partitions.length,
      })),
      partitions,
      totalLag: lags.length === 0 ? null : lags.reduce((sum, lag) => sum + lag, 0),
    };
  }
}

function isUp(broker: { process: BrokerView['process'] }): boolean {
  return (
    broker.process === 'starting' ||
    broker.process === 'running' ||
    broker.process === 'paused' ||
    broker.process === 'stopping'
  );
}

/** A topic that was deleted and made anew has the name of the old one, whose last report may still be here. */
function replicaOf(broker: BrokerState | undefined, key: string, topicId: string): ReplicaReport | undefined {
  const replica = broker?.replicas.get(key);
  return replica?.topicId === topicId ? replica : undefined;
}

function countReplicas(partitions: Iterable<PartitionState>): ReadonlyMap<number, ReplicaCounts> {
  const counts = new Map<number, ReplicaCounts>();
  for (const { report } of partitions) {
    for (const id of report.replicas) {
      const count = counts.get(id) ?? { leaders: 0, replicas: 0 };
      counts.set(id, count);
      count.replicas += 1;
      if (report.leader === id) count.leaders += 1;
    }
  }
  return counts;
}

function topicView(topic: TopicReport): TopicView {
  return {
    topic: topic.topic,
    topicId: topic.topicId,
    internal: topic.internal,
    partitionCount: topic.partitions.length,
    replicationFactor: Math.max(0, ...topic.partitions.map((each) => each.replicas.length)),
  };
}
