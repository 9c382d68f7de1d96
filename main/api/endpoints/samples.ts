// The last minutes of a broker's or a group's figures; what comes after is pushed.

import * as v from 'valibot';
import type { BrokerSample, GroupSample } from '../sample-views.ts';

export const sampleInputs = {
  'samples.broker': v.object({ brokerId: v.number() }),
  'samples.group': v.object({ groupId: v.string() }),
} as const;

export type SampleOutputs = {
  /** Oldest first. */
  'samples.broker': readonly (BrokerSample & { readonly wallMs: number })[];
  'samples.group': readonly (GroupSample & { readonly wallMs: number })[];
};
