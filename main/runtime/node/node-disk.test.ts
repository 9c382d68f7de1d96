import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from './node-disk.ts';

let directory = '';
const disk = nodeDisk();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'highwater-disk-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const code = (value: string): unknown => expect.objectContaining({ name: 'DiskError', code: value });

describe.skipIf(process.platform === 'win32')('what is made is its owner’s alone', () => {
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('directories 700, files 600, whatever a file left behind had', () => {
    disk.makeDirectory(join(directory, 'a/b'));
    expect([mode(join(directory, 'a')), mode(join(directory, 'a/b'))]).toEqual(['700', '700']);
    disk.open(join(directory, 'a/f'), 'create').close();
    writeFileSync(join(directory, 'a/g.tmp'), 'left behind');
    chmodSync(join(directory, 'a/g.tmp'), 0o666);
    disk.writeFileAtomic(join(directory, 'a/g'), Buffer.from('token'));
    expect([mode(join(directory, 'a/f')), mode(join(directory, 'a/g'))]).toEqual(['600', '600']);
  });
});

describe('files', () => {
  it('keep what is written where it is written', async () => {
    const path = join(directory, 'f');
    const file = disk.open(path, 'create');
    file.write(Buffer.from('hello'), 0);
    file.writeAll([Buffer.from(' wor'), Buffer.from('ld'), Buffer.alloc(0), Buffer.from('!')], 5);
    file.syncNow();
    await file.sync();
    const target = Buffer.alloc(20, '.');
    expect(file.read(target, 2, 18, 6)).toBe(6);
    expect(target.toString()).toBe('..world!............');
    file.truncate(5);
    expect(file.size()).toBe(5);
    file.close();
    file.close();
    expect(() => file.size()).toThrow(code('io'));
    await expect(file.sync()).rejects.toThrow(code('io'));
    expect(Buffer.from(disk.readFile(path)).toString()).toBe('hello');
  });

  it('more chunks than one system call takes arrive in order', () => {
    const file = disk.open(join(directory, 'many'), 'create');
    const chunks = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index},`));
    file.writeAll(chunks, 0);
    file.close();
    expect(Buffer.from(disk.readFile(join(directory, 'many'))).toString()).toBe(Buffer.concat(chunks).toString());
  });

  it('open modes: read and write need the file, create makes it', () => {
    const path = join(directory, 'f');
    expect(() => disk.open(path, 'read')).toThrow(code('not-found'));
    expect(() => disk.open(path, 'write')).toThrow(code('not-found'));
    disk.open(path, 'create').close();
    const file = disk.open(path, 'read');
    expect(() => file.write(Buffer.from('x'), 0)).toThrow(expect.objectContaining({ name: 'DiskError' }));
    file.close();
  });
});

describe('directories', () => {
  it('are made with parents, listed sorted, removed with all in them', () => {
    disk.makeDirectory(join(directory, 'a/b'));
    disk.makeDirectory(join(directory, 'a/b'));
    for (const name of ['z', 'y']) disk.open(join(directory, 'a', name), 'create').close();
    expect(disk.list(join(directory, 'a'))).toEqual(['b', 'y', 'z']);
    expect(disk.isDirectory(join(directory, 'a/b'))).toBe(true);
    expect(disk.isDirectory(join(directory, 'a/y'))).toBe(false);
    expect(() => disk.remove(join(directory, 'a'))).toThrow(code('exists'));
    disk.remove(join(directory, 'a/b'));
    disk.remove(join(directory, 'a/b'));
    disk.syncDirectory(join(directory, 'a'));
    disk.removeTree(join(directory, 'a'));
    disk.removeTree(join(directory, 'a'));
    expect(disk.exists(join(directory, 'a'))).toBe(false);
    expect(() => disk.list(join(directory, 'a'))).toThrow(code('not-found'));
  });

  it('writeFileAtomic replaces and leaves nothing beside', () => {
    const path = join(directory, 'f');
    disk.writeFileAtomic(path, Buffer.from('a longer content'));
    disk.writeFileAtomic(path, Buffer.from('short'));
    expect(readFileSync(path, 'utf8')).toBe('short');
    expect(readdirSync(directory)).toEqual(['f']);
  });

  it('times can be set and volumes measured', () => {
    const path = join(directory, 'f');
    disk.open(path, 'create').close();
    disk.setModifiedMs(path, 1_700_000_000_000);
    expect(disk.modifiedMs(path)).toBe(1_700_000_000_000);
    const { totalBytes, usableBytes } = disk.volume(directory);
    expect(totalBytes).toBeGreaterThan(usableBytes);
  });
});

describe('lock', () => {
  it('is exclusive, names its holder and is free after release', () => {
    const path = join(directory, 'node.lock');
    const lock = disk.lock(path);
    expect(readFileSync(path, 'utf8').split(' ')[0]).toBe(`${process.pid}`);
    expect(() => disk.lock(path)).toThrow(`locked by process ${process.pid}`);
    lock.release();
    expect(existsSync(path)).toBe(false);
    disk.lock(path).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('of a living other process is respected, of a dead one taken over', async () => {
    const path = join(directory, 'node.lock');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    writeFileSync(path, `${child.pid} -\n`);
    expect(() => disk.lock(path)).toThrow(`locked by process ${child.pid}`);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    disk.lock(path).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('whose pid was given to another program is stale', () => {
    const path = join(directory, 'node.lock');
    // Only where the start of a process is cheap to know.
    const isKnown = existsSync(`/proc/${process.pid}/stat`);
    writeFileSync(path, `${process.pid} 1\n`);
    if (isKnown) disk.lock(path).release();
    else expect(() => disk.lock(path)).toThrow(code('busy'));
  });

  it('with unreadable content is stale', () => {
    const path = join(directory, 'node.lock');
    for (const content of ['', 'garbage', '-1 2', '99999999999999999999 -']) {
      writeFileSync(path, content);
      disk.lock(path).release();
    }
  });
});
