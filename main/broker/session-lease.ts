// How long a broker may trust that nobody was elected in its place: the controller takes leaders away from a broker
// only when its session is over, and the session lasts at least this long after a heartbeat was sent that it
// answered. A broker that was frozen or cut off finds its lease lapsed before it has heard what happened meanwhile.

import type { Clock } from '../runtime/runtime.ts';

export class SessionLease {
  readonly #clock: Clock;
  readonly #sessionTimeoutMs: number;
  #endMs: number | null = null;
  /** After a lapse there is a session of doubt: the first answers may come before the news. */
  #doubtEndMs = 0;

  constructor(clock: Clock, sessionTimeoutMs: number) {
    this.#clock = clock;
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  /** The controller answered a heartbeat sent at `sentMs`: this broker is registered and not fenced. */
  renew(sentMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#endMs !== null && nowMs >= this.#endMs) this.#doubtEndMs = nowMs + this.#sessionTimeoutMs;
    this.#endMs = Math.max(this.#endMs ?? 0, sentMs + this.#sessionTimeoutMs);
  }

  get isHeld(): boolean {
    const nowMs = this.#clock.monotonicMs();
    return this.#endMs !== null && nowMs < this.#endMs && nowMs >= this.#doubtEndMs;
  }
}
