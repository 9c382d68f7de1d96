// What the desktop app does with the operating system: tray, menu, links, notifications, what it remembers, what it
// says when it can't start. On the double only (the system's own tray or dialog can't be read); what that proves stands
// in tests/support/electron-double/host.ts.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { eventually, isAlive, temporaryDirectory } from '../support/cluster.ts';
import { launchDouble, type ShellApp } from '../support/electron-double/launch.ts';
import { ClusterPage } from './pages/cluster-page.ts';

const temporary = temporaryDirectory();
const userData = join(temporary.path, 'user-data');
const data = join(temporary.path, 'rehearsal');
let app: ShellApp;
let page: Page;

test.describe.configure({ mode: 'serial' });
test.setTimeout(120_000);

test.beforeAll(async () => {
  mkdirSync(userData);
  const place = { bounds: { x: 40, y: 50, width: 1300, height: 820 }, maximized: true };
  writeFileSync(join(userData, 'shell.json'), JSON.stringify({ window: place }));
  const cluster = [`--data=${data}`, '--cluster-port=0', '--brokers=1', '--no-demo'];
  app = await launchDouble({ args: [`--user-data-dir=${userData}`, ...cluster] });
  page = await app.window();
  await expect(new ClusterPage(page).header()).toContainText('Ready');
});

test.afterAll(async () => {
  await app.dispose();
  temporary.remove();
});

const menuClick = (id: string) =>
  app.evaluate(({ Menu }, name) => Menu.getApplicationMenu()?.getMenuItemById(name)?.click() ?? null, id);
const hash = () => new URL(page.url()).hash;

test('the tray says how the cluster stands, and leads back to the window', async () => {
  const tray = () =>
    app.evaluate(({ double }) => {
      const [first] = double.trays;
      const menu = first?.menu as { items: { label: string }[] } | undefined;
      return {
        toolTip: first?.toolTip,
        picture: first?.image.path.split(/[\\/]/).at(-1),
        isDrawn: first?.image.isEmpty() === false,
        menu: menu?.items.map((item) => item.label),
      };
    });
  const standing = 'ready, 1 of 1 brokers up';
  await expect.poll(tray).toMatchObject({
    toolTip: `Highwater: cluster ${standing}`,
    picture: process.platform === 'darwin' ? 'readyTemplate.png' : 'ready.png',
    isDrawn: true,
    menu: expect.arrayContaining([`Cluster ${standing}`, 'Show Highwater', 'Quit Highwater']),
  });
  const isMinimized = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isMinimized());
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize() ?? null);
  await app.evaluate(({ double }) => double.trays[0]?.emit('click') ?? null);
  expect(await isMinimized()).toBe(false);
});

test('the menu goes to the places of the app, copies the address and opens the data', async () => {
  await menuClick('go-topics');
  await expect.poll(hash).toBe('#/topics');
  await menuClick('go-cluster');
  await expect.poll(hash).toBe('#/cluster');
  await menuClick('copy-bootstrap');
  expect(await app.evaluate(({ clipboard }) => clipboard.readText())).toMatch(/^127\.0\.0\.1:\d+$/);
  await menuClick('open-data');
  await menuClick('open-logs');
  const opened = await app.evaluate(({ double }) => [double.opened, double.errorBoxes]);
  expect(opened).toEqual([[data, join(data, 'highwater/logs')], []]);
});

test('a second start shows the first one’s window, at the place its link names, and ends', async () => {
  const start = async (...args: string[]) => {
    const second = await launchDouble({ args: [`--user-data-dir=${userData}`, ...args] });
    expect(await second.exited).toBe(0);
  };
  await start('highwater://cluster/rehearsal/groups/billing?tab=lag');
  await expect.poll(hash).toBe('#/groups/billing?tab=lag');
  await start(join(temporary.path, 'mine.drill.yaml'));
  await expect.poll(hash).toContain('#/drills?file=');
  await start('highwater://cluster/other/topics');
  await expect
    .poll(() => app.evaluate(({ double }) => double.notifications.map((each) => each.body)))
    .toEqual(['The link is for other, which is no cluster of this app.']);
  expect(hash()).toContain('#/drills');
});

