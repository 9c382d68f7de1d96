// A group as the screen lists it. Pure.

import type { GroupView } from '../../../main/api/views.ts';
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
