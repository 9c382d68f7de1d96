// One sentence for a burst: the event's own when it is alone, a sum when it is a swarm.

import type { JournalEntry, JournalEvent } from '../../main/api/views.ts';
import type { Burst } from '../state/bursts.ts';
import { formatCount, listed, plural } from './format.ts';
import { brokers, readingOf, sentenceOf } from './journal-sentences.ts';

export function burstSentence(burst: Burst): string {
  const [first, ...rest] = burst.events;
  return rest.length === 0 ? sentenceOf(first) : sumOf(burst.events);
}

function sumOf(events: Burst['events']): string {
  const [{ entry: first }] = events;
  const partitions = plural(events.length, 'partition');
  switch (first.kind) {
    case 'partition.leaderElected':
      return first.leader < 0
        ? `${partitions} have no leader: nobody in their ISR is alive.`
        : newLeaders(events, partitions);
    case 'partition.isrShrunk':
      return `${brokers(changed(events))} left the ISR of ${partitions}.`;
    case 'partition.isrExpanded':
      return `${brokers(changed(events))} caught up and rejoined the ISR of ${partitions}.`;
    case 'replica.truncated':
      return `${partitions} were cut back to where their logs agree with the leader’s.`;
    case 'replica.leading':
      return `Now leads ${partitions}.`;
    case 'replica.following':
      return `Now follows for ${partitions}.`;
    case 'log.recovered':
      return `${plural(events.length, 'log')} recovered.`;
    case 'coordinator.loaded':
      return `Coordinators loaded ${partitions} of ${first.topic}.`;
    default:
      return otherSum(events);
  }
}

function otherSum(events: Burst['events']): string {
  const [{ entry: first }] = events;
  switch (first.kind) {
    case 'process.started':
      return `${brokers(brokerIds(events))} were started.`;
    case 'broker.registered':
      return `${brokers(brokerIds(events))} registered; they stay fenced until they have caught up.`;
    case 'broker.unfenced':
      return `${brokers(brokerIds(events))} are unfenced and may lead.`;
    case 'group.rebalancing':
      return `${groups(events)} rebalance: ${first.reason}.`;
    case 'group.stable':
      return `${groups(events)} are stable again.`;
    case 'group.memberHolds':
      return holdings(events, first.told);
    case 'quorum.voteAsked': {
      const asked = distinct(events.flatMap(({ entry }) => (entry.kind === 'quorum.voteAsked' ? [entry.to] : [])));
      const wanted = first.preVote ? 'pre-vote' : 'vote';
      return asked.length === 1
        ? `Node ${first.from} asks node ${asked[0] ?? ''} for its ${wanted} in epoch ${first.epoch}.`
        : `Node ${first.from} asks nodes ${listed(asked)} for their ${wanted}s in epoch ${first.epoch}.`;
    }
    case 'quorum.voteAnswered':
      return `Node ${first.voter} refuses node ${first.candidate} ${formatCount(events.length)} times in epoch ${first.epoch}: ${first.reason}.`;
    case 'client.error':
      return `The ${first.client} got ${first.error} ${formatCount(events.length)} times: ${first.detail}`;
    default:
      return `${readingOf(first).label}, ${formatCount(events.length)} times.`;
  }
}

function newLeaders(events: Burst['events'], partitions: string): string {
  const counts = new Map<number, number>();
  const before = new Set<number>();
  for (const { entry } of events) {
    if (entry.kind !== 'partition.leaderElected') continue;
    counts.set(entry.leader, (counts.get(entry.leader) ?? 0) + 1);
    before.add(entry.previousLeader);
  }
  const taken = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const [only] = taken;
  const [previous = -1] = before;
  if (only && taken.length === 1) {
    return `Broker ${only[0]} now leads ${partitions} more${before.size === 1 && previous >= 0 ? `, which broker ${previous} led before` : ''}.`;
  }
  return `${partitions} have a new leader: ${listed(taken.map(([id, count]) => `broker ${id} took ${count}`))}.`;
}

function changed(events: readonly JournalEvent[]): readonly number[] {
  return distinct(
    events.flatMap(({ entry }) =>
      entry.kind === 'partition.isrShrunk' || entry.kind === 'partition.isrExpanded' ? entry.changed : [],
    ),
  );
}

type Told = Extract<JournalEntry, { kind: 'group.memberHolds' }>['told'];

function holdings(events: readonly JournalEvent[], told: Told): string {
  const entries = events.flatMap(({ entry }) => (entry.kind === 'group.memberHolds' ? [entry] : []));
  const members = plural(new Set(entries.map(({ memberId }) => memberId)).size, 'member');
  const count = entries.reduce(
    (sum, each) => sum + each.partitions.reduce((of, one) => of + one.partitions.length, 0),
    0,
  );
  const held = plural(count, 'partition');
  const group = groups(events);
  switch (told) {
    case 'rejoined':
      return `${group}: ${members} joined again and kept ${count === 0 ? 'nothing' : held}.`;
    case 'assigned':
      return `${group}: ${members} were assigned ${held}.`;
    case 'reconciled':
      return `${group}: ${members} moved towards their target and hold ${held}.`;
  }
}

function brokerIds(events: readonly JournalEvent[]): readonly number[] {
  return distinct(events.flatMap(({ entry }) => ('brokerId' in entry ? [entry.brokerId] : [])));
}

function groups(events: readonly JournalEvent[]): string {
  const ids = [...new Set(events.flatMap(({ entry }) => ('groupId' in entry ? [entry.groupId] : [])))];
  return ids.length === 1 ? `Group ${ids[0] ?? ''}` : `Groups ${listed(ids)}`;
}

function distinct(ids: readonly number[]): readonly number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
