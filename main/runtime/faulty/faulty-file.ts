// An open file of a faulty disk.

import type { DiskOperation } from '../../core/faults.ts';
import { DiskError, type File } from '../runtime.ts';
import type { UnsyncedFile } from './unsynced-file.ts';

/** What a file asks of its disk. */
export type FileHost = {
  /** Throws when the operation fails by a fault. */
  check(operation: DiskOperation, path: string): void;
  /** How many of so many more bytes there is room for. */
  room(path: string, bytes: number): number;
  syncDelay(): { block(): void; wait(): Promise<void> | null };
  beginNames(): number;
  finishNames(mark: number): void;
  /** Synced bytes were kept because they are being overwritten. */
  noteKept(bytes: number): void;
};

export class FaultyFile implements File {
  readonly path: string;
  readonly #base: File;
  readonly #unsynced: UnsyncedFile | null;
  readonly #host: FileHost;
  #isOpen = true;
  readonly #read = (position: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    const count = this.#base.read(bytes, 0, length, position);
    return bytes.subarray(0, count);
  };

  /** `unsynced` is null for a file that is only read. */
  constructor(base: File, unsynced: UnsyncedFile | null, host: FileHost) {
    this.path = base.path;
    this.#base = base;
    this.#unsynced = unsynced;
    this.#host = host;
    if (unsynced !== null) unsynced.openCount++;
  }

  size(): number {
    return this.#base.size();
  }

  read(target: Uint8Array, targetStart: number, length: number, position: number): number {
    this.#host.check('read', this.path);
    return this.#base.read(target, targetStart, length, position);
  }

  write(source: Uint8Array, position: number): void {
    const fitting = this.#prepare(position, source.length);
    if (fitting === source.length) this.#base.write(source, position);
    else this.#writePart([source], position, fitting);
  }

  writeAll(sources: readonly Uint8Array[], position: number): void {
    let length = 0;
    for (const source of sources) length += source.length;
    const fitting = this.#prepare(position, length);
    if (fitting === length) this.#base.writeAll(sources, position);
    else this.#writePart(sources, position, fitting);
  }

  truncate(length: number): void {
    this.#host.check('write', this.path);
    const unsynced = this.#unsynced;
    if (unsynced !== null) {
      // Room that is given to a file but not written takes none on the disk.
      const keptBefore = unsynced.keptBytes;
      unsynced.beforeTruncate(length, this.#read);
      this.#host.noteKept(unsynced.keptBytes - keptBefore);
    }
    this.#base.truncate(length);
  }

  syncNow(): void {
    this.#host.check('sync', this.path);
    this.#host.syncDelay().block();
    const finish = this.#beginSync();
    this.#base.syncNow();
    finish();
  }

  async sync(): Promise<void> {
    this.#host.check('sync', this.path);
    const finish = this.#beginSync();
    const syncing = this.#base.sync();
    const delay = this.#host.syncDelay().wait();
    if (delay !== null) await delay;
    await syncing;
    this.#host.check('sync', this.path);
    finish();
  }

  close(): void {
    if (this.#isOpen && this.#unsynced !== null) this.#unsynced.openCount--;
    this.#isOpen = false;
    this.#base.close();
  }

  /** Returns how many of the bytes there is room for. */
  #prepare(position: number, length: number): number {
    this.#host.check('write', this.path);
    const unsynced = this.#unsynced;
    if (unsynced === null) return length;
    const growth = Math.max(0, position + length - unsynced.size);
    const fitting = growth === 0 ? length : length - growth + this.#host.room(this.path, growth);
    const keptBefore = unsynced.keptBytes;
    unsynced.beforeWrite(position, position + fitting, this.#read);
    if (unsynced.keptBytes > keptBefore) this.#host.noteKept(unsynced.keptBytes - keptBefore);
    return fitting;
  }

  /** A disk that fills up in the middle of a write takes what fits. */
  #writePart(sources: readonly Uint8Array[], position: number, length: number): never {
    this.#base.write(Buffer.concat(sources).subarray(0, length), position);
    throw new DiskError(
      'no-space',
      this.path,
      `${this.path}: no space left on the disk for all of ${length} bytes (a fault of this broker's disk)`,
    );
  }

  #beginSync(): () => void {
    const mark = this.#unsynced?.beginSync();
    const names = this.#host.beginNames();
    return () => {
      if (mark !== undefined) this.#unsynced?.finishSync(mark);
      this.#host.finishNames(names);
    };
  }
}
