// A scripted stand-in for the engine, for developing and testing the page alone: it behaves as a cluster would
// look from outside (time-outs, fencing, elections, catching up), with no broker behind it. Never shipped.

import type { ClusterDelta, ClusterView } from '../../main/api/views.ts';
import { fixtureFault } from './fixture-faults.ts';
import { FixtureData } from './fixture-data.ts';
import { fixtureWorkspaces } from './fixture-workspaces.ts';
import { FixtureTraffic } from './fixture-traffic.ts';
import { FixtureViews } from './fixture-views.ts';
import {
  electionTimeoutMs,
  FixtureRefusal,
  FixtureWorld,
  type Group,
  type Partition,
  replicaOf,
  type Scenario,
  workloadTopic,
} from './fixture-world.ts';

const sessionTimeoutMs = 1_000;

export class FixtureCluster {
  readonly #world: FixtureWorld;
  readonly #views: FixtureViews;
  readonly #traffic: FixtureTraffic;
  readonly #data: FixtureData;

  constructor(scenario: Scenario, wallMs: number) {
    this.#world = new FixtureWorld(scenario, wallMs);
    this.#views = new FixtureViews(this.#world);
    this.#traffic = new FixtureTraffic(this.#world, this.#views);
    this.#data = new FixtureData(this.#world);
  }

