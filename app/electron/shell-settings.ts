// What the shell remembers between starts: where the window was, and what to do with the brokers on quitting. A file
// that can't be read means the defaults: nothing in it is worth failing for.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readPlace, type WindowPlace } from './window-bounds.ts';

export type QuitChoice = 'ask' | 'stop' | 'keep';

export class ShellSettings {
  readonly #path: string;
  #place: WindowPlace | null = null;
  #quit: QuitChoice = 'ask';

  constructor(path: string) {
    this.#path = path;
    try {
      const stored = JSON.parse(readFileSync(path, 'utf8')) as { window?: unknown; quit?: unknown } | null;
      this.#place = readPlace(stored?.window);
      if (stored?.quit === 'stop' || stored?.quit === 'keep') this.#quit = stored.quit;
    } catch {
      // The first start, or a damaged file.
    }
  }

  get place(): WindowPlace | null {
    return this.#place;
  }

  get quit(): QuitChoice {
    return this.#quit;
  }

  rememberPlace(place: WindowPlace): void {
    this.#place = place;
    this.#write();
  }

  rememberQuit(quit: QuitChoice): void {
    this.#quit = quit;
    this.#write();
  }

  #write(): void {
    const next = `${this.#path}.new`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(next, `${JSON.stringify({ window: this.#place, quit: this.#quit }, null, 2)}\n`);
      renameSync(next, this.#path);
    } catch (error) {
      console.error(`what the window remembers was not written to ${this.#path}:`, error);
    }
  }
}
