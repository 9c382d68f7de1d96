// The cluster's state where a person sees it with the window closed: a picture that differs in shape, not only in
// colour, and a menu.

import { join } from 'node:path';
import { Menu, nativeImage, Tray } from 'electron';
import { standingText, type Standing } from './cluster-watch.ts';
import { trayTemplate, type MenuActions } from './menu.ts';

const pictures: Readonly<Record<Standing['state'], string>> = {
  starting: 'busy',
  stopping: 'busy',
  ready: 'ready',
  degraded: 'degraded',
  failed: 'failed',
};

export class ClusterTray {
  readonly #tray: Tray;
  readonly #iconDir: string;
  readonly #actions: MenuActions;
  #shown: string;

  constructor(options: { iconDir: string; actions: MenuActions; standing: Standing }) {
    this.#iconDir = options.iconDir;
    this.#actions = options.actions;
    this.#tray = new Tray(this.#image(options.standing.state));
    this.#tray.on('click', () => this.#actions.showWindow());
    this.#shown = '';
    this.update(options.standing);
  }

  update(standing: Standing): void {
    const text = standingText(standing);
    // Menus are rebuilt by the system: only when the words change.
    if (text === this.#shown) return;
    this.#shown = text;
    this.#tray.setImage(this.#image(standing.state));
    this.#tray.setToolTip(`Highwater: cluster ${text}`);
    this.#tray.setContextMenu(Menu.buildFromTemplate(trayTemplate(text, this.#actions)));
  }

  remove(): void {
    this.#tray.destroy();
  }

  #image(state: Standing['state']) {
    // macOS draws template images in the colour of its menu bar.
    const suffix = process.platform === 'darwin' ? 'Template' : '';
    return nativeImage.createFromPath(join(this.#iconDir, `${pictures[state]}${suffix}.png`));
  }
}
