// Reads `leader-epoch-checkpoint`. A damaged file is set aside: recovery notes the epochs again from the batches.

import type { Disk } from '../runtime/runtime.ts';
import { DamagedCheckpoint, readEpochCheckpoint } from './checkpoints.ts';
import { LeaderEpochs } from './leader-epochs.ts';

export type LoadedEpochs = {
  readonly epochs: LeaderEpochs;
  readonly isMissing: boolean;
  readonly isDamaged: boolean;
};

export function loadEpochs(disk: Disk, path: string): LoadedEpochs {
  try {
    const entries = readEpochCheckpoint(disk, path);
    return { epochs: new LeaderEpochs(entries ?? []), isMissing: entries === null, isDamaged: false };
  } catch (error) {
    if (!(error instanceof DamagedCheckpoint)) throw error;
    return { epochs: new LeaderEpochs(), isMissing: false, isDamaged: true };
  }
}
