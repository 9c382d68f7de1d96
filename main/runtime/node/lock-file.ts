// An exclusive lock held by a process, as a file that names it. A holder that is dead (or whose pid another program
// has now) is recognised and its lock taken over. Kafka's own `.lock` stays empty: this is a file of ours beside it.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { DiskError } from '../runtime.ts';
import { systemCode, toDiskError } from './disk-errors.ts';

const takeOverTriesMax = 5;

/** When the process began, in the kernel's own count; null where that is not cheap to know. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks; field 22 counts from the one after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Whether a process with this pid exists and can still do something: a killed one that nobody has reaped can't. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    // No /proc on this platform.
    return true;
  }
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw toDiskError(error, path, 'read lock');
  }
}

/** The pid of the living holder, or null when the lock is stale. */
function livingHolder(content: string): number | null {
  const [pidText, start] = content.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isRunning(pid)) return null;
  const startNow = processStart(pid);
  return start === undefined || start === '-' || startNow === null || start === startNow ? pid : null;
}

export function takeLock(path: string): { release(): void } {
  const content = `${process.pid} ${processStart(process.pid) ?? '-'}\n`;
  const own = `${path}.${process.pid}`;
  try {
    // Linked into place with its content, so that nobody ever sees an empty lock.
    writeFileSync(own, content, { mode: 0o600 });
    for (let tries = 0; tries < takeOverTriesMax; tries++) {
      if (linkIfFree(own, path)) return heldLock(path, content);
      removeIfStale(path);
    }
    throw new DiskError('busy', path, `${path}: several processes try to take this lock at once; try again`);
  } catch (error) {
    throw toDiskError(error, path, 'lock');
  } finally {
    rmSync(own, { force: true });
  }
}

function linkIfFree(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock whose holder is dead; throws 'busy' when it lives. */
function removeIfStale(path: string): void {
  const content = readIfPresent(path);
  if (content === null) return;
  const pid = livingHolder(content);
  if (pid !== null) throw new DiskError('busy', path, `${path}: locked by process ${pid}, which is running`);
  // Another process may do the same at this moment: what was moved away must be what was judged.
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  if (readIfPresent(aside) !== content) linkIfFree(aside, path);
  rmSync(aside, { force: true });
}

function heldLock(path: string, content: string): { release(): void } {
  const release = (): void => {
    process.removeListener('exit', release);
    if (readIfPresent(path) === content) rmSync(path, { force: true });
  };
  process.once('exit', release);
  return { release };
}
