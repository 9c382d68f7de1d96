// A drill on a cluster of its own: made for it, as it asks, and gone afterwards. For the CLI and the embedded API.

import type { DrillProgress, DrillRunRecord } from './api/drill-views.ts';
import type { DrillPlan } from './drills/drill-plan.ts';
import { DrillRun } from './drills/drill-run.ts';
import { Engine } from './engine.ts';

export type FreshDrillOptions = {
  readonly plan: DrillPlan;
  readonly seed: number;
  /** A directory for the cluster; removed at the end. */
  readonly dataDir: string;
  readonly brokerScript: string;
  readonly onProgress?: (progress: DrillProgress) => void;
  /** Given a function that ends the run early. */
  readonly onStart?: (abort: () => void) => void;
};

/** Throws ClusterError when the cluster can't be started; what goes wrong in the run is in the verdict. */
export async function runDrillOnFreshCluster(options: FreshDrillOptions): Promise<DrillRunRecord> {
  const { plan, seed, dataDir, brokerScript, onProgress, onStart } = options;
  const engine = await Engine.prepare({
    dataDir,
    ephemeral: true,
    port: 0,
    brokerScript,
    brokers: plan.brokers,
    profile: plan.profile,
    configs: plan.configs,
  });
  try {
    await engine.start();
    const run = new DrillRun({
      plan,
      world: engine.drillWorld(''),
      runId: `${plan.name}-${seed}`,
      seed,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    onStart?.(() => run.abort());
    return await run.run();
  } finally {
    await engine.stop();
  }
}
