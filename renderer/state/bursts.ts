// Reads the journal for the screen: which events are faults, how long after a fault others came, and which events
// are one swarm (fifty partitions that change leader in one breath are one line). Pure.

import type { JournalEntry, JournalEvent } from '../../main/api/views.ts';
import { type Family, familyOf } from '../text/journal-sentences.ts';

/** Events of one swarm follow each other within this time. */
const swarmGapMs = 150;
/** Clients and voters repeat themselves at the pace of their retries. */
const retryGapMs = 1_500;
/** How long after a fault other events are timed against it. */
export const afterFaultMs = 30_000;

/**
 * When an event happened, for order and intervals on the screen: the wall clock, which all processes of the machine
 * share and which is also what the list shows.
 */
export function timeOf(event: JournalEvent): number {
  return event.wallMs;
}

export type Burst = {
  /** Id of its first event: stays the same while the burst grows. */
  readonly key: string;
  /** In time order, at least one. */
  readonly events: readonly [JournalEvent, ...JournalEvent[]];
  /** Since the fault before it, when that is recent. */
  readonly sinceFaultMs: number | null;
};

type GrowingBurst = { key: string; events: [JournalEvent, ...JournalEvent[]]; sinceFaultMs: number | null };

/** Oldest first, as the journal is. */
export function toBursts(events: readonly JournalEvent[], shown: ReadonlySet<Family>): readonly Burst[] {
  const bursts: GrowingBurst[] = [];
  // Kinds interleave (a new leader, its ISR, the next leader), so each swarm has its own open burst.
  const open = new Map<string, GrowingBurst>();
  const faults = new FaultFinder();
  for (const event of events) {
    const fault = faults.before(event);
    if (!shown.has(familyOf(event))) continue;
    const swarm = swarmOf(event);
    const last = swarm === null ? undefined : open.get(swarm.key);
    const newest = last?.events.at(-1);
    if (swarm && last && newest && timeOf(event) - timeOf(newest) <= swarm.gapMs) {
      last.events.push(event);
      continue;
    }
    const burst: GrowingBurst = { key: event.id, events: [event], sinceFaultMs: sinceFault(fault, event) };
    bursts.push(burst);
    if (swarm !== null) open.set(swarm.key, burst);
  }
  return bursts;
}

/** Null when the fault is no longer what explains the event. */
export function sinceFault(fault: JournalEvent | null, event: JournalEvent): number | null {
  if (fault === null) return null;
  const since = timeOf(event) - timeOf(fault);
  return since >= 0 && since <= afterFaultMs ? since : null;
}

/** Follows the journal and knows the newest fault: something done to a broker, or a broker that died by itself. */
export class FaultFinder {
  readonly #expectedToExit = new Set<number>();
  #newest: JournalEvent | null = null;

  /** The newest fault before this event; the event itself counts from the next on. */
  before(event: JournalEvent): JournalEvent | null {
    const newest = this.#newest;
    if (this.isFault(event.entry)) this.#newest = event;
    return newest;
  }

  /** To be asked once for each event, in order. */
  isFault(entry: JournalEntry): boolean {
    switch (entry.kind) {
      case 'process.killed':
      case 'process.stopping':
        this.#expectedToExit.add(entry.brokerId);
        return true;
      case 'process.paused':
        return true;
      case 'process.started':
        this.#expectedToExit.delete(entry.brokerId);
        return false;
      case 'process.exited':
        // The end of a process that was killed or stopped belongs to that fault and is none of its own.
        return !entry.wanted && !this.#expectedToExit.has(entry.brokerId);
      default:
        return false;
    }
  }
}

/** Events with the same key, close in time, are one swarm; null: the event stands alone. */
function swarmOf({ source, entry }: JournalEvent): { key: string; gapMs: number } | null {
  const key = `${source} ${entry.kind}`;
  switch (entry.kind) {
    case 'partition.leaderElected':
      return { key: `${key} ${entry.leader < 0} ${entry.unclean}`, gapMs: swarmGapMs };
    case 'partition.isrShrunk':
    case 'partition.isrExpanded':
    case 'replica.leading':
    case 'replica.following':
    case 'replica.truncated':
    case 'log.recovered':
    case 'process.started':
    case 'broker.registered':
    case 'broker.unfenced':
    case 'group.rebalancing':
    case 'group.stable':
    case 'coordinator.loaded':
      return { key, gapMs: swarmGapMs };
    case 'quorum.voteAsked':
      return { key: `${key} ${entry.epoch} ${entry.preVote}`, gapMs: swarmGapMs };
    case 'quorum.voteAnswered':
      return entry.granted
        ? null
        : {
            key: `${key} ${entry.voter} ${entry.candidate} ${entry.epoch} ${entry.preVote} ${entry.reason}`,
            gapMs: retryGapMs,
          };
    case 'group.memberHolds':
      return { key: `${key} ${entry.groupId} ${entry.told}`, gapMs: swarmGapMs };
    case 'client.error':
      return { key: `${key} ${entry.client} ${entry.error}`, gapMs: retryGapMs };
    default:
      return null;
  }
}
