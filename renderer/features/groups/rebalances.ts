// The rebalances of a group as its coordinators' journal tells them: who came and went, which partitions moved from
// whom to whom, and how long each was nobody's. Pure. Times are the coordinator's: a consumer stops reading a little
// before it says so, and one that died counts as an owner until its session ends.

import type { JournalEntry, JournalEvent } from '../../../main/api/views.ts';
import { shortMember } from './group-rows.ts';

/** How partitions change hands; null: nothing was seen that would tell. */
export type RebalanceKind = 'eager' | 'cooperative' | 'KIP-848' | 'share' | 'streams' | null;

export type PartitionMove = {
  /** `topic-partition`. */
  readonly partition: string;
  /** Member ids; null: nobody had it, or nobody has it now. */
  readonly from: string | null;
  readonly to: string | null;
  readonly lostMs: number | null;
  readonly gainedMs: number | null;
};

export type Rebalance = {
  /** Id of the event that began it. */
  readonly id: string;
  readonly wallMs: number;
  readonly reason: string;
  /** The generation of a classic group, the group epoch of the newer protocols. */
  readonly generation: number;
  readonly kind: RebalanceKind;
  /** Members once stable; null while it goes on. */
  readonly members: number | null;
  readonly assignor: string | null;
  readonly tookMs: number | null;
  readonly joined: readonly string[];
  readonly removed: readonly { readonly memberId: string; readonly reason: string }[];
  /** Gained in it; those that came back to the member that had given them up too. */
  readonly moves: readonly PartitionMove[];
  /** Given up in it and gained later: a cooperative group's first round. */
  readonly released: number;
};

/** What a member held for a while. */
export type Holding = {
  readonly fromMs: number;
  /** null: still. */
  readonly toMs: number | null;
  readonly epoch: number;
  readonly partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  readonly count: number;
};

export type MemberLane = {
  readonly memberId: string;
  readonly name: string;
  readonly holdings: readonly Holding[];
  readonly joinedMs: number | null;
  readonly removed: { readonly atMs: number; readonly reason: string } | null;
};

export type GroupHistory = {
  /** Newest first. */
  readonly rebalances: readonly Rebalance[];
  /** By name. */
  readonly lanes: readonly MemberLane[];
};

/** Longest that a partition was nobody's; null when none was seen without an owner. */
export function longestUnownedMs({ moves }: Pick<Rebalance, 'moves'>): number | null {
  const gaps = moves.flatMap(({ lostMs, gainedMs }) =>
    lostMs === null || gainedMs === null ? [] : [gainedMs - lostMs],
  );
  return gaps.length === 0 ? null : Math.max(0, ...gaps);
}

/** Those that have another owner than before. */
export function movedCount({ moves }: Pick<Rebalance, 'moves'>): number {
  return moves.filter(({ from, to }) => from !== to).length;
}

