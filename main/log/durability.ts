// What of a log is safe from power loss: the recovery point, and the ways it moves up. Everything below it is on the
// device, together with the small files it needs; recovery starts there after an unclean stop.

import { maxOffset, minOffset, type Offset } from '../core/ids.ts';
import { DiskError, type Clock } from '../runtime/runtime.ts';
import type { PartitionDirectory } from './partition-directory.ts';
import type { ProducerSnapshots } from './producer-snapshots.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export type DurabilityOptions = {
  readonly segments: SegmentList;
  readonly directory: PartitionDirectory;
  readonly producers: ProducerSnapshots;
  readonly clock: Clock;
  readonly recoveryPoint: Offset;
};

export class Durability {
  readonly #options: DurabilityOptions;
  #recoveryPoint: Offset;
  /** Rises whenever batches go: a sync that overlaps one proves nothing. */
  #removalCount = 0;
  #lastFlushMs: number;
  #failure: DiskError | null = null;
  #isClosed = false;

  constructor(options: DurabilityOptions) {
    this.#options = options;
    this.#recoveryPoint = options.recoveryPoint;
    this.#lastFlushMs = options.clock.wallMs();
  }

  get recoveryPoint(): Offset {
    return this.#recoveryPoint;
  }

  get removalCount(): number {
    return this.#removalCount;
  }

  get lastFlushMs(): number {
    return this.#lastFlushMs;
  }

  /** A background flush failed: what it should have made safe may not be. */
  get failure(): DiskError | null {
    return this.#failure;
  }

  flush(logEndOffset: Offset): void {
    const { segments, directory } = this.#options;
    const { unsynced, active } = segments;
    if (unsynced.length === 0 && this.#recoveryPoint >= logEndOffset) return;
    for (const segment of unsynced) {
      if (segment === active) segment.syncLogNow();
      else segment.syncNow();
    }
    if (directory.isUnsynced) directory.syncNow();
    this.#recoveryPoint = logEndOffset;
    this.#lastFlushMs = this.#options.clock.wallMs();
  }

  /** Without blocking; records appended meanwhile are not waited for. */
  async sync(logEndOffset: Offset): Promise<void> {
    const { unsynced } = this.#options.segments;
    if (this.#isClosed || (unsynced.length === 0 && this.#recoveryPoint >= logEndOffset)) return;
    this.#lastFlushMs = this.#options.clock.wallMs();
    try {
      if (await this.#syncSegments(unsynced)) this.#recoveryPoint = maxOffset(this.#recoveryPoint, logEndOffset);
    } catch (error) {
      throw this.#noteFailure(error);
    }
  }

  /** Makes all but the active segment, which begins at `baseOffset`, safe soon: Kafka's scheduled flush. */
  flushRolled(baseOffset: Offset): void {
    const { segments, producers } = this.#options;
    const { active } = segments;
    const rolled = segments.unsynced.filter((segment) => segment !== active);
    const flush = async (): Promise<void> => {
      if (!(await this.#syncSegments(rolled))) return;
      this.#recoveryPoint = maxOffset(this.#recoveryPoint, baseOffset);
      await producers.sync(baseOffset);
    };
    flush().catch((error: unknown) => this.#noteFailure(error));
  }

  /** Batches or whole segments are gone. */
  noteRemoval(): void {
    this.#removalCount++;
  }

  /** The log now ends at `offset`; true when that is below what was safe. */
  lowerTo(offset: Offset): boolean {
    const isLower = offset < this.#recoveryPoint;
    this.#recoveryPoint = minOffset(this.#recoveryPoint, offset);
    return isLower;
  }

  /** What is not in the log any more, or never was, needs no recovery. */
  raiseTo(offset: Offset): void {
    this.#recoveryPoint = maxOffset(this.#recoveryPoint, offset);
  }

  /** Everything is safe, and the log is done. */
  close(): void {
    this.#isClosed = true;
  }

  #noteFailure(error: unknown): DiskError {
    const place = this.#options.directory.path;
    const failure =
      error instanceof DiskError ? error : new DiskError('io', place, `${place}: ${String(error)}`, error);
    this.#failure ??= failure;
    return failure;
  }

  /** False when batches went meanwhile: what was synced is not what is in the log now. */
  async #syncSegments(segments: readonly Segment[]): Promise<boolean> {
    const removals = this.#removalCount;
    const isStale = (): boolean => this.#isClosed || removals !== this.#removalCount;
    for (const segment of segments) {
      if (isStale()) return false;
      await segment.sync();
    }
    if (isStale()) return false;
    const { directory } = this.#options;
    if (directory.isUnsynced) await directory.sync();
    return !isStale();
  }
}
