// One life of a simulated node, from its start to its crash: its clock, its events, its failure. What a dead life
// scheduled never runs, and what still runs of it can't touch the world any more.

import { NetworkError } from '../runtime.ts';
import type { Clock } from '../runtime.ts';
import type { EventOwner, EventQueue, QueuedEvent } from './event-queue.ts';

/** Thrown into code of a node that is no more; the world swallows it at the end of the event. */
export class NodeStopped extends Error {
  override readonly name = 'NodeStopped';
}

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
  readonly clock: Clock;

  constructor(nodeId: number, queue: EventQueue, time: VirtualTime) {
    this.nodeId = nodeId;
    this.#queue = queue;
    this.#time = time;
    this.clock = {
      wallMs: () => Math.floor(time.wallStartMs + time.nowMs + this.wallSkewMs),
      monotonicMs: () => time.nowMs,
      at: (deadlineMs, action) => this.at(deadlineMs, action),
      soon: (action) => this.at(time.nowMs, action),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

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
