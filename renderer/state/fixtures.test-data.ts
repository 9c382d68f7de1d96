// Small cluster views for the unit tests of this folder.

import type { ClusterView, JournalEntry, JournalEvent, PartitionView, TopicView } from '../../main/api/views.ts';

export function aTopic(topic: string, partitionCount: number, internal = false): TopicView {
  return { topic, topicId: topic.padEnd(22, 'A'), internal, partitionCount, replicationFactor: 3 };
}

export function aPartition(topic: string, partition: number, changes: Partial<PartitionView> = {}): PartitionView {
  return {
    topic,
    partition,
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [1, 2, 3].map((brokerId) => ({
      brokerId,
      state: brokerId === 1 ? 'leader' : 'in-sync',
      logEndOffset: 100,
      highWatermark: 100,
      sizeBytes: 0,
    })),
    inSyncReplicas: [1, 2, 3],
    logStartOffset: 0,
    highWatermark: 100,
    logEndOffset: 100,
    messagesInPerSecond: 0,
    ...changes,
  };
}

export function anEvent(
  sequence: number,
  monotonicMs: number,
  entry: JournalEntry,
  source: JournalEvent['source'] = 'broker-1',
  cause: string | null = null,
): JournalEvent {
  return { id: `${source}:${sequence}`, source, sequence, wallMs: monotonicMs, monotonicMs, cause, entry };
}

export function aView(changes: Partial<ClusterView> = {}): ClusterView {
  return {
    clusterId: 'c',
    bootstrap: '127.0.0.1:19092',
    dataDir: '/tmp/c',
    profile: 'laptop',
    ephemeral: true,
    state: 'ready',
    faults: [],
    readyMs: 800,
    problem: null,
    brokers: [],
    topics: [aTopic('orders', 2)],
    partitions: [aPartition('orders', 1), aPartition('orders', 0)],
    quorum: { leaderId: 1, epoch: 1, highWatermark: 1, nodes: [] },
    groups: [],
    workload: {
      running: false,
      topic: 'demo',
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
    },
    events: [],
    monotonicMs: 0,
    wallMs: 0,
    ...changes,
  };
}
