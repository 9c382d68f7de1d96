// The windows: one a workspace. Which workspace a window shows stands in its page's address, so a person who switches
// inside a window takes the window along, and nothing has to be told.

import { readRoute, writeRoute } from '../../renderer/state/route.ts';
import { AppWindow } from './app-window.ts';
import type { ShellSettings } from './shell-settings.ts';

export type AppWindowsOptions = {
  readonly settings: ShellSettings;
  readonly preload: string;
  /** The workspace of addresses that name none. */
  readonly homeId: string;
};

export class AppWindows {
  readonly #options: AppWindowsOptions;
  readonly #windows = new Set<AppWindow>();

  constructor(options: AppWindowsOptions) {
    this.#options = options;
  }

  get isAnyFocused(): boolean {
    return this.#focused !== null;
  }

  /** The workspace that the person looks at; that of the first window when none has the focus. */
  get currentId(): string {
    const [first] = this.#windows;
    const window = this.#focused ?? first;
    return window === undefined ? this.#options.homeId : this.#workspaceOf(window);
  }

  /** Brings the window of a workspace to the front, opening it if need be, at the hash's place (null: as it is). */
  show(workspaceId: string, hash: string | null = null): void {
    const window = [...this.#windows].find((each) => this.#workspaceOf(each) === workspaceId);
    const address = hash === null ? null : this.#addressOf(workspaceId, hash);
    if (window !== undefined) return window.show(address);
    this.#open(workspaceId, address ?? this.#addressOf(workspaceId, '#/cluster'));
  }

  /** The window at hand, wherever it is. */
  showCurrent(hash: string | null = null): void {
    this.show(this.currentId, hash);
  }

  closeAll(): void {
    for (const window of this.#windows) window.close();
  }

  /** `titleOf` says how a workspace stands. */
  setTitles(titleOf: (workspaceId: string) => string): void {
    for (const window of this.#windows) window.setTitle(titleOf(this.#workspaceOf(window)));
  }

  get #focused(): AppWindow | null {
    return [...this.#windows].find(({ isFocused }) => isFocused) ?? null;
  }

  #open(workspaceId: string, address: string): void {
    const { settings, preload } = this.#options;
    const window = new AppWindow({
      preload,
      address,
      place: settings.placeOf(workspaceId),
      onClose: (each) => settings.rememberPlace(this.#workspaceOf(window), each),
      onClosed: () => this.#windows.delete(window),
    });
    this.#windows.add(window);
  }

  #workspaceOf({ hash }: AppWindow): string {
    return readRoute(hash).workspace ?? this.#options.homeId;
  }

  /** The place within that workspace, whatever the hash says of one. */
  #addressOf(workspaceId: string, hash: string): string {
    const workspace = workspaceId === this.#options.homeId ? null : workspaceId;
    return writeRoute({ ...readRoute(hash), workspace });
  }
}
