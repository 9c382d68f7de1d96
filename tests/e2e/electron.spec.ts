// The desktop app, its shipped main and preload bundles, with brokers that are real processes. The same spec runs on a
// double of Electron (project electron-double; what that proves stands in tests/support/electron-double/host.ts) and on
// Electron's own binary where that is installed (project electron).

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { eventually, isAlive, temporaryDirectory } from '../support/cluster.ts';
import { launchDouble, launchElectron, type ShellApp } from '../support/electron-double/launch.ts';
import { ClusterPage } from './pages/cluster-page.ts';

const temporary = temporaryDirectory();
const data = join(temporary.path, 'cluster');
let app: ShellApp;
let page: Page;

// One app for the file: starting it is most of the time.
test.describe.configure({ mode: 'serial' });
test.setTimeout(120_000);

test.beforeAll(async ({}, testInfo) => {
  const launch = testInfo.project.name === 'electron' ? launchElectron : launchDouble;
  const userData = join(temporary.path, 'user-data');
  app = await launch({ args: [`--user-data-dir=${userData}`, `--data=${data}`, '--cluster-port=0'] });
  page = await app.window();
});

test.afterAll(async () => {
  await app.dispose();
  temporary.remove();
});

function brokerPids(): number[] {
  const running = JSON.parse(readFileSync(join(data, 'highwater/running.json'), 'utf8')) as {
    brokers: { pid: number }[];
  };
  return running.brokers.map((broker) => broker.pid);
}

/** Answers every question of the app's from now on with the button of that index. */
async function answerQuestionsWith(response: number): Promise<void> {
  await app.evaluate(({ dialog }, button) => {
    dialog.showMessageBox = () => Promise.resolve({ response: button, checkboxChecked: false });
  }, response);
}

test('the window opens with the live cluster: requests and pushes go over IPC', async () => {
  const cluster = new ClusterPage(page);
  await expect(cluster.header()).toContainText('Ready');
  const row = cluster.partition('orders', 0);
  await expect(cluster.leader(row)).toHaveCount(1);
  const figure = await cluster.leader(row).textContent();
  await expect(cluster.leader(row)).not.toHaveText(figure ?? '');

  const leader = Number(/^Broker (\d+)/.exec((await cluster.leader(row).getAttribute('aria-label')) ?? '')?.[1]);
  const pid = Number(/pid (\d+)/.exec((await cluster.brokerHead(leader).textContent()) ?? '')?.[1]);
  expect(isAlive(pid)).toBe(true);
  await cluster.brokerAction(leader, 'Kill');
  await expect(cluster.brokerHead(leader)).toContainText('Killed');
  await eventually('the process is gone', () => !isAlive(pid));
  await expect(cluster.leader(row)).not.toHaveAttribute('aria-label', new RegExp(`^Broker ${leader}:`));
  await cluster.brokerAction(leader, 'Start');
  await expect(cluster.replica(row, leader)).toHaveAccessibleName(/in sync/);

  // A request that the engine refuses comes back as a refusal, whole.
  const refused = await page.evaluate(() =>
    (globalThis as unknown as { highwater: { request(name: string, input: object): Promise<unknown> } }).highwater
      .request('broker.start', { brokerId: 77 })
      .catch((refusal: unknown) => refusal),
  );
  expect(refused).toMatchObject({ code: 'UNKNOWN_BROKER', message: 'there is no broker 77' });
});

test('the page is sandboxed: no Node, an API of two functions, nothing from elsewhere', async () => {
  const [window] = await app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().map(({ webContents }) => ({
      url: webContents.getURL(),
      preferences: (webContents as unknown as { getLastWebPreferences(): object }).getLastWebPreferences(),
    })),
  );
  expect(window?.url).toMatch(/^app:\/\/highwater\//);
  expect(window?.preferences).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false });

  const seen = await page.evaluate(async () => {
    type Scope = { highwater: object; Notification: { permission: string } } & Record<string, unknown>;
    const scope = globalThis as unknown as Scope;
    const status = (address: string) =>
      fetch(address).then(
        (response) => response.status,
        () => 'refused',
      );
    const own = await fetch('/');
    return {
      api: Object.keys(scope.highwater),
      node: [typeof scope['require'], typeof scope['process'], typeof scope['module']],
      policy: own.headers.get('content-security-policy'),
      outside: await status('https://kafka.apache.org/'),
      above: await status('/%2e%2e/electron/main.cjs'),
      notifications: scope.Notification.permission,
    };
  });
  expect(seen).toMatchObject({
    api: ['request', 'subscribe'],
    node: ['undefined', 'undefined', 'undefined'],
    policy: expect.stringMatching(/^default-src 'none'; script-src 'self'; style-src 'self'; /),
    outside: 'refused',
    above: 404,
    notifications: 'denied',
  });
  expect(seen.policy).not.toContain('ws:');
});

