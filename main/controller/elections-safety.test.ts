// The promise behind every election: a leader that is elected cleanly has all that was acknowledged. Random histories
// of brokers that die, lose their disk's last writes, return and fall behind, against a model of who holds what.

import { expect, it } from 'vitest';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { bootstrapRecords, supportedFeatures } from '../metadata/features.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../metadata/metadata-image.ts';
import { noLeader, type PartitionRegistration } from '../metadata/topics-image.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import type { Random } from '../runtime/runtime.ts';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import { brokerHeartbeat, fenceBroker, registerBroker } from './cluster-control.ts';
import type { ControllerView } from './decision.ts';
import { alterPartition } from './isr-control.ts';
import { electLeaders } from './leadership-control.ts';
import { createTopics } from './topic-control.ts';

const brokerIds = [1, 2, 3, 4];
const minInSyncReplicas = 2;

type Model = {
  /** Replicas that have every acknowledged record. */
  holders: Set<number>;
  before: PartitionRegistration;
};

class History {
  image: MetadataImage = emptyMetadataImage;
  readonly #random: Random;
  readonly #models = new Map<number, Model>();
  readonly #incarnations = new Map<number, number>();
  #offset = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed, 'elections');
    this.#replay(bootstrapRecords());
    for (const id of brokerIds) this.#start(id, 'clean');
    const topics = [{ name: 't', numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] }];
    this.#replay(createTopics(this.#view, { topics, timeoutMs: 1, validateOnly: false }).records);
    for (const [index, partition] of this.#partitions) {
      this.#models.set(index, { holders: new Set(partition.replicas), before: partition });
    }
  }

  get #view(): ControllerView {
    const settings = new BrokerSettings({ 'node.id': '1', 'min.insync.replicas': String(minInSyncReplicas) });
    const heartbeats = new BrokerHeartbeats(9000);
    const nextOffset = this.#offset;
    return { image: this.image, settings, clusterId: 'c', random: this.#random, heartbeats, nowMs: 0, nextOffset };
  }

  get #partitions(): ReadonlyMap<number, PartitionRegistration> {
    return this.image.topics.byName.get('t')?.partitions ?? new Map();
  }

  #replay(records: readonly MetadataRecord[]): void {
    if (records.length === 0) return;
    this.#offset += records.length;
    const provenance = { lastContainedOffset: this.#offset - 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 };
    this.image = new MetadataDelta(this.image).replayAll(records).apply(provenance);
    this.#check();
  }

  #start(id: number, how: 'clean' | 'unclean'): void {
    const incarnation = (this.#incarnations.get(id) ?? 0) + 1;
    this.#incarnations.set(id, incarnation);
    const uuid = (what: string): string => `${what}${id}-${incarnation}`.padEnd(21, '-') + 'A';
    const previous = this.image.cluster.brokers.get(id);
    const registered = registerBroker(this.#view, {
      brokerId: id,
      clusterId: 'c',
      incarnationId: uuid('incarnation'),
      listeners: [],
      features: supportedFeatures,
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [`directory-${id}`.padEnd(21, '-') + 'A'],
      previousBrokerEpoch: how === 'clean' ? (previous?.epoch ?? -1) : -1,
    });
    if (how === 'unclean') {
      // Power loss: what was not flushed is gone. Whoever holds less than all is no holder any more.
      for (const model of this.#models.values()) if (this.#random.below(2) === 0) model.holders.delete(id);
    }
    this.#replay(registered.records);
    const request = {
      brokerId: id,
      brokerEpoch: registered.response.brokerEpoch,
      currentMetadataOffset: this.#offset,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
      cordonedLogDirs: [],
    };
    this.#replay(brokerHeartbeat(this.#view, request).records);
  }

  /** One thing happens. */
  step(): void {
    const dice = this.#random.below(10);
    const id = brokerIds[this.#random.below(brokerIds.length)] ?? 1;
    const broker = this.image.cluster.brokers.get(id);
    if (broker === undefined) return;
    if (dice < 3) {
      if (!broker.isFenced) this.#replay(fenceBroker(this.#view, broker));
    } else if (dice < 6) {
      if (broker.isFenced) this.#start(id, this.#random.below(2) === 0 ? 'clean' : 'unclean');
    } else if (dice < 9) this.#changeIsr();
    else {
      const request = { electionType: 0, topicPartitions: null, timeoutMs: 1 };
      this.#replay(electLeaders(this.#view, request).records);
    }
  }

  /** A leader drops a follower, or takes one in that has caught up with it. */
  #changeIsr(): void {
    const partitions = [...this.#partitions];
    const [index, partition] = partitions[this.#random.below(partitions.length)] ?? [];
    if (index === undefined || partition === undefined || partition.leader === noLeader) return;
    const { leader, replicas, inSyncReplicas } = partition;
    const other = replicas[this.#random.below(replicas.length)] ?? leader;
    if (other === leader) return;
    const newIsr = inSyncReplicas.includes(other)
      ? inSyncReplicas.filter((id) => id !== other)
      : [...inSyncReplicas, other];
    const epochOf = (id: number): number => this.image.cluster.brokers.get(id)?.epoch ?? -1;
    const requested = {
      partitionIndex: index,
      leaderEpoch: partition.leaderEpoch,
      newIsr: [],
      newIsrWithEpochs: newIsr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) })),
      leaderRecoveryState: 0,
      partitionEpoch: partition.partitionEpoch,
    };
    const topicId = this.image.topics.byName.get('t')?.id ?? '';
    const request = { brokerId: leader, brokerEpoch: epochOf(leader), topics: [{ topicId, partitions: [requested] }] };
    this.#replay(alterPartition(this.#view, request, 3).records);
  }

  #check(): void {
    for (const [index, now] of this.#partitions) {
      const model = this.#models.get(index);
      if (model === undefined || model.before === now) continue;
      const { before } = model;
      expect(now.partitionEpoch).toBeGreaterThan(before.partitionEpoch);
      const leaderEpochMin = before.leaderEpoch + (now.leader === before.leader ? 0 : 1);
      expect(now.leaderEpoch).toBeGreaterThanOrEqual(leaderEpochMin);
      expect(now.leader === noLeader || now.inSyncReplicas.includes(now.leader)).toBe(true);
      expect(now.inSyncReplicas.every((id) => now.replicas.includes(id))).toBe(true);
      expect(now.eligibleLeaderReplicas.some((id) => now.inSyncReplicas.includes(id))).toBe(false);
      const isElection = now.leaderEpoch !== before.leaderEpoch && now.leader !== noLeader;
      if (isElection && now.leaderRecoveryState === 1) {
        // The last resort: what the others have more is given up, openly.
        model.holders = new Set([now.leader]);
      } else if (isElection) {
        expect(
          model.holders.has(now.leader),
          `partition ${index}: ${now.leader} leads without all that was acknowledged`,
        ).toBe(true);
      }
      if (now.leader !== noLeader) this.#acknowledge(model, now);
      model.before = now;
    }
  }

  /** The leader writes; with enough in sync it is acknowledged, and those outside the ISR miss it. */
  #acknowledge(model: Model, now: PartitionRegistration): void {
    // Who is in the ISR has what the leader has.
    for (const id of now.inSyncReplicas) model.holders.add(id);
    if (now.inSyncReplicas.length >= minInSyncReplicas) model.holders = new Set(now.inSyncReplicas);
  }
}

it.each(Array.from({ length: 100 }, (_, seed) => seed))('seed %i', (seed) => {
  const history = new History(seed);
  for (let count = 0; count < 150; count++) history.step();
});
