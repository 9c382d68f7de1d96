// The browser beneath the double: one profile, each window a page of it, every request answered by the app's own
// scheme handler or refused. Nothing here ever reaches the network.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  chromium,
  type BrowserContext,
  type Frame,
  type Page,
  type Request as PageRequest,
  type Route,
} from '@playwright/test';
import { chromiumArguments, chromiumPath } from '../../e2e/chromium.ts';
import type { DoubleProtocol, DoubleSession } from './session.ts';

/** What a window wants to know of its page. */
export type PageOwner = {
  /** Electron's permission handlers take it. */
  readonly contents: unknown;
  /** Whether the page may go there. */
  mayNavigate(url: string, isMainFrame: boolean): boolean;
  onNavigation(url: string, isMainFrame: boolean): void;
  onWindowOpen(url: string): void;
};

/** Electron's name of a permission and Chromium's. */
const permissions: readonly (readonly [electron: string, chromium: string])[] = [
  ['notifications', 'notifications'],
  ['geolocation', 'geolocation'],
  ['media', 'camera'],
  ['media', 'microphone'],
  ['midi', 'midi'],
  ['clipboard-read', 'clipboard-read'],
  ['clipboard-sanitized-write', 'clipboard-write'],
];

export class ChromiumHost {
  readonly protocol: DoubleProtocol;
  readonly #session: DoubleSession;
  readonly #userDataDir: string;
  readonly #owners = new Map<Page, PageOwner>();
  #context: BrowserContext | null = null;
  #ownPagesExpected = 0;
  /** A pop-up and what it wanted to load are told apart from each other, in either order: whichever came first waits. */
  readonly #refused: string[] = [];
  readonly #popUps: ((url: string) => void)[] = [];

  constructor(options: { protocol: DoubleProtocol; session: DoubleSession; userDataDir: string }) {
    this.protocol = options.protocol;
    this.#session = options.session;
    this.#userDataDir = join(options.userDataDir, 'chromium');
  }

  /** Resolves with the port on which the spec reaches the same pages. */
  async open(): Promise<number> {
    const executablePath = chromiumPath();
    const context = await chromium.launchPersistentContext(this.#userDataDir, {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [...chromiumArguments(), '--remote-debugging-port=0'],
      viewport: { width: 1280, height: 800 },
    });
    this.#context = context;
    await context.route('**/*', (route) => this.#answer(route));
    context.on('page', (page) => this.#onPage(page));
    return Number(readFileSync(join(this.#userDataDir, 'DevToolsActivePort'), 'utf8').split('\n')[0]);
  }

  async close(): Promise<void> {
    await this.#context?.close();
  }

  /** A new page, before anything is loaded into it. The profile's first page stays empty, to keep the browser alive. */
  async openPage(owner: PageOwner, origin: string): Promise<Page> {
    const context = this.#context;
    if (context === null) throw new Error('a window can be opened only once the app is ready');
    const granted = permissions.filter(([name]) => this.#session.isGranted(owner.contents, name));
    await context.grantPermissions(
      granted.map(([, name]) => name),
      { origin },
    );
    this.#ownPagesExpected += 1;
    const page = await context.newPage();
    this.#owners.set(page, owner);
    return page;
  }

  #onPage(page: Page): void {
    if (this.#ownPagesExpected > 0) {
      this.#ownPagesExpected -= 1;
      return;
    }
    // A pop-up: Electron asks before it opens one, we after. Its first request is refused in any case.
    void Promise.all([page.opener(), this.#wantedUrl()])
      .then(([opener, url]) => (opener === null ? undefined : this.#owners.get(opener)?.onWindowOpen(url)))
      .finally(() => page.close());
  }

  #wantedUrl(): Promise<string> {
    const url = this.#refused.shift();
    return url === undefined ? new Promise((resolve) => this.#popUps.push(resolve)) : Promise.resolve(url);
  }

  #refuse(url: string): void {
    const popUp = this.#popUps.shift();
    if (popUp === undefined) this.#refused.push(url);
    else popUp(url);
  }

  async #answer(route: Route): Promise<void> {
    const request = route.request();
    const url = this.protocol.fromBrowser(request.url());
    const frame = frameOf(request);
    const owner = frame === null ? undefined : this.#owners.get(frame.page());
    if (frame === null || owner === undefined) {
      this.#refuse(url);
      return route.abort('blockedbyclient');
    }
    if (request.isNavigationRequest()) {
      const isMainFrame = isMain(frame);
      if (!owner.mayNavigate(url, isMainFrame)) return route.abort('aborted');
      owner.onNavigation(url, isMainFrame);
    }
    const handler = this.protocol.handlerOf(url);
    if (this.#session.isCancelled(url) || handler === undefined) return route.abort('blockedbyclient');
    const response = await handler(new Request(url, { method: request.method() }));
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    });
  }
}

/** Null for a pop-up's first request, which comes before its page. */
function frameOf(request: PageRequest): Frame | null {
  try {
    return request.frame();
  } catch {
    return null;
  }
}

function isMain(frame: Frame): boolean {
  return frame.parentFrame() === null;
}
