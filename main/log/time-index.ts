// `.timeindex`: the largest timestamp so far and the last offset of the batch that holds it. Timestamps rise from
// entry to entry, so the records behind an entry's offset are the only ones that may be younger.

import type { PooledFile } from './file-pool.ts';
import { IndexFile, partitionPoint } from './index-file.ts';
import { readInt64, writeInt64 } from '../records/int64.ts';

const entryBytes = 12;

export type TimestampOffset = { readonly timestamp: number; readonly offset: number };

export class TimeIndex {
  readonly entries: IndexFile;
  readonly #baseOffset: number;

  constructor(file: PooledFile, baseOffset: number, maxBytes: number) {
    this.entries = new IndexFile(file, entryBytes, maxBytes);
    this.#baseOffset = baseOffset;
  }

  /** One entry is kept free for the one that rolling or closing adds. */
  get isFull(): boolean {
    return this.entries.count >= this.entries.maxEntries - 1;
  }

  get lastEntry(): TimestampOffset {
    const count = this.entries.count;
    if (count === 0) return { timestamp: -1, offset: this.#baseOffset };
    return { timestamp: this.#timestampAt(count - 1), offset: this.#offsetAt(count - 1) };
  }

  /** Adds an entry if the timestamp has risen. */
  maybeAppend(timestamp: number, offset: number): void {
    const count = this.entries.count;
    if (timestamp <= (count === 0 ? -1 : this.#timestampAt(count - 1))) return;
    const buffer = this.entries.push();
    const at = this.entries.entryPosition(this.entries.count - 1);
    writeInt64(buffer, at, timestamp);
    buffer.writeInt32BE(offset - this.#baseOffset, at + 8);
  }

  /** Offset of the youngest entry not younger than `timestamp`; the base offset when none is. */
  offsetBefore(timestamp: number): number {
    const index = partitionPoint(this.entries.count, (entry) => this.#timestampAt(entry) <= timestamp) - 1;
    return index < 0 ? this.#baseOffset : this.#offsetAt(index);
  }

  truncateTo(offset: number): void {
    this.entries.truncateToEntries(partitionPoint(this.entries.count, (entry) => this.#offsetAt(entry) < offset));
  }

  #timestampAt(index: number): number {
    return readInt64(this.entries.entryBuffer(index), this.entries.entryPosition(index));
  }

  #offsetAt(index: number): number {
    return this.#baseOffset + this.entries.entryBuffer(index).readInt32BE(this.entries.entryPosition(index) + 8);
  }
}
