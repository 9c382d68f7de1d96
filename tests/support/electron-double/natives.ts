// What Electron hands to the operating system: recorded, for the specs to read under `double`.

import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';

type Box = { readonly message?: string; readonly detail?: string; readonly buttons?: readonly string[] };
type BoxAnswer = { readonly response: number; readonly checkboxChecked: boolean };

export function createNatives() {
  const errorBoxes: { title: string; content: string }[] = [];
  const opened: string[] = [];
  const trays: Tray[] = [];
  const notifications: Notification[] = [];
  const questions: { box: Box; answer: (answer: BoxAnswer) => void }[] = [];
  let clipboardText = '';

  class Tray extends EventEmitter {
    image: Image;
    toolTip = '';
    menu: unknown = null;
    isDestroyed = false;

    constructor(image: Image) {
      super();
      this.image = image;
      trays.push(this);
    }
    setImage(image: Image): void {
      this.image = image;
    }
    setToolTip(text: string): void {
      this.toolTip = text;
    }
    setContextMenu(menu: unknown): void {
      this.menu = menu;
    }
    destroy(): void {
      this.isDestroyed = true;
    }
  }

  class Notification extends EventEmitter {
    readonly title: string;
    readonly body: string;

    constructor(options: { title: string; body: string }) {
      super();
      this.title = options.title;
      this.body = options.body;
    }
    static isSupported(): boolean {
      return true;
    }
    show(): void {
      notifications.push(this);
    }
  }

  const dialog = {
    showErrorBox(title: string, content: string): void {
      errorBoxes.push({ title, content });
      console.error(`[error box] ${title}: ${content}`);
    },
    /** Waits until the spec answers, as for a person. */
    showMessageBox(...given: [Box] | [unknown, Box]): Promise<BoxAnswer> {
      const box = (given[1] ?? given[0]) as Box;
      console.error(`[message box] ${box.message ?? ''}: ${box.detail ?? ''}`);
      return new Promise((resolve) => questions.push({ box, answer: resolve }));
    },
    showOpenDialog: () => Promise.resolve({ canceled: true, filePaths: [] }),
  };

  return {
    Tray,
    Notification,
    dialog,
    shell: {
      openExternal: (url: string) => Promise.resolve(void opened.push(url)),
      openPath: (path: string) => {
        opened.push(path);
        return Promise.resolve(existsSync(path) ? '' : 'no such file');
      },
    },
    clipboard: { writeText: (text: string) => void (clipboardText = text), readText: () => clipboardText },
    nativeImage: { createFromPath: (path: string): Image => ({ path, isEmpty: () => !existsSync(path) }) },
    screen: { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] },
    powerMonitor: new EventEmitter(),
    /** Not Electron's: what the double saw. */
    double: { errorBoxes, opened, trays, notifications, questions },
  };
}

type Image = { readonly path: string; isEmpty(): boolean };
