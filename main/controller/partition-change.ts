// Decides what changes in one partition: elects its leader, keeps its in-sync and eligible replicas (KIP-966) and
// completes a reassignment. Pure; the only place where leaders are chosen.

import type { MetadataRecord, PartitionChangeRecord } from '../protocol/messages/metadata-records.ts';
import {
  leaderUnchanged,
  noLeader,
  type LeaderRecoveryState,
  type PartitionRegistration,
} from '../metadata/topics-image.ts';

/**
 * preferred: the first replica if it is in sync, else as online. online: the present leader, else any replica that is
 * in sync. unclean: as online, and a replica that is not in sync rather than none: acknowledged records may be lost.
 */
export type Election = 'preferred' | 'online' | 'unclean';

export type PartitionChangeOptions = {
  readonly topicId: string;
  readonly partitionId: number;
  readonly partition: PartitionRegistration;
  readonly isAcceptableLeader: (brokerId: number) => boolean;
  readonly minInSyncReplicas: number;
  readonly isElrEnabled: boolean;
  /** The directory for a replica that is new here. */
  readonly defaultDirectory: (brokerId: number) => string;
  readonly election?: Election;
  readonly inSyncReplicas?: readonly number[];
  readonly replicas?: readonly number[];
  readonly removingReplicas?: readonly number[];
  readonly addingReplicas?: readonly number[];
  readonly recoveryState?: LeaderRecoveryState;
  /** Replicas that may have lost what they had: no longer eligible. */
  readonly uncleanShutdownReplicas?: readonly number[];
  /** Directories that replicas moved to. */
  readonly directories?: ReadonlyMap<number, string>;
};

const partitionChangeVersion = 2;

type Target = {
  inSyncReplicas: readonly number[];
  replicas: readonly number[];
  removing: readonly number[];
  adding: readonly number[];
  eligible: readonly number[];
};

type Change = { -readonly [K in keyof PartitionChangeRecord]: PartitionChangeRecord[K] };

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((element, index) => element === b[index]);
}

function containsAll(list: readonly number[], elements: readonly number[]): boolean {
  return elements.every((element) => list.includes(element));
}

/** The record that takes the partition to its target, or null when nothing changes. */
export function partitionChange(options: PartitionChangeOptions): MetadataRecord | null {
  const { partition } = options;
  const target: Target = {
    inSyncReplicas: options.inSyncReplicas ?? partition.inSyncReplicas,
    replicas: options.replicas ?? partition.replicas,
    removing: options.removingReplicas ?? partition.removingReplicas,
    adding: options.addingReplicas ?? partition.addingReplicas,
    eligible: partition.eligibleLeaderReplicas,
  };
  const change = emptyChange(options);
  completeReassignment(target);
  updateEligible(options, target);
  elect(options, target, change);
  // A replica that is gone must not be taken for a member of the old epoch.
  if (change.leader === leaderUnchanged && !containsAll(target.replicas, partition.replicas)) {
    change.leader = partition.leader;
  }
  writeEligible(options, target, change);
  const mayWriteIsr = target.inSyncReplicas.length > 0 || options.isElrEnabled;
  if (change.isr === null && mayWriteIsr && !sameList(target.inSyncReplicas, partition.inSyncReplicas)) {
    change.isr = target.inSyncReplicas;
  }
  writeLastKnownLeader(options, change);
  writeAssignment(options, target, change);
  const recoveryState = options.recoveryState ?? partition.leaderRecoveryState;
  if (recoveryState !== partition.leaderRecoveryState) change.leaderRecoveryState = recoveryState;
  return isNoOp(change) ? null : { name: 'PartitionChangeRecord', version: partitionChangeVersion, value: change };
}

function emptyChange(options: PartitionChangeOptions): Change {
  return {
    partitionId: options.partitionId,
    topicId: options.topicId,
    isr: null,
    leader: leaderUnchanged,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  };
}

function isNoOp(change: Change): boolean {
  return (
    change.isr === null &&
    change.leader === leaderUnchanged &&
    change.replicas === null &&
    change.removingReplicas === null &&
    change.addingReplicas === null &&
    change.leaderRecoveryState === -1 &&
    change.directories === null &&
    change.eligibleLeaderReplicas === null &&
    change.lastKnownElr === null
  );
}

/** A reassignment is done once all replicas that stay are in sync: then those to be removed go. */
function completeReassignment(target: Target): void {
  if (target.removing.length === 0 && target.adding.length === 0) return;
  const inSyncReplicas = target.inSyncReplicas.filter((replica) => !target.removing.includes(replica));
  const replicas = target.replicas.filter((replica) => !target.removing.includes(replica));
  if (inSyncReplicas.length === 0 || replicas.length === 0 || !containsAll(inSyncReplicas, replicas)) return;
  target.inSyncReplicas = inSyncReplicas;
  target.replicas = replicas;
  target.removing = [];
  target.adding = [];
}

