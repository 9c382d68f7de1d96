// `.txnindex`: the aborted transactions that end in a segment, for consumers that read committed records only.
// Made when the first is written; most segments have none.

import { readInt64, writeInt64 } from '../records/int64.ts';
import type { PooledFile } from './file-pool.ts';
import type { AbortedTransaction } from './log-types.ts';

const entryBytes = 34;
const currentVersion = 0;

export class TransactionIndex {
  readonly file: PooledFile;
  readonly #baseOffset: number;
  /** All entries; null until read, and again when idle. */
  #entries: AbortedTransaction[] | null = null;
  /** Known to be missing: saves asking the disk on each fetch. */
  #isMissing = false;

  constructor(file: PooledFile, baseOffset: number) {
    this.file = file;
    this.#baseOffset = baseOffset;
  }

  append(aborted: AbortedTransaction): void {
    const entries = this.entries();
    const buffer = Buffer.alloc(entryBytes);
    buffer.writeInt16BE(currentVersion, 0);
    writeInt64(buffer, 2, aborted.producerId);
    writeInt64(buffer, 10, aborted.firstOffset);
    writeInt64(buffer, 18, aborted.lastOffset);
    writeInt64(buffer, 26, aborted.lastStableOffset);
    this.file.get().write(buffer, entries.length * entryBytes);
    this.#isMissing = false;
    entries.push(aborted);
  }

  /** The directory was looked at: there is no such file. */
  setMissing(): void {
    this.#isMissing = true;
  }

  entries(): AbortedTransaction[] {
    this.#entries ??= this.#read();
    return this.#entries;
  }

  /**
   * Adds the aborted transactions that touch [from, to). Returns true when no later segment can hold more: an
   * entry whose last stable offset reaches `to` was written after all transactions open before `to` had ended.
   */
  collect(from: number, to: number, into: AbortedTransaction[]): boolean {
    if (this.#isMissing) return false;
    for (const entry of this.entries()) {
      if (entry.lastOffset >= from && entry.firstOffset < to) into.push(entry);
      if (entry.lastStableOffset >= to) return true;
    }
    return false;
  }

  /** False when the file's entries cannot be of this segment. */
  isSane(): boolean {
    if (this.#isMissing || !this.file.exists()) return true;
    if (this.file.sizeBytes() % entryBytes !== 0) return false;
    return this.entries().every((entry) => entry.lastOffset >= this.#baseOffset);
  }

  truncateTo(offset: number): void {
    if (this.#isMissing) return;
    const kept = this.entries().filter((entry) => entry.lastOffset < offset);
    if (kept.length === this.entries().length) return;
    this.file.get().truncate(kept.length * entryBytes);
    this.#entries = kept;
  }

  /** Empties the file where there is one. */
  reset(): void {
    this.#entries = [];
    if (!this.#isMissing && this.file.exists()) this.file.get().truncate(0);
    else this.#isMissing = true;
  }

  releaseMemory(): void {
    this.#entries = null;
  }

  #read(): AbortedTransaction[] {
    if (this.#isMissing || !this.file.exists()) {
      this.#isMissing = true;
      return [];
    }
    const file = this.file.get();
    const buffer = Buffer.alloc(file.size());
    file.read(buffer, 0, buffer.length, 0);
    const entries: AbortedTransaction[] = [];
    for (let at = 0; at + entryBytes <= buffer.length; at += entryBytes) {
      entries.push({
        producerId: readInt64(buffer, at + 2),
        firstOffset: readInt64(buffer, at + 10),
        lastOffset: readInt64(buffer, at + 18),
        lastStableOffset: readInt64(buffer, at + 26),
      });
    }
    return entries;
  }
}
