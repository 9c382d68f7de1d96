import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeClock } from '../node/node-clock.ts';
import { nodeDisk } from '../node/node-disk.ts';
import { seededRandom } from '../simulated/seeded-random.ts';
import { noFaults, type DiskFaults } from './broker-faults.ts';
import { FaultyDisk } from './faulty-disk.ts';

let directory = '';
let blockedMs = 0;
let disk: FaultyDisk;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'highwater-faulty-'));
  blockedMs = 0;
  disk = new FaultyDisk({ base: nodeDisk(), clock: nodeClock(), block: (ms) => (blockedMs += ms) });
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);
const text = (name: string): string | null => {
  try {
    return readFileSync(at(name), 'latin1');
  } catch {
    return null;
  }
};
const bytes = (value: string): Buffer => Buffer.from(value, 'latin1');
const give = (change: Partial<DiskFaults>): void => disk.apply({ ...noFaults.disk, ...change });
const code = (value: string): unknown => expect.objectContaining({ name: 'DiskError', code: value });

function written(name: string, ...parts: readonly (string | 'sync')[]): void {
  const file = disk.open(at(name), 'create');
  for (const part of parts) {
    if (part === 'sync') file.syncNow();
    else file.write(bytes(part), file.size());
  }
  file.close();
}

describe('a power loss', () => {
  it('takes what was appended after the last sync, and tells how much', () => {
    written('log', 'safe', 'sync', 'gone');
    expect(disk.losePower(null)).toEqual({ lostFiles: 1, lostBytes: 4 });
    expect(text('log')).toBe('safe');
  });

  it('keeps what a sync without blocking had been asked for, and not what came during it', async () => {
    const file = disk.open(at('log'), 'create');
    file.write(bytes('before'), 0);
    const syncing = file.sync();
    file.write(bytes('during'), 6);
    await syncing;
    disk.losePower(null);
    expect(text('log')).toBe('before');
  });

  it('brings back synced bytes that were overwritten or cut, whatever the order', () => {
    const file = disk.open(at('log'), 'create');
    file.write(bytes('0123456789'), 0);
    file.syncNow();
    file.write(bytes('AB'), 2);
    file.truncate(5);
    file.write(bytes('xyz'), 5);
    file.write(bytes('C'), 0);
    expect(text('log')).toBe('C1AB4xyz');
    disk.losePower(null);
    expect(text('log')).toBe('0123456789');
  });

  it('counts what was there at the start as safe', () => {
    writeFileSync(at('log'), 'old');
    written('log', '+new');
    disk.losePower(null);
    expect(text('log')).toBe('old');
  });

  it('takes back names that nothing was synced after: made, renamed, removed', () => {
    written('kept', 'kept', 'sync');
    written('renamed', 'r', 'sync');
    written('removed', 'm', 'sync', 'unsynced');
    disk.rename(at('renamed'), at('other'));
    disk.remove(at('removed'));
    disk.makeDirectory(at('made/deep'));
    written('made/deep/file', 'x');
    disk.losePower(null);
    expect(nodeDisk().list(directory)).toEqual(['kept', 'removed', 'renamed']);
    expect(text('removed')).toBe('m');
  });

  it('leaves names once anything after them was synced, as journalling file systems do', () => {
    written('made', '');
    disk.rename(at('made'), at('named'));
    written('other', 'x', 'sync');
    disk.losePower(null);
    expect(nodeDisk().list(directory)).toEqual(['named', 'other']);
  });

  it('never takes a file that was replaced atomically, nor splits it', () => {
    disk.writeFileAtomic(at('state'), bytes('one'));
    disk.writeFileAtomic(at('state'), bytes('two'));
    disk.losePower(null);
    expect(text('state')).toBe('two');
  });

  it('follows a file and a directory under their new names', () => {
    disk.makeDirectory(at('topic-0'));
    const file = disk.open(at('topic-0/log'), 'create');
    file.write(bytes('safe'), 0);
    file.syncNow();
    file.write(bytes('gone'), 4);
    disk.rename(at('topic-0'), at('topic-0-delete'));
    disk.syncDirectory(directory);
    disk.losePower(null);
    expect(text('topic-0-delete/log')).toBe('safe');
  });

  it('may leave some of the unsynced bytes when it is torn, and never takes synced ones', () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const each = new FaultyDisk({ base: nodeDisk(), clock: nodeClock(), block: () => undefined });
      const file = each.open(at(`log-${seed}`), 'create');
      file.write(bytes('safe'), 0);
      file.syncNow();
      file.write(bytes('x'.repeat(1000)), 4);
      file.close();
      each.losePower(seededRandom('torn', seed));
      expect(text(`log-${seed}`)?.startsWith('safe')).toBe(true);
      lengths.add(text(`log-${seed}`)?.length ?? 0);
    }
    expect(lengths.size).toBeGreaterThan(10);
  });

  it('leaves a disk on which nothing can be done', () => {
    const file = disk.open(at('log'), 'create');
    disk.losePower(null);
    expect(() => file.write(bytes('x'), 0)).toThrow(code('io'));
    expect(() => disk.open(at('log'), 'read')).toThrow(code('io'));
  });
});

describe('a full disk', () => {
  it('takes what fits, then refuses growth, and still overwrites, reads, syncs and removes', () => {
    const file = disk.open(at('log'), 'create');
    file.write(bytes('0123'), 0);
    give({ freeBytes: 2 });
    expect(() => file.write(bytes('abcd'), 4)).toThrow(code('no-space'));
    expect(text('log')).toBe('0123ab');
    expect(() => file.writeAll([bytes('x')], 6)).toThrow(code('no-space'));
    expect(() => disk.open(at('other'), 'create')).toThrow(code('no-space'));
    expect(() => disk.writeFileAtomic(at('state'), bytes('x'))).toThrow(code('no-space'));
    expect(disk.volume(directory).usableBytes).toBe(0);
    file.write(bytes('Z'), 0);
    file.syncNow();
    disk.remove(at('log'));
    give({});
    written('log', 'again');
    expect(text('log')).toBe('again');
  });
});

describe('a slow disk', () => {
  it('delays writes and blocking syncs in place, and other syncs without blocking', async () => {
    give({ syncDelayMs: 30, writeDelayMs: 7 });
    const file = disk.open(at('log'), 'create');
    blockedMs = 0;
    file.write(bytes('x'), 0);
    expect(blockedMs).toBe(7);
    file.syncNow();
    expect(blockedMs).toBe(37);
    const begunMs = nodeClock().monotonicMs();
    await file.sync();
    expect(nodeClock().monotonicMs() - begunMs).toBeGreaterThanOrEqual(30);
    expect(blockedMs).toBe(37);
  });
});

describe('a failing disk', () => {
  it('fails the operations that were named, on the files that were named', async () => {
    written('good', 'g');
    written('bad', 'b');
    give({ errors: [{ operations: ['sync'], path: 'bad' }] });
    const file = disk.open(at('bad'), 'write');
    file.write(bytes('x'), 0);
    expect(() => file.syncNow()).toThrow(code('io'));
    await expect(file.sync()).rejects.toEqual(code('io'));
    written('good', 'h', 'sync');
    give({ errors: [{ operations: ['read'], path: null }] });
    expect(() => disk.readFile(at('good'))).toThrow(code('io'));
  });
});
