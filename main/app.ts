// Composition root of the app: the cluster it was started with and the workspaces beside it. The shells that show a
// page (browser, Electron) host what it gives.

import { checkBrokerConfigs } from './check-broker-configs.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { nodeProcesses } from './runtime/node/node-processes.ts';
import { nodeRuntime } from './runtime/node/node-runtime.ts';
import { Workspaces } from './workspaces/workspaces.ts';

export type AppOptions = {
  readonly engine: EngineOptions;
  /** Where workspaces live. */
  readonly root: string;
  readonly isRootEphemeral: boolean;
};

/** Takes the directory of the first cluster and prepares it; throws ClusterError when it can't. */
export async function prepareApp(options: AppOptions): Promise<{ workspaces: Workspaces; engine: Engine }> {
  const { engine: first, root, isRootEphemeral } = options;
  const { brokerScript, dataDir, ephemeral = false } = first;
  const engine = await Engine.prepare(first);
  const workspaces = new Workspaces({
    runtime: nodeRuntime(),
    processes: nodeProcesses(),
    root,
    isRootEphemeral,
    home: {
      dataDir,
      ephemeral,
      cluster: engine,
      // What was given on the command line stands in the directory since; an ephemeral one is gone and made anew.
      reopen: () => Engine.prepare(ephemeral ? first : { dataDir, brokerScript }),
    },
    open: ({ path }) => Engine.prepare({ dataDir: path, brokerScript }),
    checkConfigs: checkBrokerConfigs,
  });
  return { workspaces, engine };
}
