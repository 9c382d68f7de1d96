// The answer to one request, as a screen shows it: loading, there, or refused. The newest question wins; the last
// answer stays visible while the next one is on its way.

import type { Refusal } from '../../main/api/contract.ts';
import { toRefusal } from '../engine/engine-link.ts';

export class Loaded<Value> {
  value = $state.raw<Value | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  loading = $state(false);
  #asked = 0;

  /** Forgets the last answer when `what` is asked about something else. */
  async load(question: Promise<Value>, options: { readonly forget?: boolean } = {}): Promise<void> {
    const number = ++this.#asked;
    this.loading = true;
    if (options.forget === true) {
      this.value = null;
      this.refusal = null;
    }
    try {
      const value = await question;
      if (number !== this.#asked) return;
      this.value = value;
      this.refusal = null;
    } catch (error) {
      if (number === this.#asked) this.refusal = toRefusal(error);
    } finally {
      if (number === this.#asked) this.loading = false;
    }
  }
}
