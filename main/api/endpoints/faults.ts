// Endpoints for the faults of brokers: give, take away, and the loss of power. What is on stands in the view.

import * as v from 'valibot';
import type { ActiveFault } from '../../core/faults.ts';

const brokerId = v.pipe(v.number(), v.integer(), v.minValue(0));
const peer = v.union([brokerId, v.picklist(['brokers', 'clients', 'everyone'])]);
const direction = v.picklist(['both', 'in', 'out']);
const amount = v.pipe(v.number(), v.finite());
const link = { brokerId, peer, direction };

/** A fault as it comes from a screen, the command line or a drill file; whether it fits the cluster is checked later. */
export const faultSchema = v.variant('kind', [
  v.object({ kind: v.literal('cut'), ...link }),
  v.object({ kind: v.literal('delay'), delayMs: amount, jitterMs: amount, ...link }),
  v.object({ kind: v.literal('loss'), share: amount, ...link }),
  v.object({ kind: v.literal('bandwidth'), bytesPerSecond: amount, ...link }),
  v.object({ kind: v.literal('disk-full'), brokerId, freeBytes: amount }),
  v.object({ kind: v.literal('slow-disk'), brokerId, syncMs: amount, writeMs: amount }),
  v.object({
    kind: v.literal('disk-error'),
    brokerId,
    operations: v.pipe(v.array(v.picklist(['read', 'write', 'sync'])), v.readonly()),
    path: v.nullable(v.string()),
  }),
  v.object({ kind: v.literal('clock-skew'), brokerId, offsetMs: amount, rate: amount }),
]);

/** Input schemas. */
export const faultInputs = {
  'fault.add': v.object({ fault: faultSchema }),
  'fault.clear': v.object({ faultId: v.string() }),
  'fault.clearAll': v.object({}),
  'broker.powerLoss': v.object({ brokerId, torn: v.boolean() }),
} as const;

/** What each request answers. */
export type FaultOutputs = {
  'fault.add': ActiveFault;
  'fault.clear': null;
  'fault.clearAll': { readonly cleared: number };
  'broker.powerLoss': null;
};
