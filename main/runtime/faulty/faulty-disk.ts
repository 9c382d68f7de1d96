// A disk that can be full, slow, failing, or lose its power. What a power loss would take is tracked all the time: it
// costs a comparison per write (see README), and a fault that had to be armed first would come too late.

import type { DiskOperation } from '../../core/faults.ts';
import type { Clock, Disk, File, OpenMode, Random } from '../runtime.ts';
import { DiskError } from '../runtime.ts';
import { noFaults, type DiskFaults } from './broker-faults.ts';
import { FaultyFile, type FileHost } from './faulty-file.ts';
import { UnsyncedFile } from './unsynced-file.ts';
import { UnsyncedNames } from './unsynced-names.ts';

/** A removed or replaced file of up to this size can come back; a larger one counts as gone for good. */
const contentsBytesMax = 1024 * 1024;
/** Synced bytes kept because they were overwritten or cut; beyond it the system counts as having written them. */
const keptBytesMax = 64 * 1024 * 1024;
/** From so many files on, those that are closed and safe are forgotten. */
const pruneFilesMin = 1024;

export type FaultyDiskOptions = {
  readonly base: Disk;
  readonly clock: Clock;
  /** Stops the whole process for so long, as a call of the operating system does. */
  readonly block: (ms: number) => void;
};

export class FaultyDisk implements Disk {
  readonly #base: Disk;
  readonly #clock: Clock;
  readonly #block: (ms: number) => void;
  readonly #files = new Map<string, UnsyncedFile>();
  readonly #names = new UnsyncedNames();
  readonly #host: FileHost;
  #faults: DiskFaults = noFaults.disk;
  #hasFaults = false;
  #usedBytes = 0;
  /** At least what all files keep. */
  #keptBytes = 0;
  #pruneAt = pruneFilesMin;
  #isDead = false;

