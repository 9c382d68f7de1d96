// Electron's `BrowserWindow` and `webContents`, each over a page of the browser.

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Frame, Page } from '@playwright/test';
import type { DoubleApp } from './app.ts';
import type { ChromiumHost, PageOwner } from './chromium-host.ts';
import { PreventableEvent } from './events.ts';
import { preloadScript } from './preload-page.ts';

type Bounds = { x: number; y: number; width: number; height: number };
type WebPreferences = { preload?: string } & Record<string, unknown>;
type WindowOptions = Partial<Bounds> & { show?: boolean; title?: string; webPreferences?: WebPreferences };
type World = { readonly app: DoubleApp; readonly chromium: ChromiumHost; readonly ipcMain: EventEmitter };
type OpenHandler = (details: { url: string; disposition: string }) => { action: 'allow' | 'deny' };

class NavigationEvent extends PreventableEvent {
  readonly url: string;
  readonly isMainFrame: boolean;
  readonly isSameDocument = false;
  constructor(url: string, isMainFrame: boolean) {
    super();
    this.url = url;
    this.isMainFrame = isMainFrame;
  }
}

class WebContents extends EventEmitter implements PageOwner {
  readonly id: number;
  readonly #world: World;
  readonly #preferences: WebPreferences;
  readonly #names = { send: `send_${randomUUID()}`, deliver: `deliver_${randomUUID()}` };
  #page: Promise<Page> | null = null;
  #loading: string | null = null;
  #url = '';
  #destroyed = false;
  #openHandler: OpenHandler = () => ({ action: 'allow' });

  constructor(id: number, world: World, preferences: WebPreferences) {
    super();
    this.id = id;
    this.#world = world;
    this.#preferences = preferences;
  }

  get contents(): this {
    return this;
  }

  getLastWebPreferences(): WebPreferences {
    return this.#preferences;
  }

  getURL(): string {
    return this.#url;
  }

  isDestroyed(): boolean {
    return this.#destroyed;
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler;
  }