/** `protocolType` as the group's view has it. */
export function historyOf(groupId: string, protocolType: string, events: readonly JournalEvent[]): GroupHistory {
  const fold = new HistoryFold(protocolType);
  for (const event of events) {
    if ('groupId' in event.entry && event.entry.groupId === groupId) fold.add(event);
  }
  return fold.end();
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type OpenRebalance = Writable<Omit<Rebalance, 'joined' | 'removed' | 'moves'>> & {
  readonly joined: string[];
  readonly removed: { memberId: string; reason: string }[];
  readonly moves: PartitionMove[];
};
type OpenLane = Writable<Omit<MemberLane, 'holdings'>> & { readonly holdings: Writable<Holding>[] };
type Holds = Extract<JournalEntry, { kind: 'group.memberHolds' }>;
type Lost = { readonly from: string; readonly atMs: number; readonly during: OpenRebalance };

const newerTypes: ReadonlySet<string> = new Set(['consumer', 'share', 'streams']);

class HistoryFold {
  readonly #protocolType: string;
  readonly #rebalances: OpenRebalance[] = [];
  readonly #lanes = new Map<string, OpenLane>();
  readonly #held = new Map<string, ReadonlySet<string>>();
  readonly #owners = new Map<string, string>();
  readonly #lost = new Map<string, Lost>();
  /** The one that goes on; before its trigger what leads to it gathers in `#next`. */
  #open: OpenRebalance | null = null;
  #next: OpenRebalance = newRebalance();

  constructor(protocolType: string) {
    this.#protocolType = protocolType;
  }

  add({ id, wallMs, entry }: JournalEvent): void {
    switch (entry.kind) {
      case 'group.rebalancing': {
        // A second trigger before it is stable belongs to the same rebalance.
        if (this.#open !== null) break;
        const { reason, generation } = entry;
        this.#open = Object.assign(this.#next, { id, wallMs, reason, generation });
        this.#next = newRebalance();
        this.#rebalances.push(this.#open);
        break;
      }
      case 'group.stable':
      case 'group.empty':
        this.#settle(id, wallMs, entry);
        break;
      case 'group.memberJoined':
        this.#join(wallMs, entry);
        break;
      case 'group.memberRemoved':
        this.#current.removed.push({ memberId: entry.memberId, reason: entry.reason });
        this.#remove(wallMs, entry.memberId, entry.reason);
        break;
      case 'group.memberHolds':
        this.#hold(wallMs, entry);
        break;
      default:
        break;
    }
  }

  end(): GroupHistory {
    for (const [partition, { from, atMs, during }] of this.#lost) {
      during.moves.push({ partition, from, to: null, lostMs: atMs, gainedMs: null });
    }
    const lanes = [...this.#lanes.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return { rebalances: this.#rebalances.toReversed(), lanes };
  }

  get #current(): OpenRebalance {
    return this.#open ?? this.#next;
  }

  #settle(id: string, wallMs: number, entry: Extract<JournalEntry, { kind: 'group.stable' | 'group.empty' }>): void {
    // Its beginning fell out of the journal: how long it took is not known.
    const begun = this.#open ?? Object.assign(this.#next, { id, wallMs });
    if (this.#open === null) {
      this.#rebalances.push(begun);
      this.#next = newRebalance();
    } else begun.tookMs = wallMs - begun.wallMs;
    begun.generation = entry.generation;
    begun.members = entry.kind === 'group.empty' ? 0 : entry.members;
    this.#open = null;
    if (entry.kind === 'group.empty') return;
    // Groups of the newer protocols name their type where a classic group names its assignor.
    if (newerTypes.has(entry.protocol)) begun.kind = this.#serverKind();
    else begun.assignor = entry.protocol;
    if (begun.kind === null && begun.assignor?.startsWith('cooperative') === true) begun.kind = 'cooperative';
  }

  #join(wallMs: number, { memberId, clientId, replaces }: Extract<JournalEntry, { kind: 'group.memberJoined' }>): void {
    const lane = this.#lane(memberId, clientId);
    lane.joinedMs = wallMs;
    if (replaces === null) {
      this.#current.joined.push(memberId);
      return;
    }
    // A static member under a new id: nobody lost anything.
    const held = this.#held.get(replaces) ?? new Set<string>();
    this.#held.delete(replaces);
    this.#held.set(memberId, held);
    for (const partition of held) this.#owners.set(partition, memberId);
    const before = this.#lanes.get(replaces);
    const last = before?.holdings.at(-1);
    if (before !== undefined) before.removed = { atMs: wallMs, reason: `goes on as ${lane.name}` };
    if (last === undefined || last.toMs !== null) return;
    last.toMs = wallMs;
    lane.holdings.push({ ...last, fromMs: wallMs, toMs: null });
  }

  #remove(wallMs: number, memberId: string, reason: string): void {
    const lane = this.#lanes.get(memberId);
    if (lane !== undefined) {
      lane.removed = { atMs: wallMs, reason };
      closeLast(lane, wallMs);
    }
    this.#give(wallMs, memberId, new Set());
    this.#held.delete(memberId);
  }

  #hold(wallMs: number, entry: Holds): void {
    const { memberId, clientId, epoch, told, partitions } = entry;
    const lane = this.#lane(memberId, clientId);
    closeLast(lane, wallMs);
    const now = new Set(partitions.flatMap((each) => each.partitions.map((number) => `${each.topic}-${number}`)));
    if (now.size > 0) lane.holdings.push({ fromMs: wallMs, toMs: null, epoch, partitions, count: now.size });
    const had = this.#held.get(memberId)?.size ?? 0;
    const { kind } = this.#current;
    if (told === 'reconciled') this.#current.kind = this.#serverKind();
    // One member that kept something is enough: an eager consumer never does.
    else if (told === 'rejoined' && had > 0 && kind !== 'cooperative') {
      this.#current.kind = now.size > 0 ? 'cooperative' : 'eager';
    }
    this.#give(wallMs, memberId, now);
  }

  #serverKind(): RebalanceKind {
    if (this.#protocolType === 'share' || this.#protocolType === 'streams') return this.#protocolType;
    return 'KIP-848';
  }

  /** From now on the member holds these and nothing else. */
  #give(atMs: number, memberId: string, now: ReadonlySet<string>): void {
    const before = this.#held.get(memberId) ?? new Set<string>();
    this.#held.set(memberId, now);
    // Members of a share group read the same partitions side by side: nothing moves.
    if (this.#protocolType === 'share') return;
    for (const partition of before) {
      if (now.has(partition) || this.#owners.get(partition) !== memberId) continue;
      this.#owners.delete(partition);
      this.#lost.set(partition, { from: memberId, atMs, during: this.#current });
    }
    for (const partition of now) {
      if (before.has(partition)) continue;
      const owner = this.#owners.get(partition);
      const lost = this.#lost.get(partition);
      this.#lost.delete(partition);
      this.#owners.set(partition, memberId);
      if (lost !== undefined && lost.during !== this.#current) lost.during.released += 1;
      const from = lost?.from ?? owner ?? null;
      const lostMs = lost?.atMs ?? (owner === undefined ? null : atMs);
      this.#current.moves.push({ partition, from, to: memberId, lostMs, gainedMs: atMs });
    }
  }

  #lane(memberId: string, clientId: string): OpenLane {
    const known = this.#lanes.get(memberId);
    if (known !== undefined) return known;
    const name = shortMember(memberId, clientId);
    const lane: OpenLane = { memberId, name, holdings: [], joinedMs: null, removed: null };
    this.#lanes.set(memberId, lane);
    return lane;
  }
}

