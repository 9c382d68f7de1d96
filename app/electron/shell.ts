// The running app around one engine: window, menu, tray, notifications, links from outside, quitting.

import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, clipboard, dialog, Menu, Notification, powerMonitor, shell } from 'electron';
import type { Engine } from '../../main/engine.ts';
import type { Workspaces } from '../../main/workspaces/workspaces.ts';
import { ClusterWatch, drillAlert, standingText, type Alert } from './cluster-watch.ts';
import { deepLinkOf, drillFileHash, type DeepLink } from './deep-links.ts';
import { lockDown } from './lockdown.ts';
import { MainWindow } from './main-window.ts';
import { menuTemplate, type MenuActions } from './menu.ts';
import { QuitGuard } from './quit-guard.ts';
import { ShellSettings } from './shell-settings.ts';
import { ClusterTray } from './tray.ts';

const kafkaDocumentation = 'https://kafka.apache.org/documentation/';

export class Shell {
  readonly #engine: Engine;
  readonly #workspaces: Workspaces;
  readonly #window: MainWindow;
  readonly #watch: ClusterWatch;
  readonly #tray: ClusterTray;
  readonly #guard: QuitGuard;
  /** Shown notifications are held until they are gone: a collected one loses its click. */
  readonly #notifications = new Set<Notification>();

  constructor(options: { engine: Engine; workspaces: Workspaces; distDir: string }) {
    const { engine, workspaces, distDir } = options;
    this.#engine = engine;
    this.#workspaces = workspaces;
    const settings = new ShellSettings(join(app.getPath('userData'), 'shell.json'));
    this.#window = new MainWindow({ settings, preload: join(distDir, 'electron', 'preload.cjs') });
    this.#watch = new ClusterWatch(engine.view());
    const actions = this.#actions();
    this.#tray = new ClusterTray({
      iconDir: join(distDir, 'electron', 'tray'),
      actions,
      standing: this.#watch.standing(),
    });
    this.#guard = new QuitGuard({
      settings,
      brokersUp: () => this.#watch.standing().brokersUp,
      stop: () => workspaces.close(),
      onKept: () => this.#window.close(),
      onCancelled: () => this.#window.show(),
    });
    lockDown({ onFileDropped: (url) => this.#openDrill(fileURLToPath(url)) });
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform, actions)));
    this.#listen();
  }

  /** Shows the window, at the place the link names if it names one. */
  openLink(link: DeepLink | null): void {
    const { clusterId, dataDir } = this.#engine.view();
    if (link === null || link.cluster === null || [clusterId, basename(dataDir)].includes(link.cluster)) {
      return this.#window.show(link?.hash ?? null);
    }
    this.#window.show();
    this.#tell({
      title: 'Another cluster',
      body: `The link is for ${link.cluster}, which is not open here.`,
      hash: '',
    });
  }

  #listen(): void {
    app.on('window-all-closed', () => this.#guard.onAllWindowsClosed());
    app.on('activate', () => this.#window.show());
    app.on('second-instance', (_event, args) => {
      const drill = args.slice(1).flatMap((arg) => drillFileHash(arg) ?? [])[0];
      if (drill === undefined) this.openLink(deepLinkOf(args));
      else this.#window.show(drill);
    });
    app.on('open-file', (event, path) => {
      event.preventDefault();
      this.#openDrill(path);
    });
    app.on('will-quit', () => this.#tray.remove());
    // After Electron's own handlers, which would ask; nobody is there to answer.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => this.#guard.quitUnattended());
    powerMonitor.on('shutdown', () => this.#guard.quitUnattended());
    this.#workspaces.onShutdownAsked(() => this.#guard.quitUnattended());
    this.#workspaces.subscribe('drill.progress', null, (progress) => {
      const alert = drillAlert(progress);
      if (alert !== null) this.#tellIfAway(alert);
    });
    this.#workspaces.subscribe('cluster.delta', null, (delta) => {
      for (const alert of this.#watch.apply(delta)) this.#tellIfAway(alert);
      const standing = this.#watch.standing();
      this.#tray.update(standing);
      this.#window.setTitle(`Highwater: cluster ${standingText(standing)}`);
    });
  }

  #actions(): MenuActions {
    const open = (path: string) =>
      void shell.openPath(path).then((problem) => {
        if (problem !== '') dialog.showErrorBox(`${path} can't be opened`, problem);
      });
    return {
      go: (hash) => this.#window.show(hash),
      showWindow: () => this.#window.show(),
      chooseDrillFile: () => void this.#chooseDrill(),
      copyBootstrap: () => void clipboard.writeText(this.#watch.standing().bootstrap),
      openDataDirectory: () => open(this.#engine.directory.path),
      openBrokerLogs: () => open(this.#engine.directory.file('logs')),
      openKafkaDocumentation: () => void shell.openExternal(kafkaDocumentation),
    };
  }

  async #chooseDrill(): Promise<void> {
    const { filePaths } = await dialog.showOpenDialog({
      title: 'Open a drill file',
      filters: [{ name: 'Drill', extensions: ['yaml', 'yml'] }],
      properties: ['openFile'],
    });
    const [path] = filePaths;
    if (path !== undefined) this.#openDrill(path);
  }

  /** The Drills screen opens it; what is no drill file is refused by name. */
  #openDrill(path: string): void {
    const hash = drillFileHash(path);
    if (hash !== null) this.#window.show(hash);
    else dialog.showErrorBox('Not a drill file', `${path} does not end in .yaml or .yml`);
  }

  /** Who looks at the page sees it there. */
  #tellIfAway(alert: Alert): void {
    if (!this.#window.isFocused) this.#tell(alert);
  }

  #tell({ title, body, hash }: Alert): void {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    const forget = () => this.#notifications.delete(notification);
    this.#notifications.add(notification);
    notification.on('click', () => {
      forget();
      this.#window.show(hash === '' ? null : hash);
    });
    notification.on('close', forget);
    notification.show();
  }
}
