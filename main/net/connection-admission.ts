// Who may connect, and when: limits of connections and of their creation, as Kafka's ConnectionQuotas (KIP-308, 612).
//
// Too many at once, or too many a second, make the next one wait, and those behind it: nothing is refused. An address
// that has too many is refused at once; one that makes too many a second is let in and closed after the time that it
// would have had to wait, unread.

import type { Clock, Connection, Timer } from '../runtime/runtime.ts';
import { HeldConnection } from './held-connection.ts';
import { QuotaRate } from './quota-rate.ts';

export type AdmissionLimits = {
  /** `max.connections`: one more waits. */
  readonly connectionCountMax: number;
  /** `max.connections.per.ip`: one more is closed. */
  readonly connectionsPerAddressMax: number;
  /** `max.connections.per.ip.overrides`, by address. */
  readonly connectionsPerAddressOverrides: ReadonlyMap<string, number>;
  /** `max.connection.creation.rate`: per second; more wait. */
  readonly connectionRateMax: number;
  /** The quota `connection_creation_rate` of an address, per second. */
  readonly connectionRateMaxOf: (address: string) => number;
  /** `quota.window.num`, `quota.window.size.seconds`. */
  readonly rateSampleCount: number;
  readonly rateSampleMs: number;
};

/** Kafka's default where it means "no limit". */
export const noConnectionLimit = 2_147_483_647;
/** Connections that wait; Kafka leaves them in the operating system's queue, which is as long. */
const waitingMax = 511;
const delayedCloseMax = 511;
const rateIdleMsMax = 3_600_000;
const addressRatesToTidy = 1000;

export type AdmissionOutcome = {
  admit(connection: Connection, address: string): void;
  /** Closed without being served. */
  refused(): void;
  /** How many wait to be let in. */
  waiting(count: number): void;
};

type Waiting = { readonly connection: HeldConnection; readonly address: string; notBeforeMs: number | null };

export class ConnectionAdmission {
  readonly #clock: Clock;
  readonly #limits: AdmissionLimits;
  readonly #outcome: AdmissionOutcome;
  readonly #rate: QuotaRate;
  readonly #rateOfAddress = new Map<string, QuotaRate>();
  readonly #countOfAddress = new Map<string, number>();
  readonly #delayedCloses = new Map<HeldConnection, Timer>();
  #waiting: Waiting[] = [];
  #count = 0;
  #timer: Timer | null = null;
  #isClosed = false;

  /** `limits` may change: the object is read anew each time. */
  constructor(clock: Clock, limits: AdmissionLimits, outcome: AdmissionOutcome) {
    this.#clock = clock;
    this.#limits = limits;
    this.#outcome = outcome;
    this.#rate = new QuotaRate(limits.rateSampleCount, limits.rateSampleMs);
  }

