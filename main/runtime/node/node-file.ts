// An open file of the real disk. Short reads and writes of the operating system are finished here.

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  readSync,
  writeSync,
  writevSync,
} from 'node:fs';
import type { File } from '../runtime.ts';
import { DiskError } from '../runtime.ts';
import { toDiskError } from './disk-errors.ts';

/** IOV_MAX of Linux and macOS. */
const chunkCountMax = 1024;

export class NodeFile implements File {
  readonly path: string;
  #descriptor: number | null;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  size(): number {
    return this.#run('size', (descriptor) => fstatSync(descriptor).size);
  }

  read(target: Uint8Array, targetStart: number, length: number, position: number): number {
    return this.#run('read', (descriptor) => {
      let done = 0;
      while (done < length) {
        const count = readSync(descriptor, target, targetStart + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  write(source: Uint8Array, position: number): void {
    this.#run('write', (descriptor) => writeFully(descriptor, source, position));
  }

  writeAll(sources: readonly Uint8Array[], position: number): void {
    this.#run('write', (descriptor) => {
      let next = position;
      for (let start = 0; start < sources.length; start += chunkCountMax) {
        const group = sources.length <= chunkCountMax ? sources : sources.slice(start, start + chunkCountMax);
        next = writeGroup(descriptor, group, next);
      }
    });
  }

  truncate(length: number): void {
    this.#run('truncate', (descriptor) => ftruncateSync(descriptor, length));
  }

  syncNow(): void {
    this.#run('sync', fdatasyncSync);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const descriptor = this.#open('sync');
      fdatasync(descriptor, (error) => {
        if (error === null) resolve();
        else reject(toDiskError(error, this.path, 'sync'));
      });
    });
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) return;
    this.#descriptor = null;
    try {
      closeSync(descriptor);
    } catch (error) {
      throw toDiskError(error, this.path, 'close');
    }
  }

  #open(doing: string): number {
    if (this.#descriptor === null) throw new DiskError('io', this.path, `${this.path} is closed (${doing})`);
    return this.#descriptor;
  }

  #run<T>(doing: string, action: (descriptor: number) => T): T {
    const descriptor = this.#open(doing);
    try {
      return action(descriptor);
    } catch (error) {
      throw toDiskError(error, this.path, doing);
    }
  }
}

export function writeFully(descriptor: number, source: Uint8Array, position: number): void {
  let done = 0;
  while (done < source.length) done += writeSync(descriptor, source, done, source.length - done, position + done);
}

/** Writes the chunks and returns the position after them. */
function writeGroup(descriptor: number, sources: readonly Uint8Array[], position: number): number {
  let written = writevSync(descriptor, sources, position);
  let next = position;
  for (const source of sources) {
    // A full system call is the rule; what a short one left is written chunk by chunk.
    if (written < source.length) writeFully(descriptor, source.subarray(written), next + written);
    written = Math.max(0, written - source.length);
    next += source.length;
  }
  return next;
}
