// Words and shapes for workspaces: how one stands, and what kind of place it is.

import type { WorkspaceView } from '../../main/api/workspace-views.ts';
import type { Look } from './standings.ts';
import { clusterLooks } from './standings.ts';

export function workspaceLook({ state, figures, problem, runBy }: WorkspaceView): Look {
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
      return clusterLooks[figures?.state ?? 'ready'];
    case 'starting':
      return clusterLooks.starting;
    case 'stopping':
      return clusterLooks.stopping;
    case 'failed':
      return { ...clusterLooks.failed, meaning: problem ?? clusterLooks.failed.meaning };
    case 'stopped':
      return {
        word: 'Stopped',
        shape: 'square',
        tone: 'muted',
        meaning: 'No broker runs; its data and settings are kept.',
      };
  }
}

export type Environment = {
  readonly word: string;
  readonly tone: 'plain' | 'degraded';
  readonly meaning: string;
};

export function environmentOf({ drilling, ephemeral }: WorkspaceView): Environment {
  if (drilling) return { word: 'drill', tone: 'degraded', meaning: 'A drill is breaking things here on purpose.' };
  const kept = ephemeral ? ' Nothing of it is kept when it stops.' : '';
  return { word: ephemeral ? 'local, ephemeral' : 'local', tone: 'plain', meaning: `Runs on this machine.${kept}` };
}

/** Why a verb makes no sense for a workspace now; null: it does. */
export function workspaceBlocked(
  verb: 'start' | 'stop' | 'edit' | 'duplicate' | 'reset' | 'delete',
  workspace: WorkspaceView,
): string | null {
  const { state, figures, runBy, isAdopted } = workspace;
  const runs = figures !== null;
  if (runBy !== null && verb !== 'duplicate') return `run by pid ${runBy}`;
  if (verb === 'start') return runs ? 'already runs' : state === 'starting' ? 'is starting' : null;
  if (verb === 'stop') return !runs ? 'not running' : state === 'stopping' ? 'is stopping' : null;
  if (verb === 'duplicate') return null;
  if (runs) return 'stop it first';
  if (verb === 'delete' && isAdopted) return 'given on the command line';
  return null;
}
