// A disk in memory that knows what a power loss would take: bytes and names written are kept apart from those
// synced. It outlives the node's crashes; each life of a node sees it through a SimulatedDiskView.

import type { Random } from '../runtime.ts';
import { DiskError } from '../runtime.ts';
import type { SimulatedFile } from './simulated-file.ts';

export class SimulatedDirectory {
  readonly kind = 'directory';
  modifiedMs = 0;
  names = new Map<string, Entry>();
  /** The names that survive a power loss; null while they are those in `names`. */
  durableNames: Map<string, Entry> | null = null;

  /** Call before every change of `names`. */
  keepDurable(): void {
    this.durableNames ??= new Map(this.names);
  }
}

type Entry = SimulatedFile | SimulatedDirectory;

/** `too-many-files`: the process may open nothing more (EMFILE); what is open goes on. */
export type DiskFault = 'no-space' | 'io' | 'denied' | 'too-many-files';

export function splitPath(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

export class SimulatedDisk {
  readonly root = new SimulatedDirectory();
  /** Paths of lock files held by the running process. */
  readonly locks = new Set<string>();
  capacityBytes = 1024 ** 4;
  usedBytes = 0;
  /** Virtual duration of File.sync(). */
  syncDelayMs = 0;
  /** Every write and sync fails with this; reads too when it is 'io'; only what opens a file when it is 'too-many-files'. */
  fault: DiskFault | null = null;
  /** Only files below this path fail; null: all. */
  faultUnder: string | null = null;
  /** Which bytes a power loss may spoil, by file name; default all that was not synced. */
  mayFlip: (name: string, bytes: Buffer, at: number) => boolean = () => true;

  find(path: string): Entry | null {
    let entry: Entry = this.root;
    for (const part of splitPath(path)) {
      if (entry.kind !== 'directory') return null;
      const next: Entry | undefined = entry.names.get(part);
      if (next === undefined) return null;
      entry = next;
    }
    return entry;
  }

  /** The directory that holds `path`, and the last name in it. */
  parentOf(path: string): { readonly directory: SimulatedDirectory; readonly name: string } {
    const parts = splitPath(path);
    const name = parts.pop();
    if (name === undefined) throw new DiskError('denied', path, `${path}: the root can't be changed`);
    const directory = this.find(parts.join('/'));
    if (directory?.kind !== 'directory') {
      throw new DiskError('not-found', path, `${path}: directory ${parts.join('/')} does not exist`);
    }
    return { directory, name };
  }

  /**
   * A journalling file system (ext4, XFS, APFS) that syncs a file also makes its name and its directories' names
   * safe; renames and removals of other names stay unsafe until their directory is synced.
   */
  syncNamesTo(path: string): void {
    let directory: SimulatedDirectory = this.root;
    for (const part of splitPath(path)) {
      const entry: Entry | undefined = directory.names.get(part);
      if (entry === undefined) return;
      directory.durableNames?.set(part, entry);
      if (entry.kind !== 'directory') return;
      directory = entry;
    }
  }

  /** What was not synced is gone; when `torn`, single pages and directories of it may have made it. */
  losePower(torn: Random | null): void {
    this.locks.clear();
    this.#loseIn(this.root, torn);
    this.usedBytes = sizeOf(this.root);
  }

  #loseIn(directory: SimulatedDirectory, torn: Random | null): void {
    // A directory's names stay or go together, so that a rename within it is atomic as file systems promise.
    const isKept = torn !== null && torn.below(2) === 0;
    if (directory.durableNames !== null && !isKept) directory.names = directory.durableNames;
    directory.durableNames = null;
    for (const [name, entry] of directory.names) {
      if (entry.kind === 'directory') this.#loseIn(entry, torn);
      else entry.losePower(torn, (bytes, at) => this.mayFlip(name, bytes, at));
    }
  }
}

export function sizeOf(directory: SimulatedDirectory): number {
  let bytes = 0;
  for (const entry of directory.names.values()) bytes += entry.kind === 'directory' ? sizeOf(entry) : entry.size;
  return bytes;
}