function closeLast(lane: OpenLane, atMs: number): void {
  const last = lane.holdings.at(-1);
  if (last?.toMs === null) last.toMs = atMs;
}

function newRebalance(): OpenRebalance {
  return {
    id: '',
    wallMs: 0,
    reason: '',
    generation: 0,
    kind: null,
    members: null,
    assignor: null,
    tookMs: null,
    joined: [],
    removed: [],
    moves: [],
    released: 0,
  };
}

// ── the picture of one rebalance ──

export type RebalancePicture = {
  readonly fromMs: number;
  readonly toMs: number;
  /** Those that held something, came or went in this time. */
  readonly lanes: readonly MemberLane[];
  /** How many partitions were nobody's, from when to when; zero is left out. */
  readonly unowned: readonly { readonly fromMs: number; readonly toMs: number; readonly count: number }[];
};

/** A picture is at least so wide, with so much of it before and after. */
const spanMsMin = 200;
const margin = 0.12;

/** `nowMs` ends what goes on. */
export function pictureOf(rebalance: Rebalance, lanes: readonly MemberLane[], nowMs: number): RebalancePicture {
  const lost = rebalance.moves.flatMap(({ lostMs }) => (lostMs === null ? [] : [lostMs]));
  const gained = rebalance.moves.flatMap(({ gainedMs }) => (gainedMs === null ? [] : [gainedMs]));
  const began = Math.min(rebalance.wallMs, ...lost);
  const isOpen = rebalance.tookMs === null && rebalance.members === null;
  const ended = Math.max(isOpen ? nowMs : rebalance.wallMs + (rebalance.tookMs ?? 0), ...gained);
  const span = Math.max(spanMsMin, ended - began);
  const fromMs = began - span * margin;
  const toMs = Math.max(ended, began + span) + span * margin;
  const isWithin = (atMs: number | null | undefined): boolean =>
    atMs !== null && atMs !== undefined && atMs >= fromMs && atMs <= toMs;
  const shown = lanes.filter(
    (lane) =>
      isWithin(lane.joinedMs) ||
      isWithin(lane.removed?.atMs) ||
      lane.holdings.some((holding) => holding.fromMs <= toMs && (holding.toMs ?? nowMs) >= fromMs),
  );
  return { fromMs, toMs, lanes: shown, unowned: unownedIn(rebalance.moves, toMs) };
}

function unownedIn(moves: readonly PartitionMove[], endMs: number): RebalancePicture['unowned'] {
  const gaps = moves.flatMap(({ lostMs, gainedMs }) =>
    lostMs === null ? [] : [{ fromMs: lostMs, toMs: gainedMs ?? endMs }],
  );
  const changes = new Map<number, number>();
  for (const { fromMs, toMs } of gaps) {
    changes.set(fromMs, (changes.get(fromMs) ?? 0) + 1);
    changes.set(toMs, (changes.get(toMs) ?? 0) - 1);
  }
  const moments = [...changes.keys()].sort((a, b) => a - b);
  let count = 0;
  return moments.flatMap((fromMs, index) => {
    count += changes.get(fromMs) ?? 0;
    const toMs = moments[index + 1];
    return count === 0 || toMs === undefined ? [] : [{ fromMs, toMs, count }];
  });
}