/** Below min.insync.replicas nothing is committed, so who drops out of the ISR now still has all that is. */
function updateEligible(options: PartitionChangeOptions, target: Target): void {
  if (!options.isElrEnabled) return;
  if (target.inSyncReplicas.length >= options.minInSyncReplicas) {
    target.eligible = [];
    return;
  }
  const candidates = [...new Set([...target.eligible, ...options.partition.inSyncReplicas])].sort((a, b) => a - b);
  const unclean = options.uncleanShutdownReplicas ?? [];
  target.eligible = candidates.filter(
    (replica) => !target.inSyncReplicas.includes(replica) && !unclean.includes(replica),
  );
}

type ElectionResult = { readonly leader: number; readonly isUnclean: boolean };

function elect(options: PartitionChangeOptions, target: Target, change: Change): void {
  const { partition } = options;
  const { leader, isUnclean } = electionResult(options, target);
  if (leader === partition.leader) return;
  change.leader = leader;
  if (target.eligible.includes(leader)) {
    target.inSyncReplicas = [leader];
    target.eligible = target.eligible.filter((replica) => replica !== leader);
  }
  if (!isUnclean) return;
  // The others may have records that the new leader lacks: they are out of sync by definition.
  change.isr = [leader];
  if (partition.leaderRecoveryState === 0) change.leaderRecoveryState = 1;
}

function electionResult(options: PartitionChangeOptions, target: Target): ElectionResult {
  const { partition, isAcceptableLeader } = options;
  const isValid = (replica: number): boolean =>
    (target.inSyncReplicas.includes(replica) ||
      (target.inSyncReplicas.length === 0 && target.eligible.includes(replica))) &&
    isAcceptableLeader(replica);
  const preferred = target.replicas[0];
  if (options.election === 'preferred' && preferred !== undefined && isValid(preferred)) {
    return { leader: preferred, isUnclean: false };
  }
  if (isValid(partition.leader)) return { leader: partition.leader, isUnclean: false };
  const online = target.replicas.find(isValid);
  if (online !== undefined) return { leader: online, isUnclean: false };
  const lastKnown = lastKnownLeader(options, target);
  if (lastKnown !== null) return { leader: lastKnown, isUnclean: true };
  const unclean = options.election === 'unclean' ? target.replicas.find(isAcceptableLeader) : undefined;
  if (unclean !== undefined) return { leader: unclean, isUnclean: true };
  return { leader: noLeader, isUnclean: false };
}

/** With nobody eligible left, the last leader is the best there is: it holds the most. */
function lastKnownLeader(options: PartitionChangeOptions, target: Target): number | null {
  const [lastKnown, ...others] = options.partition.lastKnownEligibleLeaders;
  if (!options.isElrEnabled || lastKnown === undefined || others.length > 0) return null;
  if (target.eligible.length > 0 || target.inSyncReplicas.length > 0) return null;
  return options.isAcceptableLeader(lastKnown) ? lastKnown : null;
}

function writeEligible(options: PartitionChangeOptions, target: Target, change: Change): void {
  const isCleanElection = change.isr === null;
  if (!isCleanElection || !options.isElrEnabled) target.eligible = [];
  if (!sameList(target.eligible, options.partition.eligibleLeaderReplicas)) {
    change.eligibleLeaderReplicas = target.eligible;
  }
}

/** Notes who led when the ISR became empty; forgets it once there is a leader again. */
function writeLastKnownLeader(options: PartitionChangeOptions, change: Change): void {
  if (!options.isElrEnabled) return;
  const { leader, lastKnownEligibleLeaders: lastKnown } = options.partition;
  const isNoted = lastKnown.length === 1 && lastKnown[0] === leader;
  const keepsLeader = leader !== noLeader && change.leader !== noLeader;
  if (change.isr !== null && change.isr.length === 0 && !isNoted) change.lastKnownElr = [leader];
  else if ((change.leader >= 0 || keepsLeader) && lastKnown.length > 0) change.lastKnownElr = [];
}

function writeAssignment(options: PartitionChangeOptions, target: Target, change: Change): void {
  const { partition } = options;
  if (target.replicas.length > 0) {
    const directories = target.replicas.map((replica) => {
      const known = partition.directories[partition.replicas.indexOf(replica)];
      return options.directories?.get(replica) ?? known ?? options.defaultDirectory(replica);
    });
    if (!sameList(directories, partition.directories)) change.directories = directories;
    if (!sameList(target.replicas, partition.replicas)) change.replicas = target.replicas;
  }
  if (!sameList(target.removing, partition.removingReplicas)) change.removingReplicas = target.removing;
  if (!sameList(target.adding, partition.addingReplicas)) change.addingReplicas = target.adding;
}
