// The names in directories that a power loss would take back: made, renamed and removed since the last sync of
// anything. Journalling file systems (ext4, XFS, APFS) write name changes in order, so that every sync makes all of
// those before it safe, and a power loss takes an end of the list.

import type { Disk, Random } from '../runtime.ts';

type NameChange =
  | { readonly kind: 'made-file' | 'made-directory'; readonly path: string }
  | { readonly kind: 'renamed'; readonly from: string; readonly to: string; readonly replaced: Uint8Array | null }
  | { readonly kind: 'removed'; readonly path: string; readonly contents: Uint8Array };

/** More than this since the last sync, and the oldest count as written by the system itself. */
const changesMax = 10_000;
const keptBytesMax = 16 * 1024 * 1024;

export class UnsyncedNames {
  #changes: NameChange[] = [];
  #settledCount = 0;
  #keptBytes = 0;

  /** Marks what a sync that begins now makes safe. */
  get mark(): number {
    return this.#settledCount + this.#changes.length;
  }

  add(change: NameChange): void {
    this.#changes.push(change);
    this.#keptBytes += bytesOf(change);
    if (this.#changes.length > changesMax || this.#keptBytes > keptBytesMax) this.settle(this.mark);
  }

  /** All changes before the mark are safe. */
  settle(mark: number): void {
    const count = mark - this.#settledCount;
    if (count <= 0) return;
    for (const change of this.#changes.slice(0, count)) this.#keptBytes -= bytesOf(change);
    this.#changes = this.#changes.slice(count);
    this.#settledCount = mark;
  }

  /** Takes the changes back, newest first; `torn`: an end of them only. Returns how many. */
  rollBack(disk: Disk, torn: Random | null): number {
    const kept = torn === null ? 0 : torn.below(this.#changes.length + 1);
    const lost = this.#changes.slice(kept).reverse();
    for (const change of lost) undo(disk, change);
    return lost.length;
  }
}

function bytesOf(change: NameChange): number {
  if (change.kind === 'removed') return change.contents.length;
  return change.kind === 'renamed' ? (change.replaced?.length ?? 0) : 0;
}

function undo(disk: Disk, change: NameChange): void {
  switch (change.kind) {
    case 'made-file':
      disk.remove(change.path);
      return;
    case 'made-directory':
      disk.removeTree(change.path);
      return;
    case 'renamed':
      if (disk.exists(change.to)) disk.rename(change.to, change.from);
      if (change.replaced !== null) writeWhole(disk, change.to, change.replaced);
      return;
    case 'removed':
      writeWhole(disk, change.path, change.contents);
      return;
  }
}

function writeWhole(disk: Disk, path: string, bytes: Uint8Array): void {
  const file = disk.open(path, 'create');
  file.truncate(0);
  file.write(bytes, 0);
  file.close();
}
