// `.index`: which batch begins where. An entry names a batch by its last offset (relative to the segment) and
// holds the position where it starts; not every batch has one.

import { assert } from '../core/assert.ts';
import type { PooledFile } from './file-pool.ts';
import { IndexFile, partitionPoint } from './index-file.ts';

const entryBytes = 8;

export class OffsetIndex {
  readonly entries: IndexFile;
  readonly #baseOffset: number;

  constructor(file: PooledFile, baseOffset: number, maxBytes: number) {
    this.entries = new IndexFile(file, entryBytes, maxBytes);
    this.#baseOffset = baseOffset;
  }

  get isFull(): boolean {
    return this.entries.count >= this.entries.maxEntries;
  }

  /** The base offset when empty. */
  get lastOffset(): number {
    const count = this.entries.count;
    return count === 0 ? this.#baseOffset : this.#offsetAt(count - 1);
  }

  append(lastOffset: number, position: number): void {
    assert(this.entries.count === 0 || lastOffset > this.lastOffset, `${this.entries.file.path}: offsets must rise`);
    const buffer = this.entries.push();
    const at = this.entries.entryPosition(this.entries.count - 1);
    buffer.writeInt32BE(lastOffset - this.#baseOffset, at);
    buffer.writeInt32BE(position, at + 4);
  }

  /** Where a batch starts that ends at or before `offset`: the place to begin looking for it. 0 when none does. */
  positionBefore(offset: number): number {
    const index = partitionPoint(this.entries.count, (entry) => this.#offsetAt(entry) <= offset) - 1;
    return index < 0 ? 0 : this.#positionAt(index);
  }

  /** Drops the entries of batches that end at or after `offset`. */
  truncateTo(offset: number): void {
    this.entries.truncateToEntries(partitionPoint(this.entries.count, (entry) => this.#offsetAt(entry) < offset));
  }

  #offsetAt(index: number): number {
    return this.#baseOffset + this.entries.entryBuffer(index).readInt32BE(this.entries.entryPosition(index));
  }

  #positionAt(index: number): number {
    return this.entries.entryBuffer(index).readInt32BE(this.entries.entryPosition(index) + 4);
  }
}
