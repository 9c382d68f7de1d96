// Which replicas are in sync, as the leader sees it: each follower's progress, and the set itself with at most one
// change on its way to the controller. Pure: time comes in as a number.
// Legal transitions: committed → expanding → committed, committed → shrinking → committed; nothing else.

import type { BrokerId } from '../core/ids.ts';

/** When a follower was last heard from; shared by all partitions of its fetch session, so an idle poll costs O(1). */
export type FollowerContact = { lastFetchMs: number };

/** What the leader knows of one follower's copy. −1: nothing yet. */
export type FollowerProgress = {
  readonly brokerId: BrokerId;
  logStartOffset: number;
  logEndOffset: number;
  /** The leader's log end when the follower fetched last: reaching it later counts as having been caught up then. */
  lastFetchLeaderLogEndOffset: number;
  lastFetchMs: number;
  lastCaughtUpMs: number;
  /** −1: the follower didn't say (Fetch before version 15). */
  brokerEpoch: number;
  contact: FollowerContact | null;
  /** Its latest poll that can't bring it into the ISR any more: it was a member then, or was weighed and is not there. */
  weighedPollMs: number;
};

export function unknownFollower(brokerId: BrokerId): FollowerProgress {
  return {
    brokerId,
    logStartOffset: -1,
    logEndOffset: -1,
    lastFetchLeaderLogEndOffset: -1,
    lastFetchMs: 0,
    lastCaughtUpMs: -Infinity,
    brokerEpoch: -1,
    contact: null,
    weighedPollMs: -Infinity,
  };
}

/** A new leader forgets what it knew; members of the ISR get the whole lag time to show up. */
export function resetForNewLeader(follower: FollowerProgress, isInSync: boolean, nowMs: number): void {
  follower.logStartOffset = -1;
  follower.logEndOffset = -1;
  follower.lastFetchLeaderLogEndOffset = -1;
  follower.lastFetchMs = 0;
  follower.lastCaughtUpMs = isInSync ? nowMs : -Infinity;
  follower.brokerEpoch = -1;
  follower.contact = null;
  follower.weighedPollMs = -Infinity;
}

/** Takes in one fetch. `leaderLogEndOffset` is the log end at the moment the fetch was read. */
export function recordFetch(
  follower: FollowerProgress,
  fetchOffset: number,
  logStartOffset: number,
  leaderLogEndOffset: number,
  fetchMs: number,
  brokerEpoch: number,
): void {
  if (fetchOffset >= leaderLogEndOffset) {
    follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, fetchMs);
  } else if (fetchOffset >= follower.lastFetchLeaderLogEndOffset && follower.lastFetchLeaderLogEndOffset >= 0) {
    follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, follower.lastFetchMs);
  }
  follower.logEndOffset = fetchOffset;
  follower.logStartOffset = logStartOffset;
  follower.lastFetchLeaderLogEndOffset = Math.max(leaderLogEndOffset, follower.lastFetchLeaderLogEndOffset);
  follower.lastFetchMs = fetchMs;
  follower.brokerEpoch = brokerEpoch;
}

/**
 * Before the leader appends: a follower that holds everything was caught up at its last poll, even though that poll
 * named no change and so was not recorded partition by partition.
 */
export function settleBeforeAppend(follower: FollowerProgress, leaderLogEndOffset: number): void {
  const contact = follower.contact;
  if (contact === null || follower.logEndOffset !== leaderLogEndOffset) return;
  if (contact.lastFetchMs <= follower.lastFetchMs) return;
  follower.lastFetchMs = contact.lastFetchMs;
  follower.lastFetchLeaderLogEndOffset = leaderLogEndOffset;
  follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, contact.lastFetchMs);
}

export function isCaughtUp(
  follower: FollowerProgress,
  leaderLogEndOffset: number,
  nowMs: number,
  replicaLagTimeMaxMs: number,
): boolean {
  return follower.logEndOffset === leaderLogEndOffset || nowMs - follower.lastCaughtUpMs <= replicaLagTimeMaxMs;
}

/** Whether it has polled since it was weighed last, and so lately that it polls on. */
export function hasUnweighedPoll(follower: FollowerProgress, nowMs: number, pollAgeMaxMs: number): boolean {
  const polledMs = follower.contact?.lastFetchMs ?? -Infinity;
  return polledMs > follower.weighedPollMs && nowMs - polledMs <= pollAgeMaxMs;
}

export function weighPoll(follower: FollowerProgress): void {
  follower.weighedPollMs = follower.contact?.lastFetchMs ?? follower.weighedPollMs;
}

/** What members have polled so far they polled as members. */
export function weighMembers(followers: readonly FollowerProgress[], state: InSyncState): void {
  for (const follower of followers) if (state.inSync.includes(follower.brokerId)) weighPoll(follower);
}

/** A change of the set on its way to the controller. */
export type InSyncProposal = {
  readonly kind: 'expanding' | 'shrinking';
  /** The committed set. */
  readonly inSync: readonly BrokerId[];
  readonly proposed: readonly BrokerId[];
};

/** The in-sync set. Identity matters: an answer of the controller counts only if its proposal is still the state. */
export type InSyncState = { readonly kind: 'committed'; readonly inSync: readonly BrokerId[] } | InSyncProposal;

/** `inSync` plus whoever is about to join: the high watermark must wait for all of them, as either set may be the true one. */
export function maximalInSync(state: InSyncState): readonly BrokerId[] {
  return state.kind === 'expanding' ? state.proposed : state.inSync;
}

export function isInFlight(state: InSyncState): boolean {
  return state.kind !== 'committed';
}

/** Whether `inSync` is what the change on its way asked for. */
export function isProposalOf(state: InSyncState, inSync: readonly BrokerId[]): boolean {
  if (state.kind === 'committed' || state.proposed.length !== inSync.length) return false;
  return inSync.every((id) => state.proposed.includes(id));
}

export function expandWith(state: InSyncState, joining: BrokerId): InSyncProposal {
  return { kind: 'expanding', inSync: state.inSync, proposed: [...state.inSync, joining] };
}

export function shrinkBy(state: InSyncState, leaving: readonly BrokerId[]): InSyncProposal {
  const proposed = state.inSync.filter((id) => !leaving.includes(id));
  return { kind: 'shrinking', inSync: state.inSync, proposed };
}

/** Members of the ISR (other than the leader) that have lagged for too long. */
export function outOfSyncReplicas(
  state: InSyncState,
  followers: readonly FollowerProgress[],
  leaderLogEndOffset: number,
  nowMs: number,
  replicaLagTimeMaxMs: number,
): BrokerId[] {
  const lagging: BrokerId[] = [];
  for (const follower of followers) {
    if (!state.inSync.includes(follower.brokerId)) continue;
    if (!isCaughtUp(follower, leaderLogEndOffset, nowMs, replicaLagTimeMaxMs)) lagging.push(follower.brokerId);
  }
  return lagging;
}
