// The view that screens show, from reports of brokers and events of processes.

import { beforeEach, expect, test } from 'vitest';
import type { BrokerReport } from '../broker/contract.ts';
import { ClusterViewState, idleWorkload } from './cluster-view.ts';

type Telemetry = Extract<BrokerReport, { type: 'telemetry' }>;

const counters = {
  bytesIn: 0,
  bytesOut: 0,
  messagesIn: 0,
  produceRequests: 0,
  fetchRequests: 0,
  failedProduceRequests: 0,
  replicationBytesIn: 0,
  replicationBytesOut: 0,
  connections: 0,
  cpuMs: 0,
  residentBytes: 1000,
};

function telemetry(change: Partial<Telemetry>): Telemetry {
  return {
    type: 'telemetry',
    monotonicMs: 1000,
    events: [],
    replicas: [],
    removedReplicas: [],
    quorum: null,
    counters,
    groups: [],
    removedGroups: [],
    topics: [],
    removedTopics: [],
    controllerBrokers: null,
    ...change,
  };
}

const topic = {
  topic: 'orders',
  topicId: 'id',
  internal: false,
  partitions: [
    { partition: 0, leader: 1, leaderEpoch: 3, partitionEpoch: 7, replicas: [1, 2], inSyncReplicas: [1, 2] },
  ],
};

function replica(role: 'leader' | 'follower', logEndOffset: number, highWatermark: number) {
  const inSyncReplicas = role === 'leader' ? [1, 2] : null;
  const sizes = { logStartOffset: 0, sizeBytes: 10 };
  return {
    topic: 'orders',
    topicId: 'id',
    partition: 0,
    role,
    leaderEpoch: 3,
    logEndOffset,
    highWatermark,
    inSyncReplicas,
    ...sizes,
  };
}

let state: ClusterViewState;

function setProcess(id: number, process: 'running' | 'killed' | 'paused'): void {
  const facts = {
    id,
    host: '127.0.0.1',
    port: 19091 + id,
    metricsPort: null,
    controllerPort: 19191 + id,
    logDir: `/node-${id}`,
    rack: null,
  };
  state.setProcess(facts, { process, pid: process === 'killed' ? null : 100 + id, startedWallMs: 5, problem: null });
}

beforeEach(() => {
  state = new ClusterViewState({
    clusterId: 'c',
    bootstrap: 'b',
    dataDir: 'd',
    profile: 'laptop',
    ephemeral: true,
    state: 'ready',
    readyMs: 1,
    problem: null,
    workload: idleWorkload,
    faults: [],
  });
  setProcess(1, 'running');
  setProcess(2, 'running');
  state.applyTelemetry(1, telemetry({ topics: [topic], replicas: [replica('leader', 12, 10)] }), 1);
  state.applyTelemetry(2, telemetry({ replicas: [replica('follower', 10, 9)] }), 1);
});

test('a partition shows its leader’s offsets and each replica’s own', () => {
  const [partition] = state.view().partitions;
  expect(partition).toMatchObject({
    leader: 1,
    leaderEpoch: 3,
    highWatermark: 10,
    logEndOffset: 12,
    inSyncReplicas: [1, 2],
  });
  expect(partition?.replicas).toEqual([
    { brokerId: 1, state: 'leader', logEndOffset: 12, highWatermark: 10, sizeBytes: 10 },
    { brokerId: 2, state: 'in-sync', logEndOffset: 10, highWatermark: 9, sizeBytes: 10 },
  ]);
});

test('a replica is offline when its process is gone, before the cluster knows', () => {
  setProcess(2, 'killed');
  expect(state.view().partitions[0]?.replicas[1]).toMatchObject({ state: 'offline', logEndOffset: 10 });
  expect(state.view().partitions[0]?.inSyncReplicas).toEqual([1, 2]);
});

test('a frozen process is offline once the controller has fenced it', () => {
  setProcess(2, 'paused');
  expect(state.view().partitions[0]?.replicas[1]?.state).toBe('in-sync');
  const fenced = { brokerId: 2, brokerEpoch: 9, fenced: true, inControlledShutdown: false };
  state.applyTelemetry(1, telemetry({ controllerBrokers: [fenced] }), 2);
  expect(state.view().partitions[0]?.replicas[1]?.state).toBe('offline');
  expect(state.view().brokers[1]).toMatchObject({ registration: 'fenced', process: 'paused' });
});

test('the controller is the leader of the highest epoch whose process is up', () => {
  const quorum = { role: 'follower' as const, votedFor: null, logEndOffset: 5, highWatermark: 5, deadlineMs: null };
  state.applyTelemetry(1, telemetry({ quorum: { ...quorum, role: 'leader', leaderId: 1, epoch: 4 } }), 2);
  state.applyTelemetry(2, telemetry({ quorum: { ...quorum, leaderId: 1, epoch: 4 } }), 2);
  expect(state.view().quorum).toMatchObject({ leaderId: 1, epoch: 4 });
  setProcess(1, 'killed');
  expect(state.view().quorum.leaderId).toBeNull();
  state.applyTelemetry(2, telemetry({ quorum: { ...quorum, role: 'leader', leaderId: 2, epoch: 5 } }), 3);
  expect(state.view().quorum).toMatchObject({ leaderId: 2, epoch: 5 });
});

