import { describe, expect, it } from 'vitest';
import type { Disk } from '../runtime.ts';
import { SimulatedWorld } from './simulated-world.ts';

function text(disk: Disk, path: string): string {
  return Buffer.from(disk.readFile(path)).toString();
}

function newDisk(seed: number | string = 1): { world: SimulatedWorld; disk: () => Disk } {
  const world = new SimulatedWorld({ seed });
  return { world, disk: () => world.runtimeFor(1).disk };
}

function put(disk: Disk, path: string, content: string, isSynced: boolean): void {
  const file = disk.open(path, 'create');
  file.truncate(0);
  file.write(Buffer.from(content), 0);
  if (isSynced) file.syncNow();
  file.close();
}

describe('power loss', () => {
  it('an overwrite of synced bytes is undone', () => {
    const { world, disk } = newDisk();
    put(disk(), '/f', 'one two', true);
    const file = disk().open('/f', 'write');
    file.write(Buffer.from('ONE'), 0);
    file.write(Buffer.from(' more'), 7);
    world.crash(1);
    expect(text(disk(), '/f')).toBe('one two');
  });

  it('an unsynced truncation is undone, a synced one stays', () => {
    const { world, disk } = newDisk();
    put(disk(), '/f', 'one two', true);
    disk().open('/f', 'write').truncate(3);
    expect(text(disk(), '/f')).toBe('one');
    world.crash(1);
    expect(text(disk(), '/f')).toBe('one two');
    const file = disk().open('/f', 'write');
    file.truncate(3);
    file.syncNow();
    world.crash(1);
    expect(text(disk(), '/f')).toBe('one');
  });

  it('bytes appended while a sync runs are not made safe by it', async () => {
    const { world, disk } = newDisk();
    world.disk(1).syncDelayMs = 20;
    const file = disk().open('/f', 'create');
    file.write(Buffer.from('before '), 0);
    const syncing = file.sync();
    file.write(Buffer.from('after'), 7);
    await world.settle(syncing);
    expect(world.nowMs).toBe(20);
    world.crash(1);
    expect(text(disk(), '/f')).toBe('before ');
  });

  it('a sync that had not finished makes nothing safe', async () => {
    const { world, disk } = newDisk();
    world.disk(1).syncDelayMs = 20;
    put(disk(), '/f', '', true);
    const file = disk().open('/f', 'write');
    file.write(Buffer.from('bytes'), 0);
    let isDone = false;
    file
      .sync()
      .then(() => (isDone = true))
      .catch(() => undefined);
    await world.run(19);
    world.crash(1);
    await world.run(100);
    expect([isDone, text(disk(), '/f')]).toEqual([false, '']);
  });

  it('names are undone until their directory is synced', () => {
    const { world, disk } = newDisk();
    disk().makeDirectory('/d');
    disk().syncDirectory('/d');
    put(disk(), '/d/a', 'a', true);
    put(disk(), '/d/b', 'b', true);
    disk().remove('/d/a');
    disk().rename('/d/b', '/d/c');
    world.crash(1);
    expect(disk().list('/d')).toEqual(['a', 'b']);
    disk().rename('/d/b', '/d/c');
    disk().syncDirectory('/d');
    world.crash(1);
    expect(disk().list('/d')).toEqual(['a', 'c']);
    expect(text(disk(), '/d/c')).toBe('b');
  });

  it('a file that was never synced is gone, with the directory made for it', () => {
    const { world, disk } = newDisk();
    disk().makeDirectory('/d/e');
    put(disk(), '/d/e/f', 'x', false);
    world.crash(1);
    expect(disk().exists('/d')).toBe(false);
  });

  it('writeFileAtomic survives whole: the old content or the new', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { world, disk } = newDisk(seed);
      disk().makeDirectory('/d');
      disk().writeFileAtomic('/d/f', Buffer.from('old'));
      disk().writeFileAtomic('/d/f', Buffer.from('new'));
      world.crash(1, { torn: true });
      expect(text(disk(), '/d/f')).toBe('new');
      expect(disk().list('/d')).toEqual(['f']);
    }
  });

  it('torn writes keep synced bytes and any part of the others', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { world, disk } = newDisk(seed);
      const file = disk().open('/f', 'create');
      file.write(Buffer.alloc(5000, 'S'), 0);
      file.syncNow();
      file.write(Buffer.alloc(20_000, 'u'), 5000);
      world.crash(1, { torn: true });
      const content = text(disk(), '/f');
      expect(content.slice(0, 5000)).toBe('S'.repeat(5000));
      expect(content.length).toBeLessThanOrEqual(25_000);
      // Single bits of what was not synced may have flipped.
      expect(content.slice(5000).replaceAll(/[u\0]/g, '').length).toBeLessThan(50);
      outcomes.add(content);
    }
    expect(outcomes.size).toBeGreaterThan(20);
  });
});

describe('faults', () => {
  it('a full disk refuses to grow, still overwrites, reads and syncs', () => {
    const { world, disk } = newDisk();
    put(disk(), '/f', 'abc', true);
    world.disk(1).capacityBytes = 5;
    const file = disk().open('/f', 'write');
    expect(() => file.write(Buffer.from('defg'), 3)).toThrow(expect.objectContaining({ code: 'no-space' }));
    file.write(Buffer.from('xy'), 3);
    expect(text(disk(), '/f')).toBe('abcxy');
    expect(disk().volume('/').usableBytes).toBe(0);
    disk().remove('/f');
    expect(disk().volume('/').usableBytes).toBe(5);
  });

  it('an i/o fault fails everything until it is taken away', () => {
    const { world, disk } = newDisk();
    put(disk(), '/f', 'abc', true);
    const file = disk().open('/f', 'write');
    world.disk(1).fault = 'io';
    expect(() => file.syncNow()).toThrow(expect.objectContaining({ code: 'io' }));
    expect(() => disk().readFile('/f')).toThrow(expect.objectContaining({ code: 'io' }));
    world.disk(1).fault = null;
    file.syncNow();
  });

  it('without descriptors nothing more is opened, and what is open goes on', () => {
    const { world, disk } = newDisk();
    put(disk(), '/f', 'abc', true);
    const file = disk().open('/f', 'write');
    world.disk(1).fault = 'too-many-files';
    const refused = expect.objectContaining({ code: 'io', message: expect.stringContaining('too many open files') });
    expect(() => disk().open('/f', 'read')).toThrow(refused);
    expect(() => disk().readFile('/f')).toThrow(refused);
    expect(() => disk().list('/')).toThrow(refused);
    expect(() => disk().writeFileAtomic('/g', Buffer.from('x'))).toThrow(refused);
    file.write(Buffer.from('d'), 3);
    file.syncNow();
    world.disk(1).fault = null;
    expect(text(disk(), '/f')).toBe('abcd');
  });

  it('a lock is held once and dies with the process', () => {
    const { world, disk } = newDisk();
    const lock = disk().lock('/lock');
    expect(() => disk().lock('/lock')).toThrow(expect.objectContaining({ code: 'busy' }));
    lock.release();
    disk().lock('/lock');
    world.kill(1);
    disk().lock('/lock').release();
  });
});
