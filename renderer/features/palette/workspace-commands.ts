// Workspaces in the palette: go to one, start and stop it, make a new one.

import Boxes from '@lucide/svelte/icons/boxes';
import Play from '@lucide/svelte/icons/play';
import Plus from '@lucide/svelte/icons/plus';
import Square from '@lucide/svelte/icons/square';
import Upload from '@lucide/svelte/icons/upload';
import type { Page } from '../../state/context.ts';
import { workspaceLook } from '../../text/workspace-words.ts';
import type { Command } from './command.ts';

export function workspaceCommands({ router, workspaces, workspaceActions }: Page): Command[] {
  const current = workspaces.find(router.route.workspace);
  const group = 'Clusters' as const;
  const each = (workspaces.list?.workspaces ?? []).flatMap((workspace): Command[] => {
    const { id, name, state } = workspace;
    const go: Command = {
      id: `workspace-${id}`,
      group,
      label: `Switch to ${name}`,
      hint: workspaceLook(workspace).word.toLowerCase(),
      icon: Boxes,
      run: () => router.enter(id),
    };
    const start: Command = {
      id: `workspace-start-${id}`,
      group,
      label: `Start cluster ${name}`,
      icon: Play,
      run: () => void workspaceActions.start(workspace),
    };
    const stop: Command = {
      id: `workspace-stop-${id}`,
      group,
      label: `Stop cluster ${name}`,
      hint: 'controlled shutdown of all brokers',
      icon: Square,
      run: () => void workspaceActions.stop(workspace),
    };
    return [...(workspace === current ? [] : [go]), state === 'stopped' || workspace.figures === null ? start : stop];
  });
  const dialogs = [
    { kind: 'create', label: 'Create a cluster…', icon: Plus },
    { kind: 'import', label: 'Import a cluster…', icon: Upload },
  ] as const;
  const makers = dialogs.map(({ kind, label, icon }): Command => ({
    id: `workspace-${kind}-dialog`,
    group,
    label,
    icon,
    run: () => {
      router.go('workspaces');
      workspaceActions.open({ kind });
    },
  }));
  return [...each, ...makers];
}
