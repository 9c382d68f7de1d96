// The operating system's error codes in the engine's words, with a message that says what to do.

import type { DiskErrorCode } from '../runtime.ts';
import { DiskError } from '../runtime.ts';

/** The code of a Node system error (`ENOENT`), or null for anything else. */
export function systemCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

const meanings: Readonly<Record<string, readonly [DiskErrorCode, string]>> = {
  ENOENT: ['not-found', 'does not exist'],
  EEXIST: ['exists', 'exists already'],
  ENOTEMPTY: ['exists', 'is a directory that is not empty'],
  ENOSPC: ['no-space', 'no space left on the disk'],
  EDQUOT: ['no-space', 'the disk quota is used up'],
  EFBIG: ['no-space', 'larger than the file system allows'],
  EACCES: ['denied', 'access denied: check owner and mode'],
  EPERM: ['denied', 'not permitted: check owner and mode'],
  EROFS: ['denied', 'the file system is read-only'],
  EBUSY: ['busy', 'in use by another program'],
  EMFILE: ['io', 'too many open files in this process: raise `ulimit -n`'],
  ENFILE: ['io', 'too many open files on this machine'],
};

export function toDiskError(error: unknown, path: string, doing: string): DiskError {
  if (error instanceof DiskError) return error;
  const code = systemCode(error);
  const known = code === null ? undefined : meanings[code];
  if (known !== undefined) return new DiskError(known[0], path, `${path}: ${known[1]} (${doing})`, error);
  const detail = error instanceof Error ? error.message : String(error);
  return new DiskError('io', path, `${path}: ${doing} failed: ${detail}`, error);
}
