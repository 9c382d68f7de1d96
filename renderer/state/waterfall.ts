// How clients came through: from the first error on a partition over the metadata they asked for to the leader they
// found and the first record acknowledged again, beside the election that they waited for. Pure.

import type { ClientMark, ElectionRecord } from '../../main/api/drill-views.ts';

export type Outage = {
  readonly client: string;
  /** `topic-partition`. */
  readonly partition: string;
  readonly errorAtMs: number;
  /** What the first error said. */
  readonly error: string;
  /** Errors and metadata answers on the way. */
  readonly errors: number;
  readonly refreshes: number;
  /** Metadata named another leader; null: never, or the old one came back. */
  readonly leaderAtMs: number | null;
  readonly leaderText: string;
  /** null: nothing was acknowledged on it any more. */
  readonly recoveredAtMs: number | null;
  /** The one that it waited for; null where the leader did not change. */
  readonly election: ElectionRecord | null;
};

export type Phase = {
  readonly name: 'unnoticed' | 'deciding' | 'learning' | 'writing';
  readonly fromMs: number;
  readonly toMs: number;
};

/** Errors before an election belong to it when they are no older than this. */
const electionWithinMs = 60_000;

export function outagesOf(marks: readonly ClientMark[], elections: readonly ElectionRecord[]): readonly Outage[] {
  const open = new Map<string, ClientMark[]>();
  const outages: Outage[] = [];
  for (const mark of marks.toSorted((a, b) => a.atMs - b.atMs)) {
    if (mark.partition === undefined) continue;
    const key = `${mark.client} ${mark.partition}`;
    const known = open.get(key);
    if (known === undefined && mark.kind !== 'error' && mark.kind !== 'failed') continue;
    const own = [...(known ?? []), mark];
    if (mark.kind === 'recovered') {
      open.delete(key);
      outages.push(outageOf(own, elections));
    } else open.set(key, own);
  }
  for (const own of open.values()) outages.push(outageOf(own, elections));
  return outages.sort((a, b) => a.errorAtMs - b.errorAtMs);
}

function outageOf(marks: readonly ClientMark[], elections: readonly ElectionRecord[]): Outage {
  const [first] = marks;
  const last = marks.at(-1);
  const leader = marks.find(({ kind }) => kind === 'leader');
  const total = (kinds: readonly ClientMark['kind'][]): number =>
    marks.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { count }) => sum + count, 0);
  const errorAtMs = first?.atMs ?? 0;
  const recoveredAtMs = last?.kind === 'recovered' ? last.atMs : null;
  const partition = first?.partition ?? '';
  return {
    client: first?.client ?? '',
    partition,
    errorAtMs,
    error: first?.text ?? '',
    errors: total(['error', 'failed']),
    refreshes: total(['refresh', 'leader']),
    leaderAtMs: leader?.atMs ?? null,
    leaderText: leader?.text ?? '',
    recoveredAtMs,
    election: electionOf(partition, errorAtMs, recoveredAtMs, elections),
  };
}

/** The last one of the partition before it was well again. */
function electionOf(
  partition: string,
  errorAtMs: number,
  recoveredAtMs: number | null,
  elections: readonly ElectionRecord[],
): ElectionRecord | null {
  return (
    elections.findLast(
      ({ of, decidedAtMs, faultAtMs }) =>
        of === partition &&
        decidedAtMs <= (recoveredAtMs ?? Infinity) &&
        decidedAtMs >= errorAtMs - electionWithinMs &&
        // What was decided before the fault that made the error does not explain it.
        (faultAtMs ?? decidedAtMs) >= errorAtMs - electionWithinMs,
    ) ?? null
  );
}

/** From the fault, where one led to it, to the first acknowledgement; phases of no length are left out. */
export function phasesOf(outage: Outage, endMs: number): readonly Phase[] {
  const { errorAtMs, election, leaderAtMs, recoveredAtMs } = outage;
  const end = recoveredAtMs ?? endMs;
  const begin = Math.min(election?.faultAtMs ?? errorAtMs, errorAtMs);
  const decided = Math.min(Math.max(election?.decidedAtMs ?? errorAtMs, errorAtMs), end);
  const learnt = Math.min(Math.max(leaderAtMs ?? decided, decided), end);
  const phases: Phase[] = [
    { name: 'unnoticed', fromMs: begin, toMs: errorAtMs },
    { name: 'deciding', fromMs: errorAtMs, toMs: decided },
    { name: 'learning', fromMs: decided, toMs: learnt },
    { name: 'writing', fromMs: learnt, toMs: end },
  ];
  return phases.filter(({ fromMs, toMs }) => toMs > fromMs);
}

/** The outage that the moment lies in, the youngest first. */
export function outageAt(outages: readonly Outage[], atMs: number): Outage | null {
  return (
    outages.findLast(({ errorAtMs, recoveredAtMs }) => errorAtMs <= atMs && atMs <= (recoveredAtMs ?? Infinity)) ?? null
  );
}
