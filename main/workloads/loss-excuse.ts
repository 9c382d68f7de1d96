// When a lost record was lost by nobody's fault: no replica that was in sync and held it kept its disk.

import type { History } from './history.ts';

type Promised = {
  readonly topic: string;
  /** Null: any of the topic. */
  readonly partition: number | null;
  readonly atMs: number;
};

/**
 * Follows the replicas that surely held what was promised at `atMs`: those in sync then; later ones that came into the
 * ISR under a leader that held it; less those that left the ISR and those whose disk lost what was not synced. A loss is
 * excused once none is left.
 */
export function isLossExcused(promise: Promised, { inSync, diskLosses }: History): boolean {
  if (diskLosses.length === 0) return false;
  const ofTopic = inSync.filter((fact) => fact.topic === promise.topic);
  const partition = promise.partition ?? ofTopic[0]?.partition;
  const facts = ofTopic.filter((fact) => fact.partition === partition);
  const then = facts.findLast((fact) => fact.atMs <= promise.atMs) ?? facts[0];
  if (then === undefined) return false;
  const holders = new Set(then.inSyncReplicas);
  const later = [
    ...facts.filter((fact) => fact.atMs > promise.atMs).map((fact) => ({ atMs: fact.atMs, fact, loss: null })),
    ...diskLosses.filter((loss) => loss.atMs > promise.atMs).map((loss) => ({ atMs: loss.atMs, fact: null, loss })),
  ].sort((a, b) => a.atMs - b.atMs);
  for (const { fact, loss } of later) {
    if (loss !== null) holders.delete(loss.broker);
    else {
      for (const holder of [...holders]) if (!fact.inSyncReplicas.includes(holder)) holders.delete(holder);
      if (holders.has(fact.leader)) for (const replica of fact.inSyncReplicas) holders.add(replica);
    }
    if (holders.size === 0) return true;
  }
  return false;
}
