// Reaches the supervisor that runs a data directory.

import { ClusterDirectory } from '../../main/cluster/cluster-directory.ts';
import { ClusterError } from '../../main/cluster/cluster-error.ts';
import { askControl, type ControlRequest } from '../../main/cluster/control-server.ts';
import { nodeProcesses } from '../../main/runtime/node/node-processes.ts';
import { nodeRuntime } from '../../main/runtime/node/node-runtime.ts';

export async function askRunning(dataDir: string, request: ControlRequest): Promise<unknown> {
  const runtime = nodeRuntime();
  const running = new ClusterDirectory(dataDir, runtime.disk).readRunning();
  if (running === null || !nodeProcesses().isAlive(running.supervisorPid)) {
    throw new ClusterError('NOT_RUNNING', `no cluster runs in ${dataDir}`, 'start one with: highwater up --data DIR');
  }
  return askControl(runtime.network, running.controlPort, running.token, request);
}
