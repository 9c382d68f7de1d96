// Cleans the compacted logs of a directory, one at a time, the dirtiest first, a few pieces of work per call.

import { prepareCompression } from '../records/compression/compression.ts';
import { RecordsError } from '../records/errors.ts';
import { CodecNotLoaded } from '../records/compression/codec-not-loaded.ts';
import type { CleaningRange } from './cleaning-range.ts';
import type { PartitionLog } from './partition-log.ts';

/** Pieces of work before the event loop gets a turn. */
const piecesPerStepMax = 8;
/** `log.cleaner.backoff.ms` */
export const cleanerBackoffMsDefault = 15_000;

type Work = { readonly log: PartitionLog; readonly steps: Generator<void, number | null, undefined> };

export type LogCleanerOptions = {
  readonly backoffMs: number;
  /** Where each log's last cleaning ended, from cleaner-offset-checkpoint. */
  readonly cleanedTo: ReadonlyMap<string, number>;
  /** After each cleaning. */
  readonly onCleaned: () => void;
};

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #cleanedTo: Map<string, number>;
  /** Logs whose batches could not be read: left alone until the next start. */
  readonly #uncleanable = new Set<string>();
  #work: Work | null = null;
  #nextLookMs = 0;

  constructor(options: LogCleanerOptions) {
    this.#options = options;
    this.#cleanedTo = new Map(options.cleanedTo);
  }

  cleanedTo(log: PartitionLog): number | null {
    return this.#cleanedTo.get(log.name) ?? null;
  }

  /** The log is gone or was made anew. */
  forget(log: PartitionLog): void {
    this.#cleanedTo.delete(log.name);
    this.#uncleanable.delete(log.name);
    if (this.#work?.log === log) this.#work = null;
  }

  /** Does some work, if there is any; returns when it wants to be called again. */
  step(logs: Iterable<PartitionLog>, nowMs: number): number {
    if (this.#work === null) {
      if (nowMs < this.#nextLookMs) return this.#nextLookMs;
      this.#work = this.#chooseWork(logs, nowMs);
      if (this.#work === null) {
        this.#nextLookMs = nowMs + this.#options.backoffMs;
        return this.#nextLookMs;
      }
    }
    this.#advance(this.#work);
    return nowMs;
  }

  #advance({ log, steps }: Work): void {
    try {
      for (let piece = 0; piece < piecesPerStepMax; piece++) {
        const step = steps.next();
        if (step.done !== true) continue;
        this.#work = null;
        if (step.value === null) return;
        this.#cleanedTo.set(log.name, step.value);
        this.#options.onCleaned();
        return;
      }
    } catch (error) {
      this.#work = null;
      if (error instanceof CodecNotLoaded) {
        // A failure to load shows again at the next attempt; until then nothing is lost but time.
        prepareCompression(error.codec).catch(() => this.#uncleanable.add(log.name));
        this.#nextLookMs = 0;
        return;
      }
      if (!(error instanceof RecordsError)) throw error;
      this.#uncleanable.add(log.name);
    }
  }

  #chooseWork(logs: Iterable<PartitionLog>, nowMs: number): Work | null {
    let best: { readonly log: PartitionLog; readonly range: CleaningRange } | null = null;
    for (const log of logs) {
      if (!log.config.isCompacted || this.#uncleanable.has(log.name)) continue;
      const range = log.cleaningRange(this.cleanedTo(log), nowMs);
      if (range === null || !(range.isOverdue || range.dirtyRatio > log.config.minCleanableDirtyRatio)) continue;
      if (best === null || range.dirtyRatio > best.range.dirtyRatio) best = { log, range };
    }
    return best === null ? null : { log: best.log, steps: best.log.clean(best.range, nowMs) };
  }
}
