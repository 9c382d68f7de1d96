// The screens' fault endpoints on top of the verbs.

import type { EndpointHandlers } from '../api/host.ts';
import type { ClusterControl } from '../cluster/cluster-control.ts';

export function faultHandlers(
  control: ClusterControl,
): Pick<EndpointHandlers, 'fault.add' | 'fault.clear' | 'fault.clearAll' | 'broker.powerLoss'> {
  return {
    'fault.add': ({ fault }) => control.addFault(fault),
    'fault.clear': async ({ faultId }) => {
      await control.clearFault(faultId);
      return null;
    },
    'fault.clearAll': async () => ({ cleared: await control.clearFaults() }),
    'broker.powerLoss': async ({ brokerId, torn }) => {
      await control.powerLoss(brokerId, { torn });
      return null;
    },
  };
}
