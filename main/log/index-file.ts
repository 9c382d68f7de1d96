// Entries of fixed size in a file, for the offset and the time index. The newest entries wait in memory and go to
// disk a block at a time: an index that lost its tail is rebuilt by recovery, so it never needs a write per append.

import { assert } from '../core/assert.ts';
import type { PooledFile } from './file-pool.ts';

const pendingEntriesMax = 256;
const blockEntries = 256;

export class IndexFile {
  readonly file: PooledFile;
  readonly entryBytes: number;
  readonly maxEntries: number;
  /** Entries in all; −1 until the file was looked at. */
  #count = -1;
  /** The last of them, not on disk yet. */
  #pending: Buffer | null = null;
  #pendingCount = 0;
  #block: Buffer | null = null;
  #blockFirst = -1;
  #blockCount = 0;
  #isPreallocated = false;

  constructor(file: PooledFile, entryBytes: number, maxBytes: number) {
    this.file = file;
    this.entryBytes = entryBytes;
    this.maxEntries = Math.floor(maxBytes / entryBytes);
  }

  get count(): number {
    if (this.#count < 0) this.#count = this.#countOnDisk();
    return this.#count;
  }

  /** The buffer that holds entry `index`; its bytes begin at `entryPosition`. Valid until the next call. */
  entryBuffer(index: number): Buffer {
    const onDisk = this.count - this.#pendingCount;
    if (index >= onDisk) return this.#pendingBuffer();
    if (index < this.#blockFirst || index >= this.#blockFirst + this.#blockCount) this.#readBlock(index, onDisk);
    return this.#block ?? this.#pendingBuffer();
  }

  entryPosition(index: number): number {
    const onDisk = this.count - this.#pendingCount;
    return (index >= onDisk ? index - onDisk : index - this.#blockFirst) * this.entryBytes;
  }

  /** Makes room for one entry and returns the buffer to write it to, at `entryPosition(count − 1)`. */
  push(): Buffer {
    if (this.#pendingCount === pendingEntriesMax) this.writePending();
    assert(this.count <= this.maxEntries, `${this.file.path} is full`);
    this.#count = this.count + 1;
    this.#pendingCount++;
    return this.#pendingBuffer();
  }

  writePending(): void {
    if (this.#pendingCount === 0) return;
    const bytes = this.#pendingBuffer().subarray(0, this.#pendingCount * this.entryBytes);
    this.file.get().write(bytes, (this.count - this.#pendingCount) * this.entryBytes);
    this.#pendingCount = 0;
    this.#blockFirst = -1;
    this.#blockCount = 0;
  }

  truncateToEntries(count: number): void {
    if (count >= this.count) return;
    const onDisk = this.count - this.#pendingCount;
    if (count >= onDisk) this.#pendingCount = count - onDisk;
    else {
      this.#pendingCount = 0;
      const file = this.file.get();
      file.truncate(count * this.entryBytes);
      if (this.#isPreallocated) file.truncate(this.maxEntries * this.entryBytes);
      this.#blockFirst = -1;
      this.#blockCount = 0;
    }
    this.#count = count;
  }

  /** Gives the file its full size, the rest zero, as Kafka's memory-mapped indexes have it. */
  preallocate(): void {
    if (this.#isPreallocated) return;
    // Counted first: afterwards the file's size says nothing.
    const bytes = Math.max(this.maxEntries, this.count) * this.entryBytes;
    const file = this.file.get();
    if (file.size() < bytes) file.truncate(bytes);
    this.#isPreallocated = true;
  }

  /** Cuts the file to its entries. */
  trim(): void {
    const count = this.count;
    this.writePending();
    this.#isPreallocated = false;
    const bytes = count * this.entryBytes;
    if (this.file.sizeBytes() !== bytes || !this.file.exists()) this.file.get().truncate(bytes);
  }

  /** Forgets all entries; the file is cut to nothing. */
  reset(): void {
    this.#pendingCount = 0;
    this.#count = 0;
    this.#blockFirst = -1;
    this.#blockCount = 0;
    this.#isPreallocated = false;
    this.file.get().truncate(0);
  }

  /** Drops what can be read again. */
  releaseMemory(): void {
    this.writePending();
    this.#pending = null;
    this.#block = null;
    this.#blockFirst = -1;
    this.#blockCount = 0;
  }

  #pendingBuffer(): Buffer {
    this.#pending ??= Buffer.alloc(pendingEntriesMax * this.entryBytes);
    return this.#pending;
  }

  #readBlock(index: number, onDisk: number): void {
    this.#block ??= Buffer.alloc(blockEntries * this.entryBytes);
    const first = index - (index % blockEntries);
    const count = Math.min(blockEntries, onDisk - first);
    const read = this.file.get().read(this.#block, 0, count * this.entryBytes, first * this.entryBytes);
    assert(read === count * this.entryBytes, `${this.file.path} ended early at entry ${first}`);
    this.#blockFirst = first;
    this.#blockCount = count;
  }

  /** Zeros behind the entries are room that a crash left; no true entry is all zero but perhaps the first. */
  #countOnDisk(): number {
    if (!this.file.exists()) return 0;
    const file = this.file.get();
    const entries = Math.floor(file.size() / this.entryBytes);
    const entry = Buffer.alloc(this.entryBytes);
    const isZero = (index: number): boolean => {
      file.read(entry, 0, this.entryBytes, index * this.entryBytes);
      return entry.every((byte) => byte === 0);
    };
    if (entries === 0 || !isZero(entries - 1)) return entries;
    let low = 0;
    let high = entries - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isZero(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** How many of the entries [0, count) `isBefore` holds for; they come first. */
export function partitionPoint(count: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
