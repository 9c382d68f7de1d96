// When a new snapshot is due: by bytes of records since the last one, or by time (Kafka's SnapshotGenerator). Pure.

export type SnapshotLimits = {
  readonly recordBytesBetweenSnapshotsMax: number;
  /** 0: no limit. */
  readonly snapshotIntervalMaxMs: number;
};

export class SnapshotPolicy {
  readonly #limits: SnapshotLimits;
  #bytes = 0;
  #sinceMs: number;

  constructor(limits: SnapshotLimits, nowMs: number) {
    this.#limits = limits;
    this.#sinceMs = nowMs;
  }

  committed(bytes: number): void {
    this.#bytes += bytes;
  }

  snapshotMade(nowMs: number): void {
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }

  /** Why one is due, or null. Nothing new, no snapshot. */
  dueReason(nowMs: number): string | null {
    if (this.#bytes === 0) return null;
    const { recordBytesBetweenSnapshotsMax, snapshotIntervalMaxMs } = this.#limits;
    if (this.#bytes >= recordBytesBetweenSnapshotsMax) return `max bytes were exceeded`;
    if (snapshotIntervalMaxMs > 0 && nowMs - this.#sinceMs >= snapshotIntervalMaxMs) {
      return `max time since last snapshot was exceeded`;
    }
    return null;
  }
}
