// What can be done with a workspace, as a menu; the same in the list, the details and the header.

import Copy from '@lucide/svelte/icons/copy';
import Download from '@lucide/svelte/icons/download';
import Pencil from '@lucide/svelte/icons/pencil';
import Play from '@lucide/svelte/icons/play';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Square from '@lucide/svelte/icons/square';
import Trash from '@lucide/svelte/icons/trash';
import type { WorkspaceView } from '../../../main/api/workspace-views.ts';
import type { WorkspaceActions } from '../../state/workspace-actions.svelte.ts';
import { workspaceBlocked } from '../../text/workspace-words.ts';
import type { MenuItem } from '../../ui/Menu.svelte';

export function workspaceMenu(workspace: WorkspaceView, actions: WorkspaceActions): MenuItem[] {
  const blocked = (verb: Parameters<typeof workspaceBlocked>[0]) => workspaceBlocked(verb, workspace);
  return [
    {
      kind: 'action',
      label: 'Start',
      icon: Play,
      blocked: blocked('start'),
      run: () => void actions.start(workspace),
    },
    {
      kind: 'action',
      label: 'Stop',
      icon: Square,
      blocked: blocked('stop'),
      run: () => void actions.stop(workspace),
    },
    { kind: 'separator' },
    {
      kind: 'action',
      label: 'Edit settings…',
      icon: Pencil,
      blocked: blocked('edit'),
      run: () => actions.open({ kind: 'edit', workspace }),
    },
    { kind: 'action', label: 'Duplicate…', icon: Copy, run: () => actions.open({ kind: 'duplicate', workspace }) },
    { kind: 'action', label: 'Export as a file', icon: Download, run: () => void actions.export(workspace) },
    { kind: 'separator' },
    {
      kind: 'action',
      label: 'Reset…',
      icon: RotateCcw,
      danger: true,
      blocked: blocked('reset'),
      run: () => actions.open({ kind: 'reset', workspace }),
    },
    {
      kind: 'action',
      label: 'Delete…',
      icon: Trash,
      danger: true,
      blocked: blocked('delete'),
      run: () => actions.open({ kind: 'delete', workspace }),
    },
  ];
}
