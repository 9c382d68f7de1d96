// A lane for each transactional id of a run: from its first partition to the last marker, and who was fenced. Pure.

import type { JournalEntry } from '../../main/api/views.ts';
import { isTransactionEntry, transactionSentence, type TransactionEntry } from '../text/transaction-sentences.ts';
import type { Lane, LaneInput, LaneMark, LaneSpan } from './lane-types.ts';

type Timed = { readonly atMs: number; readonly wallMs: number; readonly entry: TransactionEntry };
type Open = { fromMs: number; preparedMs: number | null; text: string };

/** Those that touch a topic of the run; by name. */
export function transactionLanes({ events, topics }: Pick<LaneInput, 'events' | 'topics'>): readonly Lane[] {
  const byId = new Map<string, Timed[]>();
  const concerned = new Set<string>();
  for (const { atMs, wallMs, entry } of events) {
    if (!isTransactionEntry(entry)) continue;
    byId.set(entry.transactionalId, [...(byId.get(entry.transactionalId) ?? []), { atMs, wallMs, entry }]);
    if (touches(entry, topics)) concerned.add(entry.transactionalId);
  }
  return [...byId]
    .filter(([id]) => concerned.has(id))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, own]) => laneOf(id, own));
}

function touches(entry: JournalEntry, topics: readonly string[]): boolean {
  if (!('partitions' in entry) || !Array.isArray(entry.partitions)) return false;
  return entry.partitions.some((each: { readonly topic: string }) => topics.includes(each.topic));
}

function laneOf(id: string, events: readonly Timed[]): Lane {
  const spans: LaneSpan[] = [];
  const marks: LaneMark[] = [];
  let open: Open | null = null;
  for (const { atMs, wallMs, entry } of events) {
    const text = transactionSentence(entry);
    switch (entry.kind) {
      case 'transaction.began':
        open = { fromMs: atMs, preparedMs: null, text };
        break;
      case 'transaction.partitionsAdded':
        marks.push({ atMs, shape: 'tick', tone: 'muted', text });
        break;
      case 'transaction.prepared':
        // One that was too common to be told from its beginning has it in its end.
        open ??= { fromMs: atMs - Math.max(0, wallMs - entry.startedWallMs), preparedMs: null, text };
        open.preparedMs = atMs;
        marks.push({ atMs, shape: 'tick', tone: entry.decision === 'commit' ? 'ok' : 'degraded', text });
        break;
      case 'transaction.completed': {
        const fromMs: number = open?.fromMs ?? atMs - Math.max(0, wallMs - entry.startedWallMs);
        spans.push({ fromMs, toMs: atMs, tone: entry.decision === 'commit' ? 'ok' : 'degraded', text });
        open = null;
        break;
      }
      case 'transaction.fenced':
        marks.push({ atMs, shape: 'cross', tone: 'lost', text });
        break;
    }
  }
  if (open !== null) spans.push({ fromMs: open.fromMs, toMs: null, tone: 'muted', text: `Open: ${open.text}` });
  return { id: `transaction-${id}`, label: shortId(id), kind: 'transaction', spans, marks };
}

/** Drills put their own prefix before it. */
function shortId(id: string): string {
  return `txn ${id.replace(/^drill-/, '')}`;
}
