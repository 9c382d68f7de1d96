// The Disk seam over a SimulatedDisk, as one life of a node sees it: checks for faults, space and the node's death.

import type { Clock, Disk, File, OpenMode } from '../runtime.ts';
import { DiskError } from '../runtime.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedDirectory, sizeOf } from './simulated-disk.ts';
import { SimulatedFile } from './simulated-file.ts';

/** What a disk needs to know of the life that uses it. */
export type DiskUser = { requireAlive(): void; readonly clock: Clock };

type Operation = 'read' | 'write' | 'sync';

export class SimulatedDiskView implements Disk {
  readonly #disk: SimulatedDisk;
  readonly #user: DiskUser;

  constructor(disk: SimulatedDisk, user: DiskUser) {
    this.#disk = disk;
    this.#user = user;
  }

  open(path: string, mode: OpenMode): File {
    this.#check(path, mode === 'create' ? 'write' : 'read');
    this.#checkOpens(path);
    const found = this.#disk.find(path);
    if (found?.kind === 'directory') throw new DiskError('io', path, `${path} is a directory, not a file`);
    if (found !== null) return this.#fileHandle(path, found, mode !== 'read');
    if (mode !== 'create') throw new DiskError('not-found', path, `${path} does not exist`);
    const { directory, name } = this.#disk.parentOf(path);
    const file = new SimulatedFile();
    file.modifiedMs = this.#user.clock.wallMs();
    directory.keepDurable();
    directory.names.set(name, file);
    return this.#fileHandle(path, file, true);
  }

  exists(path: string): boolean {
    this.#user.requireAlive();
    return this.#disk.find(path) !== null;
  }

  isDirectory(path: string): boolean {
    this.#user.requireAlive();
    return this.#disk.find(path)?.kind === 'directory';
  }