test('each workspace has a window of its own; links, the menu and a switch inside a window find the right one', async () => {
  const places = () =>
    app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => /#[^?]*/.exec(window.webContents.getURL())?.[0]),
    );
  const focused = () =>
    app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().findIndex((window) => window.isFocused()));
  const link = (url: string) =>
    app.evaluate(
      ({ app: electronApp }, address) => electronApp.emit('second-instance', {}, ['highwater', address]),
      url,
    );
  const settings = { kind: 'local', brokers: 1, racks: [], profile: 'laptop', port: null, configs: {} };
  await page.evaluate(
    (input) => {
      const bridge = (
        globalThis as unknown as { highwater: { request(name: string, input: unknown): Promise<unknown> } }
      ).highwater;
      return bridge.request('workspaces.create', input);
    },
    { name: 'Orders dev', settings },
  );
  await menuClick('go-cluster');
  await link('highwater://cluster/orders-dev/topics');
  await expect.poll(places).toEqual(['#/cluster', '#/@orders-dev/topics']);
  await expect.poll(focused).toBe(1);
  // The same again brings that window to the front, whether by id or by name; the home cluster's stays where it is.
  await link('highwater://cluster/rehearsal/groups');
  await expect.poll(places).toEqual(['#/groups', '#/@orders-dev/topics']);
  await expect.poll(focused).toBe(0);
  await menuClick('workspace-orders-dev');
  await expect.poll(focused).toBe(1);
  await expect
    .poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.getTitle())))
    .toEqual([expect.stringContaining('cluster ready'), 'Highwater: Orders dev, stopped']);
  // The menu's places are those of the window at hand.
  await menuClick('go-events');
  await expect.poll(places).toEqual(['#/groups', '#/@orders-dev/events']);
  // One that is closed leaves the app and the other window alone, and comes back where it was.
  await app.evaluate(({ BrowserWindow }) => {
    BrowserWindow.getAllWindows()[1]?.setBounds({ x: 90, y: 95, width: 1100, height: 760 });
    return BrowserWindow.getAllWindows()[1]?.close() ?? null;
  });
  expect(await places()).toEqual(['#/groups']);
  await link('highwater://cluster/orders-dev');
  await expect.poll(places).toEqual(['#/groups', '#/@orders-dev/cluster']);
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[1]?.getNormalBounds())).toEqual({
    x: 90,
    y: 95,
    width: 1100,
    height: 760,
  });
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[1]?.close() ?? null);
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.focus() ?? null);
  // Who switches inside a window takes it along: it is that workspace's window from then on.
  const goTo = (address: string) =>
    page.evaluate((to) => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = to;
    }, address);
  await goTo('#/@orders-dev/topics');
  await expect.poll(places).toEqual(['#/@orders-dev/topics']);
  await link('highwater://cluster/orders-dev/quorum');
  await expect.poll(places).toEqual(['#/@orders-dev/quorum']);
  await goTo('#/cluster');
  await expect.poll(places).toEqual(['#/cluster']);
});

test('a file dropped on the window is opened as a drill, never as a page', async () => {
  const drop = (url: string) =>
    app.evaluate(({ BrowserWindow }, address) => {
      const event = { url: address, isMainFrame: true, refused: false, preventDefault: () => (event.refused = true) };
      BrowserWindow.getAllWindows()[0]?.webContents.emit('will-frame-navigate', event);
      return event.refused;
    }, url);
  expect(await drop('file:///tmp/leader%20crash.yaml')).toBe(true);
  await expect.poll(hash).toBe('#/drills?file=%2Ftmp%2Fleader+crash.yaml');
  expect(await drop('file:///tmp/page.html')).toBe(true);
  expect(await app.evaluate(({ double }) => double.errorBoxes.splice(0))).toEqual([
    { title: 'Not a drill file', content: '/tmp/page.html does not end in .yaml or .yml' },
  ]);
});

test('who looks elsewhere is told that a broker died, and led to the events', async () => {
  await app.evaluate(({ BrowserWindow, double }) => {
    double.notifications.splice(0);
    BrowserWindow.getAllWindows()[0]?.blur();
  });
  const { brokers } = JSON.parse(readFileSync(join(data, 'highwater/running.json'), 'utf8')) as {
    brokers: { pid: number }[];
  };
  process.kill(brokers[0]?.pid ?? 0, 'SIGKILL');
  await expect
    .poll(() => app.evaluate(({ double }) => double.notifications.map(({ title, body }) => `${title}: ${body}`)))
    .toEqual(['Broker 1 died: Its process ended by SIGKILL.']);
  await app.evaluate(({ double }) => double.notifications[0]?.emit('click') ?? null);
  await expect.poll(hash).toBe('#/events');
});

test('the window comes back where it was; a signal quits without asking', async () => {
  const place = () =>
    app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows();
      return { bounds: window?.getNormalBounds(), maximized: window?.isMaximized() };
    });
  expect(await place()).toEqual({ bounds: { x: 40, y: 50, width: 1300, height: 820 }, maximized: true });
  await app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.setBounds({ x: 70, y: 80, width: 1000, height: 700 }),
  );
  app.process.kill('SIGTERM');
  expect(await app.exited).toBe(0);
  expect(JSON.parse(readFileSync(join(userData, 'shell.json'), 'utf8'))).toMatchObject({
    window: { bounds: { x: 70, y: 80, width: 1000, height: 700 } },
  });
  await eventually('no process is left', () => !isAlive(app.process.pid ?? 0));
});

test('a cluster that can’t be prepared is an error box with the way out, and no window', async () => {
  const file = join(temporary.path, 'a-file');
  writeFileSync(file, '');
  const failing = await launchDouble({ args: [`--user-data-dir=${userData}`, `--data=${file}`] });
  expect(await failing.exited).toBe(1);
  expect(failing.output()).toContain('[error box] Highwater could not start the cluster');
  expect(failing.output()).toContain('give a directory that you own with --data');
});
