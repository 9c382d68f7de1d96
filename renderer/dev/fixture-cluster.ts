// A scripted stand-in for the engine, for developing and testing the page alone: it behaves as a cluster would
// look from outside (time-outs, fencing, elections, catching up), with no broker behind it. Never shipped.

import type { Refusal } from '../../main/api/contract.ts';
import type {
  BrokerView,
  ClusterDelta,
  ClusterView,
  GroupView,
  JournalEntry,
  JournalEvent,
  PartitionView,
  QuorumView,
  TopicView,
  WorkloadView,
} from '../../main/api/views.ts';

export type Scenario = 'healthy' | 'empty' | 'large' | 'starting' | 'failed' | 'silent';

type Broker = {
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
type Replica = { brokerId: number; leo: number };
type Partition = {
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
type Node = { id: number; role: string; epoch: number; votedFor: number | null; deadlineAtMs: number | null };
type Group = {
  groupId: string;
  topic: string;
  members: string[];
  state: string;
  generation: number;
  committed: number[];
  share: number;
};

const sessionTimeoutMs = 1_000;
const electionTimeoutMs = 600;
const workloadTopic = 'highwater.demo';

export class FixtureRefusal extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

export class FixtureCluster {
  readonly scenario: Scenario;
  #nowMs = 10_000;
  readonly #wallStartMs: number;
  #number = 0;
  #brokers: Broker[] = [];
  #topics: TopicView[] = [];
  #partitions: Partition[] = [];
  #nodes: Node[] = [];
  #groups: Group[] = [];
  #events: JournalEvent[] = [];
  #newEvents: JournalEvent[] = [];
  #newTopics: TopicView[] = [];
  #removedTopics: string[] = [];
  #sequences = new Map<string, number>();
  #agenda: { atMs: number; run: () => void }[] = [];
  #quorumLeader: number | null = 1;
  #quorumEpoch = 4;
  #metadataOffset = 1_840;
  #workload = {
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
  #random = 12_345;

  constructor(scenario: Scenario, wallMs: number) {
    this.scenario = scenario;
    this.#wallStartMs = wallMs - this.#nowMs;
    for (const id of [1, 2, 3]) {
      this.#brokers.push({
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
      this.#nodes.push({
        id,
        role: id === 1 ? 'leader' : 'follower',
        epoch: 4,
        votedFor: id === 1 ? null : 1,
        deadlineAtMs: null,
      });
    }
    if (scenario === 'failed') {
      const broker = this.#broker(2);
      Object.assign(broker, {
        process: 'crashed',
        registration: null,
        pid: null,
        problem:
          'Port 19093 is taken by another process. Stop that process, or start the cluster with --port and another base port.',
      });
    }
    this.#firstEvents();
    if (scenario === 'healthy' || scenario === 'large') this.#fill(scenario === 'large');
    this.#newEvents = [];
    this.#newTopics = [];
  }

  /** Moves time on by `stepMs` and returns what changed. */
  tick(stepMs: number): ClusterDelta {
    this.#nowMs += stepMs;
    const due = this.#agenda.filter((item) => item.atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs);
    this.#agenda = this.#agenda.filter((item) => item.atMs > this.#nowMs);
    for (const item of due) item.run();
    this.#work(stepMs);
    const delta: ClusterDelta = {
      number: ++this.#number,
      cluster: {
        state: this.#state(),
        problem: this.#problem(),
        quorum: this.#quorum(),
        workload: this.#workloadView(),
        monotonicMs: this.#nowMs,
        wallMs: this.#wall(),
      },
      brokers: this.#brokers.map((broker) => this.#brokerView(broker)),
      topics: this.#newTopics,
      removedTopics: this.#removedTopics,
      partitions: this.#partitions
        .filter((partition) => partition.changed || partition.weight > 0)
        .map((partition) => this.#partitionView(partition)),
      groups: this.#groups.map((group) => this.#groupView(group)),
      events: this.#newEvents,
    };
    for (const partition of this.#partitions) partition.changed = false;
    this.#newEvents = [];
    this.#newTopics = [];
    this.#removedTopics = [];
    return delta;
  }

  snapshot(): { number: number; view: ClusterView } {
    const view: ClusterView = {
      clusterId: 'vPeOCWypqUOSepEvx0cbog',
      bootstrap: '127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094',
      dataDir: '/home/ada/highwater/local',
      profile: 'laptop',
      ephemeral: false,
      state: this.#state(),
      readyMs: this.scenario === 'starting' || this.scenario === 'failed' ? null : 812,
      problem: this.#problem(),
      brokers: this.#brokers.map((broker) => this.#brokerView(broker)),
      topics: this.#topics,
      partitions: this.#partitions.map((partition) => this.#partitionView(partition)),
      quorum: this.#quorum(),
      groups: this.#groups.map((group) => this.#groupView(group)),
      workload: this.#workloadView(),
      events: this.#events.slice(-2000),
      monotonicMs: this.#nowMs,
      wallMs: this.#wall(),
    };
    return { number: this.#number, view };
  }

  request(endpoint: string, input: Record<string, unknown>): unknown {
    const brokerId = Number(input['brokerId']);
    if (endpoint === 'cluster.snapshot') return this.snapshot();
    if (endpoint === 'broker.kill') return this.#kill(brokerId);
    if (endpoint === 'broker.pause') return this.#pause(brokerId);
    if (endpoint === 'broker.resume') return this.#resume(brokerId);
    if (endpoint === 'broker.start') return this.#start(brokerId);
    if (endpoint === 'broker.stop') return this.#stop(brokerId);
    if (endpoint === 'broker.restart') {
      this.#stop(brokerId);
      this.#after(900, () => this.#start(brokerId));
      return null;
    }
    if (endpoint === 'topic.create') return this.#createTopic(input);
    if (endpoint === 'topic.delete') return this.#deleteTopic(String(input['topic']));
    if (endpoint === 'partition.electPreferred')
      return this.#electPreferred(String(input['topic']), Number(input['partition']));
    if (endpoint === 'workload.start') {
      if (!this.#topics.some((topic) => topic.topic === workloadTopic)) this.#addTopic(workloadTopic, 6, 3, false, 1);
      if (!this.#groups.some((group) => group.topic === workloadTopic))
        this.#addGroup('demo-readers', workloadTopic, 2, 1);
      Object.assign(this.#workload, { running: true, target: Number(input['messagesPerSecond']) });
      return null;
    }
    if (endpoint === 'workload.stop') {
      Object.assign(this.#workload, { running: false, rate: 0, consumedRate: 0, stalledSinceMs: null });
      return null;
    }
    throw new FixtureRefusal({ code: 'UNKNOWN_ENDPOINT', message: `There is no ${endpoint}.`, advice: null });
  }

  #kill(id: number): null {
    const broker = this.#broker(id);
    const pid = broker.pid ?? 0;
    const cause = this.#record('supervisor', { kind: 'process.killed', brokerId: id, pid }, 'request: broker.kill');
    Object.assign(broker, { process: 'killed', pid: null, cpu: 0 });
    this.#record(
      'supervisor',
      { kind: 'process.exited', brokerId: id, pid, signal: 'SIGKILL', code: null, wanted: true },
      cause,
    );
    this.#gone(id, cause);
    return null;
  }

  #pause(id: number): null {
    const broker = this.#broker(id);
    broker.process = 'paused';
    broker.cpu = 0;
    this.#gone(
      id,
      this.#record(
        'supervisor',
        { kind: 'process.paused', brokerId: id, pid: broker.pid ?? 0 },
        'request: broker.pause',
      ),
    );
    return null;
  }

  #gone(id: number, cause: string): void {
    this.#touchAll(id);
    if (this.#quorumLeader === id) this.#elect(id, cause, 0);
    else this.#after(sessionTimeoutMs, () => this.#fence(id, cause));
  }

  #elect(lost: number, cause: string, attempt: number): void {
    for (const node of this.#nodes)
      if (node.id !== lost && this.#alive(node.id)) node.deadlineAtMs = this.#nowMs + electionTimeoutMs + node.id * 40;
    const standing = this.#nodes.filter((node) => node.id !== lost && this.#alive(node.id));
    const candidate = standing[0];
    if (!candidate) return;
    this.#after(electionTimeoutMs + candidate.id * 40, () => {
      if (!this.#alive(candidate.id)) return;
      const epoch = this.#quorumEpoch + 1;
      candidate.role = 'prospective';
      this.#quorumLeader = null;
      const source = `broker-${candidate.id}` as const;
      const asked = this.#record(
        source,
        {
          kind: 'quorum.prospective',
          epoch: epoch - 1,
          reason: `no fetch answer from leader ${lost} for ${electionTimeoutMs} ms`,
        },
        cause,
      );
      const voter = standing[1];
      this.#record(
        source,
        { kind: 'quorum.voteAsked', epoch, from: candidate.id, to: voter?.id ?? lost, preVote: true },
        asked,
      );
      if (!voter) {
        if (attempt < 200) this.#elect(lost, cause, attempt + 1);
        return;
      }
      this.#after(12, () => {
        this.#record(
          `broker-${voter.id}`,
          {
            kind: 'quorum.voteAnswered',
            epoch,
            candidate: candidate.id,
            voter: voter.id,
            preVote: true,
            granted: true,
            reason: 'log is up to date',
          },
          asked,
        );
        candidate.role = 'candidate';
        candidate.epoch = epoch;
        candidate.votedFor = candidate.id;
        this.#quorumEpoch = epoch;
        const stood = this.#record(source, { kind: 'quorum.candidate', epoch }, asked);
        this.#record(
          source,
          { kind: 'quorum.voteAsked', epoch, from: candidate.id, to: voter.id, preVote: false },
          stood,
        );
        this.#after(18, () => {
          Object.assign(voter, { epoch, votedFor: candidate.id, role: 'follower', deadlineAtMs: null });
          this.#record(
            `broker-${voter.id}`,
            {
              kind: 'quorum.voteAnswered',
              epoch,
              candidate: candidate.id,
              voter: voter.id,
              preVote: false,
              granted: true,
              reason: 'log is up to date',
            },
            stood,
          );
          Object.assign(candidate, { role: 'leader', deadlineAtMs: null });
          this.#quorumLeader = candidate.id;
          const won = this.#record(source, { kind: 'quorum.leaderElected', epoch, leader: candidate.id }, stood);
          this.#record(`broker-${voter.id}`, { kind: 'quorum.following', epoch, leader: candidate.id }, won);
          this.#after(24, () => {
            const active = this.#record(source, { kind: 'controller.active', epoch }, won);
            this.#after(sessionTimeoutMs - 300, () => this.#fence(lost, active));
          });
        });
      });
    });
  }

  #fence(id: number, cause: string): void {
    const broker = this.#broker(id);
    if (this.#alive(id) || this.#quorumLeader === null || broker.registration !== 'active') return;
    broker.registration = 'fenced';
    const controller = `broker-${this.#quorumLeader}` as const;
    const fenced = this.#record(
      controller,
      { kind: 'broker.fenced', brokerId: id, reason: `no heartbeat for ${sessionTimeoutMs} ms` },
      cause,
    );
    this.#leaveIsr(id, controller, fenced);
  }

  #leaveIsr(id: number, source: `broker-${number}`, cause: string): void {
    for (const partition of this.#partitions) {
      if (!partition.isr.includes(id)) continue;
      if (partition.isr.length > 1) {
        partition.isr = partition.isr.filter((other) => other !== id);
        this.#record(
          source,
          {
            kind: 'partition.isrShrunk',
            topic: partition.topic,
            partition: partition.partition,
            changed: [id],
            inSyncReplicas: [...partition.isr],
            leaderEpoch: partition.leaderEpoch,
          },
          cause,
        );
      }
      partition.partitionEpoch += 1;
      if (partition.leader === id)
        this.#moveLeader(
          partition,
          partition.replicas
            .map((replica) => replica.brokerId)
            .find((other) => partition.isr.includes(other) && this.#alive(other) && other !== id) ?? -1,
          source,
          cause,
        );
      partition.changed = true;
      this.#metadataOffset += 1;
    }
    for (const group of this.#groups) this.#rebalance(group, `a member's coordinator moved`);
  }

  #moveLeader(partition: Partition, leader: number, source: `broker-${number}`, cause: string): void {
    const previousLeader = partition.leader;
    partition.leader = leader;
    partition.leaderEpoch += 1;
    partition.changed = true;
    this.#record(
      source,
      {
        kind: 'partition.leaderElected',
        topic: partition.topic,
        partition: partition.partition,
        leader,
        previousLeader,
        leaderEpoch: partition.leaderEpoch,
        inSyncReplicas: [...partition.isr],
        unclean: false,
      },
      cause,
    );
    if (leader >= 0)
      this.#record(
        `broker-${leader}`,
        {
          kind: 'replica.leading',
          topic: partition.topic,
          partition: partition.partition,
          leaderEpoch: partition.leaderEpoch,
          logEndOffset: replicaOf(partition, leader)?.leo ?? 0,
        },
        cause,
      );
  }

  #rebalance(group: Group, reason: string): void {
    if (group.state !== 'Stable') return;
    group.state = 'PreparingRebalance';
    const cause = this.#record(
      `broker-${this.#quorumLeader ?? 1}`,
      { kind: 'group.rebalancing', groupId: group.groupId, generation: group.generation + 1, reason },
      null,
    );
    this.#after(420, () => {
      group.state = 'Stable';
      group.generation += 1;
      this.#record(
        `broker-${this.#quorumLeader ?? 1}`,
        {
          kind: 'group.stable',
          groupId: group.groupId,
          generation: group.generation,
          members: group.members.length,
          protocol: 'RoundRobinAssigner',
        },
        cause,
      );
    });
  }

  #resume(id: number): null {
    const broker = this.#broker(id);
    broker.process = 'running';
    const cause = this.#record(
      'supervisor',
      { kind: 'process.resumed', brokerId: id, pid: broker.pid ?? 0 },
      'request: broker.resume',
    );
    const node = this.#nodes.find((other) => other.id === id);
    if (node && this.#quorumLeader !== null && this.#quorumLeader !== id) {
      this.#record(
        `broker-${id}`,
        { kind: 'quorum.following', epoch: this.#quorumEpoch, leader: this.#quorumLeader },
        cause,
      );
      Object.assign(node, { role: 'follower', epoch: this.#quorumEpoch, votedFor: null });
    }
    if (broker.registration === 'fenced') this.#comeBack(id, cause, 260);
    else if (this.#quorumLeader === null) this.#elect(-1, cause, 0);
    this.#touchAll(id);
    return null;
  }

  #start(id: number): null {
    const broker = this.#broker(id);
    if (broker.process === 'running')
      throw new FixtureRefusal({ code: 'ALREADY_RUNNING', message: `Broker ${id} already runs.`, advice: null });
    Object.assign(broker, {
      process: 'starting',
      pid: 43_000 + Math.floor(this.#chance() * 900),
      startedWallMs: this.#wall(),
      registration: 'fenced',
      problem: null,
    });
    const cause = this.#record(
      'supervisor',
      { kind: 'process.started', brokerId: id, pid: broker.pid ?? 0 },
      'request: broker.start',
    );
    this.#after(240, () => {
      broker.process = 'running';
      const node = this.#nodes.find((other) => other.id === id);
      if (node)
        Object.assign(node, {
          role: this.#quorumLeader === null ? 'unattached' : 'follower',
          epoch: this.#quorumEpoch,
          votedFor: null,
        });
      broker.brokerEpoch = this.#metadataOffset;
      this.#record(
        `broker-${this.#quorumLeader ?? id}`,
        { kind: 'broker.registered', brokerId: id, brokerEpoch: broker.brokerEpoch },
        cause,
      );
      if (this.#quorumLeader === null) this.#elect(-1, cause, 0);
      this.#comeBack(id, cause, 200);
    });
    return null;
  }

  #comeBack(id: number, cause: string, delayMs: number): void {
    for (const partition of this.#partitions) {
      const replica = replicaOf(partition, id);
      if (replica && partition.leader !== id && this.#chance() < 0.15 && partition.weight > 0) {
        this.#record(
          `broker-${id}`,
          {
            kind: 'replica.truncated',
            topic: partition.topic,
            partition: partition.partition,
            from: replica.leo + 14,
            to: replica.leo,
            leaderEpoch: partition.leaderEpoch,
          },
          cause,
        );
      }
    }
    this.#after(delayMs, () => {
      const broker = this.#broker(id);
      if (broker.process !== 'running') return;
      if (this.#quorumLeader === null) return this.#comeBack(id, cause, delayMs);
      broker.registration = 'active';
      const unfenced = this.#record(`broker-${this.#quorumLeader}`, { kind: 'broker.unfenced', brokerId: id }, cause);
      for (const partition of this.#partitions) {
        if (partition.leader < 0 && partition.isr.includes(id))
          this.#moveLeader(partition, id, `broker-${this.#quorumLeader}`, unfenced);
      }
    });
  }

  #stop(id: number): null {
    const broker = this.#broker(id);
    const cause = this.#record(
      'supervisor',
      { kind: 'process.stopping', brokerId: id, pid: broker.pid ?? 0 },
      'request: broker.stop',
    );
    broker.process = 'stopping';
    broker.registration = 'controlled-shutdown';
    const controller = `broker-${this.#quorumLeader ?? id}` as const;
    const asked = this.#record(controller, { kind: 'broker.controlledShutdown', brokerId: id }, cause);
    this.#after(120, () => this.#leaveIsr(id, controller, asked));
    this.#after(620, () => {
      this.#record(
        'supervisor',
        { kind: 'process.exited', brokerId: id, pid: broker.pid ?? 0, signal: null, code: 0, wanted: true },
        cause,
      );
      Object.assign(broker, { process: 'stopped', pid: null, registration: 'fenced', cpu: 0 });
      if (this.#quorumLeader === id) this.#elect(id, cause, 0);
    });
    return null;
  }

  #electPreferred(topic: string, number: number): null {
    const partition = this.#partitions.find((other) => other.topic === topic && other.partition === number);
    const preferred = partition?.replicas[0]?.brokerId ?? -1;
    if (!partition || !partition.isr.includes(preferred) || !this.#alive(preferred)) {
      throw new FixtureRefusal({
        code: 'PREFERRED_LEADER_NOT_AVAILABLE',
        message: `The preferred leader of ${topic}-${number}, broker ${preferred}, is not in its ISR.`,
        advice: 'Start that broker and wait until it has caught up.',
      });
    }
    if (partition.leader === preferred)
      throw new FixtureRefusal({
        code: 'ELECTION_NOT_NEEDED',
        message: `Broker ${preferred} already leads ${topic}-${number}.`,
        advice: null,
      });
    this.#moveLeader(
      partition,
      preferred,
      `broker-${this.#quorumLeader ?? preferred}`,
      'request: partition.electPreferred',
    );
    return null;
  }

  #createTopic(input: Record<string, unknown>): unknown {
    const topic = String(input['topic']);
    const replicationFactor = Number(input['replicationFactor']);
    if (!/^[a-zA-Z0-9._-]+$/.test(topic))
      throw new FixtureRefusal({
        code: 'INVALID_TOPIC_EXCEPTION',
        message: `Topic name is invalid: '${topic}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`,
        advice: null,
      });
    if (this.#topics.some((other) => other.topic === topic))
      throw new FixtureRefusal({
        code: 'TOPIC_ALREADY_EXISTS',
        message: `Topic '${topic}' already exists.`,
        advice: 'Choose another name, or delete that topic first.',
      });
    const alive = this.#brokers.filter((broker) => broker.registration === 'active').length;
    if (replicationFactor > alive)
      throw new FixtureRefusal({
        code: 'INVALID_REPLICATION_FACTOR',
        message: `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only ${alive} broker(s) are registered.`,
        advice: `Use ${alive} or less, or start more brokers.`,
      });
    const configs = (input['configs'] ?? {}) as Record<string, string>;
    for (const name of Object.keys(configs)) {
      if (!/^[a-z.]+$/.test(name) || name === 'nonsense')
        throw new FixtureRefusal({
          code: 'INVALID_CONFIG',
          message: `Unknown topic config name: ${name}`,
          advice: null,
        });
    }
    this.#addTopic(topic, Number(input['partitions']), replicationFactor, false, 0);
    this.#record(
      `broker-${this.#quorumLeader ?? 1}`,
      { kind: 'topic.created', topic, partitions: Number(input['partitions']), replicationFactor },
      'request: topic.create',
    );
    return { topicId: this.#topics.at(-1)?.topicId ?? '' };
  }

  #deleteTopic(topic: string): null {
    this.#topics = this.#topics.filter((other) => other.topic !== topic);
    this.#partitions = this.#partitions.filter((other) => other.topic !== topic);
    this.#removedTopics.push(topic);
    this.#record(`broker-${this.#quorumLeader ?? 1}`, { kind: 'topic.deleted', topic }, 'request: topic.delete');
    return null;
  }

  #work(stepMs: number): void {
    const workload = this.#workload;
    const demo = this.#partitions.filter((partition) => partition.topic === workloadTopic);
    const stalled = demo.some(
      (partition) => !this.#alive(partition.leader) || partition.isr.some((id) => !this.#alive(id)),
    );
    if (workload.running) {
      if (stalled && workload.stalledSinceMs === null) {
        workload.stalledSinceMs = this.#nowMs - stepMs;
        this.#after(180, () => {
          workload.lastError = 'NOT_LEADER_OR_FOLLOWER';
          if (workload.stalledSinceMs !== null)
            this.#record(
              'workload',
              {
                kind: 'client.error',
                client: 'demo-producer-1',
                error: 'REQUEST_TIMED_OUT',
                detail: 'no answer to Produce; refreshing metadata',
              },
              null,
            );
        });
      } else if (!stalled && workload.stalledSinceMs !== null) {
        this.#record(
          'workload',
          { kind: 'client.recovered', client: 'demo-producer-1', unavailableMs: this.#nowMs - workload.stalledSinceMs },
          null,
        );
        workload.stalledSinceMs = null;
      }
      const wanted = workload.stalledSinceMs === null ? workload.target * (0.96 + 0.08 * this.#chance()) : 0;
      workload.rate =
        workload.stalledSinceMs === null
          ? workload.rate + (wanted - workload.rate) * 0.4
          : workload.rate * 0.5 < 1
            ? 0
            : workload.rate * 0.5;
      workload.acknowledged += (workload.rate * stepMs) / 1000;
      workload.sent = workload.acknowledged + (stalled ? 48 : 3);
      workload.consumedRate += ((workload.stalledSinceMs === null ? workload.rate : 0) - workload.consumedRate) * 0.3;
      if (workload.consumedRate < 1) workload.consumedRate = 0;
      workload.consumed += (workload.consumedRate * stepMs) / 1000;
    }
    for (const partition of this.#partitions) this.#replicate(partition, stepMs, demo.length);
    for (const group of this.#groups) this.#consume(group);
    for (const broker of this.#brokers) {
      if (!this.#alive(broker.id)) continue;
      broker.cpu = broker.cpu * 0.9 + 0.1 * (0.015 + 0.09 * this.#chance() * (workload.running ? 1 : 0.2));
      broker.residentBytes += (this.#chance() - 0.5) * 2e5;
    }
  }

  #replicate(partition: Partition, stepMs: number, demoCount: number): void {
    const leader = replicaOf(partition, partition.leader);
    const leading = leader !== null && this.#alive(partition.leader);
    if (leading && partition.weight > 0) {
      const rate =
        partition.topic === workloadTopic ? this.#workload.rate / Math.max(1, demoCount) : partition.weight * 40;
      leader.leo += Math.round((rate * stepMs) / 1000 + this.#chance());
    }
    for (const replica of partition.replicas) {
      if (replica.brokerId === partition.leader || !leading || !this.#alive(replica.brokerId)) continue;
      const registered = this.#broker(replica.brokerId).registration === 'active';
      const gap = leader.leo - replica.leo;
      if (partition.isr.includes(replica.brokerId)) {
        replica.leo = leader.leo - (partition.weight > 0 && this.#chance() < 0.3 ? Math.floor(this.#chance() * 6) : 0);
        continue;
      }
      if (!registered) continue;
      replica.leo += Math.min(gap, Math.max(8, Math.round(gap * 0.04 + 1)));
      partition.changed = true;
      if (leader.leo - replica.leo <= 2) {
        replica.leo = leader.leo;
        partition.isr = [...partition.isr, replica.brokerId].sort((a, b) => a - b);
        partition.partitionEpoch += 1;
        this.#record(
          `broker-${this.#quorumLeader ?? 1}`,
          {
            kind: 'partition.isrExpanded',
            topic: partition.topic,
            partition: partition.partition,
            changed: [replica.brokerId],
            inSyncReplicas: [...partition.isr],
            leaderEpoch: partition.leaderEpoch,
          },
          `broker-${partition.leader}: AlterPartition`,
        );
      }
    }
  }

  #consume(group: Group): void {
    if (group.state !== 'Stable') return;
    for (const partition of this.#partitions) {
      if (partition.topic !== group.topic || !this.#alive(partition.leader)) continue;
      const end = this.#highWatermark(partition);
      const committed = group.committed[partition.partition] ?? 0;
      group.committed[partition.partition] = Math.max(
        committed,
        Math.floor(committed + (end - committed) * group.share * (0.4 + 0.4 * this.#chance())),
      );
    }
  }

  #fill(large: boolean): void {
    this.#addTopic('orders', 6, 3, false, 3);
    this.#addTopic('payments', 4, 3, false, 1);
    this.#addTopic('inventory.changes', 3, 2, false, 0.4);
    this.#addTopic(workloadTopic, 6, 3, false, 1);
    this.#addTopic('__consumer_offsets', 50, 3, true, 0);
    if (large)
      for (let index = 0; index < 200; index++)
        this.#addTopic(`stream.${String(index).padStart(3, '0')}`, 50, 3, false, index % 20 === 0 ? 0.2 : 0);
    this.#addGroup('demo-readers', workloadTopic, 2, 0.9);
    this.#addGroup('billing', 'payments', 1, 0.7);
    this.#addGroup('order-search-index', 'orders', 3, 0.25);
    Object.assign(this.#workload, {
      running: true,
      rate: 400,
      acknowledged: 24_610,
      consumedRate: 398,
      consumed: 24_590,
      sent: 24_613,
    });
    this.#record(
      'broker-2',
      { kind: 'group.stable', groupId: 'demo-readers', generation: 3, members: 2, protocol: 'RoundRobinAssigner' },
      null,
    );
  }

  #addTopic(topic: string, partitions: number, replicationFactor: number, internal: boolean, weight: number): void {
    const view: TopicView = {
      topic,
      topicId: `t${this.#topics.length}`.padEnd(22, 'A'),
      internal,
      partitionCount: partitions,
      replicationFactor,
    };
    this.#topics.push(view);
    this.#newTopics.push(view);
    for (let number = 0; number < partitions; number++) {
      const start =
        weight > 0
          ? Math.floor(20_000 + this.#chance() * 180_000 * weight)
          : internal
            ? Math.floor(this.#chance() * 300)
            : 0;
      const ids = [0, 1, 2]
        .map((offset) => ((number + this.#topics.length + offset) % 3) + 1)
        .slice(0, replicationFactor);
      const leader = ids.find((id) => this.#alive(id)) ?? -1;
      this.#partitions.push({
        topic,
        partition: number,
        leader,
        leaderEpoch: Math.floor(this.#chance() * 3),
        partitionEpoch: 0,
        replicas: ids.map((brokerId) => ({ brokerId, leo: start })),
        isr: ids.filter((id) => this.#alive(id)).sort((a, b) => a - b),
        weight,
        changed: true,
      });
    }
  }

  #addGroup(groupId: string, topic: string, members: number, share: number): void {
    const partitions = this.#partitions.filter((partition) => partition.topic === topic);
    this.#groups.push({
      groupId,
      topic,
      members: Array.from({ length: members }, (_, index) => `${groupId}-${index + 1}`),
      state: 'Stable',
      generation: 3,
      committed: partitions.map((partition) => (partition.replicas[0]?.leo ?? 0) - Math.floor(40 / share - 40)),
      share,
    });
  }

  #firstEvents(): void {
    for (const { id, pid } of this.#brokers)
      this.#record(
        'supervisor',
        { kind: 'process.started', brokerId: id, pid: pid ?? 0 },
        'request: up',
        64_000 - id * 3,
      );
    if (this.scenario === 'starting' || this.scenario === 'failed') {
      if (this.scenario === 'failed')
        this.#record(
          'supervisor',
          { kind: 'process.exited', brokerId: 2, pid: 41_214, signal: null, code: 1, wanted: false },
          null,
          63_700,
        );
      return;
    }
    const asked = this.#record('broker-1', { kind: 'quorum.candidate', epoch: 4 }, null, 63_600);
    this.#record(
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
    const won = this.#record('broker-1', { kind: 'quorum.leaderElected', epoch: 4, leader: 1 }, asked, 63_588);
    this.#record('broker-1', { kind: 'controller.active', epoch: 4 }, won, 63_560);
    const registered = [1, 2, 3].map((id) =>
      this.#record('broker-1', { kind: 'broker.registered', brokerId: id, brokerEpoch: 10 + id }, won, 63_500 - id * 8),
    );
    for (const [index, cause] of registered.entries())
      this.#record('broker-1', { kind: 'broker.unfenced', brokerId: index + 1 }, cause, 63_375 - index * 5);
    this.#record('supervisor', { kind: 'cluster.ready', readyMs: 812 }, null, 63_188);
  }

  #record(source: JournalEvent['source'], entry: JournalEntry, cause: string | null, agoMs = 0): string {
    const sequence = (this.#sequences.get(source) ?? 0) + 1;
    this.#sequences.set(source, sequence);
    const event: JournalEvent = {
      id: `${source}:${sequence}`,
      source,
      sequence,
      wallMs: this.#wall() - agoMs,
      monotonicMs: this.#nowMs - agoMs,
      cause,
      entry,
    };
    this.#events.push(event);
    this.#newEvents.push(event);
    return event.id;
  }

  #brokerView(broker: Broker): BrokerView {
    const led = this.#partitions.filter((partition) => partition.leader === broker.id);
    const alive = this.#alive(broker.id);
    const messages = alive ? led.reduce((sum, partition) => sum + this.#partitionRate(partition), 0) : 0;
    return {
      id: broker.id,
      pid: broker.pid,
      host: '127.0.0.1',
      port: 19_091 + broker.id,
      controllerPort: 19_191 + broker.id,
      logDir: `/home/ada/highwater/local/node-${broker.id}`,
      rack: null,
      process: broker.process,
      registration: broker.registration,
      isController: this.#quorumLeader === broker.id,
      brokerEpoch: broker.brokerEpoch,
      residentBytes: broker.pid === null ? 0 : broker.residentBytes,
      cpuShare: broker.cpu,
      bytesInPerSecond: messages * 1_062,
      bytesOutPerSecond: messages * 2_140,
      messagesInPerSecond: messages,
      leaderCount: led.length,
      replicaCount: this.#partitions.filter((partition) => replicaOf(partition, broker.id) !== null).length,
      startedWallMs: broker.startedWallMs,
      problem: broker.problem,
    };
  }

  #partitionRate(partition: Partition): number {
    if (!this.#alive(partition.leader)) return 0;
    return partition.topic === workloadTopic ? this.#workload.rate / 6 : partition.weight * 40;
  }

  #partitionView(partition: Partition): PartitionView {
    const leaderEnd = replicaOf(partition, partition.leader)?.leo ?? null;
    return {
      topic: partition.topic,
      partition: partition.partition,
      leader: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      replicas: partition.replicas.map((replica) => ({
        brokerId: replica.brokerId,
        state: this.#isOffline(replica.brokerId)
          ? 'offline'
          : replica.brokerId === partition.leader
            ? 'leader'
            : partition.isr.includes(replica.brokerId)
              ? 'in-sync'
              : 'lagging',
        logEndOffset: replica.leo,
        highWatermark: this.#highWatermark(partition),
        sizeBytes: replica.leo * 1_062,
      })),
      inSyncReplicas: [...partition.isr],
      logStartOffset: 0,
      highWatermark: this.#highWatermark(partition),
      logEndOffset: leaderEnd,
      messagesInPerSecond: this.#partitionRate(partition),
    };
  }

  #highWatermark(partition: Partition): number {
    const ends = partition.replicas
      .filter((replica) => partition.isr.includes(replica.brokerId))
      .map((replica) => replica.leo);
    return ends.length === 0 ? 0 : Math.min(...ends);
  }

  #groupView(group: Group): GroupView {
    const partitions = this.#partitions
      .filter((partition) => partition.topic === group.topic)
      .map((partition) => {
        const logEndOffset = this.#highWatermark(partition);
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

  #quorum(): QuorumView {
    return {
      leaderId: this.#quorumLeader,
      epoch: this.#quorumEpoch,
      highWatermark: this.#metadataOffset,
      nodes: this.#nodes.map((node) => ({
        id: node.id,
        role: this.#alive(node.id) ? node.role : 'unreachable',
        epoch: node.epoch,
        votedFor: node.votedFor,
        logEndOffset: this.#metadataOffset,
        deadlineInMs:
          !this.#alive(node.id) || node.role === 'leader'
            ? null
            : node.deadlineAtMs === null
              ? electionTimeoutMs - (this.#nowMs % 100)
              : Math.max(0, node.deadlineAtMs - this.#nowMs),
      })),
    };
  }

  #workloadView(): WorkloadView {
    const { running, target, rate, stalledSinceMs, lastError } = this.#workload;
    return {
      running,
      topic: workloadTopic,
      targetPerSecond: target,
      sent: Math.floor(this.#workload.sent),
      acknowledged: Math.floor(this.#workload.acknowledged),
      failed: this.#workload.failed,
      consumed: Math.floor(this.#workload.consumed),
      acknowledgedPerSecond: rate,
      consumedPerSecond: this.#workload.consumedRate,
      latencyP50Ms: running ? 2.1 + this.#chance() * 0.4 : null,
      latencyP99Ms: running ? 7.4 + this.#chance() * 3 : null,
      unavailableForMs: stalledSinceMs === null ? null : this.#nowMs - stalledSinceMs,
      lastError,
    };
  }

  #state(): ClusterView['state'] {
    if (this.scenario === 'starting') return 'starting';
    if (this.scenario === 'failed') return 'failed';
    const healthy =
      this.#brokers.every((broker) => broker.process === 'running' && broker.registration === 'active') &&
      this.#partitions.every((partition) => partition.isr.length === partition.replicas.length);
    return healthy && this.#quorumLeader !== null ? 'ready' : 'degraded';
  }

  #problem(): string | null {
    return this.scenario === 'failed'
      ? 'Broker 2 could not start: port 19093 is taken. Stop the process that uses it, or start the cluster with another --port.'
      : null;
  }

  #touchAll(id: number): void {
    for (const partition of this.#partitions) if (replicaOf(partition, id)) partition.changed = true;
  }

  #broker(id: number): Broker {
    const broker = this.#brokers.find((other) => other.id === id);
    if (!broker)
      throw new FixtureRefusal({ code: 'UNKNOWN_BROKER', message: `There is no broker ${id}.`, advice: null });
    return broker;
  }

  #alive(id: number): boolean {
    const broker = this.#brokers.find((other) => other.id === id);
    return broker !== undefined && (broker.process === 'running' || broker.process === 'stopping');
  }

  /** A frozen broker keeps its place until the controller fences it. */
  #isOffline(id: number): boolean {
    const broker = this.#broker(id);
    return broker.process === 'paused' ? broker.registration !== 'active' : !this.#alive(id);
  }

  #after(delayMs: number, run: () => void): void {
    this.#agenda.push({ atMs: this.#nowMs + delayMs, run });
  }

  #wall(): number {
    return Math.round(this.#wallStartMs + this.#nowMs);
  }

  /** Seeded, so that pictures repeat. */
  #chance(): number {
    this.#random = (this.#random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#random / 2_147_483_648;
  }
}

function replicaOf(partition: Partition, brokerId: number): Replica | null {
  return partition.replicas.find((replica) => replica.brokerId === brokerId) ?? null;
}
