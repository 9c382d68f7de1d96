// Deadlines for many short waits with one timer: waits that end at the same tick share a bucket, almost all of them
// are cancelled long before, and an idle queue holds no timer at all.

import type { Clock, Timer } from '../runtime/runtime.ts';

/** Waits may end this much late, never early. Coarser means fewer buckets. */
export const deadlineTickMs = 5;

export type Deadline = {
  readonly tick: number;
  action: (() => void) | null;
  previous: Deadline | null;
  next: Deadline | null;
};

export class DeadlineQueue {
  private readonly clock: Clock;
  /** First deadline of each tick that has any. */
  private readonly buckets = new Map<number, Deadline>();
  /** Min-heap of ticks; may hold ticks whose bucket is gone, stepped over when they come up. */
  private readonly ticks: number[] = [];
  private timer: Timer | null = null;
  private armedTick = Infinity;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Runs `action` once the monotonic clock has reached `deadlineMs`, unless it is cancelled before. */
  schedule(deadlineMs: number, action: () => void): Deadline {
    const tick = Math.ceil(deadlineMs / deadlineTickMs);
    const head = this.buckets.get(tick) ?? null;
    const deadline: Deadline = { tick, action, previous: null, next: head };
    if (head === null) this.pushTick(tick);
    else head.previous = deadline;
    this.buckets.set(tick, deadline);
    if (tick < this.armedTick) this.arm(tick);
    return deadline;
  }

  /** Safe to call twice, and for a deadline that has passed. */
  cancel(deadline: Deadline): void {
    if (deadline.action === null) return;
    deadline.action = null;
    if (deadline.previous !== null) deadline.previous.next = deadline.next;
    else if (deadline.next !== null) this.buckets.set(deadline.tick, deadline.next);
    else this.buckets.delete(deadline.tick);
    if (deadline.next !== null) deadline.next.previous = deadline.previous;
    deadline.previous = null;
    deadline.next = null;
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
    this.armedTick = Infinity;
    this.buckets.clear();
    this.ticks.length = 0;
  }

  private arm(tick: number): void {
    this.timer?.cancel();
    this.armedTick = tick;
    this.timer = this.clock.at(tick * deadlineTickMs, () => this.fire());
  }

  private fire(): void {
    this.timer = null;
    this.armedTick = Infinity;
    const nowMs = this.clock.monotonicMs();
    for (;;) {
      const tick = this.ticks[0];
      if (tick === undefined) return;
      const first = this.buckets.get(tick);
      if (first === undefined) {
        this.popTick();
        continue;
      }
      if (tick * deadlineTickMs > nowMs) {
        if (tick < this.armedTick) this.arm(tick);
        return;
      }
      // One at a time from the front: an action may cancel others of its bucket or add new ones.
      const action = first.action;
      this.cancel(first);
      if (action !== null) action();
    }
  }

  private pushTick(tick: number): void {
    const heap = this.ticks;
    let index = heap.length;
    heap.push(tick);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= tick) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = tick;
  }

  private popTick(): void {
    const heap = this.ticks;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] ?? Infinity) < (heap[child] ?? Infinity)) child++;
      const below = heap[child] ?? Infinity;
      if (below >= last) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}
