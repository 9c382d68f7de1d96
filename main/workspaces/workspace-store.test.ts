// Workspaces on a simulated disk: made, read back, copied, reset, removed; damaged files are named, not fatal.

import { expect, test } from 'vitest';
import type { LocalSettings, WorkspaceSettings } from '../api/workspace-views.ts';
import type { Processes } from '../runtime/processes.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { readWorkspaceFile, workspaceId, writeWorkspaceFile } from './workspace-file.ts';
import { WorkspaceStore } from './workspace-store.ts';

const root = '/highwater';

function local(changes: Partial<LocalSettings> = {}): WorkspaceSettings {
  return { kind: 'local', brokers: 2, racks: ['a', 'b'], profile: 'laptop', port: null, configs: {}, ...changes };
}

function open(alive: readonly number[] = []) {
  const runtime = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  const processes = { pid: 1, isAlive: (pid: number) => alive.includes(pid) } as unknown as Processes;
  const write = (path: string, text: string) => runtime.disk.writeFileAtomic(path, Buffer.from(text));
  const store = new WorkspaceStore({ root, runtime, processes, home: null });
  return { runtime, store, write, processes };
}

test('what is made is read back, with ports of its own that are remembered', async () => {
  const { store, runtime, processes } = open();
  const first = await store.create({ name: 'Orders dev', settings: local({ configs: { 'num.partitions': '2' } }) });
  const second = await store.create({ name: 'Staging', settings: local() });
  expect([first, second]).toEqual(['orders-dev', 'staging']);
  const again = new WorkspaceStore({ root, runtime, processes, home: null }).list();
  expect(again.damaged).toEqual([]);
  expect(again.workspaces.map(({ name, settings }) => [name, settings.port, settings.racks])).toEqual([
    ['Orders dev', 19092, ['a', 'b']],
    ['Staging', 19292, ['a', 'b']],
  ]);
  expect(again.workspaces[0]?.settings.configs).toEqual({ 'num.partitions': '2' });
});

test('a home that nobody named has the name it is given until it is renamed', async () => {
  const { runtime, processes } = open();
  runtime.disk.makeDirectory('/tmp/highwater-EtcXmz/highwater');
  const home = '/tmp/highwater-EtcXmz';
  const store = new WorkspaceStore({ root, runtime, processes, home, homeName: 'Ephemeral cluster' });
  const id = store.idOf(home) ?? '';
  expect(store.get(id).name).toBe('Ephemeral cluster');
  await store.update(id, { name: 'Try-out', settings: local() });
  expect(store.get(id).name).toBe('Try-out');
});

test('a port of another workspace and a name that is taken are refused by name', async () => {
  const { store } = open();
  await store.create({ name: 'one', settings: local({ port: 20000 }) });
  await expect(store.create({ name: 'two', settings: local({ port: 20001 }) })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: 'port 20001 belongs to the workspace one',
  });
  await expect(store.create({ name: 'one', settings: local() })).rejects.toMatchObject({ code: 'NAME_TAKEN' });
});

test('a copy has ports of its own; a reset frees the data and keeps the settings', async () => {
  const { store, runtime, write } = open();
  const id = await store.create({ name: 'one', settings: local() });
  runtime.disk.makeDirectory(`${root}/${id}/node-1/orders-0`);
  write(`${root}/${id}/node-1/meta.properties`, 'version=1\ncluster.id=old\nnode.id=1\n');
  write(`${root}/${id}/node-1/orders-0/00000000000000000000.log`, 'records');
  const before = store.get(id);

  const copy = await store.duplicate(id, 'two', false);
  expect(store.get(copy).settings.port).not.toBe(before.settings.port);
  expect(store.dataBytes(copy)).toBe(0);

  await expect(store.update(id, { name: 'one', settings: local({ brokers: 3 }) })).rejects.toMatchObject({
    code: 'WORKSPACE_HAS_DATA',
  });
  expect(store.reset(id)).toBe('version=1\ncluster.id=old\nnode.id=1\n'.length + 'records'.length);
  expect(runtime.disk.exists(`${root}/${id}/node-1`)).toBe(false);
  expect(store.get(id).settings).toEqual(before.settings);
  await store.update(id, { name: 'one', settings: local({ brokers: 3, racks: [] }) });
  expect(store.get(id).settings.brokers).toBe(3);
  store.remove(id);
  expect(store.list().workspaces.map((each) => each.id)).toEqual([copy]);
});

test('a directory that `up` made is shown under its own name, and as in use while another runs it', () => {
  const { store, write, runtime } = open([4711]);
  runtime.disk.makeDirectory(`${root}/mine/highwater`);
  const brokers = [{ id: 1, port: 19500, controllerPort: 19600, rack: null }];
  const topology = { formatVersion: 1, clusterId: 'x', profile: 'kafka', host: '127.0.0.1', brokers, configs: {} };
  write(`${root}/mine/highwater/cluster.json`, JSON.stringify(topology));
  const running = { supervisorPid: 4711, controlPort: 1, token: 't', uiUrl: null, brokers: [] };
  write(`${root}/mine/highwater/running.json`, JSON.stringify(running));
  expect(store.get('mine')).toMatchObject({ name: 'mine', runBy: 4711, settings: { port: 19500, profile: 'kafka' } });
});

test('a damaged workspace is named and hides no other', async () => {
  const { store, write } = open();
  await store.create({ name: 'good', settings: local() });
  const bad = await store.create({ name: 'bad', settings: local() });
  write(`${root}/${bad}/highwater/workspace.json`, '{');
  const { workspaces, damaged } = store.list();
  expect(workspaces.map(({ name }) => name)).toEqual(['good']);
  expect(damaged[0]?.problem).toContain('workspace.json is not JSON');
});

test.each([
  ['nothing', '', 'WORKSPACE_DAMAGED', /not JSON/],
  ['another file', '{"name":"x"}', 'WORKSPACE_DAMAGED', /no workspace file/],
  ['a newer one', '{"format":"highwater-workspace","version":2}', 'WORKSPACE_TOO_NEW', /version 2/],
  [
    'a wrong value',
    writeWorkspaceFile({ name: 'x', settings: local({ brokers: 99 }) }),
    'WORKSPACE_DAMAGED',
    /settings\.brokers/,
  ],
])('a file that holds %s is refused and says what is wrong', (_what, text, code, message) => {
  expect(() => readWorkspaceFile(text, 'the file')).toThrowError(
    expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error,
  );
});

test('ids are made from names and are unlike the others', () => {
  expect(workspaceId('Bestellungen für Köln', new Set())).toBe('bestellungen-fur-koln');
  expect(workspaceId('a', new Set(['a', 'a-2']))).toBe('a-3');
  expect(workspaceId('漢字', new Set())).toBe('workspace');
});
