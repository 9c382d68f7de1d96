// Files that open when first used and close when too many are open. A node with thousands of idle partitions
// holds no descriptors for them; only the pool decides how many stay open.

import { assert } from '../core/assert.ts';
import type { Disk, File } from '../runtime/runtime.ts';

/** Per node; brokers of one laptop share its limit of descriptors. */
export const openFilesMaxDefault = 768;

export class FilePool {
  readonly disk: Disk;
  readonly #openFilesMax: number;
  /** Open files, oldest first; a file used since it was last looked at gets a second round. */
  readonly #open = new Set<PooledFile>();

  constructor(disk: Disk, openFilesMax: number = openFilesMaxDefault) {
    this.disk = disk;
    this.#openFilesMax = openFilesMax;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Only for PooledFile. */
  opened(file: PooledFile): void {
    this.#open.add(file);
    if (this.#open.size > this.#openFilesMax) this.#closeSome();
  }

  /** Only for PooledFile. */
  closed(file: PooledFile): void {
    this.#open.delete(file);
  }

  /** Closes what was not used since the last call. */
  closeIdle(): void {
    for (const file of this.#open) {
      if (file.wasUsed) file.wasUsed = false;
      else if (!file.isPinned) file.close();
    }
  }

  #closeSome(): void {
    let rounds = this.#open.size * 2;
    for (const file of this.#open) {
      if (this.#open.size <= this.#openFilesMax || rounds-- <= 0) return;
      // The newest comes last and is in use by the caller: its mark protects it for one round.
      if (file.wasUsed || file.isPinned) {
        file.wasUsed = false;
        this.#open.delete(file);
        this.#open.add(file);
      } else file.close();
    }
  }
}

/** One opening of a file: a sync under way keeps it open after its owner has let go. */
type Opening = { readonly file: File; syncs: number; isReleased: boolean };

export class PooledFile {
  readonly #pool: FilePool;
  #path: string;
  #opening: Opening | null = null;
  #isRemoved = false;
  wasUsed = false;

  constructor(pool: FilePool, path: string) {
    this.#pool = pool;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  get isPinned(): boolean {
    return this.#opening !== null && this.#opening.syncs > 0;
  }

  /** The file, open, made when missing. Not to be kept: the next `get` of another file may close it. */
  get(): File {
    this.wasUsed = true;
    return this.#opening?.file ?? this.#open().file;
  }

  exists(): boolean {
    return this.#opening !== null || this.#pool.disk.exists(this.#path);
  }

  /** 0 when missing. */
  sizeBytes(): number {
    return this.exists() ? this.get().size() : 0;
  }

  syncNow(): void {
    if (this.exists()) this.get().syncNow();
  }

  async sync(): Promise<void> {
    if (!this.exists()) return;
    const opening = this.#opening ?? this.#open();
    opening.syncs++;
    try {
      await opening.file.sync();
    } finally {
      opening.syncs--;
      if (opening.isReleased && opening.syncs === 0) opening.file.close();
    }
  }

  close(): void {
    const opening = this.#opening;
    if (opening === null) return;
    this.#opening = null;
    this.#pool.closed(this);
    opening.isReleased = true;
    if (opening.syncs === 0) opening.file.close();
  }

  /** Closed first: open files can't be renamed on Windows. Missing is fine. */
  rename(to: string): void {
    this.close();
    if (this.#pool.disk.exists(this.#path)) this.#pool.disk.rename(this.#path, to);
    this.#path = to;
  }

  remove(): void {
    this.close();
    this.#isRemoved = true;
    this.#pool.disk.remove(this.#path);
  }

  #open(): Opening {
    assert(!this.#isRemoved, `${this.#path} is used after it was removed`);
    const opening = { file: this.#pool.disk.open(this.#path, 'create'), syncs: 0, isReleased: false };
    this.#opening = opening;
    this.#pool.opened(this);
    return opening;
  }
}
