// What a person does to workspaces: each action asks the engine and says how it went. Owns which dialog is open.

import type { Bridge, Endpoint, InputOf, OutputOf } from '../../main/api/contract.ts';
import type { WorkspaceView } from '../../main/api/workspace-views.ts';
import { toRefusal } from '../engine/engine-link.ts';
import { formatBytes } from '../text/format.ts';
import { saveFile } from '../ui/save-file.ts';
import type { Notices } from './notices.svelte.ts';

export type WorkspaceDialog =
  | { readonly kind: 'create' | 'import' }
  | { readonly kind: 'edit' | 'duplicate' | 'reset' | 'delete'; readonly workspace: WorkspaceView };

export class WorkspaceActions {
  dialog = $state.raw<WorkspaceDialog | null>(null);
  readonly #bridge: Bridge;
  readonly #notices: Notices;

  constructor(bridge: Bridge, notices: Notices) {
    this.#bridge = bridge;
    this.#notices = notices;
  }

  open(dialog: WorkspaceDialog): void {
    this.dialog = dialog;
  }

  close(): void {
    this.dialog = null;
  }

  async start({ id, name }: WorkspaceView): Promise<void> {
    await this.#ask('workspaces.start', { id }, `${name} could not be started`);
  }

  async stop(workspace: WorkspaceView): Promise<void> {
    const { id, name } = workspace;
    const stopped = await this.#ask('workspaces.stop', { id }, `${name} could not be stopped`);
    if (stopped === undefined) return;
    this.#notices.done(`${name} has stopped.`, { label: 'Start it', run: () => void this.start(workspace) });
  }

  async export({ id, name }: WorkspaceView): Promise<void> {
    const file = await this.#ask('workspaces.export', { id }, `${name} could not be exported`);
    if (file !== undefined) saveFile(file.fileName, 'application/json', file.text);
  }

  // What follows is asked from dialogs: they show the refusal beside their fields.

  request<Name extends Endpoint>(endpoint: Name, input: InputOf<Name>): Promise<OutputOf<Name>> {
    return this.#bridge.request(endpoint, input);
  }

  async reset({ id, name }: WorkspaceView): Promise<void> {
    const { freedBytes } = await this.#bridge.request('workspaces.reset', { id });
    this.#notices.done(`${name} was reset: ${formatBytes(freedBytes)} of data are gone.`);
  }

  async delete({ id, name }: WorkspaceView): Promise<void> {
    await this.#bridge.request('workspaces.delete', { id });
    this.#notices.done(`${name} was deleted.`);
  }

  said(text: string): void {
    this.#notices.done(text);
  }

  async #ask<Name extends Endpoint>(
    endpoint: Name,
    input: InputOf<Name>,
    whatFailed: string,
  ): Promise<OutputOf<Name> | undefined> {
    try {
      return await this.#bridge.request(endpoint, input);
    } catch (error) {
      this.#notices.refused(whatFailed, toRefusal(error));
      return undefined;
    }
  }
}
