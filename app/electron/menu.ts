// The application menu: what each platform expects, and the app's own places and verbs with their shortcuts. Pure.

import type { MenuItemConstructorOptions } from 'electron';
import type { ScreenName } from '../../renderer/state/route.ts';

export type MenuActions = {
  go(hash: string): void;
  chooseDrillFile(): void;
  copyBootstrap(): void;
  openDataDirectory(): void;
  openBrokerLogs(): void;
  openKafkaDocumentation(): void;
  showWindow(): void;
  openWorkspace(id: string): void;
};

const places: readonly (readonly [screen: ScreenName, label: string, accelerator: string])[] = [
  ['cluster', 'Cluster', 'CmdOrCtrl+1'],
  ['quorum', 'Quorum', 'CmdOrCtrl+2'],
  ['topics', 'Topics', 'CmdOrCtrl+3'],
  ['messages', 'Messages', 'CmdOrCtrl+4'],
  ['groups', 'Consumer Groups', 'CmdOrCtrl+5'],
  ['producers', 'Producers', 'CmdOrCtrl+6'],
  ['drills', 'Drills', 'CmdOrCtrl+7'],
  ['brokers', 'Brokers', 'CmdOrCtrl+8'],
  ['events', 'Events', 'CmdOrCtrl+9'],
];

export function menuTemplate(
  platform: NodeJS.Platform,
  actions: MenuActions,
  workspaces: readonly { readonly id: string; readonly name: string }[],
): MenuItemConstructorOptions[] {
  const isMac = platform === 'darwin';
  const settings: MenuItemConstructorOptions = {
    id: 'go-settings',
    label: 'Settings…',
    accelerator: 'CmdOrCtrl+,',
    click: () => actions.go('#/settings'),
  };
  const separator = { type: 'separator' } as const;
  return [
    ...(isMac ? [macAppMenu(settings)] : []),
    {
      label: '&File',
      submenu: [
        {
          id: 'open-drill',
          label: 'Open Drill File…',
          accelerator: 'CmdOrCtrl+O',
          click: () => actions.chooseDrillFile(),
        },
        separator,
        {
          id: 'open-data',
          label: 'Open Data Directory',
          accelerator: 'CmdOrCtrl+Shift+O',
          click: () => actions.openDataDirectory(),
        },
        { id: 'open-logs', label: 'Open Broker Logs', click: () => actions.openBrokerLogs() },
        separator,
        ...(isMac ? [] : [settings, separator]),
        { role: 'close' },
        ...(isMac ? [] : [{ role: 'quit' } as const]),
      ],
    },
    { role: 'editMenu' },
    {
      label: '&Go',
      submenu: [
        ...places.map(([screen, label, accelerator]) => ({
          id: `go-${screen}`,
          label,
          accelerator,
          click: () => actions.go(`#/${screen}`),
        })),
      ],
    },
    {
      label: '&Cluster',
      submenu: [
        {
          id: 'copy-bootstrap',
          label: 'Copy Bootstrap Address',
          accelerator: 'CmdOrCtrl+Shift+C',
          click: () => actions.copyBootstrap(),
        },
        separator,
        // Each in a window of its own.
        ...workspaces.map(({ id, name }) => ({
          id: `workspace-${id}`,
          label: name.replaceAll('&', '&&'),
          click: () => actions.openWorkspace(id),
        })),
      ],
    },
    { role: 'viewMenu' },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        { id: 'kafka-docs', label: 'Apache Kafka Documentation', click: () => actions.openKafkaDocumentation() },
        ...(isMac ? [] : [{ role: 'about' } as const]),
      ],
    },
  ];
}

function macAppMenu(settings: MenuItemConstructorOptions): MenuItemConstructorOptions {
  const separator = { type: 'separator' } as const;
  return {
    role: 'appMenu',
    submenu: [
      { role: 'about' },
      separator,
      settings,
      separator,
      { role: 'services' },
      separator,
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      separator,
      { role: 'quit' },
    ],
  };
}

/** The tray's menu; its first line says how the cluster stands. */
export function trayTemplate(standing: string, actions: MenuActions): MenuItemConstructorOptions[] {
  return [
    { id: 'standing', label: `Cluster ${standing}`, enabled: false },
    { type: 'separator' },
    { id: 'show', label: 'Show Highwater', click: () => actions.showWindow() },
    { id: 'copy-bootstrap', label: 'Copy Bootstrap Address', click: () => actions.copyBootstrap() },
    { id: 'open-data', label: 'Open Data Directory', click: () => actions.openDataDirectory() },
    { type: 'separator' },
    { role: 'quit', label: 'Quit Highwater' },
  ];
}
