// The segments of a log by base offset, oldest first. Never empty while the log is open; the last is the active one.

import { present } from '../core/assert.ts';
import type { AbortedTransaction, SegmentView } from './log-types.ts';
import type { Segment } from './segment.ts';

export class SegmentList {
  #segments: Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = [...segments];
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get active(): Segment {
    return present(this.#segments.at(-1), 'active segment');
  }

  get first(): Segment {
    return present(this.#segments[0], 'first segment');
  }

  get sizeBytes(): number {
    let bytes = 0;
    for (const segment of this.#segments) bytes += segment.sizeBytes;
    return bytes;
  }

  get unsynced(): Segment[] {
    return this.#segments.filter((segment) => segment.isUnsynced);
  }

  views(): SegmentView[] {
    return this.#segments.map((segment) => ({
      baseOffset: segment.baseOffset,
      sizeBytes: segment.sizeBytes,
      largestTimestamp: segment.largestTimestamp,
    }));
  }

  /** Index of the segment that holds `offset`; 0 below the first. */
  floorIndex(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#segments[middle]?.baseOffset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** Adds what Segment.read gives from the files to `into`; returns the bytes added. */
  read(startOffset: number, limitOffset: number, maxBytes: number, minOneBatch: boolean, into: Buffer[]): number {
    for (let index = this.floorIndex(startOffset); index < this.#segments.length; index++) {
      // Null: the segment ends below the start, as compacted ones may; the next one goes on.
      const read = this.#segments[index]?.read(startOffset, limitOffset, maxBytes, minOneBatch) ?? null;
      if (read === null) continue;
      if (read.length > 0) into.push(read);
      return read.length;
    }
    return 0;
  }

  /** Aborted transactions that touch [from, to). */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (let index = this.floorIndex(from); index < this.#segments.length; index++) {
      if (this.#segments[index]?.collectAborted(from, to, found) === true) break;
    }
    return found;
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
  }

  removeFirst(count: number): Segment[] {
    return this.#segments.splice(0, count);
  }

  /** Keeps the first `count`. */
  removeFrom(count: number): Segment[] {
    return this.#segments.splice(count);
  }

  /** Puts `segment` in the place of `replaced`, which stand in a row. */
  replace(replaced: readonly Segment[], segment: Segment): void {
    const index = this.#segments.findIndex((known) => known === replaced[0]);
    this.#segments.splice(index, replaced.length, segment);
  }
}
