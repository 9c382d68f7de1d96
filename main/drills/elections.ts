// The elections of a run and where their time went: noticing, voting, spreading the decision, clients finding the new
// leader. From the journal and from the clients' own acknowledgements. Pure.

import type { DrillStepRecord, ElectionRecord } from '../api/drill-views.ts';
import type { JournalEntry, JournalEvent } from '../core/journal.ts';

export type Acknowledgement = { readonly partition: string; readonly atMs: number };

type Entry<Kind extends JournalEntry['kind']> = Extract<JournalEntry, { kind: Kind }>;
type Timed<Kind extends JournalEntry['kind']> = { readonly atMs: number; readonly entry: Entry<Kind> };

export type ElectionInput = {
  /** `atMs` of everything counts from the run's start. */
  readonly originMs: number;
  readonly events: readonly JournalEvent[];
  readonly steps: readonly DrillStepRecord[];
  readonly topics: ReadonlySet<string>;
  /** In order of time. */
  readonly acknowledgements: readonly Acknowledgement[];
};

/** Elections of the drill's partitions and of the active controller, in order of decision. */
export function electionsOf(input: ElectionInput): ElectionRecord[] {
  const faults = input.steps
    .filter((step) => (step.kind === 'fault' || step.kind === 'repair') && step.outcome === 'done')
    .map((step) => step.startMs);
  // A rolling restart is one step and many shutdowns.
  for (const { entry, monotonicMs } of input.events) {
    if (entry.kind === 'process.stopping' || entry.kind === 'process.killed') faults.push(monotonicMs - input.originMs);
  }
  const quorum = quorumElections(input, faults);
  const partitions = partitionElections(input, faults, quorum);
  return [...quorum, ...partitions].sort((a, b) => a.decidedAtMs - b.decidedAtMs);
}

function timed<Kind extends JournalEntry['kind']>({ events, originMs }: ElectionInput, kind: Kind): Timed<Kind>[] {
  return events
    .filter((event) => event.entry.kind === kind)
    .map((event) => ({ atMs: event.monotonicMs - originMs, entry: event.entry as Entry<Kind> }))
    .sort((a, b) => a.atMs - b.atMs);
}

function lastBefore(times: readonly number[], atMs: number): number | null {
  let found: number | null = null;
  for (const time of times) if (time <= atMs && (found === null || time > found)) found = time;
  return found;
}

function quorumElections(input: ElectionInput, faults: readonly number[]): ElectionRecord[] {
  const won = new Map<number, Timed<'quorum.leaderElected'>>();
  for (const each of timed(input, 'quorum.leaderElected')) {
    if (each.atMs >= 0 && !won.has(each.entry.epoch)) won.set(each.entry.epoch, each);
  }
  const notices = [...timed(input, 'quorum.prospective'), ...timed(input, 'quorum.candidate')].map(({ atMs }) => atMs);
  const active = timed(input, 'controller.active');
  return [...won.values()].map(({ atMs, entry }) => {
    const faultAtMs = lastBefore(faults, atMs);
    const noticedAtMs = notices.filter((time) => time >= (faultAtMs ?? 0) && time <= atMs).sort((a, b) => a - b)[0];
    const actsAtMs = active.find((each) => each.entry.epoch === entry.epoch)?.atMs ?? null;
    return {
      of: 'quorum',
      epoch: entry.epoch,
      leader: entry.leader,
      previousLeader: null,
      isUnclean: false,
      faultAtMs,
      decidedAtMs: Math.round(atMs),
      detectionMs: faultAtMs === null || noticedAtMs === undefined ? null : Math.round(noticedAtMs - faultAtMs),
      voteMs: noticedAtMs === undefined ? null : Math.round(atMs - noticedAtMs),
      metadataMs: actsAtMs === null ? null : Math.max(0, Math.round(actsAtMs - atMs)),
      discoveryMs: null,
      totalMs: faultAtMs === null ? null : Math.round((actsAtMs ?? atMs) - faultAtMs),
    };
  });
}

