// A consumer group of a drill: its members, who owned which partition when, what was read and how far behind it is.

import type { Gap, GroupSample } from '../../api/drill-views.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { GroupMember, type GroupMemberOptions } from './group-member.ts';

export type GroupLoadOptions = Omit<GroupMemberOptions, 'name' | 'owns' | 'read'>;

type PartitionProgress = {
  nextOffset: number;
  highWatermark: number;
  /** Since when records wait that nobody has read; null while it is up to date. */
  behindSinceMs: number | null;
  lastReadMs: number;
  owner: string | null;
  unownedSinceMs: number | null;
  lastOwner: string | null;
};

/** Records that wait for longer than this while nothing is read count as unavailability. */
const unavailableFromMs = 500;

export class GroupLoad {
  readonly #options: GroupLoadOptions;
  readonly #members: GroupMember[] = [];
  readonly #partitions = new Map<number, PartitionProgress>();
  readonly #generations = new Set<number>();
  readonly gaps: Gap[] = [];
  #number = 0;
  #consumed = 0;
  #deliveredAgain = 0;
  #partitionsMoved = 0;
  #unownedMs = 0;
  #sampledMs = 0;
  #sampledCount = 0;
  /** Several offsets a partition were read more than once: which, is in the history. */
  readonly #firstUnread = new Map<number, number>();

  constructor(options: GroupLoadOptions) {
    this.#options = options;
    this.#sampledMs = options.runtime.clock.monotonicMs();
  }

  get plan(): GroupLoadOptions['plan'] {
    return this.#options.plan;
  }

  /** Of all partitions together, how long nobody owned them, since the first member went. */
  unownedTotalMs = 0;
  /** Partitions that were ever taken from somebody without another one having them at once. */
  readonly #unowned = new Set<number>();
  #lostMember = false;

  get partitionsUnowned(): number {
    return this.#unowned.size;
  }

  get consumed(): number {
    return this.#consumed;
  }

  get deliveredAgain(): number {
    return this.#deliveredAgain;
  }

  get partitionsMoved(): number {
    return this.#partitionsMoved;
  }

  get unownedMs(): number {
    return this.#unownedMs;
  }

  /** Rebalances after the first assignment. */
  get rebalances(): number {
    return Math.max(0, this.#generations.size - 1);
  }

  get memberNames(): readonly string[] {
    return this.#members.map((member) => member.name);
  }

  addMember(): string {
    this.#number += 1;
    const name = `${this.#options.plan.name}-${this.#number}`;
    const member: GroupMember = new GroupMember({
      ...this.#options,
      name,
      owns: (partitions, generation) => this.#onOwns(member, partitions, generation),
      read: (partition, offsets, highWatermark) => this.#onRead(partition, offsets, highWatermark),
    });
    this.#members.push(member);
    member.start();
    return name;
  }

  /** The member that joined first; null without one. */
  takeFirst(): GroupMember | null {
    // While a group comes together everything moves: what counts is what a loss does to it.
    if (!this.#lostMember) {
      this.#lostMember = true;
      this.#unowned.clear();
      this.unownedTotalMs = 0;
    }
    return this.#members.shift() ?? null;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => member.stop()));
    for (const [partition, progress] of this.#partitions) this.#endGap(partition, progress, this.#nowMs);
  }

  /** Takes over how far the logs go, from the cluster's view. */
  noteLogEnd(partition: number, highWatermark: number): void {
    const progress = this.#progress(partition);
    progress.highWatermark = Math.max(progress.highWatermark, highWatermark);
    if (progress.highWatermark > progress.nextOffset) progress.behindSinceMs ??= this.#nowMs;
  }

  lag(): number {
    let lag = 0;
    for (const { highWatermark, nextOffset } of this.#partitions.values())
      lag += Math.max(0, highWatermark - nextOffset);
    return lag;
  }

  sample(nowMs: number): GroupSample {
    const seconds = Math.max(0.001, (nowMs - this.#sampledMs) / 1000);
    const consumedPerSecond = Math.round((this.#consumed - this.#sampledCount) / seconds);
    this.#sampledMs = nowMs;
    this.#sampledCount = this.#consumed;
    return { consumed: this.#consumed, consumedPerSecond, lag: this.lag(), members: this.#members.length };
  }

  get #nowMs(): number {
    return (this.#options.runtime satisfies Pick<Runtime, 'clock'>).clock.monotonicMs();
  }

  #progress(partition: number): PartitionProgress {
    const known = this.#partitions.get(partition);
    if (known !== undefined) return known;
    const progress: PartitionProgress = {
      nextOffset: 0,
      highWatermark: 0,
      behindSinceMs: null,
      lastReadMs: this.#nowMs,
      owner: null,
      unownedSinceMs: null,
      lastOwner: null,
    };
    this.#partitions.set(partition, progress);
    return progress;
  }

  #onOwns(member: GroupMember, partitions: readonly number[], generation: number): void {
    const nowMs = this.#nowMs;
    if (generation >= 0 && partitions.length > 0) this.#generations.add(generation);
    for (const partition of partitions) {
      const progress = this.#progress(partition);
      if (progress.owner === member.name) continue;
      if (progress.unownedSinceMs !== null) {
        this.#unownedMs = Math.max(this.#unownedMs, nowMs - progress.unownedSinceMs);
        this.unownedTotalMs += nowMs - progress.unownedSinceMs;
        this.#unowned.add(partition);
        progress.unownedSinceMs = null;
      }
      if (progress.lastOwner !== null && progress.lastOwner !== member.name) this.#partitionsMoved += 1;
      progress.owner = member.name;
      progress.lastOwner = member.name;
    }
    for (const [partition, progress] of this.#partitions) {
      if (progress.owner !== member.name || partitions.includes(partition)) continue;
      progress.owner = null;
      progress.unownedSinceMs = nowMs;
    }
  }

  #onRead(partition: number, offsets: readonly number[], highWatermark: number): void {
    const nowMs = this.#nowMs;
    const progress = this.#progress(partition);
    progress.highWatermark = Math.max(progress.highWatermark, highWatermark);
    const firstUnread = this.#firstUnread.get(partition) ?? 0;
    for (const offset of offsets) if (offset < firstUnread) this.#deliveredAgain += 1;
    const last = offsets.at(-1);
    if (last !== undefined) {
      this.#firstUnread.set(partition, Math.max(firstUnread, last + 1));
      progress.nextOffset = Math.max(progress.nextOffset, last + 1);
      this.#consumed += offsets.length;
      this.#endGap(partition, progress, nowMs);
      progress.lastReadMs = nowMs;
    }
    progress.behindSinceMs = progress.highWatermark > progress.nextOffset ? (progress.behindSinceMs ?? nowMs) : null;
  }

  #endGap(partition: number, progress: PartitionProgress, nowMs: number): void {
    const fromMs = progress.behindSinceMs;
    if (fromMs === null) return;
    const beganMs = Math.max(fromMs, progress.lastReadMs);
    if (nowMs - beganMs >= unavailableFromMs) {
      const { plan, topic } = this.#options;
      this.gaps.push({
        client: plan.name,
        kind: 'reads',
        partition: `${topic}-${partition}`,
        fromMs: beganMs,
        toMs: nowMs,
      });
    }
    progress.behindSinceMs = null;
  }
}
