// The events to come, in order of virtual time and, at the same time, of their making: a binary heap.

export type QueuedEvent = {
  timeMs: number;
  sequence: number;
  /** Null once cancelled or run, so that what it holds can be collected. */
  action: (() => void) | null;
  /** The life of a node to which the event belongs; it is dropped when that life is over. Null: the world's own. */
  readonly owner: EventOwner | null;
};

export type EventOwner = { readonly isAlive: boolean; readonly isPaused: boolean; hold(event: QueuedEvent): void };

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence);
}

/** Below this many, cancelled events are left to be popped in their turn. */
const cancelledCountMin = 1024;

export class EventQueue {
  #heap: QueuedEvent[] = [];
  #cancelledCount = 0;
  readonly #eventCountMax: number;
  #nextSequence = 0;

  constructor(eventCountMax: number) {
    this.#eventCountMax = eventCountMax;
  }

  get size(): number {
    return this.#heap.length;
  }

  peek(): QueuedEvent | null {
    return this.#heap[0] ?? null;
  }

  push(timeMs: number, owner: EventOwner | null, action: () => void): QueuedEvent {
    if (this.#heap.length >= this.#eventCountMax) {
      throw new Error(
        `more than ${this.#eventCountMax} events wait in the simulation: something schedules without end`,
      );
    }
    const event: QueuedEvent = { timeMs, sequence: this.#nextSequence++, action, owner };
    this.#heap.push(event);
    this.#siftUp(this.#heap.length - 1);
    return event;
  }

  /** Most deadlines are cancelled long before their time: without this the heap would fill with them. */
  cancel(event: QueuedEvent): void {
    if (event.action === null) return;
    event.action = null;
    this.#cancelledCount++;
    if (this.#cancelledCount < cancelledCountMin || this.#cancelledCount * 2 < this.#heap.length) return;
    const remaining = this.#heap.filter((each) => each.action !== null);
    this.#cancelledCount = 0;
    // A sorted array is a valid heap.
    this.#heap = remaining.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** An event that was held back comes due now; its maker can still cancel it, so it stays the same object. */
  requeue(event: QueuedEvent, timeMs: number): void {
    event.timeMs = timeMs;
    event.sequence = this.#nextSequence++;
    this.#heap.push(event);
    this.#siftUp(this.#heap.length - 1);
  }

  pop(): QueuedEvent | null {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return null;
    if (first.action === null && this.#cancelledCount > 0) this.#cancelledCount--;
    if (first !== last) {
      this.#heap[0] = last;
      this.#siftDown(0);
    }
    return first;
  }

  #siftUp(start: number): void {
    const heap = this.#heap;
    let index = start;
    const event = heap[index];
    if (event === undefined) return;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  #siftDown(start: number): void {
    const heap = this.#heap;
    let index = start;
    const event = heap[index];
    if (event === undefined) return;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (!isBefore(child, event)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = event;
  }
}
