// How far a partition is committed: every replica of the maximal in-sync set holds everything below. Pure.

import type { BrokerId } from '../core/ids.ts';
import { isCaughtUp, maximalInSync, type FollowerProgress, type InSyncState } from './in-sync-replicas.ts';

export type HighWatermarkInput = {
  readonly leaderLogEndOffset: number;
  readonly followers: readonly FollowerProgress[];
  readonly inSync: InSyncState;
  /** min(min.insync.replicas, replication factor). Below it nothing is committed any more (KIP-966). */
  readonly inSyncMin: number;
  readonly nowMs: number;
  readonly replicaLagTimeMaxMs: number;
  /** May this follower join the ISR (registered, unfenced, same broker epoch)? */
  readonly isEligible: (follower: FollowerProgress) => boolean;
};

/**
 * The offset to which the high watermark may rise; −1 when it may not move at all. The caller never lowers it.
 * A caught-up follower that is about to join is waited for as well: without that the leader would run ahead for ever
 * of a follower that is one fetch behind, which then never gets in.
 */
export function nextHighWatermark(input: HighWatermarkInput): number {
  if (input.inSync.inSync.length < input.inSyncMin) return -1;
  const maximal: readonly BrokerId[] = maximalInSync(input.inSync);
  let highWatermark = input.leaderLogEndOffset;
  for (const follower of input.followers) {
    if (follower.logEndOffset >= highWatermark) continue;
    const counts =
      maximal.includes(follower.brokerId) ||
      (isCaughtUp(follower, input.leaderLogEndOffset, input.nowMs, input.replicaLagTimeMaxMs) &&
        input.isEligible(follower));
    if (counts) highWatermark = follower.logEndOffset;
  }
  return highWatermark;
}
