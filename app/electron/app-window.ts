// One window: opened where it was, shown when it has something to show, brought back after a crash of its page.

import { BrowserWindow, dialog, screen } from 'electron';
import { pageOrigin } from './app-protocol.ts';
import { firstWindow, restoredBounds, smallestWindow, type WindowPlace } from './window-bounds.ts';

/** A page that crashes twice within this time would crash again: a person decides. */
const crashIntervalMs = 30_000;

export type AppWindowOptions = {
  readonly preload: string;
  /** The page's own address: `#/@orders-dev/topics`. */
  readonly address: string;
  /** Where it was; null: the system chooses. */
  readonly place: WindowPlace | null;
  onClose(place: WindowPlace): void;
  onClosed(): void;
};

export class AppWindow {
  readonly #window: BrowserWindow;
  #address: string;
  #crashedAtMs = -Infinity;

  constructor({ preload, address, place, onClose, onClosed }: AppWindowOptions) {
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
        preload,
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
    this.#address = address;
    if (place?.maximized === true) window.maximize();
    window.once('ready-to-show', () => window.show());
    // The title says how the cluster stands; the page's own would overwrite it.
    window.on('page-title-updated', (event) => event.preventDefault());
    window.on('close', () => onClose({ bounds: window.getNormalBounds(), maximized: window.isMaximized() }));
    window.on('closed', onClosed);
    window.webContents.on('render-process-gone', (_event, details) => {
      if (details.reason !== 'clean-exit') this.#recover(window, details.reason);
    });
    this.#load(address);
  }

  get isFocused(): boolean {
    return this.#window.isFocused();
  }

  /** Where its page is: a person moves on without asking. */
  get hash(): string {
    const url = this.#window.webContents.getURL();
    return url.startsWith(pageOrigin) ? new URL(url).hash : this.#address;
  }

  /** To the front, at the address if one is given. */
  show(address: string | null): void {
    if (this.#window.isMinimized()) this.#window.restore();
    this.#window.show();
    this.#window.focus();
    // The same document: the page's router follows its address.
    if (address !== null) this.#load(address);
  }

  close(): void {
    this.#window.close();
  }

  setTitle(title: string): void {
    this.#window.setTitle(title);
  }

  #load(address: string): void {
    const window = this.#window;
    this.#address = address;
    window.loadURL(`${pageOrigin}/${address}`).catch((error: unknown) => {
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
