// The drill that runs now, as it is told: what came before is asked for once, the rest arrives by push.

import type { Bridge } from '../../main/api/contract.ts';
import type { DrillProgress } from '../../main/api/drill-views.ts';

export class DrillFeed {
  /** The run at hand, or the one that has just ended; null before any. */
  run = $state.raw<DrillProgress | null>(null);
  readonly #bridge: Bridge;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Begins to follow; returns the function that ends it. */
  follow(): () => void {
    const end = this.#bridge.subscribe('drill.progress', (progress) => this.#take(progress));
    void this.#bridge.request('drill.runs', {}).then(
      ({ current }) => {
        if (current !== null) this.run = current;
      },
      () => undefined,
    );
    return end;
  }

  #take(progress: DrillProgress): void {
    const known = this.run;
    if (known?.runId !== progress.runId) {
      this.run = progress;
      return;
    }
    const from = progress.steps[0]?.index ?? known.steps.length;
    const newest = known.samples.at(-1)?.atMs ?? -1;
    this.run = {
      ...progress,
      steps: [...known.steps.slice(0, from), ...progress.steps],
      // What was asked for and what was pushed may overlap.
      samples: [...known.samples, ...progress.samples.filter((sample) => sample.atMs > newest)],
      marks: [...known.marks, ...progress.marks],
    };
  }
}
