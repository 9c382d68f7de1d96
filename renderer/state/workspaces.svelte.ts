// All workspaces of the app as the page knows them: asked for once, then told by push.

import type { Refusal } from '../../main/api/contract.ts';
import type { WorkspaceList, WorkspaceView } from '../../main/api/workspace-views.ts';
import { type EngineLink, toRefusal } from '../engine/engine-link.ts';

export class WorkspacesState {
  /** null until the first answer. */
  list = $state.raw<WorkspaceList | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  /** Workspaces whose cluster was started anew since the page looked: what is shown of them must be, too. */
  #restarts = $state.raw<ReadonlyMap<string, number>>(new Map());
  readonly #link: EngineLink;

  constructor(link: EngineLink) {
    this.#link = link;
  }

  /** Begins to follow; returns the function that ends it. */
  follow(): () => void {
    const endPushes = this.#link.bridge.subscribe('workspaces.changed', (list) => this.#take(list));
    const endConnection = this.#link.watch(({ phase }) => {
      if (phase === 'connected') void this.#load();
    });
    return () => {
      endPushes();
      endConnection();
    };
  }

  /** null: the one that the app was started with. */
  find(id: string | null): WorkspaceView | null {
    return this.list?.workspaces.find((each) => (id === null ? each.isHome : each.id === id)) ?? null;
  }

  restartsOf(id: string | null): number {
    return this.#restarts.get(this.find(id)?.id ?? '') ?? 0;
  }

  async #load(): Promise<void> {
    try {
      this.#take(await this.#link.bridge.request('workspaces.list', {}));
    } catch (error) {
      this.refusal = toRefusal(error);
    }
  }

  #take(list: WorkspaceList): void {
    const restarts = new Map(this.#restarts);
    for (const { id, run } of list.workspaces) {
      const before = this.list?.workspaces.find((each) => each.id === id)?.run ?? run;
      if (before !== run && before !== 0) restarts.set(id, (restarts.get(id) ?? 0) + 1);
    }
    this.#restarts = restarts;
    this.refusal = null;
    this.list = list;
  }
}