  /** Moves time on by `stepMs` and returns what changed. */
  tick(stepMs: number): ClusterDelta {
    this.#world.nowMs += stepMs;
    const due = this.#world.agenda.filter((item) => item.atMs <= this.#world.nowMs).sort((a, b) => a.atMs - b.atMs);
    this.#world.agenda = this.#world.agenda.filter((item) => item.atMs > this.#world.nowMs);
    for (const item of due) item.run();
    this.#traffic.work(stepMs);
    const delta: ClusterDelta = {
      number: ++this.#world.number,
      cluster: {
        state: this.#views.state(),
        problem: this.#views.problem(),
        quorum: this.#views.quorum(),
        workload: this.#views.workloadView(),
        faults: this.#world.faults,
        monotonicMs: this.#world.nowMs,
        wallMs: this.#world.wall(),
      },
      brokers: this.#world.brokers.map((broker) => this.#views.brokerView(broker)),
      topics: this.#world.newTopics,
      removedTopics: this.#world.removedTopics,
      partitions: this.#world.partitions
        .filter((partition) => partition.changed || partition.weight > 0)
        .map((partition) => this.#views.partitionView(partition)),
      groups: this.#world.groups.map((group) => this.#views.groupView(group)),
      events: this.#world.newEvents,
    };
    for (const partition of this.#world.partitions) partition.changed = false;
    this.#world.newEvents = [];
    this.#world.newTopics = [];
    this.#world.removedTopics = [];
    return delta;
  }

  request(endpoint: string, input: Record<string, unknown>): unknown {
    const brokerId = Number(input['brokerId']);
    if (endpoint === 'cluster.snapshot') return this.#views.snapshot();
    if (endpoint === 'workspaces.list') return fixtureWorkspaces(this.#views.snapshot().view);
    if (endpoint === 'broker.kill') return this.#kill(brokerId);
    if (endpoint === 'broker.pause') return this.#pause(brokerId);
    if (endpoint === 'broker.resume') return this.#resume(brokerId);
    if (endpoint === 'broker.start') return this.#start(brokerId);
    if (endpoint === 'broker.stop') return this.#stop(brokerId);
    if (endpoint === 'broker.restart') {
      this.#stop(brokerId);
      this.#world.after(900, () => this.#start(brokerId));
      return null;
    }
    if (endpoint === 'topic.create') return this.#createTopic(input);
    if (endpoint === 'topic.delete') return this.#deleteTopic(String(input['topic']));
    if (endpoint === 'partition.electPreferred')
      return this.#electPreferred(String(input['topic']), Number(input['partition']));
    if (endpoint === 'workload.start') {
      if (!this.#world.topics.some((topic) => topic.topic === workloadTopic))
        this.#world.addTopic(workloadTopic, 6, 3, false, 1);
      if (!this.#world.groups.some((group) => group.topic === workloadTopic))
        this.#world.addGroup('demo-readers', workloadTopic, 2, 1);
      Object.assign(this.#world.workload, { running: true, target: Number(input['messagesPerSecond']) });
      return null;
    }
    if (endpoint === 'workload.stop') {
      Object.assign(this.#world.workload, { running: false, rate: 0, consumedRate: 0, stalledSinceMs: null });
      return null;
    }
    if (endpoint === 'broker.powerLoss') return this.#kill(brokerId);
    if (endpoint.startsWith('fault.')) return fixtureFault(this.#world, endpoint, input);
    if (/^(topic|partition|segment|messages)\./.test(endpoint)) return this.#data.request(endpoint, input);
    throw new FixtureRefusal({ code: 'UNKNOWN_ENDPOINT', message: `There is no ${endpoint}.`, advice: null });
  }

  snapshot(): { number: number; view: ClusterView } {
    return this.#views.snapshot();
  }

  #kill(id: number): null {
    const broker = this.#world.broker(id);
    const pid = broker.pid ?? 0;
    const cause = this.#world.record(
      'supervisor',
      { kind: 'process.killed', brokerId: id, pid },
      'request: broker.kill',
    );
    Object.assign(broker, { process: 'killed', pid: null, cpu: 0 });
    this.#world.record(
      'supervisor',
      { kind: 'process.exited', brokerId: id, pid, signal: 'SIGKILL', code: null, wanted: true },
      cause,
    );
    this.#gone(id, cause);
    return null;
  }

  #pause(id: number): null {
    const broker = this.#world.broker(id);
    broker.process = 'paused';
    broker.cpu = 0;
    this.#gone(
      id,
      this.#world.record(
        'supervisor',
        { kind: 'process.paused', brokerId: id, pid: broker.pid ?? 0 },
        'request: broker.pause',
      ),
    );
    return null;
  }

  #gone(id: number, cause: string): void {
    this.#world.touchAll(id);
    if (this.#world.quorumLeader === id) this.#elect(id, cause, 0);
    else this.#world.after(sessionTimeoutMs, () => this.#fence(id, cause));
  }

  #elect(lost: number, cause: string, attempt: number): void {
    for (const node of this.#world.nodes)
      if (node.id !== lost && this.#world.alive(node.id))
        node.deadlineAtMs = this.#world.nowMs + electionTimeoutMs + node.id * 40;
    const standing = this.#world.nodes.filter((node) => node.id !== lost && this.#world.alive(node.id));
    const candidate = standing[0];
    if (!candidate) return;
    this.#world.after(electionTimeoutMs + candidate.id * 40, () => {
      if (!this.#world.alive(candidate.id)) return;
      const epoch = this.#world.quorumEpoch + 1;
      candidate.role = 'prospective';
      this.#world.quorumLeader = null;
      const source = `broker-${candidate.id}` as const;
      const asked = this.#world.record(
        source,
        {
          kind: 'quorum.prospective',
          epoch: epoch - 1,
          reason: `no fetch answer from leader ${lost} for ${electionTimeoutMs} ms`,
        },
        cause,
      );
      const voter = standing[1];
      this.#world.record(
        source,
        { kind: 'quorum.voteAsked', epoch, from: candidate.id, to: voter?.id ?? lost, preVote: true },
        asked,
      );
      if (!voter) {
        if (attempt < 200) this.#elect(lost, cause, attempt + 1);
        return;
      }
      this.#world.after(12, () => {
        this.#world.record(
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
        this.#world.quorumEpoch = epoch;
        const stood = this.#world.record(source, { kind: 'quorum.candidate', epoch }, asked);
        this.#world.record(
          source,
          { kind: 'quorum.voteAsked', epoch, from: candidate.id, to: voter.id, preVote: false },
          stood,
        );
        this.#world.after(18, () => {
          Object.assign(voter, { epoch, votedFor: candidate.id, role: 'follower', deadlineAtMs: null });
          this.#world.record(
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
          this.#world.quorumLeader = candidate.id;
          const won = this.#world.record(source, { kind: 'quorum.leaderElected', epoch, leader: candidate.id }, stood);
          this.#world.record(`broker-${voter.id}`, { kind: 'quorum.following', epoch, leader: candidate.id }, won);
          this.#world.after(24, () => {
            const active = this.#world.record(source, { kind: 'controller.active', epoch }, won);
            this.#world.after(sessionTimeoutMs - 300, () => this.#fence(lost, active));
          });
        });
      });
    });
  }

  #fence(id: number, cause: string): void {
    const broker = this.#world.broker(id);
    if (this.#world.alive(id) || this.#world.quorumLeader === null || broker.registration !== 'active') return;
    broker.registration = 'fenced';
    const controller = `broker-${this.#world.quorumLeader}` as const;
    const fenced = this.#world.record(
      controller,
      { kind: 'broker.fenced', brokerId: id, reason: `no heartbeat for ${sessionTimeoutMs} ms` },
      cause,
    );
    this.#leaveIsr(id, controller, fenced);
  }

  #leaveIsr(id: number, source: `broker-${number}`, cause: string): void {
    for (const partition of this.#world.partitions) {
      if (!partition.isr.includes(id)) continue;
      if (partition.isr.length > 1) {
        partition.isr = partition.isr.filter((other) => other !== id);
        this.#world.record(
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
            .find((other) => partition.isr.includes(other) && this.#world.alive(other) && other !== id) ?? -1,
          source,
          cause,
        );
      partition.changed = true;
      this.#world.metadataOffset += 1;
    }
    for (const group of this.#world.groups) this.#rebalance(group, `a member's coordinator moved`);
  }

  #moveLeader(partition: Partition, leader: number, source: `broker-${number}`, cause: string): void {
    const previousLeader = partition.leader;
    partition.leader = leader;
    partition.leaderEpoch += 1;
    partition.changed = true;
    this.#world.record(
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
      this.#world.record(
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
    const cause = this.#world.record(
      `broker-${this.#world.quorumLeader ?? 1}`,
      { kind: 'group.rebalancing', groupId: group.groupId, generation: group.generation + 1, reason },
      null,
    );
    this.#world.after(420, () => {
      group.state = 'Stable';
      group.generation += 1;
      this.#world.record(
        `broker-${this.#world.quorumLeader ?? 1}`,
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
    const broker = this.#world.broker(id);
    broker.process = 'running';
    const cause = this.#world.record(
      'supervisor',
      { kind: 'process.resumed', brokerId: id, pid: broker.pid ?? 0 },
      'request: broker.resume',
    );
    const node = this.#world.nodes.find((other) => other.id === id);
    if (node && this.#world.quorumLeader !== null && this.#world.quorumLeader !== id) {
      this.#world.record(
        `broker-${id}`,
        { kind: 'quorum.following', epoch: this.#world.quorumEpoch, leader: this.#world.quorumLeader },
        cause,
      );
      Object.assign(node, { role: 'follower', epoch: this.#world.quorumEpoch, votedFor: null });
    }
    if (broker.registration === 'fenced') this.#comeBack(id, cause, 260);
    else if (this.#world.quorumLeader === null) this.#elect(-1, cause, 0);
    this.#world.touchAll(id);
    return null;
  }

  #start(id: number): null {
    const broker = this.#world.broker(id);
    if (broker.process === 'running')
      throw new FixtureRefusal({ code: 'ALREADY_RUNNING', message: `Broker ${id} already runs.`, advice: null });
    Object.assign(broker, {
      process: 'starting',
      pid: 43_000 + Math.floor(this.#world.chance() * 900),
      startedWallMs: this.#world.wall(),
      registration: 'fenced',
      problem: null,
    });
    const cause = this.#world.record(
      'supervisor',
      { kind: 'process.started', brokerId: id, pid: broker.pid ?? 0 },
      'request: broker.start',
    );
    this.#world.after(240, () => {
      broker.process = 'running';
      const node = this.#world.nodes.find((other) => other.id === id);
      if (node)
        Object.assign(node, {
          role: this.#world.quorumLeader === null ? 'unattached' : 'follower',
          epoch: this.#world.quorumEpoch,
          votedFor: null,
        });
      broker.brokerEpoch = this.#world.metadataOffset;
      this.#world.record(
        `broker-${this.#world.quorumLeader ?? id}`,
        { kind: 'broker.registered', brokerId: id, brokerEpoch: broker.brokerEpoch },
        cause,
      );
      if (this.#world.quorumLeader === null) this.#elect(-1, cause, 0);
      this.#comeBack(id, cause, 200);
    });
    return null;
  }

  #comeBack(id: number, cause: string, delayMs: number): void {
    for (const partition of this.#world.partitions) {
      const replica = replicaOf(partition, id);
      if (replica && partition.leader !== id && this.#world.chance() < 0.15 && partition.weight > 0) {
        this.#world.record(
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
    this.#world.after(delayMs, () => {
      const broker = this.#world.broker(id);
      if (broker.process !== 'running') return;
      if (this.#world.quorumLeader === null) return this.#comeBack(id, cause, delayMs);
      broker.registration = 'active';
      const unfenced = this.#world.record(
        `broker-${this.#world.quorumLeader}`,
        { kind: 'broker.unfenced', brokerId: id },
        cause,
      );
      for (const partition of this.#world.partitions) {
        if (partition.leader < 0 && partition.isr.includes(id))
          this.#moveLeader(partition, id, `broker-${this.#world.quorumLeader}`, unfenced);
      }
    });
  }

  #stop(id: number): null {
    const broker = this.#world.broker(id);
    const cause = this.#world.record(
      'supervisor',
      { kind: 'process.stopping', brokerId: id, pid: broker.pid ?? 0 },
      'request: broker.stop',
    );
    broker.process = 'stopping';
    broker.registration = 'controlled-shutdown';
    const controller = `broker-${this.#world.quorumLeader ?? id}` as const;
    const asked = this.#world.record(controller, { kind: 'broker.controlledShutdown', brokerId: id }, cause);
    this.#world.after(120, () => this.#leaveIsr(id, controller, asked));
    this.#world.after(620, () => {
      this.#world.record(
        'supervisor',
        { kind: 'process.exited', brokerId: id, pid: broker.pid ?? 0, signal: null, code: 0, wanted: true },
        cause,
      );
      Object.assign(broker, { process: 'stopped', pid: null, registration: 'fenced', cpu: 0 });
      if (this.#world.quorumLeader === id) this.#elect(id, cause, 0);
    });
    return null;
  }

  #electPreferred(topic: string, number: number): null {
    const partition = this.#world.partitions.find((other) => other.topic === topic && other.partition === number);
    const preferred = partition?.replicas[0]?.brokerId ?? -1;
    if (!partition || !partition.isr.includes(preferred) || !this.#world.alive(preferred)) {
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
      `broker-${this.#world.quorumLeader ?? preferred}`,
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
    if (this.#world.topics.some((other) => other.topic === topic))
      throw new FixtureRefusal({
        code: 'TOPIC_ALREADY_EXISTS',
        message: `Topic '${topic}' already exists.`,
        advice: 'Choose another name, or delete that topic first.',
      });
    const alive = this.#world.brokers.filter((broker) => broker.registration === 'active').length;
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
    this.#world.addTopic(topic, Number(input['partitions']), replicationFactor, false, 0);
    this.#world.record(
      `broker-${this.#world.quorumLeader ?? 1}`,
      { kind: 'topic.created', topic, partitions: Number(input['partitions']), replicationFactor },
      'request: topic.create',
    );
    return { topicId: this.#world.topics.at(-1)?.topicId ?? '' };
  }

  #deleteTopic(topic: string): null {
    this.#world.topics = this.#world.topics.filter((other) => other.topic !== topic);
    this.#world.partitions = this.#world.partitions.filter((other) => other.topic !== topic);
    this.#world.removedTopics.push(topic);
    this.#world.record(
      `broker-${this.#world.quorumLeader ?? 1}`,
      { kind: 'topic.deleted', topic },
      'request: topic.delete',
    );
    return null;
  }
}
