// The window: opened where it was, shown when it has something to show, brought back after a crash of its page.

import { BrowserWindow, dialog, screen } from 'electron';
import { pageOrigin } from './app-protocol.ts';
import type { ShellSettings } from './shell-settings.ts';
import { firstWindow, restoredBounds, smallestWindow } from './window-bounds.ts';

/** A page that crashes twice within this time would crash again: a person decides. */
const crashIntervalMs = 30_000;

export class MainWindow {
  readonly #settings: ShellSettings;
  readonly #preload: string;
  #window: BrowserWindow | null = null;
  #crashedAtMs = -Infinity;

  constructor(options: { settings: ShellSettings; preload: string }) {
    this.#settings = options.settings;
    this.#preload = options.preload;
  }

  get isFocused(): boolean {
    return this.#window?.isFocused() === true;
  }

  /** Shows the window, opening it if need be, at the place that the hash names (null: as it is). */
  show(hash: string | null = null): void {
    const window = this.#window;
    if (window === null) return this.#open(hash ?? '');
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
    // The same document: the page's router follows its address.
    if (hash !== null) this.#load(window, hash);
  }

  close(): void {
    this.#window?.close();
  }

  setTitle(title: string): void {
    this.#window?.setTitle(title);
  }

  #open(hash: string): void {
    const place = this.#settings.place;
    const bounds = restoredBounds(
      place,
      screen.getAllDisplays().map((display) => display.workArea),
    );
    const window = new BrowserWindow({
      ...firstWindow,
      ...bounds,
      minWidth: smallestWindow.width,
      minHeight: smallestWindow.height,
      show: false,
      title: 'Highwater',
      backgroundColor: '#0d1117',
      webPreferences: {
        preload: this.#preload,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        navigateOnDragDrop: true,
        spellcheck: false,
      },
    });
    this.#window = window;
    if (place?.maximized === true) window.maximize();
    window.once('ready-to-show', () => window.show());
    // The title says how the cluster stands; the page's own would overwrite it.
    window.on('page-title-updated', (event) => event.preventDefault());
    window.on('close', () => {
      this.#settings.rememberPlace({ bounds: window.getNormalBounds(), maximized: window.isMaximized() });
    });
    window.on('closed', () => (this.#window = null));
    window.webContents.on('render-process-gone', (_event, details) => {
      if (details.reason !== 'clean-exit') this.#recover(window, details.reason);
    });
    this.#load(window, hash);
  }

  #load(window: BrowserWindow, hash: string): void {
    window.loadURL(`${pageOrigin}/${hash}`).catch((error: unknown) => {
      // A newer navigation, or the window's end, ends an older one.
      if (!window.isDestroyed() && !String(error).includes('ERR_ABORTED')) console.error('page:', error);
    });
  }

  #recover(window: BrowserWindow, reason: string): void {
    const nowMs = Date.now();
    const again = nowMs - this.#crashedAtMs < crashIntervalMs;
    this.#crashedAtMs = nowMs;
    if (!again) return window.webContents.reload();
    const question = {
      type: 'error' as const,
      message: 'The page crashed again',
      detail: `Reason: ${reason}. The brokers go on; only what shows them is gone.`,
      buttons: ['Reload', 'Close window'],
    };
    dialog
      .showMessageBox(window, question)
      .then(({ response }) => (response === 0 ? window.webContents.reload() : window.close()))
      .catch((error: unknown) => console.error(error));
  }
}
