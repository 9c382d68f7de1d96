// When a lost record was lost by nobody's fault: no replica that was in sync and held it kept its disk, or Kafka itself
// gives it up (KIP-966). Everything else is a broken promise.

import type { DiskLoss, History, InSyncFact } from './history.ts';

type Promised = {
  readonly topic: string;
  /** Null: any of the topic. */
  readonly partition: number | null;
  readonly atMs: number;
};

export type LossVerdict =
  /** At least one replica that was in sync still had it and was to be trusted. */
  | 'broken-promise'
  /** No in-sync replica's disk survived. */
  | 'no-disk-left'
  /** Disks survived, but all in-sync replicas ended uncleanly, and an unclean election followed. */
  | 'given-up'
  /** The topic asks for unclean elections, and there was one. */
  | 'unclean-election';

type Facts = Pick<History, 'inSync' | 'diskLosses' | 'uncleanEnds' | 'uncleanTopics'>;
type Step = { readonly atMs: number; readonly fact: InSyncFact | null; readonly end: DiskLoss | null };

export function isLossExcused(promise: Promised, facts: Facts): boolean {
  return judgeLoss(promise, facts) !== 'broken-promise';
}

export function judgeLoss(promise: Promised, facts: Facts): LossVerdict {
  const { diskLosses, uncleanEnds = [], uncleanTopics = [] } = facts;
  if (diskLosses.length === 0 && uncleanEnds.length === 0 && uncleanTopics.length === 0) return 'broken-promise';
  const ofTopic = facts.inSync.filter((fact) => fact.topic === promise.topic);
  const partition = promise.partition ?? ofTopic[0]?.partition;
  const own = ofTopic.filter((fact) => fact.partition === partition);
  const then = own.findLast((fact) => fact.atMs <= promise.atMs) ?? own[0];
  if (then === undefined) return 'broken-promise';
  const later = own.filter((fact) => fact.atMs > promise.atMs);
  if (uncleanTopics.includes(promise.topic) && later.some((fact) => fact.isUnclean === true)) return 'unclean-election';
  const areComplete = facts.uncleanEnds !== undefined;
  if (areAllDisksLost(then, inOrder(promise, later, diskLosses), areComplete)) return 'no-disk-left';
  if (areComplete && isGivenUp(then, inOrder(promise, later, uncleanEnds))) return 'given-up';
  return 'broken-promise';
}

/** Whether a partition of the topic may have given up anything that it had promised at any time. */
export function mayHaveLost(topic: string, facts: Facts): boolean {
  const isExcused = ({ partition, atMs }: InSyncFact): boolean => isLossExcused({ topic, partition, atMs }, facts);
  return facts.inSync.some((fact) => fact.topic === topic && isExcused(fact));
}

function inOrder(promise: Promised, facts: readonly InSyncFact[], ends: readonly DiskLoss[]): Step[] {
  return [
    ...facts.map((fact) => ({ atMs: fact.atMs, fact, end: null })),
    ...ends.filter((end) => end.atMs > promise.atMs).map((end) => ({ atMs: end.atMs, fact: null, end })),
  ].sort((a, b) => a.atMs - b.atMs);
}

/**
 * Follows the disks that surely hold what was promised: of those in sync then, and of later ones that came into the ISR
 * under a leader that held it; less those that lost what was not synced. Where facts are incomplete, who left the ISR
 * counts as gone; where they are complete, who left the ISR still has it, unless it hosts the partition no more.
 */
function areAllDisksLost(then: InSyncFact, steps: readonly Step[], areComplete: boolean): boolean {
  const holders = new Set(then.inSyncReplicas);
  for (const { fact, end } of steps) {
    if (end !== null) holders.delete(end.broker);
    if (fact !== null) {
      const kept = areComplete ? (fact.replicas ?? [...holders]) : fact.inSyncReplicas;
      for (const holder of [...holders]) if (!kept.includes(holder)) holders.delete(holder);
      if (holders.has(fact.leader)) for (const replica of fact.inSyncReplicas) holders.add(replica);
    }
    if (holders.size === 0) return true;
  }
  return false;
}

/**
 * Follows those whom Kafka trusts with it: members of ISR and ELR since, less those that registered after an unclean
 * end. Only once none is left may the last known leader be elected. That the ISR forgets the last of them without such
 * an end is no excuse.
 */
function isGivenUp(then: InSyncFact, steps: readonly Step[]): boolean {
  const trusted = new Set(then.inSyncReplicas);
  for (const { fact, end } of steps) {
    if (end !== null) trusted.delete(end.broker);
    if (fact === null) continue;
    if (fact.isUnclean === true) return trusted.size === 0;
    const stay = [...trusted].filter((each) => fact.inSyncReplicas.includes(each));
    if (trusted.size > 0 && stay.length === 0) return false;
    for (const each of [...trusted]) if (!stay.includes(each)) trusted.delete(each);
    if (trusted.has(fact.leader)) for (const replica of fact.inSyncReplicas) trusted.add(replica);
  }
  return false;
}
