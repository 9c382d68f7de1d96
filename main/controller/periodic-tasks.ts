// What the active controller does by time: ends sessions exactly when they end, balances leaders, looks for offline
// partitions, writes a no-op when nothing else was written. Timers are set for deadlines; nothing ticks.

import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';

export type PeriodicActions = {
  /** `lateMs`: how much later than planned the timer came. */
  checkSessions(lateMs: number): void;
  writeNoOp(): void;
  balanceLeaders(): void;
  electUncleanLeaders(): void;
};

export class PeriodicTasks {
  readonly #clock: Clock;
  readonly #actions: PeriodicActions;
  readonly #balanceIntervalMs: number | null;
  readonly #uncleanIntervalMs: number;
  /** Null: no no-op records. */
  readonly #idleIntervalMs: number | null;
  readonly #timers = new Set<Timer>();
  #session: { readonly timer: Timer; readonly atMs: number } | null = null;
  #lastAppendMs = 0;
  #isStopped = false;

  constructor(clock: Clock, settings: BrokerSettings, actions: PeriodicActions) {
    this.#clock = clock;
    this.#actions = actions;
    const balances = settings.boolean('auto.leader.rebalance.enable');
    this.#balanceIntervalMs = balances ? settings.number('leader.imbalance.check.interval.seconds') * 1000 : null;
    this.#uncleanIntervalMs = settings.number('unclean.leader.election.interval.ms');
    const idleIntervalMs = settings.number('metadata.max.idle.interval.ms');
    this.#idleIntervalMs = idleIntervalMs > 0 ? idleIntervalMs : null;
  }

  start(sessionDeadlineMs: number | null): void {
    this.#lastAppendMs = this.#clock.monotonicMs();
    this.sessionDeadline(sessionDeadlineMs);
    this.#armIdle();
    const { balanceLeaders, electUncleanLeaders } = this.#actions;
    if (this.#balanceIntervalMs !== null) this.#repeat(this.#balanceIntervalMs, balanceLeaders);
    this.#repeat(this.#uncleanIntervalMs, electUncleanLeaders);
  }

  stop(): void {
    this.#isStopped = true;
    this.#session?.timer.cancel();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  appended(): void {
    this.#lastAppendMs = this.#clock.monotonicMs();
  }

  /** The earliest end of a session, as it is known now. */
  sessionDeadline(deadlineMs: number | null): void {
    if (deadlineMs === null || this.#isStopped) return;
    // An earlier timer stays: heartbeats only move deadlines away, and one timer per heartbeat would be waste.
    if (this.#session !== null && this.#session.atMs <= deadlineMs) return;
    this.#session?.timer.cancel();
    const timer = this.#clock.at(deadlineMs, () => {
      this.#session = null;
      if (!this.#isStopped) this.#actions.checkSessions(this.#clock.monotonicMs() - deadlineMs);
    });
    this.#session = { timer, atMs: deadlineMs };
  }

  #at(deadlineMs: number, action: () => void): void {
    const timer = this.#clock.at(deadlineMs, () => {
      this.#timers.delete(timer);
      if (!this.#isStopped) action();
    });
    this.#timers.add(timer);
  }

  #repeat(intervalMs: number, action: () => void): void {
    this.#at(this.#clock.monotonicMs() + intervalMs, () => {
      action();
      this.#repeat(intervalMs, action);
    });
  }

  #armIdle(): void {
    if (this.#idleIntervalMs === null) return;
    const intervalMs = this.#idleIntervalMs;
    this.#at(this.#lastAppendMs + intervalMs, () => {
      if (this.#clock.monotonicMs() >= this.#lastAppendMs + intervalMs) this.#actions.writeNoOp();
      this.#armIdle();
    });
  }
}
