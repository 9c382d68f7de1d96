// Reads the journal for the screen: bursts (fifty partitions that change leader in one breath are one line),
// times since the fault, and the narrator's one sentence. Pure.

import type { JournalEvent, JournalKind } from '../../main/api/views.ts';
import { formatDuration, listed, plural } from '../text/format.ts';
import {
  brokers,
  type Family,
  faultClause,
  familyOf,
  isFault,
  readingOf,
  sentenceOf,
} from '../text/journal-sentences.ts';

/** Events of one kind that follow each other within this time are one burst. */
const burstGapMs = 120;
/** How long after a fault other events are timed against it. */
const afterFaultMs = 30_000;

/** Kinds that come in swarms, and for which `summary` has one sentence. All others stand alone. */
const swarming: ReadonlySet<JournalKind> = new Set<JournalKind>([
  'quorum.voteAsked',
  'partition.leaderElected',
  'partition.isrShrunk',
  'partition.isrExpanded',
  'replica.leading',
  'replica.following',
  'replica.truncated',
  'log.recovered',
  'process.started',
  'broker.registered',
  'broker.unfenced',
  'group.rebalancing',
  'group.stable',
  'coordinator.loaded',
]);

export type Burst = {
  /** Id of its first event: stays the same while the burst grows. */
  readonly key: string;
  /** In time order, at least one. */
  readonly events: readonly [JournalEvent, ...JournalEvent[]];
  /** Since the fault before it, when that is recent. */
  readonly sinceFaultMs: number | null;
};

/** Oldest first, as the journal is. */
export function toBursts(events: readonly JournalEvent[], shown: ReadonlySet<Family>): readonly Burst[] {
  const bursts: { key: string; events: [JournalEvent, ...JournalEvent[]]; sinceFaultMs: number | null }[] = [];
  // Kinds interleave (a new leader, its ISR, the next leader), so each kind has its own open burst.
  const open = new Map<string, (typeof bursts)[number]>();
  let fault: JournalEvent | null = null;
  for (const event of events) {
    if (isFault(event.entry)) fault = event;
    if (!shown.has(familyOf(event))) continue;
    const kind = swarmOf(event);
    const last = kind === null ? undefined : open.get(kind);
    const newest = last?.events.at(-1);
    if (last && newest && event.monotonicMs - newest.monotonicMs <= burstGapMs) {
      last.events.push(event);
      continue;
    }
    const since = fault && fault !== event ? event.monotonicMs - fault.monotonicMs : null;
    const burst: (typeof bursts)[number] = {
      key: event.id,
      events: [event],
      sinceFaultMs: since !== null && since >= 0 && since <= afterFaultMs ? since : null,
    };
    bursts.push(burst);
    if (kind !== null) open.set(kind, burst);
  }
  return bursts;
}

/** Events with the same answer, close in time, are one swarm; null: the event stands alone. */
function swarmOf({ source, entry }: JournalEvent): string | null {
  if (!swarming.has(entry.kind)) return null;
  const vote = entry.kind === 'quorum.voteAsked' ? `${entry.preVote} ${entry.epoch}` : '';
  return `${source} ${entry.kind} ${readingOf(entry).label} ${vote}`;
}

export function burstSentence(burst: Burst): string {
  const [first, ...rest] = burst.events;
  return rest.length === 0 ? sentenceOf(first) : summary(burst.events);
}

