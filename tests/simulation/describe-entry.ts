// A broker's journal entry as a line of the story.

import type { JournalEntry } from '../../main/core/journal.ts';

export function describeEntry(entry: JournalEntry): string {
  const { kind, ...facts } = entry;
  const words = Object.entries(facts).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? `[${value.join(',')}]` : String(value)}`,
  );
  return `${kind}: ${words.join(', ')}`;
}
