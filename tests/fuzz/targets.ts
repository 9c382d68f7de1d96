// All fuzz targets, in the order in which they run.

import { brokerWire } from './broker-wire.ts';
import { decoderTargets } from './decoders.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { logRecovery } from './log-recovery.ts';
import { metadataRecovery } from './metadata-recovery.ts';
import { recordTargets } from './record-bytes.ts';
import { textTargets } from './text-forms.ts';

export const targets: readonly FuzzTarget[] = [
  ...decoderTargets,
  ...recordTargets,
  ...textTargets,
  logRecovery,
  metadataRecovery,
  brokerWire,
];
