// Keeps a copy of the engine's view true: snapshot first, then deltas in number order. Anything that does not
// fit (a gap, a buffer that ran full) means a new snapshot. Pure: the caller carries out what it returns.

import type { ClusterDelta, ClusterView } from '../../main/api/views.ts';

/** Deltas that may arrive while the snapshot is on its way. */
export const bufferedDeltasMax = 1_000;

export type SyncStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'request-snapshot' }
  | { readonly do: 'replace'; readonly view: ClusterView; readonly deltas: readonly ClusterDelta[] }
  | { readonly do: 'apply'; readonly delta: ClusterDelta };

export class SnapshotSync {
  /** Number of the last delta that is part of our copy; null while we have no copy that can be continued. */
  #last: number | null = null;
  #buffer: ClusterDelta[] = [];
  #waiting = false;

  /** The link is (again) up: what we had may be old. */
  connected(): SyncStep {
    return this.#restart();
  }

  disconnected(): void {
    this.#last = null;
    this.#waiting = false;
    this.#buffer = [];
  }

  delta(delta: ClusterDelta): SyncStep {
    if (this.#waiting) {
      if (this.#buffer.length >= bufferedDeltasMax) return this.#restart();
      this.#buffer.push(delta);
      return { do: 'nothing' };
    }
    if (this.#last === null || delta.number <= this.#last) return { do: 'nothing' };
    if (delta.number !== this.#last + 1) return this.#restart();
    this.#last = delta.number;
    return { do: 'apply', delta };
  }

  snapshot(number: number, view: ClusterView): SyncStep {
    if (!this.#waiting) return { do: 'nothing' };
    const newer = this.#buffer.filter((delta) => delta.number > number);
    let expected = number;
    for (const delta of newer) {
      expected += 1;
      if (delta.number !== expected) return this.#restart();
    }
    this.#waiting = false;
    this.#buffer = [];
    this.#last = expected;
    return { do: 'replace', view, deltas: newer };
  }

  #restart(): SyncStep {
    this.#last = null;
    this.#buffer = [];
    this.#waiting = true;
    return { do: 'request-snapshot' };
  }
}
