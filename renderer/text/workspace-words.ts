// Words and shapes for workspaces: how one stands, and what kind of place it is.

import type { WorkspaceView } from '../../main/api/workspace-views.ts';
import type { Look } from './standings.ts';
import { clusterLooks } from './standings.ts';

export function workspaceLook({ state, figures, problem, settings, runBy }: WorkspaceView): Look {
  const isOurs = settings.kind === 'local';
  if (runBy !== null) {
    return {
      word: 'Elsewhere',
      shape: 'disc',
      tone: 'muted',
      meaning: `Another Highwater runs this directory now (pid ${runBy}). Stop that one to use it here.`,
    };
  }
  switch (state) {
    case 'running':
      if (!isOurs) return figures?.state === 'ready' ? connected : { ...clusterLooks.degraded, word: 'Degraded' };
      return clusterLooks[figures?.state ?? 'ready'];
    case 'starting':
      return isOurs
        ? clusterLooks.starting
        : { ...clusterLooks.starting, word: 'Connecting', meaning: 'Asking the cluster who it is.' };
    case 'stopping':
      return clusterLooks.stopping;
    case 'failed':
      return { ...clusterLooks.failed, meaning: problem ?? clusterLooks.failed.meaning };
    case 'stopped':
      return {
        word: isOurs ? 'Stopped' : 'Not connected',
        shape: 'square',
        tone: 'muted',
        meaning: isOurs ? 'No broker runs; its data and settings are kept.' : 'Nothing is asked of this cluster now.',
      };
  }
}

const connected: Look = {
  word: 'Connected',
  shape: 'disc',
  tone: 'ok',
  meaning: 'It answers, and every partition has all its replicas in sync.',
};

export type Environment = {
  readonly word: string;
  readonly tone: 'plain' | 'degraded' | 'accent';
  readonly meaning: string;
};

export function environmentOf({ drilling, settings, ephemeral }: WorkspaceView): Environment {
  if (drilling) return { word: 'drill', tone: 'degraded', meaning: 'A drill is breaking things here on purpose.' };
  if (settings.kind === 'external') {
    const meaning = 'A cluster that is not ours: what you change here changes it for everybody who uses it.';
    return { word: 'external', tone: 'accent', meaning };
  }
  const kept = ephemeral ? ' Nothing of it is kept when it stops.' : '';
  return { word: ephemeral ? 'local, ephemeral' : 'local', tone: 'plain', meaning: `Runs on this machine.${kept}` };
}

/** Why a verb makes no sense for a workspace now; null: it does. */
export function workspaceBlocked(
  verb: 'start' | 'stop' | 'edit' | 'duplicate' | 'reset' | 'delete',
  workspace: WorkspaceView,
): string | null {
  const { state, figures, runBy, isAdopted, settings } = workspace;
  const runs = figures !== null;
  if (runBy !== null && verb !== 'duplicate') return `run by pid ${runBy}`;
  if (verb === 'start') return runs ? 'already runs' : state === 'starting' ? 'is starting' : null;
  if (verb === 'stop') return !runs ? 'not running' : state === 'stopping' ? 'is stopping' : null;
  if (verb === 'duplicate') return null;
  if (runs) return 'stop it first';
  if (verb === 'reset' && settings.kind === 'external') return 'its data is not ours';
  if (verb === 'delete' && isAdopted) return 'given on the command line';
  return null;
}

export const kindWords = {
  local: { start: 'Start', stop: 'Stop' },
  external: { start: 'Connect', stop: 'Disconnect' },
} as const;
