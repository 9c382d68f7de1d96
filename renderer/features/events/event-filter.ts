// Which events of the journal a person asked for, and how they leave the page. Pure.

import type { JournalEvent } from '../../../main/api/views.ts';
import { familyOf, readingOf, sentenceOf, type Family } from '../../text/journal-sentences.ts';

export type EventFilter = {
  /** All of these words must appear in sentence, kind, id or cause. */
  readonly text: string;
  readonly families: ReadonlySet<Family>;
  /** `broker-2`, `supervisor`, `workload`; empty: all. */
  readonly source: string;
};

export function filterEvents(events: readonly JournalEvent[], filter: EventFilter): readonly JournalEvent[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    if (filter.source !== '' && event.source !== filter.source) return false;
    if (!filter.families.has(familyOf(event))) return false;
    if (words.length === 0) return true;
    const text =
      `${sentenceOf(event)} ${event.entry.kind} ${event.id} ${event.cause ?? ''} ${partitionOf(event)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** `orders-3` for events about a partition; empty for others. */
export function partitionOf(event: JournalEvent): string {
  const { entry } = event;
  return 'topic' in entry && 'partition' in entry ? `${entry.topic}-${entry.partition}` : '';
}

/** From an event back to what began it, the event itself first; a cause outside the journal ends it. */
export function causesOf(event: JournalEvent, events: readonly JournalEvent[]): readonly JournalEvent[] {
  const byId = new Map(events.map((each) => [each.id, each]));
  const chain = [event];
  for (let cause = event.cause; cause !== null;) {
    const found = byId.get(cause);
    // A circle would be a bug of the journal; it must not hang the page.
    if (found === undefined || chain.includes(found)) break;
    chain.push(found);
    cause = found.cause;
  }
  return chain;
}

export function exportJson(events: readonly JournalEvent[]): string {
  return events.map((event) => JSON.stringify(event)).join('\n');
}

export function exportCsv(events: readonly JournalEvent[]): string {
  const rows = events.map((event) =>
    [
      new Date(event.wallMs).toISOString(),
      event.id,
      event.source,
      event.entry.kind,
      readingOf(event.entry).label,
      event.cause ?? '',
      sentenceOf(event),
    ]
      .map(quoted)
      .join(','),
  );
  return ['time,id,source,kind,label,cause,sentence', ...rows].join('\n');
}

function quoted(text: string): string {
  // A leading sign would be a formula to a spreadsheet.
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
