// The fixture's one workspace, as the list of workspaces would name it.

import type { ClusterView } from '../../main/api/views.ts';
import type { WorkspaceList } from '../../main/api/workspace-views.ts';

export function fixtureWorkspaces(view: ClusterView): WorkspaceList {
  const { clusterId, bootstrap, profile, dataDir, state, brokers, topics } = view;
  const sum = (name: 'messagesInPerSecond' | 'bytesInPerSecond' | 'residentBytes') =>
    brokers.reduce((total, broker) => total + broker[name], 0);
  const figures = {
    clusterId,
    bootstrap,
    state,
    brokersUp: brokers.filter(({ process }) => process === 'running').length,
    brokerCount: brokers.length,
    topicCount: topics.length,
    messagesInPerSecond: sum('messagesInPerSecond'),
    bytesInPerSecond: sum('bytesInPerSecond'),
    residentBytes: sum('residentBytes'),
  };
  const racks = brokers.map(({ rack }) => rack);
  const home = {
    id: 'fixture',
    name: 'fixture',
    settings: { kind: 'local' as const, brokers: brokers.length, racks, profile, port: 19092, configs: {} },
    state:
      state === 'failed' ? ('failed' as const) : state === 'starting' ? ('starting' as const) : ('running' as const),
    problem: null,
    run: 1,
    isHome: true,
    isAdopted: false,
    ephemeral: false,
    dataDir,
    runBy: null,
    drilling: false,
    figures,
  };
  return { root: '/fixture', damaged: [], workspaces: [home] };
}
