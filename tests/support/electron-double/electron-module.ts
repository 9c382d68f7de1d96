// Puts the double's parts together as the module that `require('electron')` gives.

import { EventEmitter } from 'node:events';
import { DoubleApp } from './app.ts';
import { windowClass } from './browser-window.ts';
import { ChromiumHost } from './chromium-host.ts';
import { Menu } from './menu.ts';
import { createNatives } from './natives.ts';
import { DoubleProtocol, DoubleSession } from './session.ts';

export function createElectron(options: { isPackaged: boolean; onReady: (debuggingPort: number) => void }) {
  const protocol = new DoubleProtocol();
  const defaultSession = new DoubleSession();
  const ipcMain = new EventEmitter();
  const app = new DoubleApp(options.isPackaged);
  const chromium = new ChromiumHost({ protocol, session: defaultSession, userDataDir: app.getPath('userData') });
  const BrowserWindow = windowClass({ app, chromium, ipcMain });
  const natives = createNatives();
  app.connect({ windows: () => BrowserWindow.getAllWindows(), closeBrowser: () => chromium.close() });
  Menu.quit = () => app.quit();
  Menu.closeWindow = () => BrowserWindow.getFocusedWindow()?.close();
  void chromium.open().then((debuggingPort) => {
    options.onReady(debuggingPort);
    app.becomeReady();
  });
  return { app, BrowserWindow, ipcMain, protocol, session: { defaultSession }, Menu, ...natives };
}
