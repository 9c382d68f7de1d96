// What of one file would not survive a power loss: how far it is synced, and the synced bytes that were overwritten or
// cut since. An append costs two comparisons; only bytes that were safe before are read and kept.

import type { Random } from '../runtime.ts';

type Kept = { readonly position: number; readonly bytes: Buffer };

export type SyncMark = { readonly size: number; readonly changeCount: number };

/** A file as far as rolling it back needs one. */
export type RollbackTarget = {
  size(): number;
  write(source: Uint8Array, position: number): void;
  truncate(length: number): void;
};

/** A torn page is of this size: what devices and page caches write at once. */
const pageBytes = 4096;

export class UnsyncedFile {
  size: number;
  /** Openings that write to it now. */
  openCount = 0;
  #syncedSize: number;
  /** Where what was written ends; room behind it that was only given to the file holds nothing to lose. */
  #dataEnd: number;
  #kept: Kept[] = [];
  #keptBytes = 0;
  #changeCount = 0;

  /** What is in the file when it is met first counts as safe: the system has had time to write it. */
  constructor(size: number) {
    this.size = size;
    this.#syncedSize = size;
    this.#dataEnd = size;
  }

  get isSafe(): boolean {
    return this.#kept.length === 0 && this.#syncedSize === this.size;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Bytes that a power loss takes, or puts back. */
  get lostBytes(): number {
    return Math.max(0, this.#dataEnd - this.#syncedSize) + this.#keptBytes;
  }

  /** Call before a write. `read` gives the bytes as they are. */
  beforeWrite(position: number, end: number, read: (position: number, length: number) => Buffer): void {
    if (position < this.#syncedSize) this.#keep(position, Math.min(end, this.#syncedSize), read);
    if (end > this.size) this.size = end;
    if (end > this.#dataEnd) this.#dataEnd = end;
  }

  /** Call before a truncation. */
  beforeTruncate(length: number, read: (position: number, length: number) => Buffer): void {
    if (length < this.#syncedSize) {
      this.#keep(length, this.#syncedSize, read);
      this.#syncedSize = length;
    }
    this.size = length;
    this.#dataEnd = Math.min(this.#dataEnd, length);
  }

  beginSync(): SyncMark {
    return { size: this.size, changeCount: this.#changeCount };
  }

  finishSync(mark: SyncMark): void {
    // Overwritten or cut meanwhile: which image reached the device is open, and the later one is allowed.
    this.#syncedSize = mark.changeCount === this.#changeCount ? Math.max(this.#syncedSize, mark.size) : this.size;
    this.#kept = [];
    this.#keptBytes = 0;
  }

  /** The system wrote everything by itself. */
  settle(): void {
    this.finishSync(this.beginSync());
  }

  /** Puts the file back to what survives; `torn`: some of the unsynced pages do, too. */
  rollBack(file: RollbackTarget, torn: Random | null): void {
    const size = file.size();
    const survives = (): boolean => torn !== null && torn.below(2) === 0;
    let end = Math.min(size, this.#syncedSize);
    if (torn !== null && size > end) end += torn.below(size - end + 1);
    file.truncate(end);
    if (torn !== null && end - this.#syncedSize > pageBytes && torn.below(4) === 0) {
      // The size made it to the device and a page before it did not: it reads as zeros.
      const firstPage = Math.ceil(this.#syncedSize / pageBytes);
      const pages = Math.floor(end / pageBytes) - firstPage;
      if (pages > 0) file.write(Buffer.alloc(pageBytes), (firstPage + torn.below(pages)) * pageBytes);
    }
    for (const { position, bytes } of [...this.#kept].reverse()) {
      if (!survives()) file.write(bytes, position);
    }
  }

  #keep(position: number, end: number, read: (position: number, length: number) => Buffer): void {
    const bytes = read(position, end - position);
    this.#kept.push({ position, bytes });
    this.#keptBytes += bytes.length;
    this.#changeCount++;
  }
}
