// The last minutes of one broker or group: what the engine has kept, then what it pushes each second.

import type { Bridge } from '../../main/api/contract.ts';
import { samplesMax, type ClusterSample } from '../../main/api/sample-views.ts';

export class Samples<Sample> {
  list = $state.raw<readonly (Sample & { readonly wallMs: number })[]>([]);

  /** Begins to follow; returns the function that ends it. */
  follow(
    bridge: Bridge,
    history: Promise<readonly (Sample & { readonly wallMs: number })[]>,
    pick: (sample: ClusterSample) => Sample | undefined,
  ): () => void {
    let ended = false;
    this.list = [];
    void history
      .then((past) => {
        if (ended) return;
        const newest = past.at(-1)?.wallMs ?? 0;
        this.list = [...past, ...this.list.filter((each) => each.wallMs > newest)].slice(-samplesMax);
      })
      // Without the past the chart begins now.
      .catch(() => undefined);
    const end = bridge.subscribe('cluster.sample', (sample) => {
      const picked = pick(sample);
      if (picked !== undefined) this.list = [...this.list, { ...picked, wallMs: sample.wallMs }].slice(-samplesMax);
    });
    return () => {
      ended = true;
      end();
    };
  }
}
