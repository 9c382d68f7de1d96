// The running app around one engine: windows, menu, tray, notifications, links from outside, quitting.

import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, clipboard, dialog, Menu, Notification, powerMonitor, shell } from 'electron';
import type { Engine } from '../../main/engine.ts';
import type { WorkspaceView } from '../../main/api/workspace-views.ts';
import type { Workspaces } from '../../main/workspaces/workspaces.ts';
import { AppWindows } from './app-windows.ts';
import { ClusterWatch, drillAlert, standingText, type Alert } from './cluster-watch.ts';
import { deepLinkOf, drillFileHash, type DeepLink } from './deep-links.ts';
import { lockDown } from './lockdown.ts';
import { menuTemplate, type MenuActions } from './menu.ts';
import { QuitGuard } from './quit-guard.ts';
import { ShellSettings } from './shell-settings.ts';
import { ClusterTray } from './tray.ts';

const kafkaDocumentation = 'https://kafka.apache.org/documentation/';

export class Shell {
  readonly #engine: Engine;
  readonly #workspaces: Workspaces;
  readonly #windows: AppWindows;
  readonly #watch: ClusterWatch;
  readonly #tray: ClusterTray;
  readonly #guard: QuitGuard;
  #menuNames = '';
  /** Shown notifications are held until they are gone: a collected one loses its click. */
  readonly #notifications = new Set<Notification>();

  constructor(options: { engine: Engine; workspaces: Workspaces; distDir: string }) {
    const { engine, workspaces, distDir } = options;
    this.#engine = engine;
    this.#workspaces = workspaces;
    const { homeId } = workspaces;
    const settings = new ShellSettings(join(app.getPath('userData'), 'shell.json'), homeId);
    this.#windows = new AppWindows({ settings, homeId, preload: join(distDir, 'electron', 'preload.cjs') });
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
      onKept: () => this.#windows.closeAll(),
      onCancelled: () => this.#windows.showCurrent(),
    });
    lockDown({ onFileDropped: (url) => this.#openDrill(fileURLToPath(url)) });
    this.#setMenu(actions);
    this.#listen(actions);
  }

  /** Shows the window of the cluster that the link names, at its place; without a name the one at hand. */
  openLink(link: DeepLink | null): void {
    if (link === null || link.cluster === null) return this.#windows.showCurrent(link?.hash ?? null);
    const named = this.#workspaceNamed(link.cluster);
    if (named !== null) return this.#windows.show(named.id, link.hash);
    this.#windows.showCurrent();
    this.#tell({
      title: 'Another cluster',
      body: `The link is for ${link.cluster}, which is no cluster of this app.`,
      hash: '',
    });
  }

  /** By id, name, directory name or cluster id. */
  #workspaceNamed(name: string): WorkspaceView | null {
    const { workspaces } = this.#workspaces.list();
    const isNamed = ({ id, dataDir, figures, ...workspace }: WorkspaceView): boolean =>
      [id, workspace.name, dataDir === null ? '' : basename(dataDir), figures?.clusterId].includes(name);
    // An id is nobody else's; a name may be another's directory.
    return workspaces.find(({ id }) => id === name) ?? workspaces.find(isNamed) ?? null;
  }

  get #current(): WorkspaceView | null {
    return this.#workspaces.list().workspaces.find(({ id }) => id === this.#windows.currentId) ?? null;
  }

  /** The clusters stand in it by name. */
  #setMenu(actions: MenuActions): void {
    const workspaces = this.#workspaces.list().workspaces.map(({ id, name }) => ({ id, name }));
    const names = JSON.stringify(workspaces);
    // Menus are rebuilt by the system: only when something in it changed.
    if (names === this.#menuNames) return;
    this.#menuNames = names;
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform, actions, workspaces)));
  }

  #listen(actions: MenuActions): void {
    app.on('window-all-closed', () => this.#guard.onAllWindowsClosed());
    app.on('activate', () => this.#windows.showCurrent());
    app.on('second-instance', (_event, args) => {
      const drill = args.slice(1).flatMap((arg) => drillFileHash(arg) ?? [])[0];
      if (drill === undefined) this.openLink(deepLinkOf(args));
      else this.#windows.showCurrent(drill);
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
      this.#setTitles();
    });
    this.#workspaces.subscribe('workspaces.changed', null, () => {
      this.#setMenu(actions);
      this.#setTitles();
    });
  }

  #setTitles(): void {
    const { workspaces } = this.#workspaces.list();
    const home = `Highwater: cluster ${standingText(this.#watch.standing())}`;
    this.#windows.setTitles((id) => {
      const workspace = workspaces.find((each) => each.id === id);
      return workspace === undefined || workspace.isHome ? home : workspaceTitle(workspace);
    });
  }

  #actions(): MenuActions {
    const open = (path: string) =>
      void shell.openPath(path).then((problem) => {
        if (problem !== '') dialog.showErrorBox(`${path} can't be opened`, problem);
      });
    return {
      go: (hash) => this.#windows.showCurrent(hash),
      showWindow: () => this.#windows.showCurrent(),
      openWorkspace: (id) => this.#windows.show(id),
      chooseDrillFile: () => void this.#chooseDrill(),
      copyBootstrap: () =>
        void clipboard.writeText(this.#current?.figures?.bootstrap ?? this.#watch.standing().bootstrap),
      openDataDirectory: () => open(this.#current?.dataDir ?? this.#engine.directory.path),
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
    if (hash !== null) this.#windows.showCurrent(hash);
    else dialog.showErrorBox('Not a drill file', `${path} does not end in .yaml or .yml`);
  }

  /** Who looks at the page sees it there. */
  #tellIfAway(alert: Alert): void {
    if (!this.#windows.isAnyFocused) this.#tell(alert);
  }

  #tell({ title, body, hash }: Alert): void {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    const forget = () => this.#notifications.delete(notification);
    this.#notifications.add(notification);
    notification.on('click', () => {
      forget();
      if (hash === '') this.#windows.showCurrent();
      else this.#windows.show(this.#workspaces.homeId, hash);
    });
    notification.on('close', forget);
    notification.show();
  }
}

function workspaceTitle({ name, state, figures }: WorkspaceView): string {
  const brokers = figures === null ? '' : `, ${figures.brokersUp} of ${figures.brokerCount} brokers up`;
  return `Highwater: ${name}, ${state}${brokers}`;
}