  list(path: string): string[] {
    this.#checkOpens(path);
    return [...this.#directory(path).names.keys()].sort();
  }

  makeDirectory(path: string): void {
    this.#check(path, 'write');
    let directory = this.#disk.root;
    for (const part of path.split('/').filter((each) => each !== '')) {
      let entry = directory.names.get(part);
      if (entry === undefined) {
        entry = new SimulatedDirectory();
        entry.modifiedMs = this.#user.clock.wallMs();
        directory.keepDurable();
        directory.names.set(part, entry);
      }
      if (entry.kind === 'file') throw new DiskError('exists', path, `${path}: ${part} is a file, not a directory`);
      directory = entry;
    }
  }

  remove(path: string): void {
    this.#check(path, 'write');
    const entry = this.#disk.find(path);
    if (entry === null) return;
    if (entry.kind === 'directory' && entry.names.size > 0) {
      throw new DiskError('io', path, `${path}: the directory is not empty`);
    }
    this.#unlink(path);
  }

  removeTree(path: string): void {
    this.#check(path, 'write');
    if (this.#disk.find(path) !== null) this.#unlink(path);
  }

  rename(from: string, to: string): void {
    this.#check(from, 'write');
    const entry = this.#disk.find(from);
    if (entry === null) throw new DiskError('not-found', from, `${from} does not exist, so it can't become ${to}`);
    const target = this.#disk.find(to);
    if (target === entry) return;
    if (target?.kind === 'directory' && (entry.kind === 'file' || target.names.size > 0)) {
      throw new DiskError('exists', to, `${to} is a directory that ${from} can't replace`);
    }
    const source = this.#disk.parentOf(from);
    const destination = this.#disk.parentOf(to);
    source.directory.keepDurable();
    destination.directory.keepDurable();
    source.directory.names.delete(source.name);
    if (target?.kind === 'file') this.#disk.usedBytes -= target.size;
    destination.directory.names.set(destination.name, entry);
  }

  syncDirectory(path: string): void {
    this.#check(path, 'sync');
    this.#checkOpens(path);
    this.#directory(path).durableNames = null;
    this.#disk.syncNamesTo(path);
  }

  readFile(path: string): Uint8Array {
    this.#check(path, 'read');
    this.#checkOpens(path);
    const entry = this.#disk.find(path);
    if (entry?.kind !== 'file') throw new DiskError('not-found', path, `${path} does not exist`);
    return entry.contents();
  }

  writeFileAtomic(path: string, bytes: Uint8Array): void {
    const temporary = `${path}.tmp`;
    const file = this.open(temporary, 'create');
    file.truncate(0);
    file.write(bytes, 0);
    file.syncNow();
    file.close();
    this.rename(temporary, path);
    this.syncDirectory(path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
  }

  modifiedMs(path: string): number {
    this.#check(path, 'read');
    const entry = this.#disk.find(path);
    if (entry === null) throw new DiskError('not-found', path, `${path} does not exist`);
    return entry.modifiedMs;
  }

  setModifiedMs(path: string, ms: number): void {
    this.#check(path, 'write');
    const entry = this.#disk.find(path);
    if (entry === null) throw new DiskError('not-found', path, `${path} does not exist`);
    entry.modifiedMs = ms;
  }

  volume(): { totalBytes: number; usableBytes: number } {
    this.#user.requireAlive();
    const { capacityBytes, usedBytes } = this.#disk;
    return { totalBytes: capacityBytes, usableBytes: Math.max(0, capacityBytes - usedBytes) };
  }

  lock(path: string): { release(): void } {
    this.#check(path, 'write');
    if (this.#disk.locks.has(path)) throw new DiskError('busy', path, `${path} is locked by this node already`);
    this.open(path, 'create').close();
    this.#disk.locks.add(path);
    return { release: () => void this.#disk.locks.delete(path) };
  }

  #fileHandle(path: string, file: SimulatedFile, isWritable: boolean): File {
    const disk = this.#disk;
    let isOpen = true;
    const check = (operation: Operation): void => {
      this.#check(path, operation);
      if (!isOpen) throw new DiskError('io', path, `${path} is closed`);
      if (!isWritable && operation !== 'read') throw new DiskError('denied', path, `${path} is open for reading only`);
    };
    const resize = (change: () => void, end: number): void => {
      const growth = end - file.size;
      if (growth > disk.capacityBytes - disk.usedBytes) {
        throw new DiskError('no-space', path, `${path}: no space for ${growth} more bytes on the disk`);
      }
      const before = file.size;
      change();
      disk.usedBytes += file.size - before;
      file.modifiedMs = this.#user.clock.wallMs();
    };
    const write = (source: Uint8Array, position: number): void => {
      check('write');
      resize(() => file.write(source, position), Math.max(file.size, position + source.length));
    };
    const finish = (begun: ReturnType<SimulatedFile['beginSync']>): void => {
      file.finishSync(begun);
      disk.syncNamesTo(path);
    };
    return {
      path,
      size: () => {
        check('read');
        return file.size;
      },
      read: (target, targetStart, length, position) => {
        check('read');
        return file.read(target, targetStart, length, position);
      },
      write,
      writeAll: (sources, position) => {
        let next = position;
        for (const source of sources) {
          write(source, next);
          next += source.length;
        }
      },
      truncate: (length) => {
        check('write');
        resize(() => file.truncate(length), length);
      },
      syncNow: () => {
        check('sync');
        finish(file.beginSync());
      },
      sync: async () => {
        check('sync');
        const begun = file.beginSync();
        const { clock } = this.#user;
        await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + disk.syncDelayMs, resolve));
        this.#check(path, 'sync');
        finish(begun);
      },
      close: () => {
        isOpen = false;
      },
    };
  }

  #unlink(path: string): void {
    const { directory, name } = this.#disk.parentOf(path);
    const entry = directory.names.get(name);
    if (entry === undefined) return;
    this.#disk.usedBytes -= entry.kind === 'directory' ? sizeOf(entry) : entry.size;
    directory.keepDurable();
    directory.names.delete(name);
  }

  #directory(path: string): SimulatedDirectory {
    this.#check(path, 'read');
    const entry = this.#disk.find(path);
    if (entry === null) throw new DiskError('not-found', path, `${path} does not exist`);
    if (entry.kind === 'file') throw new DiskError('io', path, `${path} is a file, not a directory`);
    return entry;
  }

  /** What the operating system says when a process has no descriptor left, in the words of the real disk. */
  #checkOpens(path: string): void {
    if (this.#disk.fault !== 'too-many-files' || !this.#isUnderFault(path)) return;
    throw new DiskError('io', path, `${path}: too many open files in this process: raise \`ulimit -n\` (open)`);
  }

  #isUnderFault(path: string): boolean {
    const { faultUnder } = this.#disk;
    return faultUnder === null || `${path}/`.startsWith(`${faultUnder}/`);
  }

  #check(path: string, operation: Operation): void {
    this.#user.requireAlive();
    const { fault } = this.#disk;
    if (fault === null || fault === 'too-many-files' || !this.#isUnderFault(path)) return;
    // A full or read-only disk still reads and still syncs what it has.
    if (fault === 'io' || operation === 'write')
      throw new DiskError(fault, path, `${path}: disk fault '${fault}' at ${operation}`);
  }
}
