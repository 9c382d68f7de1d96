// A group as the screen lists it, and its rebalances as the journal tells them. Pure.

import type { GroupView, JournalEvent } from '../../../main/api/views.ts';
import type { Look } from '../../text/standings.ts';

export function groupLook(state: string): Look {
  const known: Readonly<Record<string, Look>> = {
    stable: { word: 'Stable', shape: 'disc', tone: 'ok', meaning: 'Every member has its partitions.' },
    preparingrebalance: {
      word: 'Rebalancing',
      shape: 'half',
      tone: 'degraded',
      meaning: 'Waits for its members to join again.',
    },
    completingrebalance: {
      word: 'Assigning',
      shape: 'half',
      tone: 'degraded',
      meaning: 'Waits for the leader’s assignment.',
    },
    assigning: { word: 'Assigning', shape: 'half', tone: 'degraded', meaning: 'A new target assignment is computed.' },
    reconciling: {
      word: 'Reconciling',
      shape: 'half',
      tone: 'degraded',
      meaning: 'Members move to the target assignment one by one.',
    },
    empty: { word: 'Empty', shape: 'ring', tone: 'muted', meaning: 'No members; the offsets are kept.' },
    dead: { word: 'Dead', shape: 'cross', tone: 'muted', meaning: 'No members and no offsets.' },
  };
  return (
    known[state.toLowerCase().replaceAll(/[^a-z]/g, '')] ?? { word: state, shape: 'ring', tone: 'muted', meaning: '' }
  );
}

/** What is no plain consumer group says so; null for those, which need no word. */
export function groupKind(protocolType: string): { readonly word: string; readonly meaning: string } | null {
  if (protocolType === 'consumer' || protocolType === '') return null;
  const meanings: Readonly<Record<string, string>> = {
    share:
      'A share group (KIP-932): members take single records of the same partitions. It commits no offsets, so no lag and no rate is known.',
    streams: 'A streams group (KIP-1071): the coordinator hands out tasks of a topology.',
  };
  return { word: protocolType, meaning: meanings[protocolType] ?? `Its clients speak the ${protocolType} protocol.` };
}

export type Rebalance = {
  /** Id of the event that began it. */
  readonly id: string;
  readonly wallMs: number;
  readonly reason: string;
  readonly generation: number;
  /** Members once stable; null while it goes on. */
  readonly members: number | null;
  readonly assignor: string | null;
  readonly tookMs: number | null;
  /** Members that were removed on the way. */
  readonly removed: readonly string[];
};

/** Newest first. */
export function rebalancesOf(groupId: string, events: readonly JournalEvent[]): readonly Rebalance[] {
  const rebalances: Rebalance[] = [];
  let open: { -readonly [Key in keyof Rebalance]: Rebalance[Key] } | null = null;
  let removed: string[] = [];
  for (const { id, wallMs, entry } of events) {
    if (!('groupId' in entry) || entry.groupId !== groupId) continue;
    if (entry.kind === 'group.memberRemoved') {
      removed.push(`${entry.memberId}: ${entry.reason}`);
      if (open !== null) open.removed = removed;
    } else if (entry.kind === 'group.rebalancing') {
      // A second trigger before it is stable belongs to the same rebalance.
      if (open !== null) continue;
      const { reason, generation } = entry;
      open = { id, wallMs, reason, generation, members: null, assignor: null, tookMs: null, removed };
      rebalances.push(open);
    } else if (entry.kind === 'group.stable') {
      const { generation, members, protocol } = entry;
      const begun = open ?? { id, wallMs, reason: '', removed };
      const settled = { ...begun, generation, members, assignor: protocol };
      const tookMs = open === null ? null : wallMs - open.wallMs;
      if (open !== null) rebalances.pop();
      rebalances.push({ ...settled, tookMs });
      open = null;
      removed = [];
    }
  }
  return rebalances.toReversed();
}

export type PartitionRow = GroupView['partitions'][number] & { readonly key: string; readonly owner: string | null };

/** Members that share a client id are told apart by the end of their member id. */
export function partitionRows(group: GroupView): readonly PartitionRow[] {
  const owners = new Map(
    group.members.map((member) => [member.memberId, shortMember(member.memberId, member.clientId)]),
  );
  return group.partitions.map((partition) => ({
    ...partition,
    key: `${partition.topic}-${partition.partition}`,
    owner: partition.memberId === null ? null : (owners.get(partition.memberId) ?? partition.memberId),
  }));
}

export function shortMember(memberId: string, clientId: string): string {
  const tail = memberId.startsWith(`${clientId}-`) ? memberId.slice(clientId.length + 1) : memberId;
  return tail.length > 8 ? `${clientId} …${tail.slice(-6)}` : `${clientId} ${tail}`.trim();
}
