// The broker's end of the one journal: numbers events and keeps them until telemetry takes them.

import type { EventId, Journal, JournalEntry, JournalEvent } from '../core/journal.ts';
import type { Clock } from '../runtime/runtime.ts';

/** Events kept while nobody takes them; the oldest go first, and the gap shows in `sequence`. */
const pendingEventsMax = 10_000;

export class BrokerJournal implements Journal {
  readonly #source: `broker-${number}`;
  readonly #clock: Clock;
  readonly #onEvent: () => void;
  #sequence = 0;
  #pending: JournalEvent[] = [];

  /** `onEvent` is called after each event, so that telemetry need not poll. */
  constructor(nodeId: number, clock: Clock, onEvent: () => void) {
    this.#source = `broker-${nodeId}`;
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  record(entry: JournalEntry, cause: EventId | string | null = null): EventId {
    const sequence = ++this.#sequence;
    const id = `${this.#source}:${sequence}`;
    this.#pending.push({
      id,
      source: this.#source,
      sequence,
      wallMs: this.#clock.wallMs(),
      monotonicMs: this.#clock.monotonicMs(),
      cause,
      entry,
    });
    if (this.#pending.length > pendingEventsMax) this.#pending.shift();
    this.#onEvent();
    return id;
  }

  take(): readonly JournalEvent[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }
}
