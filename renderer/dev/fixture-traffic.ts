// What flows in the fixture cluster: the workload's records, their replication, catching up, and the groups' commits.

import type { FixtureViews } from './fixture-views.ts';
import { type FixtureWorld, type Group, type Partition, replicaOf, workloadTopic } from './fixture-world.ts';

export class FixtureTraffic {
  readonly #world: FixtureWorld;
  readonly #views: FixtureViews;

  constructor(world: FixtureWorld, views: FixtureViews) {
    this.#world = world;
    this.#views = views;
  }

  /** What happens in `stepMs`. */
  work(stepMs: number): void {
    const workload = this.#world.workload;
    const demo = this.#world.partitions.filter((partition) => partition.topic === workloadTopic);
    const stalled = demo.some(
      (partition) => !this.#world.alive(partition.leader) || partition.isr.some((id) => !this.#world.alive(id)),
    );
    if (workload.running) {
      if (stalled && workload.stalledSinceMs === null) {
        workload.stalledSinceMs = this.#world.nowMs - stepMs;
        this.#world.after(180, () => {
          workload.lastError = 'NOT_LEADER_OR_FOLLOWER';
          if (workload.stalledSinceMs !== null)
            this.#world.record(
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
        this.#world.record(
          'workload',
          {
            kind: 'client.recovered',
            client: 'demo-producer-1',
            unavailableMs: this.#world.nowMs - workload.stalledSinceMs,
          },
          null,
        );
        workload.stalledSinceMs = null;
      }
      const wanted = workload.stalledSinceMs === null ? workload.target * (0.96 + 0.08 * this.#world.chance()) : 0;
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
    for (const partition of this.#world.partitions) this.#replicate(partition, stepMs, demo.length);
    for (const group of this.#world.groups) this.#consume(group);
    for (const broker of this.#world.brokers) {
      if (!this.#world.alive(broker.id)) continue;
      broker.cpu = broker.cpu * 0.9 + 0.1 * (0.015 + 0.09 * this.#world.chance() * (workload.running ? 1 : 0.2));
      broker.residentBytes += (this.#world.chance() - 0.5) * 2e5;
    }
  }

  #replicate(partition: Partition, stepMs: number, demoCount: number): void {
    const leader = replicaOf(partition, partition.leader);
    const leading = leader !== null && this.#world.alive(partition.leader);
    if (leading && partition.weight > 0) {
      const rate =
        partition.topic === workloadTopic ? this.#world.workload.rate / Math.max(1, demoCount) : partition.weight * 40;
      leader.leo += Math.round((rate * stepMs) / 1000 + this.#world.chance());
    }
    for (const replica of partition.replicas) {
      if (replica.brokerId === partition.leader || !leading || !this.#world.alive(replica.brokerId)) continue;
      const registered = this.#world.broker(replica.brokerId).registration === 'active';
      const gap = leader.leo - replica.leo;
      if (partition.isr.includes(replica.brokerId)) {
        replica.leo =
          leader.leo - (partition.weight > 0 && this.#world.chance() < 0.3 ? Math.floor(this.#world.chance() * 6) : 0);
        continue;
      }
      if (!registered) continue;
      replica.leo += Math.min(gap, Math.max(8, Math.round(gap * 0.04 + 1)));
      partition.changed = true;
      if (leader.leo - replica.leo <= 2) {
        replica.leo = leader.leo;
        partition.isr = [...partition.isr, replica.brokerId].sort((a, b) => a - b);
        partition.partitionEpoch += 1;
        this.#world.record(
          `broker-${this.#world.quorumLeader ?? 1}`,
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
    for (const partition of this.#world.partitions) {
      if (partition.topic !== group.topic || !this.#world.alive(partition.leader)) continue;
      const end = this.#views.highWatermark(partition);
      const committed = group.committed[partition.partition] ?? 0;
      group.committed[partition.partition] = Math.max(
        committed,
        Math.floor(committed + (end - committed) * group.share * (0.4 + 0.4 * this.#world.chance())),
      );
    }
  }
}