test('the page can’t be led away, and opens no windows', async () => {
  await app.evaluate(({ BrowserWindow, shell }) => {
    const scope = globalThis as unknown as { asked: string[]; external: string[] };
    scope.asked = [];
    scope.external = [];
    BrowserWindow.getAllWindows()[0]?.webContents.on('will-frame-navigate', (event) => {
      scope.asked.push(`${event.url} ${event.defaultPrevented ? 'refused' : 'allowed'}`);
    });
    shell.openExternal = (url) => Promise.resolve(void scope.external.push(url));
  });
  const record = (name: 'asked' | 'external') =>
    app.evaluate((_, key) => (globalThis as unknown as Record<string, string[]>)[key] ?? [], name);

  await page.evaluate(() => {
    (globalThis as unknown as { location: { href: string } }).location.href = 'https://kafka.apache.org/elsewhere';
  });
  await expect.poll(() => record('asked')).toEqual(['https://kafka.apache.org/elsewhere refused']);
  await expect(new ClusterPage(page).grid()).toBeVisible();

  for (const url of [
    'http://kafka.apache.org/',
    'https://user:pass@kafka.apache.org/',
    'https://kafka.apache.org/43/',
  ]) {
    await page.evaluate((address) => (globalThis as unknown as { open(url: string): void }).open(address), url);
  }
  await expect.poll(() => record('external')).toEqual(['https://kafka.apache.org/43/']);
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

test('only the main frame of our own page is answered', async () => {
  const answers = await app.evaluate(async ({ ipcMain }) => {
    let lastId = 1000;
    const ask = async (senderFrame: object | null) => {
      let answered = 0;
      const sender = {
        id: (lastId += 1),
        isDestroyed: () => false,
        on: () => undefined,
        once: () => undefined,
        send: () => (answered += 1),
      };
      ipcMain.emit('highwater', { sender, senderFrame }, { type: 'request', id: 1, endpoint: 'x', input: null });
      await new Promise((resolve) => setImmediate(resolve));
      return answered;
    };
    return {
      own: await ask({ url: 'app://highwater/', parent: null }),
      frameWithin: await ask({ url: 'app://highwater/', parent: {} }),
      elsewhere: await ask({ url: 'https://evil.example/', parent: null }),
      lookalike: await ask({ url: 'app://highwater.evil/', parent: null }),
      gone: await ask(null),
    };
  });
  expect(answers).toEqual({ own: 1, frameWithin: 0, elsewhere: 0, lookalike: 0, gone: 0 });
});

test('quitting asks: cancel, keep in the tray, and at last stop the brokers in order', async () => {
  const windows = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
  const quit = () => app.evaluate(({ app: electronApp }) => setImmediate(() => electronApp.quit()) && null);
  const pids = brokerPids();
  expect(pids).toHaveLength(3);

  await answerQuestionsWith(2);
  await quit();
  await expect(new ClusterPage(page).header()).toContainText('Ready');
  expect(await windows()).toBe(1);

  await answerQuestionsWith(1);
  await quit();
  await expect.poll(windows).toBe(0);
  expect(pids.every(isAlive)).toBe(true);
  await app.evaluate(({ app: electronApp }) => electronApp.emit('activate') && null);
  await expect.poll(windows).toBe(1);

  await answerQuestionsWith(0);
  await quit();
  expect(await app.exited).toBe(0);
  expect(pids.some(isAlive)).toBe(false);
  for (const id of [1, 2, 3]) expect(existsSync(join(data, `node-${id}`, '.kafka_cleanshutdown'))).toBe(true);
});
