// When the active controller last heard of each broker, and how far each has read the metadata log. Soft state: kept
// by the active controller only, never written; a new controller gives every broker a whole session first.

export type BrokerContact = {
  /** Monotonic time of the last heartbeat; null for a broker that never sent one to this controller. */
  lastContactMs: number | null;
  isFenced: boolean;
  /** Last metadata offset that the broker said it has. */
  metadataOffset: number;
  /** What others must have read before the broker may stop; null when it is not shutting down. */
  controlledShutdownOffset: number | null;
};

export class BrokerHeartbeats {
  readonly #sessionTimeoutMs: number;
  readonly #brokers = new Map<number, BrokerContact>();

  constructor(sessionTimeoutMs: number) {
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  get sessionTimeoutMs(): number {
    return this.#sessionTimeoutMs;
  }

  contact(brokerId: number): BrokerContact | null {
    return this.#brokers.get(brokerId) ?? null;
  }

  /** A broker that is known from the log or registers now. An unfenced one has a session from now on. */
  register(brokerId: number, isFenced: boolean, nowMs: number): void {
    const known = this.#brokers.get(brokerId);
    const lastContactMs = isFenced ? (known?.lastContactMs ?? null) : nowMs;
    this.#brokers.set(brokerId, {
      lastContactMs,
      isFenced,
      metadataOffset: known?.metadataOffset ?? -1,
      controlledShutdownOffset: null,
    });
  }

  remove(brokerId: number): void {
    this.#brokers.delete(brokerId);
  }

  touch(brokerId: number, isFenced: boolean, metadataOffset: number, nowMs: number): void {
    const contact = this.#brokers.get(brokerId);
    const controlledShutdownOffset = isFenced ? null : (contact?.controlledShutdownOffset ?? null);
    this.#brokers.set(brokerId, { lastContactMs: nowMs, isFenced, metadataOffset, controlledShutdownOffset });
  }

  fence(brokerId: number): void {
    const contact = this.#brokers.get(brokerId);
    if (contact === undefined) return;
    contact.isFenced = true;
    contact.controlledShutdownOffset = null;
    contact.lastContactMs = null;
  }

  beginControlledShutdown(brokerId: number, offset: number): void {
    const contact = this.#brokers.get(brokerId);
    if (contact !== undefined) contact.controlledShutdownOffset = offset;
  }

  hasSession(brokerId: number, nowMs: number): boolean {
    const lastContactMs = this.#brokers.get(brokerId)?.lastContactMs ?? null;
    return lastContactMs !== null && nowMs < lastContactMs + this.#sessionTimeoutMs;
  }

  /** The lowest metadata offset that a broker which is alive and staying has read; null when there is none. */
  lowestActiveOffset(): number | null {
    let lowest: number | null = null;
    for (const contact of this.#brokers.values()) {
      if (contact.isFenced || contact.controlledShutdownOffset !== null) continue;
      lowest = lowest === null ? contact.metadataOffset : Math.min(lowest, contact.metadataOffset);
    }
    return lowest;
  }

  /** Unfenced brokers whose session is over. */
  stale(nowMs: number): number[] {
    const ids: number[] = [];
    for (const [id, contact] of this.#brokers) {
      if (
        !contact.isFenced &&
        contact.lastContactMs !== null &&
        nowMs >= contact.lastContactMs + this.#sessionTimeoutMs
      )
        ids.push(id);
    }
    return ids;
  }

  /** When the next session ends if nothing is heard; null when no broker is unfenced. */
  get deadlineMs(): number | null {
    let deadline: number | null = null;
    for (const contact of this.#brokers.values()) {
      if (contact.isFenced || contact.lastContactMs === null) continue;
      const ends = contact.lastContactMs + this.#sessionTimeoutMs;
      deadline = deadline === null ? ends : Math.min(deadline, ends);
    }
    return deadline;
  }

  /** After this process itself stood still, silence says nothing about the brokers: every session starts anew. */
  renewAll(nowMs: number): void {
    for (const contact of this.#brokers.values()) {
      if (!contact.isFenced) contact.lastContactMs = nowMs;
    }
  }
}
