// What the renderer knows of its way to the engine: the bridge that both shells give, and whether it holds.

import type { Bridge, Refusal } from '../../main/api/contract.ts';

export type Connection =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'connected' }
  /** `retryAtMs` and `lostAtMs` are on the page's own monotonic clock. */
  | { readonly phase: 'reconnecting'; readonly attempt: number; readonly retryAtMs: number; readonly lostAtMs: number }
  /** The host does not want us (wrong or old token): trying again is no use. */
  | { readonly phase: 'rejected'; readonly reason: string };

export type EngineLink = {
  readonly bridge: Bridge;
  /** Called at once with the present state, then on every change. Returns the function that ends it. */
  watch(receive: (connection: Connection) => void): () => void;
  /** Tries now instead of at `retryAtMs`. */
  retry(): void;
};

/** An answer that is a refusal: shown to the person as it is. */
export class RequestRefused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'RequestRefused';
    this.refusal = refusal;
  }
}

/** Reads any failure of a request as a refusal, since people read nothing else. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof RequestRefused) return error.refusal;
  if (typeof error === 'object' && error !== null && 'refusal' in error) {
    const { refusal } = error as { refusal: Refusal };
    if (typeof refusal.message === 'string') return refusal;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'REQUEST_FAILED', message, advice: null };
}
