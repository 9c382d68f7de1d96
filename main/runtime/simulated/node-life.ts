// One life of a simulated node, from its start to its crash: its clock, its events, its failure. What a dead life
// scheduled never runs, and what still runs of it can't touch the world any more.

import { NetworkError } from '../runtime.ts';
import type { Clock } from '../runtime.ts';
import type { EventOwner, EventQueue, QueuedEvent } from './event-queue.ts';

/** Thrown into code of a node that is no more; the world swallows it at the end of the event. */
export class NodeStopped extends Error {
  override readonly name = 'NodeStopped';
}

/** Larger than the error of adding and dividing milliseconds of some hours. */
const roundingMs = 1e-6;

export type VirtualTime = { readonly nowMs: number; readonly wallStartMs: number };

export class NodeLife implements EventOwner {
  readonly nodeId: number;
  readonly #queue: EventQueue;
  readonly #time: VirtualTime;
  #isAlive = true;
  #isPaused = false;
  /** Events that came due while the node stood still, in order. */
  #held: QueuedEvent[] = [];
  /** The node's wall clock is off by so much. */
  wallSkewMs = 0;
  /** How fast this life's clocks go, and when it began. */
  readonly #rate: number;
  readonly #startMs: number;
  readonly clock: Clock;

  constructor(nodeId: number, queue: EventQueue, time: VirtualTime, clockRate = 1) {
    this.#rate = clockRate;
    this.#startMs = time.nowMs;
    this.nodeId = nodeId;
    this.#queue = queue;
    this.#time = time;
    this.clock = {
      wallMs: () => Math.floor(time.wallStartMs + this.#ownMs() + this.wallSkewMs),
      monotonicMs: () => this.#ownMs(),
      at: (deadlineMs, action) => this.at(this.#worldMs(deadlineMs), action),
      soon: (action) => this.at(time.nowMs, action),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  #ownMs(): number {
    // Without a drift the numbers are the world's own, bit for bit.
    if (this.#rate === 1) return this.#time.nowMs;
    return this.#startMs + (this.#time.nowMs - this.#startMs) * this.#rate;
  }

  #worldMs(ownMs: number): number {
    // A little later rather than a rounding error too early: who looks must find the deadline passed.
    return this.#rate === 1 ? ownMs : this.#startMs + (ownMs - this.#startMs) / this.#rate + roundingMs;
  }

  /** In the world's time. */
  at(deadlineMs: number, action: () => void): { cancel(): void } {
    if (!this.#isAlive) return { cancel: () => undefined };
    const event = this.#queue.push(Math.max(deadlineMs, this.#time.nowMs), this, action);
    return { cancel: () => this.#queue.cancel(event) };
  }

  /** In an event of its own, now. */
  after(action: () => void): void {
    this.at(this.#time.nowMs, action);
  }

  requireAlive(): void {
    if (!this.#isAlive) throw new NodeStopped(`node ${this.nodeId} is not running any more`);
  }

  requireAliveNetwork(): void {
    if (!this.#isAlive) throw new NetworkError('closed', `node ${this.nodeId} is not running any more`);
  }

  hold(event: QueuedEvent): void {
    this.#held.push(event);
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** Goes on with everything that came due meanwhile, at once and in its order. */
  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const event of held) {
      if (event.action !== null) this.#queue.requeue(event, this.#time.nowMs);
    }
  }

  end(): void {
    this.#isAlive = false;
    this.#held = [];
  }
}
