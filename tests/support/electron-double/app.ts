// Electron's `app`: life cycle, paths, the single-instance lock.

import { EventEmitter } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '../../../main/runtime/node/lock-file.ts';
import { PreventableEvent } from './events.ts';

type Closable = { close(): boolean; destroy(): void };

export class DoubleApp extends EventEmitter {
  readonly isPackaged: boolean;
  readonly #userData: string;
  readonly #ready: Promise<void>;
  #markReady: () => void = () => undefined;
  #isReady = false;
  #name = 'highwater';
  #hasLock = false;
  #windows: () => readonly Closable[] = () => [];
  #closeBrowser: () => Promise<void> = () => Promise.resolve();
  /** What was asked of the operating system, for the specs. */
  readonly protocolClients: string[] = [];
  isSandboxEnabled = false;
  /** Windows that close because the app quits are no reason to quit. */
  isQuitting = false;

  constructor(isPackaged: boolean) {
    super();
    this.isPackaged = isPackaged;
    const given = process.argv.find((each) => each.startsWith('--user-data-dir='));
    if (given === undefined) throw new Error('the double needs --user-data-dir: it must not touch a person’s own');
    this.#userData = given.slice('--user-data-dir='.length);
    mkdirSync(this.#userData, { recursive: true });
    this.#ready = new Promise((resolve) => (this.#markReady = resolve));
  }

  connect(parts: { windows: () => readonly Closable[]; closeBrowser: () => Promise<void> }): void {
    this.#windows = parts.windows;
    this.#closeBrowser = parts.closeBrowser;
  }

  becomeReady(): void {
    this.#isReady = true;
    this.#markReady();
    this.emit('ready');
  }

  whenReady(): Promise<void> {
    return this.#ready;
  }

  isReady(): boolean {
    return this.#isReady;
  }

  setName(name: string): void {
    this.#name = name;
  }

  getName(): string {
    return this.#name;
  }

  enableSandbox(): void {
    if (this.#isReady) throw new Error('app.enableSandbox() must be called before the app is ready');
    this.isSandboxEnabled = true;
  }

  getPath(name: string): string {
    if (name !== 'userData') throw new Error(`the double has no path ${name}`);
    return this.#userData;
  }

  setAsDefaultProtocolClient(scheme: string): boolean {
    this.protocolClients.push(scheme);
    return true;
  }

  /** A file with the holder's pid; a second instance leaves its command line where the first one sees it. */
  requestSingleInstanceLock(): boolean {
    const lock = join(this.#userData, 'double.lock');
    const mailbox = join(this.#userData, 'double-second-instances');
    mkdirSync(mailbox, { recursive: true });
    try {
      if (!isRunning(Number(readFileSync(lock, 'utf8')))) rmSync(lock);
    } catch {
      // Nobody holds it.
    }
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
    } catch {
      writeFileSync(join(mailbox, `${process.pid}.json`), JSON.stringify(process.argv));
      return false;
    }
    this.#hasLock = true;
    watch(mailbox, () => this.#readMail(mailbox));
    return true;
  }

  quit(): void {
    const event = new PreventableEvent();
    this.emit('before-quit', event);
    if (event.defaultPrevented) return;
    this.isQuitting = true;
    for (const window of this.#windows()) {
      if (window.close()) continue;
      this.isQuitting = false;
      return;
    }
    const last = new PreventableEvent();
    this.emit('will-quit', last);
    if (!last.defaultPrevented) this.exit(0);
  }

  exit(code = 0): void {
    this.isQuitting = true;
    for (const window of this.#windows()) window.destroy();
    this.emit('quit', new PreventableEvent(), code);
    if (this.#hasLock) rmSync(join(this.#userData, 'double.lock'), { force: true });
    void this.#closeBrowser().finally(() => process.exit(code));
  }

  #readMail(mailbox: string): void {
    for (const name of readdirSync(mailbox)) {
      const path = join(mailbox, name);
      try {
        const argv = JSON.parse(readFileSync(path, 'utf8')) as string[];
        rmSync(path);
        this.emit('second-instance', new PreventableEvent(), argv, process.cwd());
      } catch {
        // Half written: another change follows.
      }
    }
  }
}
