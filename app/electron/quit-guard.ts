// Quitting: asks what becomes of the running brokers, stops them in order, then lets the app go. "Keep running" closes
// the window and leaves app and brokers in the tray: brokers never outlive their supervisor, by design.
//
// running ─→ asking ─→ running (cancelled, or kept)
//    └─────────┴────→ stopping ─→ stopped

import { app, BrowserWindow, dialog, type MessageBoxOptions } from 'electron';
import type { ShellSettings } from './shell-settings.ts';

export type QuitGuardOptions = {
  readonly settings: ShellSettings;
  /** Brokers that would be stopped. */
  brokersUp(): number;
  /** Controlled shutdown of the whole engine. */
  stop(): Promise<void>;
  /** The person wants the app to go on without, or with, its window. */
  onKept(): void;
  onCancelled(): void;
};

const choices = ['Stop brokers and quit', 'Keep running in the tray', 'Cancel'] as const;

export class QuitGuard {
  readonly #options: QuitGuardOptions;
  #phase: 'running' | 'asking' | 'stopping' | 'stopped' = 'running';
  /** The window is being closed because the person chose to keep the brokers: that is no second question. */
  #closingKept = false;

  constructor(options: QuitGuardOptions) {
    this.#options = options;
    app.on('before-quit', (event) => {
      if (this.#phase === 'stopped') return;
      event.preventDefault();
      if (this.#phase === 'running') this.#report(this.#decide());
    });
  }

  /** The last window is gone. macOS apps go on without one. */
  onAllWindowsClosed(): void {
    if (process.platform === 'darwin' || this.#phase === 'stopping') return;
    if (this.#closingKept) this.#closingKept = false;
    else if (this.#options.settings.quit !== 'keep') app.quit();
  }

  /** A signal, or the end of the session: nobody is there to answer. */
  quitUnattended(): void {
    if (this.#phase === 'running' || this.#phase === 'asking') this.#report(this.#stop());
  }

  async #decide(): Promise<void> {
    const { settings, brokersUp } = this.#options;
    if (settings.quit === 'stop' || brokersUp() === 0) return this.#stop();
    this.#phase = 'asking';
    const { response, checkboxChecked } = await dialog.showMessageBox(question(brokersUp()));
    // A signal may have come meanwhile.
    if (this.#phase !== 'asking') return;
    this.#phase = 'running';
    if (response === 0) {
      if (checkboxChecked) settings.rememberQuit('stop');
      return this.#stop();
    }
    if (response === 1) {
      // For closing the window only: else Quit could never quit again.
      if (checkboxChecked) settings.rememberQuit('keep');
      this.#closingKept = BrowserWindow.getAllWindows().length > 0;
      return this.#options.onKept();
    }
    this.#options.onCancelled();
  }

  async #stop(): Promise<void> {
    this.#phase = 'stopping';
    await this.#options.stop();
    this.#phase = 'stopped';
    app.quit();
  }

  #report(work: Promise<void>): void {
    work.catch((error: unknown) => {
      console.error(error);
      app.exit(1);
    });
  }
}

function question(brokersUp: number): MessageBoxOptions {
  return {
    type: 'question',
    message: `${brokersUp} broker${brokersUp === 1 ? ' is' : 's are'} running`,
    detail: 'Stopping is a controlled shutdown: leaders move first, data is kept. Clients lose their cluster.',
    buttons: [...choices],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
    checkboxLabel: 'Do not ask again',
  };
}
