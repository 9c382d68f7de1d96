// The journal of the page forgets elections and rebalances when much else happens; the engine keeps them longer.

import type { JournalEvent } from '../../main/api/views.ts';
import { timeOf } from './bursts.ts';

/** Both in one order, each event once. */
export function withOlderEvents(
  older: readonly JournalEvent[] | null,
  known: readonly JournalEvent[],
): readonly JournalEvent[] {
  if (older === null || older.length === 0) return known;
  const ids = new Set(known.map((event) => event.id));
  const missing = older.filter((event) => !ids.has(event.id));
  return missing.length === 0 ? known : [...missing, ...known].sort((a, b) => timeOf(a) - timeOf(b));
}
