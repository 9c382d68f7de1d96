// Short messages in the corner: what an action did, with the way back, or why it was refused.

import type { Refusal } from '../../main/api/contract.ts';

export type Notice = {
  readonly id: number;
  readonly tone: 'done' | 'refused';
  readonly title: string;
  readonly detail: string | null;
  readonly action: { readonly label: string; run(): void } | null;
};

const noticesMax = 4;
const doneForMs = 7_000;

export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #nextId = 1;

  done(title: string, action: Notice['action'] = null): void {
    const id = this.#add({ tone: 'done', title, detail: null, action });
    setTimeout(() => this.dismiss(id), doneForMs);
  }

  /** Stays until it is dismissed: someone must have read it. */
  refused(what: string, refusal: Refusal): void {
    const code = refusal.code === 'REQUEST_FAILED' ? '' : ` (${refusal.code})`;
    this.#add({
      tone: 'refused',
      title: `${what}${code}`,
      detail: refusal.advice === null ? refusal.message : `${refusal.message} ${refusal.advice}`,
      action: null,
    });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(notice: Omit<Notice, 'id'>): number {
    const id = this.#nextId++;
    this.list = [...this.list, { ...notice, id }].slice(-noticesMax);
    return id;
  }
}
