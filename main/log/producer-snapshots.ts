// The `.snapshot` files of a partition and how far the producer state in memory reaches. A snapshot named N holds
// the producers as of offset N (exclusive).

import type { Disk } from '../runtime/runtime.ts';
import { decodeProducerSnapshot, DamagedSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerState } from './producer-state.ts';
import { joinPath, offsetInName, offsetName, snapshotSuffix } from './segment-names.ts';

export type ProducerSnapshotsOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly producerIdExpirationMs: number;
};

export class ProducerSnapshots {
  readonly state = new ProducerState();
  /** The state holds every batch below this offset. */
  mapEndOffset = 0;
  #lastSnapshotOffset = 0;
  readonly #disk: Disk;
  readonly #expirationMs: number;
  readonly #directory: string;
  /** Of the files, rising. */
  #offsets: number[];

  /** `offsets`: of the snapshots that the directory holds, rising. */
  constructor(options: ProducerSnapshotsOptions, offsets: readonly number[]) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#expirationMs = options.producerIdExpirationMs;
    this.#offsets = [...offsets];
  }

  get latestOffset(): number | null {
    return this.#offsets.at(-1) ?? null;
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** Writes the state as of `mapEndOffset`, unless that was done. */
  take(options: { readonly syncNow: boolean }): void {
    if (this.mapEndOffset <= this.#lastSnapshotOffset) return;
    const file = this.#disk.open(this.#path(this.mapEndOffset), 'create');
    try {
      const bytes = encodeProducerSnapshot(this.state.entries());
      file.truncate(0);
      file.write(bytes, 0);
      if (options.syncNow) file.syncNow();
    } finally {
      file.close();
    }
    if (!this.#offsets.includes(this.mapEndOffset)) {
      this.#offsets = [...this.#offsets, this.mapEndOffset].sort((a, b) => a - b);
    }
    this.#lastSnapshotOffset = this.mapEndOffset;
  }

  /** Makes the snapshot at `offset`, written without a sync, safe. */
  async sync(offset: number): Promise<void> {
    if (!this.#offsets.includes(offset)) return;
    const file = this.#disk.open(this.#path(offset), 'write');
    try {
      await file.sync();
    } finally {
      file.close();
    }
  }

  /**
   * Goes back to the newest snapshot in (logStartOffset, logEndOffset]; others are removed. Afterwards `mapEndOffset`
   * says from where the log must be replayed.
   */
  truncateAndReload(logStartOffset: number, logEndOffset: number, nowMs: number): void {
    for (const offset of this.#offsets) {
      if (offset > logEndOffset || offset <= logStartOffset) this.remove(offset);
    }
    if (logEndOffset === this.mapEndOffset) {
      this.onLogStartOffset(logStartOffset);
      return;
    }
    this.state.clear();
    this.#loadLatest(logStartOffset, nowMs);
  }

  onLogStartOffset(logStartOffset: number): void {
    this.state.onHighWatermark(logStartOffset);
    if (this.mapEndOffset < logStartOffset) this.mapEndOffset = logStartOffset;
    this.#lastSnapshotOffset = this.latestOffset ?? logStartOffset;
  }

  truncateFullyAndStartAt(offset: number): void {
    this.state.clear();
    for (const known of this.#offsets) this.remove(known);
    this.#lastSnapshotOffset = 0;
    this.mapEndOffset = offset;
  }

  /** Keeps the snapshots that belong to a segment, and the newest other if it lies behind them all. */
  removeStray(segmentBaseOffsets: readonly number[]): void {
    const bases = new Set(segmentBaseOffsets);
    const newestBase = segmentBaseOffsets.at(-1) ?? -1;
    const stray = this.#offsets.filter((offset) => !bases.has(offset));
    const newestStray = stray.at(-1);
    for (const offset of stray) {
      if (offset !== newestStray || offset < newestBase) this.remove(offset);
    }
  }

  remove(offset: number): void {
    if (!this.#offsets.includes(offset)) return;
    this.#offsets = this.#offsets.filter((known) => known !== offset);
    this.#disk.remove(this.#path(offset));
  }

  #loadLatest(logStartOffset: number, nowMs: number): void {
    for (;;) {
      const latest = this.latestOffset;
      if (latest === null) {
        this.#lastSnapshotOffset = logStartOffset;
        this.mapEndOffset = logStartOffset;
        return;
      }
      try {
        const entries = decodeProducerSnapshot(Buffer.from(this.#disk.readFile(this.#path(latest))));
        this.state.load(entries, nowMs, this.#expirationMs);
        this.#lastSnapshotOffset = latest;
        this.mapEndOffset = latest;
        return;
      } catch (error) {
        if (!(error instanceof DamagedSnapshot)) throw error;
        // An older one and more of the log say the same.
        this.remove(latest);
      }
    }
  }

  #path(offset: number): string {
    return joinPath(this.#directory, offsetName(offset) + snapshotSuffix);
  }
}

export function snapshotOffsets(names: readonly string[]): number[] {
  return names
    .filter((name) => name.endsWith(snapshotSuffix))
    .map((name) => offsetInName(name))
    .filter((offset) => offset !== null)
    .sort((a, b) => a - b);
}
