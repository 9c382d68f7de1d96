// The real disk, synchronously. Every failure becomes a DiskError that names the path and what was tried.

import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Disk, OpenMode } from '../runtime.ts';
import { systemCode, toDiskError } from './disk-errors.ts';
import { takeLock } from './lock-file.ts';
import { NodeFile, writeFully } from './node-file.ts';

const openFlags: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
};

/** Records, tokens and configs are their owner's. */
const privateFile = 0o600;

function run<T>(path: string, doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw toDiskError(error, path, doing);
  }
}

export function nodeDisk(): Disk {
  return {
    open: (path, mode) =>
      new NodeFile(
        path,
        run(path, 'open', () => openSync(path, openFlags[mode], privateFile)),
      ),
    exists: (path) => existsSync(path),
    isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
    list: (path) => run(path, 'list', () => readdirSync(path).sort()),
    makeDirectory: (path) => void run(path, 'make directory', () => mkdirSync(path, { recursive: true, mode: 0o700 })),
    remove: (path) => run(path, 'remove', () => remove(path)),
    removeTree: (path) => run(path, 'remove', () => rmSync(path, { recursive: true, force: true })),
    rename: (from, to) => run(from, `rename to ${to}`, () => renameSync(from, to)),
    syncDirectory: (path) => run(path, 'sync directory', () => syncDirectory(path)),
    readFile: (path) => run(path, 'read', () => readFileSync(path)),
    writeFileAtomic: (path, bytes) => run(path, 'write', () => writeFileAtomic(path, bytes)),
    modifiedMs: (path) => run(path, 'read time', () => statSync(path).mtimeMs),
    setModifiedMs: (path, ms) => run(path, 'set time', () => utimesSync(path, ms / 1000, ms / 1000)),
    volume: (path) =>
      run(path, 'read volume size', () => {
        const { bsize, blocks, bavail } = statfsSync(path);
        return { totalBytes: bsize * blocks, usableBytes: bsize * bavail };
      }),
    lock: takeLock,
  };
}

function remove(path: string): void {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return;
  if (entry.isDirectory()) rmdirSync(path);
  else unlinkSync(path);
}

/** Windows can't open a directory; its file system journals names by itself. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some network and container file systems have no sync for directories.
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(descriptor);
  }
}

function writeFileAtomic(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  const descriptor = openSync(temporary, openFlags.create, privateFile);
  try {
    // One that was left behind keeps the mode that it had.
    if (process.platform !== 'win32') fchmodSync(descriptor, privateFile);
    ftruncateSync(descriptor, 0);
    writeFully(descriptor, bytes, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}
