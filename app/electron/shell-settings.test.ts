import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ShellSettings } from './shell-settings.ts';

const place = (x: number) => ({ bounds: { x, y: 20, width: 1000, height: 700 }, maximized: false });
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'highwater-shell-'));
  path = join(directory, 'shell.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('each workspace’s window comes back where it was; the first one also from a file of one window', () => {
  writeFileSync(path, JSON.stringify({ window: place(1) }));
  const settings = new ShellSettings(path, 'default');
  expect(settings.placeOf('default')).toEqual(place(1));
  expect(settings.placeOf('orders')).toBeNull();
  settings.rememberPlace('orders', place(2));
  const again = new ShellSettings(path, 'default');
  expect([again.placeOf('default'), again.placeOf('orders')]).toEqual([place(1), place(2)]);
});

test('of very many windows the oldest are forgotten', () => {
  const settings = new ShellSettings(path, 'default');
  for (let number = 0; number < 120; number++) settings.rememberPlace(`workspace-${number}`, place(number));
  const { windows } = JSON.parse(readFileSync(path, 'utf8')) as { windows: object };
  expect(Object.keys(windows)).toHaveLength(100);
  expect(new ShellSettings(path, 'default').placeOf('workspace-119')).toEqual(place(119));
});

test('a damaged file means the defaults', () => {
  writeFileSync(path, '{"window": 7, "windows": [1, "two"], "quit": "perhaps"}');
  const settings = new ShellSettings(path, 'default');
  expect([settings.placeOf('default'), settings.quit]).toEqual([null, 'ask']);
});