function partitionElections(
  input: ElectionInput,
  faults: readonly number[],
  quorum: readonly ElectionRecord[],
): ElectionRecord[] {
  const leading = timed(input, 'replica.leading');
  const noticed = [
    ...timed(input, 'broker.fenced'),
    ...timed(input, 'broker.controlledShutdown'),
    ...timed(input, 'log.directoryFailed'),
  ];
  return timed(input, 'partition.leaderElected')
    .filter(({ atMs, entry }) => atMs >= 0 && input.topics.has(entry.topic) && entry.leader >= 0)
    .map(({ atMs, entry }) => {
      const of = `${entry.topic}-${entry.partition}`;
      const faultAtMs = lastBefore(faults, atMs);
      const since = faultAtMs ?? atMs;
      const notice = noticed.find((each) => each.atMs >= since && each.atMs <= atMs + 50);
      const vote = quorum.find((each) => each.decidedAtMs >= since && each.decidedAtMs <= atMs);
      const acts = leading.find(
        (each) =>
          each.entry.topic === entry.topic &&
          each.entry.partition === entry.partition &&
          each.entry.leaderEpoch === entry.leaderEpoch,
      );
      const actsAtMs = Math.max(acts?.atMs ?? atMs, atMs);
      const answer = input.acknowledgements.find((each) => each.partition === of && each.atMs >= actsAtMs);
      return {
        of,
        epoch: entry.leaderEpoch,
        leader: entry.leader,
        previousLeader: entry.previousLeader,
        isUnclean: entry.unclean,
        faultAtMs: faultAtMs === null ? null : Math.round(faultAtMs),
        decidedAtMs: Math.round(atMs),
        detectionMs: faultAtMs === null ? null : Math.round(Math.min(notice?.atMs ?? atMs, atMs) - faultAtMs),
        voteMs: vote === undefined ? null : vote.voteMs,
        metadataMs: acts === undefined ? null : Math.round(actsAtMs - atMs),
        discoveryMs: answer === undefined ? null : Math.round(answer.atMs - actsAtMs),
        totalMs: faultAtMs === null ? null : Math.round((answer?.atMs ?? actsAtMs) - faultAtMs),
      };
    });
}

export type IsrFacts = { readonly shrinks: number; readonly recoveryMs: number | null; readonly offlineMs: number };

/** How often replicas left the ISR, how long it took until all were back, how long a partition had no leader. */
export function isrFacts(input: ElectionInput, fullSize: ReadonlyMap<string, number>): IsrFacts {
  const missingSince = new Map<string, number>();
  const offlineSince = new Map<string, number>();
  let shrinks = 0;
  let recoveryMs: number | null = null;
  let offlineMs = 0;
  for (const event of input.events) {
    const { entry } = event;
    const atMs = event.monotonicMs - input.originMs;
    const isChange =
      entry.kind === 'partition.leaderElected' ||
      entry.kind === 'partition.isrShrunk' ||
      entry.kind === 'partition.isrExpanded';
    if (!isChange || !input.topics.has(entry.topic) || atMs < 0) continue;
    const name = `${entry.topic}-${entry.partition}`;
    const isFull = entry.inSyncReplicas.length >= (fullSize.get(entry.topic) ?? 1);
    if (entry.kind === 'partition.isrShrunk') shrinks += 1;
    const since = missingSince.get(name);
    if (!isFull && since === undefined) {
      missingSince.set(name, atMs);
      if (entry.kind === 'partition.leaderElected') shrinks += 1;
    } else if (isFull && since !== undefined) {
      recoveryMs = Math.max(recoveryMs ?? 0, atMs - since);
      missingSince.delete(name);
    }
    if (entry.kind !== 'partition.leaderElected') continue;
    const offline = offlineSince.get(name);
    if (entry.leader < 0) offlineSince.set(name, offline ?? atMs);
    else if (offline !== undefined) {
      offlineMs = Math.max(offlineMs, atMs - offline);
      offlineSince.delete(name);
    }
  }
  return { shrinks, recoveryMs: recoveryMs === null ? null : Math.round(recoveryMs), offlineMs: Math.round(offlineMs) };
}
