// What the shell remembers between starts: where each workspace's window was, and what to do with the brokers on quitting. A file
// that can't be read means the defaults: nothing in it is worth failing for.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readPlace, type WindowPlace } from './window-bounds.ts';

type Stored = { window?: unknown; windows?: Record<string, unknown>; quit?: unknown };
/** Windows whose places are remembered. */
const placesMax = 100;

export type QuitChoice = 'ask' | 'stop' | 'keep';

export class ShellSettings {
  readonly #path: string;
  readonly #homeId: string;
  readonly #places = new Map<string, WindowPlace>();
  #quit: QuitChoice = 'ask';

  /** `homeId`: the workspace whose window is the first one. */
  constructor(path: string, homeId: string) {
    this.#path = path;
    this.#homeId = homeId;
    try {
      const stored = JSON.parse(readFileSync(path, 'utf8')) as Stored | null;
      this.#remember(homeId, stored?.window);
      for (const [id, place] of Object.entries(stored?.windows ?? {}).slice(-placesMax)) this.#remember(id, place);
      if (stored?.quit === 'stop' || stored?.quit === 'keep') this.#quit = stored.quit;
    } catch {
      // The first start, or a damaged file.
    }
  }

  placeOf(workspaceId: string): WindowPlace | null {
    return this.#places.get(workspaceId) ?? null;
  }

  get quit(): QuitChoice {
    return this.#quit;
  }

  rememberPlace(workspaceId: string, place: WindowPlace): void {
    // The youngest stand last: of very many the oldest are forgotten.
    this.#places.delete(workspaceId);
    this.#places.set(workspaceId, place);
    this.#write();
  }

  rememberQuit(quit: QuitChoice): void {
    this.#quit = quit;
    this.#write();
  }

  #remember(workspaceId: string, stored: unknown): void {
    const place = readPlace(stored);
    if (place !== null) this.#places.set(workspaceId, place);
  }

  #write(): void {
    const next = `${this.#path}.new`;
    const others = [...this.#places].filter(([id]) => id !== this.#homeId).slice(-placesMax);
    const stored = { window: this.placeOf(this.#homeId), windows: Object.fromEntries(others), quit: this.#quit };
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(next, `${JSON.stringify(stored, null, 2)}\n`);
      renameSync(next, this.#path);
    } catch (error) {
      console.error(`what the window remembers was not written to ${this.#path}:`, error);
    }
  }
}