  async loadURL(url: string): Promise<void> {
    const page = await (this.#page ??= this.#openPage(url));
    this.#loading = url;
    await page.goto(this.#world.chromium.protocol.toBrowser(url)).finally(() => (this.#loading = null));
    this.#url = url;
  }

  reload(): void {
    this.#loading = this.#url;
    void this.#page?.then((page) => page.reload()).finally(() => (this.#loading = null));
  }

  send(channel: string, ...args: unknown[]): void {
    if (this.#destroyed) throw new Error('Object has been destroyed');
    const call = [this.#names.deliver, channel, structuredClone(args)] as const;
    // A page that is leaving or gone loses its messages, as a renderer process does.
    void this.#page
      ?.then((page) =>
        page.evaluate(([deliver, name, values]) => {
          const scope = globalThis as unknown as Record<
            string,
            ((name: string, values: unknown[]) => void) | undefined
          >;
          scope[deliver]?.(name, values);
        }, call),
      )
      .catch(() => undefined);
  }

  mayNavigate(url: string, isMainFrame: boolean): boolean {
    // What main code loads is not asked about; what the page does is.
    if (isMainFrame && this.#loading !== null) return true;
    const names = isMainFrame ? ['will-frame-navigate', 'will-navigate'] : ['will-frame-navigate'];
    return names.every((name) => {
      const event = new NavigationEvent(url, isMainFrame);
      this.emit(name, event, url);
      return !event.defaultPrevented;
    });
  }

  onNavigation(url: string, isMainFrame: boolean): void {
    if (isMainFrame) this.#url = url;
    this.emit('did-start-navigation', new NavigationEvent(url, isMainFrame));
  }

  onWindowOpen(url: string): void {
    const { action } = this.#openHandler({ url, disposition: 'foreground-tab' });
    if (action !== 'deny') throw new Error('the double opens no windows for pages');
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    void this.#page?.then((page) => page.close()).catch(() => undefined);
    this.emit('destroyed');
  }

  async #openPage(url: string): Promise<Page> {
    const { chromium } = this.#world;
    const page = await chromium.openPage(this, new URL(chromium.protocol.toBrowser(url)).origin);
    await page.exposeBinding(this.#names.send, ({ frame }, channel: string, args: unknown[]) =>
      this.#receive(frame, channel, args),
    );
    const { preload } = this.#preferences;
    if (preload !== undefined) {
      await page.addInitScript({ content: preloadScript(readFileSync(preload, 'utf8'), this.#names) });
    }
    // Also within the document, as a page's router does.
    page.on('framenavigated', (frame) => {
      if (frame === page.mainFrame()) this.#url = chromium.protocol.fromBrowser(frame.url());
    });
    page.on('load', () => this.emit('did-finish-load'));
    page.on('crash', () => this.emit('render-process-gone', new PreventableEvent(), { reason: 'crashed' }));
    return page;
  }

  #receive(frame: Frame, channel: string, args: readonly unknown[]): void {
    this.#world.ipcMain.emit(channel, { sender: this, senderFrame: this.#frame(frame) }, ...args);
  }

  #frame(frame: Frame): { url: string; parent: unknown } {
    const parent = frame.parentFrame();
    const url = this.#world.chromium.protocol.fromBrowser(frame.url());
    return { url, parent: parent === null ? null : this.#frame(parent) };
  }
}

export function windowClass(world: World) {
  const all: BrowserWindow[] = [];
  let lastId = 0;

  class BrowserWindow extends EventEmitter {
    readonly id: number;
    readonly webContents: WebContents;
    #bounds: Bounds;
    #title: string;
    #visible = false;
    #focused = false;
    #minimized = false;
    #maximized = false;
    #destroyed = false;

    constructor(options: WindowOptions = {}) {
      super();
      const { x = 100, y = 100, width = 800, height = 600 } = options;
      this.#bounds = { x, y, width, height };
      this.#title = options.title ?? '';
      this.id = lastId += 1;
      this.webContents = new WebContents(this.id, world, options.webPreferences ?? {});
      all.push(this);
      world.app.emit('web-contents-created', new PreventableEvent(), this.webContents);
      if (options.show !== false) this.show();
      this.webContents.once('did-finish-load', () => this.emit('ready-to-show'));
    }

    static getAllWindows(): BrowserWindow[] {
      return [...all];
    }
    static getFocusedWindow(): BrowserWindow | null {
      return all.find((window) => window.isFocused()) ?? null;
    }

    loadURL(url: string): Promise<void> {
      return this.webContents.loadURL(url);
    }
    show(): void {
      this.#visible = true;
      this.focus();
    }
    focus(): void {
      for (const window of all) window.#focused = window === this;
    }
    blur(): void {
      this.#focused = false;
    }
    isFocused(): boolean {
      return this.#focused;
    }
    isVisible(): boolean {
      return this.#visible;
    }
    minimize(): void {
      this.#minimized = true;
      this.#focused = false;
    }
    restore(): void {
      this.#minimized = false;
    }
    isMinimized(): boolean {
      return this.#minimized;
    }
    maximize(): void {
      this.#maximized = true;
    }
    isMaximized(): boolean {
      return this.#maximized;
    }
    setBounds(bounds: Partial<Bounds>): void {
      this.#bounds = { ...this.#bounds, ...bounds };
    }
    getBounds(): Bounds {
      return { ...this.#bounds };
    }
    getNormalBounds(): Bounds {
      return { ...this.#bounds };
    }
    setTitle(title: string): void {
      this.#title = title;
    }
    getTitle(): string {
      return this.#title;
    }
    isDestroyed(): boolean {
      return this.#destroyed;
    }

    /** Whether it closed. */
    close(): boolean {
      const event = new PreventableEvent();
      this.emit('close', event);
      if (event.defaultPrevented) return false;
      this.destroy();
      return true;
    }

    destroy(): void {
      if (this.#destroyed) return;
      this.#destroyed = true;
      all.splice(all.indexOf(this), 1);
      this.webContents.destroy();
      this.emit('closed');
      if (all.length > 0 || world.app.isQuitting) return;
      if (!world.app.emit('window-all-closed')) world.app.quit();
    }
  }

  return BrowserWindow;
}
