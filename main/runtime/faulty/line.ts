// One direction of the link to one peer: when bytes that are sent now arrive. All connections over it share it, so
// that a limited bandwidth is limited for all of them together.

import type { Clock, Random } from '../runtime.ts';
import { clearLink, type LinkCondition } from './broker-faults.ts';

/** Ethernet's largest TCP segment. */
const segmentBytes = 1460;
/** TCP's least retransmission time-out (Linux); each further loss of the same segment doubles it. */
const retransmissionMs = 200;
const retransmissionMsMax = 60_000;

export class Line {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watchers = new Set<() => void>();
  #condition: LinkCondition = clearLink;
  #isClear = true;
  /** Until then the link is busy with what was sent before. */
  #busyUntilMs = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Nothing is to be done to what passes. */
  get isClear(): boolean {
    return this.#isClear;
  }

  get isCut(): boolean {
    return this.#condition.isCut;
  }

  change(condition: LinkCondition): void {
    this.#condition = condition;
    this.#isClear =
      !condition.isCut &&
      condition.delayMs === 0 &&
      condition.jitterMs === 0 &&
      condition.loss === 0 &&
      condition.bytesPerSecond === null;
    if (condition.bytesPerSecond === null) this.#busyUntilMs = 0;
    for (const notify of [...this.#watchers]) notify();
  }

  /** Returns the function that ends the watch. */
  watch(notify: () => void): () => void {
    this.#watchers.add(notify);
    return () => this.#watchers.delete(notify);
  }

  /** Monotonic time at which bytes sent now are at the other end; Infinity while the line is cut. */
  arrivalMs(byteCount: number): number {
    const { isCut, delayMs, jitterMs, loss, bytesPerSecond } = this.#condition;
    if (isCut) return Infinity;
    let sentMs = this.#clock.monotonicMs();
    if (bytesPerSecond !== null) {
      sentMs = Math.max(sentMs, this.#busyUntilMs) + (byteCount / bytesPerSecond) * 1000;
      this.#busyUntilMs = sentMs;
    }
    const jitter = jitterMs === 0 ? 0 : (this.#random.next() * 2 - 1) * jitterMs;
    return sentMs + Math.max(0, delayMs + jitter) + this.#retransmissionMs(byteCount, loss);
  }

  /** A connection is there one round trip after it is asked for. */
  static roundTripMs(out: Line, incoming: Line): number {
    const now = out.#clock.monotonicMs();
    return out.arrivalMs(1) - now + (incoming.arrivalMs(1) - now);
  }

  /**
   * What losses cost an application: the segment is sent again after a time-out, and all that follows waits for it.
   * (A fast retransmission would take one round trip only; on a quiet link there is none.)
   */
  #retransmissionMs(byteCount: number, loss: number): number {
    if (loss === 0) return 0;
    const segments = Math.ceil(byteCount / segmentBytes);
    let delayMs = 0;
    let timeoutMs = retransmissionMs;
    // The chance that at least one of the segments is lost; then of the one that is sent again.
    let chance = 1 - (1 - loss) ** segments;
    while (this.#random.next() < chance && delayMs < retransmissionMsMax) {
      delayMs += timeoutMs;
      timeoutMs = Math.min(timeoutMs * 2, retransmissionMsMax);
      chance = loss;
    }
    return delayMs;
  }
}