  constructor(options: FaultyDiskOptions) {
    this.#base = options.base;
    this.#clock = options.clock;
    this.#block = options.block;
    this.#host = {
      check: (operation, path) => this.#check(operation, path),
      room: (path, bytes) => this.#room(path, bytes),
      syncDelay: () => this.#syncDelay(),
      beginNames: () => this.#names.mark,
      finishNames: (mark) => this.#names.settle(mark),
      noteKept: (bytes) => this.#boundKept(bytes),
    };
  }

  apply(faults: DiskFaults): void {
    if (faults.freeBytes !== this.#faults.freeBytes) this.#usedBytes = 0;
    this.#faults = faults;
    const { freeBytes, syncDelayMs, writeDelayMs, errors } = faults;
    this.#hasFaults = freeBytes !== null || syncDelayMs > 0 || writeDelayMs > 0 || errors.length > 0;
  }

  /** Rolls everything back to what was synced; nothing can be done with this disk afterwards. */
  losePower(torn: Random | null): { lostFiles: number; lostBytes: number } {
    this.#isDead = true;
    let lostFiles = 0;
    let lostBytes = 0;
    for (const [path, unsynced] of this.#files) {
      if (unsynced.isSafe || !this.#base.exists(path)) continue;
      if (unsynced.lostBytes > 0) lostFiles++;
      lostBytes += unsynced.lostBytes;
      const file = this.#base.open(path, 'write');
      unsynced.rollBack(file, torn);
      file.close();
    }
    this.#names.rollBack(this.#base, torn);
    return { lostFiles, lostBytes };
  }

  open(path: string, mode: OpenMode): File {
    if (mode === 'read') {
      this.#check('read', path);
      return new FaultyFile(this.#base.open(path, mode), null, this.#host);
    }
    if (mode === 'create') this.#check('write', path);
    const known = this.#files.get(path);
    if (known !== undefined) return new FaultyFile(this.#base.open(path, mode), known, this.#host);
    const isNew = mode === 'create' && !this.#base.exists(path);
    if (isNew) this.#room(path, 0);
    const file = this.#base.open(path, mode);
    const unsynced = new UnsyncedFile(isNew ? 0 : file.size());
    this.#track(path, unsynced);
    if (isNew) this.#names.add({ kind: 'made-file', path });
    return new FaultyFile(file, unsynced, this.#host);
  }

  exists(path: string): boolean {
    return this.#base.exists(path);
  }

  isDirectory(path: string): boolean {
    return this.#base.isDirectory(path);
  }

  list(path: string): string[] {
    this.#check('read', path);
    return this.#base.list(path);
  }

  makeDirectory(path: string): void {
    this.#check('write', path);
    if (this.#base.isDirectory(path)) return;
    this.#room(path, 0);
    const parts = path.split('/');
    const made = parts
      .map((_, index) => parts.slice(0, index + 1).join('/'))
      .filter((each) => each !== '' && !this.#base.exists(each));
    this.#base.makeDirectory(path);
    for (const each of made) this.#names.add({ kind: 'made-directory', path: each });
  }

  remove(path: string): void {
    this.#check('write', path);
    if (!this.#base.exists(path)) return;
    const contents = this.#base.isDirectory(path) ? null : this.#safeContents(path);
    this.#base.remove(path);
    this.#files.delete(path);
    // An empty directory or a large file does not come back; then neither does anything from before.
    if (contents === null) this.#names.settle(this.#names.mark);
    else this.#names.add({ kind: 'removed', path, contents });
  }

  removeTree(path: string): void {
    this.#check('write', path);
    this.#base.removeTree(path);
    for (const each of this.#files.keys()) if (each.startsWith(`${path}/`)) this.#files.delete(each);
    this.#files.delete(path);
    this.#names.settle(this.#names.mark);
  }

  rename(from: string, to: string): void {
    this.#check('write', from);
    const isReplacing = this.#base.exists(to) && !this.#base.isDirectory(to);
    const replaced = isReplacing ? this.#safeContents(to) : null;
    this.#base.rename(from, to);
    if (isReplacing && replaced === null) this.#names.settle(this.#names.mark);
    this.#names.add({ kind: 'renamed', from, to, replaced });
    this.#files.delete(to);
    for (const [path, unsynced] of [...this.#files]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#files.delete(path);
      this.#files.set(to + path.slice(from.length), unsynced);
    }
  }

  syncDirectory(path: string): void {
    this.#check('sync', path);
    this.#block(this.#faults.syncDelayMs);
    const mark = this.#names.mark;
    this.#base.syncDirectory(path);
    this.#names.settle(mark);
  }

  readFile(path: string): Uint8Array {
    this.#check('read', path);
    return this.#base.readFile(path);
  }

  writeFileAtomic(path: string, bytes: Uint8Array): void {
    this.#check('write', path);
    this.#check('sync', path);
    if (this.#room(path, bytes.length) < bytes.length) throw full(path);
    this.#block(this.#faults.syncDelayMs);
    this.#base.writeFileAtomic(path, bytes);
    this.#files.delete(path);
    this.#names.settle(this.#names.mark);
  }

  modifiedMs(path: string): number {
    return this.#base.modifiedMs(path);
  }

  setModifiedMs(path: string, ms: number): void {
    this.#base.setModifiedMs(path, ms);
  }

  volume(path: string): { totalBytes: number; usableBytes: number } {
    const { totalBytes, usableBytes } = this.#base.volume(path);
    const { freeBytes } = this.#faults;
    if (freeBytes === null) return { totalBytes, usableBytes };
    return { totalBytes, usableBytes: Math.min(usableBytes, Math.max(0, freeBytes - this.#usedBytes)) };
  }

  lock(path: string): { release(): void } {
    return this.#base.lock(path);
  }

  #check(operation: DiskOperation, path: string): void {
    if (this.#isDead) throw new DiskError('io', path, `${path}: the disk has lost its power`);
    if (!this.#hasFaults) return;
    for (const { operations, path: part } of this.#faults.errors) {
      if (operations.includes(operation) && (part === null || path.includes(part))) {
        throw new DiskError('io', path, `${path}: I/O error at ${operation} (a fault of this broker's disk)`);
      }
    }
    if (operation === 'write') this.#block(this.#faults.writeDelayMs);
  }

  /** How many of `bytes` more there is room for; counts them as taken. Throws when there is none at all. */
  #room(path: string, bytes: number): number {
    const { freeBytes } = this.#faults;
    if (freeBytes === null) return bytes;
    const left = freeBytes - this.#usedBytes;
    if (left <= 0) throw full(path);
    const taken = Math.min(bytes, left);
    this.#usedBytes += taken;
    return taken;
  }

  #syncDelay(): { block(): void; wait(): Promise<void> | null } {
    const { syncDelayMs } = this.#faults;
    return {
      block: () => this.#block(syncDelayMs),
      wait: () =>
        syncDelayMs === 0
          ? null
          : new Promise((resolve) => this.#clock.at(this.#clock.monotonicMs() + syncDelayMs, resolve)),
    };
  }

  /** What a power loss would leave of a file, or null when it is too large to be kept. */
  #safeContents(path: string): Uint8Array | null {
    const file = this.#base.open(path, 'read');
    try {
      if (file.size() > contentsBytesMax) return null;
    } finally {
      file.close();
    }
    let contents = Buffer.from(this.#base.readFile(path));
    this.#files.get(path)?.rollBack(
      {
        size: () => contents.length,
        truncate: (length) => (contents = contents.subarray(0, length)),
        write: (source, position) => {
          const grown = Buffer.alloc(Math.max(contents.length, position + source.length));
          contents.copy(grown);
          grown.set(source, position);
          contents = grown;
        },
      },
      null,
    );
    return contents;
  }

  #boundKept(addedBytes: number): void {
    this.#keptBytes += addedBytes;
    if (this.#keptBytes <= keptBytesMax) return;
    this.#keptBytes = 0;
    for (const file of this.#files.values()) this.#keptBytes += file.keptBytes;
    if (this.#keptBytes <= keptBytesMax / 2) return;
    for (const file of this.#files.values()) file.settle();
    this.#keptBytes = 0;
  }

  #track(path: string, unsynced: UnsyncedFile): void {
    this.#files.set(path, unsynced);
    if (this.#files.size < this.#pruneAt) return;
    for (const [each, file] of this.#files) if (file.openCount === 0 && file.isSafe) this.#files.delete(each);
    this.#pruneAt = Math.max(pruneFilesMin, this.#files.size * 2);
  }
}

export function full(path: string): DiskError {
  return new DiskError('no-space', path, `${path}: no space left on the disk (a fault of this broker's disk)`);
}
