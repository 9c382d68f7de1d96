// One deadline per key, cheap to move: a heartbeat only writes down a later deadline, the timer underneath is set
// anew when it goes off too early.

import type { Clock, Timer } from '../../runtime/runtime.ts';

type Entry = { deadlineMs: number; action: () => void; timer: Timer; timerMs: number };

export class KeyedTimers {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Replaces what was set under this key. */
  schedule(key: string, delayMs: number, action: () => void): void {
    const deadlineMs = this.#clock.monotonicMs() + Math.max(0, delayMs);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.action = action;
      known.deadlineMs = deadlineMs;
      if (known.timerMs <= deadlineMs) return;
      known.timer.cancel();
      this.#arm(key, known);
      return;
    }
    const entry: Entry = { deadlineMs, action, timer: noTimer, timerMs: deadlineMs };
    this.#entries.set(key, entry);
    this.#arm(key, entry);
  }

  cancel(key: string): void {
    this.#entries.get(key)?.timer.cancel();
    this.#entries.delete(key);
  }

  cancelAll(): void {
    for (const entry of this.#entries.values()) entry.timer.cancel();
    this.#entries.clear();
  }

  #arm(key: string, entry: Entry): void {
    entry.timerMs = entry.deadlineMs;
    entry.timer = this.#clock.at(entry.deadlineMs, () => {
      if (this.#entries.get(key) !== entry) return;
      if (this.#clock.monotonicMs() < entry.deadlineMs) {
        this.#arm(key, entry);
        return;
      }
      this.#entries.delete(key);
      entry.action();
    });
  }
}

const noTimer: Timer = { cancel: () => {} };
