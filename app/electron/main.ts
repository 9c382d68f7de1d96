// Electron's main-process entry: one instance, the engine, then the window, menu and tray that show it. What a
// running app does is in shell.ts.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, dialog } from 'electron';
import { prepareApp } from '../../main/app.ts';
import type { Engine } from '../../main/engine.ts';
import type { Workspaces } from '../../main/workspaces/workspaces.ts';
import { isOurs, registerAppScheme, serveApp } from './app-protocol.ts';
import { deepLinkOf, deepLinkScheme } from './deep-links.ts';
import { hostContract } from './ipc-host.ts';
import { Shell } from './shell.ts';
import { startOptions } from './start-options.ts';

const distDir = join(__dirname, '..');
/** Outside the archive: plain Node, which runs it, can't look inside. */
const brokerScript = join(distDir, 'broker', 'process.js').replace('app.asar', 'app.asar.unpacked');
const demoMessagesPerSecond = 200;

async function start(): Promise<void> {
  app.setName('Highwater');
  app.enableSandbox();
  registerAppScheme();
  if (!app.requestSingleInstanceLock()) return app.quit();
  // A link that opens the app on macOS comes as an event, perhaps before the app is ready.
  let shell: Shell | null = null;
  const links: string[] = [];
  app.on('open-url', (event, url) => {
    event.preventDefault();
    if (shell === null) links.push(url);
    else shell.openLink(deepLinkOf([url]));
  });
  if (app.isPackaged) app.setAsDefaultProtocolClient(deepLinkScheme);
  await app.whenReady();
  const args = process.argv.slice(app.isPackaged ? 1 : 2);
  const defaultDataDir = process.env['HIGHWATER_DATA'] ?? join(app.getPath('userData'), 'clusters', 'default');
  const options = startOptions(args, defaultDataDir);
  const isRootEphemeral = options.engine.ephemeral === true;
  const root = isRootEphemeral
    ? mkdtempSync(join(tmpdir(), 'highwater-workspaces-'))
    : (process.env['HIGHWATER_HOME'] ?? join(app.getPath('userData'), 'clusters'));
  const { engine, workspaces } = await prepareApp({
    engine: { ...options.engine, brokerScript },
    root,
    isRootEphemeral,
  });
  serveApp(join(distDir, 'renderer'));
  hostContract(workspaces, isOurs);
  shell = new Shell({ engine, workspaces, distDir });
  shell.openLink(deepLinkOf([...links, ...args]));
  await run(workspaces, engine, options.demo);
}

/** From here on the page shows what fails, and quitting stops what did start. */
async function run(workspaces: Workspaces, engine: Engine, demo: boolean): Promise<void> {
  try {
    await workspaces.startHome();
  } catch (error) {
    await dialog.showMessageBox({ type: 'error', ...words(error) });
    return;
  }
  if (!demo) return;
  await engine.startWorkload(demoMessagesPerSecond).catch((error: unknown) => console.error('demo workload:', error));
}

function words(error: unknown): { message: string; detail: string } {
  const { message, advice } = error as { message?: string; advice?: string | null };
  const detail = [message ?? String(error), advice ?? ''].join('\n\n').trim();
  return { message: 'Highwater could not start the cluster', detail };
}

start().catch((error: unknown) => {
  const { message, detail } = words(error);
  dialog.showErrorBox(message, detail);
  app.exit(1);
});
