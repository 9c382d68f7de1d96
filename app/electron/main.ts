// Electron's main-process entry: starts the engine, shows it in a window, and asks before a running cluster ends.
// The renderer comes from app://highwater/ so that it has an origin of its own.

import { join } from 'node:path';
import { app, BrowserWindow, dialog, Menu, net, protocol, shell } from 'electron';
import { pathToFileURL } from 'node:url';
import { Engine } from '../../main/engine.ts';
import { hostContract } from './ipc-host.ts';
import { menuTemplate } from './menu.ts';

const distDir = join(__dirname, '..');
const demoMessagesPerSecond = 200;
const origin = 'app://highwater';

protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

let engine: Engine | null = null;
let ending = false;

async function start(): Promise<void> {
  if (!app.requestSingleInstanceLock()) return app.quit();
  await app.whenReady();
  protocol.handle('app', (request) => {
    const { pathname } = new URL(request.url);
    const file = join(distDir, 'renderer', pathname === '/' ? 'index.html' : decodeURIComponent(pathname));
    if (!file.startsWith(join(distDir, 'renderer'))) return new Response('Not found.', { status: 404 });
    return net.fetch(pathToFileURL(file).href);
  });
  engine = await Engine.prepare({
    dataDir: process.env['HIGHWATER_DATA'] ?? join(app.getPath('userData'), 'clusters', 'default'),
    brokerScript: join(distDir, 'broker', 'process.js'),
  });
  hostContract(engine.api(), (url) => url.startsWith(`${origin}/`));
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform)));
  openWindow();
  const running = engine;
  await running.start();
  await running.startWorkload(demoMessagesPerSecond);
}

function openWindow(): void {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 900,
    minHeight: 600,
    show: false,
    title: 'Highwater',
    backgroundColor: '#0d1117',
    webPreferences: {
      preload: join(__dirname, 'preload.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  // Nothing but our own page is shown inside; links open in the person's browser.
  window.webContents.setWindowOpenHandler(({ url }) => {
    if (url.startsWith('https://')) void shell.openExternal(url);
    return { action: 'deny' };
  });
  window.webContents.on('will-navigate', (event, url) => {
    if (!url.startsWith(`${origin}/`)) event.preventDefault();
  });
  void window.loadURL(`${origin}/`);
}

/** Controlled shutdown of the brokers before the app goes. */
async function end(): Promise<void> {
  await engine?.stop();
  engine = null;
  app.quit();
}

app.on('before-quit', (event) => {
  if (engine === null) return;
  event.preventDefault();
  if (ending) return;
  ending = true;
  end().catch((error: unknown) => {
    console.error(error);
    app.exit(1);
  });
});
app.on('window-all-closed', () => app.quit());
app.on('second-instance', () => {
  const [window] = BrowserWindow.getAllWindows();
  window?.restore();
  window?.focus();
});
app.on('activate', () => {
  if (BrowserWindow.getAllWindows().length === 0 && engine !== null) openWindow();
});

start().catch((error: unknown) => {
  const { message, advice } = error as { message?: string; advice?: string | null };
  dialog.showErrorBox('Highwater could not start the cluster', `${message ?? String(error)}\n\n${advice ?? ''}`);
  app.exit(1);
});
