// Random faults over many seeds: whatever is killed, cut off or elected, nothing acknowledged with acks=all is lost or
// moved, nothing a consumer could read changes afterwards, and in the end all replicas hold the same bytes.

import { describe, expect, test } from 'vitest';
import { toBrokerId } from '../core/ids.ts';
import { ReplicaCluster, valuesIn } from '../../tests/support/replica-cluster.ts';

const nodeIds = [1, 2, 3];
const seedCount = 15;
const faultCount = 25;

type Acknowledged = { readonly value: string; readonly offset: number };

class Run {
  readonly cluster: ReplicaCluster;
  readonly acknowledged: Acknowledged[] = [];
  /** By offset: what a consumer could have read below some leader's high watermark. */
  readonly read = new Map<number, string>();
  private readonly down = new Set<number>();
  private readonly cutOff = new Set<number>();
  private isProducing = true;
  private nextValue = 0;

  constructor(seed: number) {
    this.cluster = new ReplicaCluster({ seed });
  }

  async run(): Promise<void> {
    const { cluster } = this;
    const { world } = cluster;
    await cluster.createTopic();
    for (let producer = 0; producer < 3; producer++) void this.produce();
    for (let i = 0; i < faultCount; i++) {
      this.fault();
      await world.runFor(world.random.below(400));
      this.consume();
    }
    await world.runFor(500);
    this.mend();
    await world.runFor(1000);
    this.isProducing = false;
    await world.runUntil(() => this.isWhole(), 60_000);
    this.consume();
  }

  private async produce(): Promise<void> {
    const { cluster } = this;
    while (this.isProducing) {
      const leader = cluster.controller.partitions.get(cluster.key)?.leader ?? -1;
      const value = `v${this.nextValue++}`;
      const acks = cluster.world.random.below(4) === 0 ? 1 : -1;
      try {
        const row = await cluster.produce(leader === -1 ? 1 : leader, [value], { acks, timeoutMs: 1500 });
        if (row.errorCode === 0 && acks === -1) this.acknowledged.push({ value, offset: row.baseOffset });
      } catch {
        // The connection broke: nobody knows. The next value goes to whoever leads then.
      }
      await new Promise<void>((resolve) =>
        cluster.world.at(cluster.world.nowMs + 1 + cluster.world.random.below(20), resolve),
      );
    }
  }

  private fault(): void {
    const { cluster } = this;
    const { world, controller } = cluster;
    const id = nodeIds[world.random.below(3)] ?? 1;
    switch (world.random.below(7)) {
      case 0:
      case 1:
        if (this.down.size > 0 || this.cutOff.size > 0) return;
        this.down.add(id);
        world.kill(id);
        world.at(world.nowMs + 50, () => {
          if (this.down.has(id)) controller.fence(toBrokerId(id));
        });
        return;
      case 2:
        if (this.down.size > 0 || this.cutOff.size > 0) return;
        this.cutOff.add(id);
        for (const other of nodeIds) if (other !== id) world.cutBoth(id, other);
        cluster.node(id).hearsController = false;
        world.at(world.nowMs + 100, () => {
          if (this.cutOff.has(id)) controller.fence(toBrokerId(id));
        });
        return;
      case 3: {
        // A slow or one-way link: the follower lags, the leader may drop it.
        const other = nodeIds[world.random.below(3)] ?? 1;
        if (other !== id) world.cut(id, other);
        return;
      }
      case 4:
        controller.elect(cluster.key, controller.partitions.get(cluster.key)?.inSyncReplicas.at(-1) ?? toBrokerId(1));
        return;
      default:
        this.mend();
    }
  }

  private mend(): void {
    const { cluster } = this;
    cluster.world.healAll();
    for (const id of this.cutOff) {
      cluster.node(id).hearsController = true;
      cluster.controller.unfence(toBrokerId(id));
    }
    this.cutOff.clear();
    cluster.controller.reconnect();
    for (const id of this.down) {
      // Its session has to be over before its new life registers, as in a real cluster.
      cluster.controller.fence(toBrokerId(id));
      cluster.start(id);
      cluster.controller.unfence(toBrokerId(id));
    }
    this.down.clear();
  }

  /** All in sync, at the same end, with everything committed. */
  private isWhole(): boolean {
    const { cluster } = this;
    if (cluster.controller.partitions.get(cluster.key)?.inSyncReplicas.length !== 3) return false;
    const logs = nodeIds.map((id) => cluster.node(id).partition().log);
    const end = logs[0]?.logEndOffset;
    return logs.every((log) => log.logEndOffset === end && log.highWatermark === end);
  }

  private consume(): void {
    for (const id of nodeIds) {
      if (!this.cluster.world.isAlive(id)) continue;
      for (const partition of this.cluster.node(id).replicas.partitions()) {
        if (!partition.isLeader) continue;
        const values = valuesIn(partition);
        for (let offset = 0; offset < partition.log.highWatermark; offset++) {
          const value = values[offset] ?? '';
          const before = this.read.get(offset);
          if (before !== undefined) expect(value, `offset ${offset} was read as ${before}`).toBe(before);
          this.read.set(offset, value);
        }
      }
    }
  }
}

describe('under random faults', () => {
  for (let seed = 1; seed <= seedCount; seed++) {
    test(`seed ${seed}: what was acknowledged stays`, async () => {
      const run = new Run(seed);
      await run.run();
      const { cluster } = run;
      const values = cluster.values(1);
      for (const { value, offset } of run.acknowledged) expect(values[offset], `acknowledged at ${offset}`).toBe(value);
      for (const id of [2, 3]) expect(cluster.values(id)).toEqual(values);
      expect(run.acknowledged.length).toBeGreaterThan(10);
      expect(cluster.problems).toEqual([]);
    });
  }
});
