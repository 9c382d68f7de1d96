// A wall clock that is off, or runs at another speed. Deadlines keep the monotonic clock, as a machine's do.

import type { Clock, Timer } from '../runtime.ts';
import type { ClockFaults } from './broker-faults.ts';

export class FaultyClock implements Clock {
  readonly #base: Clock;
  #skews: ClockFaults = [];

  constructor(base: Clock) {
    this.#base = base;
  }

  apply(skews: ClockFaults): void {
    this.#skews = skews;
  }

  wallMs(): number {
    const wallMs = this.#base.wallMs();
    if (this.#skews.length === 0) return wallMs;
    const now = this.#base.monotonicMs();
    let offMs = 0;
    for (const { offsetMs, rate, sinceMonotonicMs } of this.#skews) {
      offMs += offsetMs + Math.max(0, now - sinceMonotonicMs) * (rate - 1);
    }
    return Math.max(0, Math.round(wallMs + offMs));
  }

  monotonicMs(): number {
    return this.#base.monotonicMs();
  }

  at(deadlineMs: number, action: () => void): Timer {
    return this.#base.at(deadlineMs, action);
  }

  soon(action: () => void): Timer {
    return this.#base.soon(action);
  }
}