  /** How many are open beyond `max.connections`: it was lowered. */
  get excessCount(): number {
    return Math.max(0, this.#count - this.#limits.connectionCountMax);
  }

  /** To be called within the event that opened the connection. */
  offer(connection: Connection): void {
    const address = canonicalAddress(connection.remoteAddress);
    if (this.#isClosed || this.#waiting.length >= waitingMax) return this.#refuse(connection);
    // Only the first in the queue is counted: the others have not been accepted yet.
    const waitMs = this.#waiting.length === 0 ? this.#waitMs() : null;
    if (waitMs === 0 && this.#hasRoom()) {
      if (this.#isLetInNow(connection, address)) this.#admit(connection, address);
      return;
    }
    const held: HeldConnection = new HeldConnection(connection, () => this.#gaveUp(held));
    const notBeforeMs = waitMs === null ? null : this.#clock.monotonicMs() + waitMs;
    this.#waiting.push({ connection: held, address, notBeforeMs });
    this.#outcome.waiting(this.#waiting.length);
    this.#arm();
  }

  /** A connection that was let in has ended. */
  left(address: string): void {
    this.#count--;
    const count = (this.#countOfAddress.get(address) ?? 1) - 1;
    if (count > 0) this.#countOfAddress.set(address, count);
    else this.#countOfAddress.delete(address);
    if (this.#waiting.length > 0) this.#arm();
  }

  /** Limits have changed: whoever may come in now does. */
  limitsChanged(): void {
    if (this.#waiting.length > 0) this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const { connection } of this.#waiting.splice(0)) this.#refuse(connection);
    for (const [connection, timer] of this.#delayedCloses) {
      timer.cancel();
      connection.destroy();
    }
    this.#delayedCloses.clear();
  }

  // ── the queue ──

  /** Counts one connection; how long it must wait for that, a window at most. */
  #waitMs(): number {
    const { connectionRateMax, rateSampleMs } = this.#limits;
    if (connectionRateMax === noConnectionLimit) return 0;
    const nowMs = this.#clock.monotonicMs();
    this.#rate.record(1, nowMs);
    return Math.min(this.#rate.throttleMs(connectionRateMax, nowMs), rateSampleMs);
  }

  #hasRoom(): boolean {
    return this.#count < this.#limits.connectionCountMax;
  }

  #arm(): void {
    this.#timer?.cancel();
    const notBeforeMs = this.#waiting[0]?.notBeforeMs ?? 0;
    const nowMs = this.#clock.monotonicMs();
    this.#timer =
      notBeforeMs > nowMs ? this.#clock.at(notBeforeMs, () => this.#letIn()) : this.#clock.soon(() => this.#letIn());
  }

  #letIn(): void {
    this.#timer = null;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      first.notBeforeMs ??= this.#clock.monotonicMs() + this.#waitMs();
      if (first.notBeforeMs > this.#clock.monotonicMs()) return this.#arm();
      // Whoever leaves makes room and calls again.
      if (!this.#hasRoom()) return;
      this.#waiting.shift();
      this.#outcome.waiting(this.#waiting.length);
      const { connection, address } = first;
      if (!this.#isLetInNow(connection, address)) continue;
      this.#admit(connection, address);
      connection.release();
    }
  }

  #gaveUp(connection: HeldConnection): void {
    this.#waiting = this.#waiting.filter((each) => each.connection !== connection);
    this.#outcome.waiting(this.#waiting.length);
    this.#delayedCloses.get(connection)?.cancel();
    this.#delayedCloses.delete(connection);
    if (this.#waiting.length > 0) this.#arm();
  }

  // ── one connection ──

  /** False: its address has used up its rate, or has too many; the connection is dealt with. */
  #isLetInNow(connection: Connection, address: string): boolean {
    const throttleMs = this.#addressThrottleMs(address);
    if (throttleMs > 0) {
      // It was counted as accepted, and is not.
      if (this.#limits.connectionRateMax !== noConnectionLimit) this.#rate.record(-1, this.#clock.monotonicMs());
      this.#closeLater(connection, throttleMs);
      return false;
    }
    const { connectionsPerAddressMax, connectionsPerAddressOverrides } = this.#limits;
    const most = connectionsPerAddressOverrides.get(address) ?? connectionsPerAddressMax;
    if ((this.#countOfAddress.get(address) ?? 0) < most) return true;
    this.#refuse(connection);
    return false;
  }

  #admit(connection: Connection, address: string): void {
    this.#count++;
    this.#countOfAddress.set(address, (this.#countOfAddress.get(address) ?? 0) + 1);
    this.#outcome.admit(connection, address);
  }

  #addressThrottleMs(address: string): number {
    const bound = this.#limits.connectionRateMaxOf(address);
    if (bound === noConnectionLimit) return 0;
    const nowMs = this.#clock.monotonicMs();
    const rate = this.#addressRate(address, nowMs);
    rate.record(1, nowMs);
    const throttleMs = Math.min(rate.throttleMs(bound, nowMs), this.#limits.rateSampleMs);
    if (throttleMs > 0) rate.record(-1, nowMs);
    return throttleMs;
  }

  #addressRate(address: string, nowMs: number): QuotaRate {
    const known = this.#rateOfAddress.get(address);
    if (known !== undefined) return known;
    if (this.#rateOfAddress.size >= addressRatesToTidy) {
      for (const [each, rate] of this.#rateOfAddress) {
        if (nowMs - rate.lastUsedMs > rateIdleMsMax) this.#rateOfAddress.delete(each);
      }
    }
    const rate = new QuotaRate(this.#limits.rateSampleCount, this.#limits.rateSampleMs);
    this.#rateOfAddress.set(address, rate);
    return rate;
  }

  /** So that a client that connects again and again does so no faster than it may. */
  #closeLater(connection: Connection, delayMs: number): void {
    if (this.#delayedCloses.size >= delayedCloseMax) return this.#refuse(connection);
    const held: HeldConnection =
      connection instanceof HeldConnection ? connection : new HeldConnection(connection, () => this.#gaveUp(held));
    const timer = this.#clock.at(this.#clock.monotonicMs() + delayMs, () => {
      this.#delayedCloses.delete(held);
      held.destroy();
    });
    this.#delayedCloses.set(held, timer);
    this.#outcome.refused();
  }

  #refuse(connection: Connection): void {
    this.#outcome.refused();
    if (!(connection instanceof HeldConnection)) {
      connection.handle({ onData: () => undefined, onClose: () => undefined, onDrain: () => undefined });
    }
    connection.destroy();
  }
}

/** IPv4 also where the socket speaks IPv6; `localhost` as loopback. Names are not looked up. */
export function canonicalAddress(address: string): string {
  const text = address
    .trim()
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '');
  return text === 'localhost' ? '127.0.0.1' : text;
}