test('lag is the leader’s high watermark less the committed offset', () => {
  const offsets = [{ topic: 'orders', partition: 0, committedOffset: 4, metadata: '' }];
  const members = [{ memberId: 'm', clientId: 'c', host: 'h', partitions: [{ topic: 'orders', partition: 0 }] }];
  const group = { groupId: 'g', protocolType: 'consumer', state: 'Stable', generation: 2, members, offsets };
  state.applyTelemetry(2, telemetry({ groups: [group] }), 2);
  expect(state.view().groups[0]).toMatchObject({
    coordinator: 2,
    totalLag: 6,
    partitions: [{ committedOffset: 4, logEndOffset: 10, lag: 6, memberId: 'm' }],
  });
});

test('a group that moved is not removed by its former coordinator', () => {
  const group = { groupId: 'g', protocolType: 'consumer', state: 'Empty', generation: 0, members: [], offsets: [] };
  state.applyTelemetry(1, telemetry({ groups: [group] }), 2);
  state.applyTelemetry(2, telemetry({ groups: [group] }), 3);
  state.applyTelemetry(1, telemetry({ removedGroups: ['g'] }), 4);
  expect(state.view().groups).toHaveLength(1);
  state.applyTelemetry(2, telemetry({ removedGroups: ['g'] }), 5);
  expect(state.view().groups).toHaveLength(0);
});

test('deltas are numbered, hold only what changed, and together with a snapshot give the view', () => {
  const first = state.takeDelta();
  expect(first?.number).toBe(1);
  expect(state.takeDelta()).toBeNull();
  state.applyTelemetry(1, telemetry({ monotonicMs: 1100, replicas: [replica('leader', 14, 12)] }), 3);
  const second = state.takeDelta();
  expect(second?.number).toBe(2);
  expect(second?.partitions).toEqual([]);
  expect(second?.figures?.flatMap((each) => each.partitions.map(([, figures]) => figures[2]))).toEqual([14]);
  expect(second?.topics).toEqual([]);
});

test('of very many moving partitions the screens are told less often, and in the end of all', () => {
  const count = 2_000;
  const partitions = Array.from({ length: count }, (_, partition) => ({
    ...{ leader: 1, leaderEpoch: 3, partitionEpoch: 7, replicas: [1, 2], inSyncReplicas: [1, 2] },
    partition,
  }));
  const replicas = (logEndOffset: number) =>
    partitions.map(({ partition }) => ({ ...replica('leader', logEndOffset, 10), partition }));
  const told = (): number =>
    state.takeDelta()?.figures?.reduce((sum, each) => sum + each.partitions.length, 0) ?? Number.NaN;
  state.applyTelemetry(1, telemetry({ topics: [{ ...topic, partitions }], replicas: replicas(1) }), 3);
  state.takeDelta();
  state.applyTelemetry(1, telemetry({ monotonicMs: 1_100, replicas: replicas(2) }), 3);
  expect(told()).toBe(0);
  state.applyTelemetry(1, telemetry({ monotonicMs: 1_600, replicas: replicas(3) }), 3);
  expect(told()).toBe(count);
});

test('a rate falls to zero when the leader stops mentioning the partition', () => {
  const at = (monotonicMs: number, logEndOffset: number | null) =>
    state.applyTelemetry(
      1,
      telemetry({ monotonicMs, replicas: logEndOffset === null ? [] : [replica('leader', logEndOffset, 10)] }),
      3,
    );
  at(2000, 112);
  expect(state.view().partitions[0]?.messagesInPerSecond).toBeCloseTo(100);
  for (const monotonicMs of [3000, 4000, 5000, 6000]) at(monotonicMs, null);
  expect(state.view().partitions[0]?.messagesInPerSecond).toBe(0);
});

test('a topic made anew does not show the offsets of the one that had its name', () => {
  state.applyTelemetry(1, telemetry({ topics: [{ ...topic, topicId: 'anew' }] }), 3);
  expect(state.view().partitions[0]).toMatchObject({ leader: 1, logEndOffset: null, highWatermark: null });
});

test('a topic made anew with fewer partitions has no more than those', () => {
  const [first] = topic.partitions;
  const second = first === undefined ? [] : [{ ...first, partition: 1 }];
  state.applyTelemetry(1, telemetry({ topics: [{ ...topic, partitions: [...topic.partitions, ...second] }] }), 3);
  state.takeDelta();
  state.applyTelemetry(1, telemetry({ topics: [{ ...topic, topicId: 'anew' }] }), 4);
  expect(state.view().partitions.map(({ partition }) => partition)).toEqual([0]);
  expect(state.takeDelta()?.removedPartitions).toEqual(['orders-1']);
});

test('a deleted topic takes its partitions along', () => {
  state.takeDelta();
  state.applyTelemetry(1, telemetry({ removedTopics: ['orders'] }), 3);
  expect(state.takeDelta()).toMatchObject({ removedTopics: ['orders'], removedPartitions: ['orders-0'] });
  expect(state.view().partitions).toEqual([]);
});