function summary(events: readonly [JournalEvent, ...JournalEvent[]]): string {
  const [{ entry: first }] = events;
  const partitions = plural(events.length, 'partition');
  if (first.kind === 'partition.leaderElected') {
    if (first.leader < 0) return `${partitions} have no leader: nobody in their ISR is alive.`;
    const taken = countBy(events, ({ entry }) => (entry.kind === 'partition.leaderElected' ? entry.leader : -1));
    const [only] = taken;
    if (only && taken.length === 1) return `Broker ${only[0]} now leads ${partitions} more${previousLeaders(events)}.`;
    return `${partitions} have a new leader: ${listed(taken.map(([id, count]) => `broker ${id} took ${count}`))}.`;
  }
  if (first.kind === 'partition.isrShrunk') return `${changedBrokers(events)} left the ISR of ${partitions}.`;
  if (first.kind === 'partition.isrExpanded')
    return `${changedBrokers(events)} caught up and rejoined the ISR of ${partitions}.`;
  if (first.kind === 'replica.truncated')
    return `${partitions} were cut back to where their logs agree with the leader's.`;
  if (first.kind === 'quorum.voteAsked') {
    const asked = events.flatMap(({ entry }) => (entry.kind === 'quorum.voteAsked' ? [entry.to] : []));
    return `Node ${first.from} asks nodes ${listed(asked)} for their ${first.preVote ? 'pre-votes' : 'votes'} in epoch ${first.epoch}.`;
  }
  if (first.kind === 'coordinator.loaded') return `Coordinators loaded ${partitions} of ${first.topic}.`;
  if (first.kind === 'replica.leading') return `Now leads ${partitions}.`;
  if (first.kind === 'replica.following') return `Now follows for ${partitions}.`;
  if (first.kind === 'process.started') return `${brokers(brokerIds(events))} were started.`;
  if (first.kind === 'broker.registered')
    return `${brokers(brokerIds(events))} registered; they stay fenced until they have caught up.`;
  if (first.kind === 'broker.unfenced') return `${brokers(brokerIds(events))} are unfenced and may lead.`;
  if (first.kind === 'group.rebalancing') return `Groups ${listed(groupIds(events))} rebalance: ${first.reason}.`;
  if (first.kind === 'group.stable') return `Groups ${listed(groupIds(events))} are stable again.`;
  if (first.kind === 'log.recovered') return `${plural(events.length, 'log')} recovered.`;
  return `${readingOf(first).label}: ${formatTimes(events.length)}.`;
}

function previousLeaders(events: readonly JournalEvent[]): string {
  const ids = new Set(
    events.map(({ entry }) => (entry.kind === 'partition.leaderElected' ? entry.previousLeader : -1)),
  );
  const [id = -1] = ids;
  return ids.size === 1 && id >= 0 ? `, which broker ${id} led before` : '';
}

function formatTimes(count: number): string {
  return count === 2 ? 'twice' : `${count} times`;
}

function brokerIds(events: readonly JournalEvent[]): readonly number[] {
  const ids = events.flatMap(({ entry }) => ('brokerId' in entry ? [entry.brokerId] : []));
  return [...new Set(ids)].sort((a, b) => a - b);
}

function groupIds(events: readonly JournalEvent[]): readonly string[] {
  return [...new Set(events.flatMap(({ entry }) => ('groupId' in entry ? [entry.groupId] : [])))];
}

function changedBrokers(events: readonly JournalEvent[]): string {
  const ids = new Set<number>();
  for (const { entry } of events) {
    if (entry.kind === 'partition.isrShrunk' || entry.kind === 'partition.isrExpanded')
      for (const id of entry.changed) ids.add(id);
  }
  return brokers([...ids].sort((a, b) => a - b));
}

function countBy(events: readonly JournalEvent[], keyOf: (event: JournalEvent) => number): readonly [number, number][] {
  const counts = new Map<number, number>();
  for (const event of events) counts.set(keyOf(event), (counts.get(keyOf(event)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
}

export type Narration = {
  readonly sentence: string;
  readonly event: JournalEvent;
  readonly tone: 'bad' | 'warn' | 'good' | 'plain';
};

/** How far back the narrator looks; older than that nothing is news. */
const narratedEventsMax = 300;

/** The newest thing worth a sentence; null when the journal has nothing to tell. */
export function narrate(events: readonly JournalEvent[]): Narration | null {
  const recent = events.slice(-narratedEventsMax);
  const bursts = toBursts(recent, everyFamily);
  const burst =
    bursts.findLast((candidate) => readingOf(candidate.events[0].entry).weight === 2) ??
    bursts.findLast((candidate) => readingOf(candidate.events[0].entry).weight === 1);
  if (!burst) return null;
  const event = burst.events.at(-1) ?? burst.events[0];
  const fault = recent.findLast(
    (earlier) => isFault(earlier.entry) && earlier.monotonicMs < event.monotonicMs && earlier !== event,
  );
  const since = fault && !isFault(event.entry) ? event.monotonicMs - fault.monotonicMs : null;
  const told = burstSentence(burst);
  const timed =
    fault && since !== null && since <= afterFaultMs
      ? `${told.replace(/\.$/, '')}, ${formatDuration(since)} after ${faultClause(fault.entry)}.`
      : told;
  return { sentence: timed, event, tone: readingOf(event.entry).tone };
}

const everyFamily: ReadonlySet<Family> = new Set([
  'process',
  'quorum',
  'broker',
  'leader',
  'isr',
  'group',
  'client',
  'data',
]);
