// Who waits for the high watermark of one coordinator partition. Offsets and deadlines both rise in the order of
// arrival, so that commits, time-outs and failures all release from the front. As long as what requests under way
// can ask, and no entry outlives the write timeout.

import { ErrorCode } from '../../protocol/errors.ts';
import type { Clock, Timer } from '../../runtime/runtime.ts';

export type CommitWait = {
  /** Released when the high watermark is here or beyond. */
  readonly requiredOffset: number;
  readonly deadlineMs: number;
  readonly settle: (errorCode: number) => void;
};

export class CommitQueue {
  readonly #clock: Clock;
  #waits: CommitWait[] = [];
  #head = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waits.length - this.#head;
  }

  add(wait: CommitWait): void {
    this.#waits.push(wait);
    this.#arm();
  }

  release(highWatermark: number): void {
    for (let wait = this.#first(); wait !== null && wait.requiredOffset <= highWatermark; wait = this.#first()) {
      this.#shift();
      wait.settle(ErrorCode.NONE);
    }
    if (this.size === 0) this.#disarm();
  }

  failAll(errorCode: number): void {
    this.#disarm();
    for (let wait = this.#first(); wait !== null; wait = this.#first()) {
      this.#shift();
      wait.settle(errorCode);
    }
  }

  #expire(): void {
    this.#timer = null;
    const nowMs = this.#clock.monotonicMs();
    for (let wait = this.#first(); wait !== null && wait.deadlineMs <= nowMs; wait = this.#first()) {
      this.#shift();
      wait.settle(ErrorCode.REQUEST_TIMED_OUT);
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#first();
    if (first === null || this.#timer !== null) return;
    this.#timer = this.#clock.at(first.deadlineMs, () => this.#expire());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #first(): CommitWait | null {
    return this.#waits[this.#head] ?? null;
  }

  #shift(): void {
    this.#head++;
    if (this.#head === this.#waits.length) {
      this.#waits = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#waits.length) {
      this.#waits = this.#waits.slice(this.#head);
      this.#head = 0;
    }
  }
}
