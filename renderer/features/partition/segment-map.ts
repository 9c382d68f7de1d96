// Where things of a segment stand on its picture, in shares of its length (0 to 1). Pure.

import type { IndexEntryView, TimeIndexEntryView } from '../../../main/api/endpoints/segments.ts';

/** From a place on a rail (an index entry) to a place in the log. */
export type Pointer = {
  readonly at: number;
  readonly to: number;
  readonly offset: number;
  readonly position: number | null;
  readonly timestamp: number | null;
};

/** Lines drawn at most: more would be one grey area. */
const pointersMax = 120;

/** Each offset index entry names its position in the file. */
export function offsetPointers(entries: readonly IndexEntryView[], logBytes: number): readonly Pointer[] {
  return thinned(entries).map(({ item, share }) => ({
    at: share,
    to: logBytes === 0 ? 0 : Math.min(1, item.position / logBytes),
    offset: item.offset,
    position: item.position,
    timestamp: null,
  }));
}

/** A time index entry names an offset; where that lies is read off the offset index, between two of its entries. */
export function timePointers(
  timeEntries: readonly TimeIndexEntryView[],
  entries: readonly IndexEntryView[],
  segment: { readonly baseOffset: number; readonly endOffset: number; readonly logBytes: number },
): readonly Pointer[] {
  return thinned(timeEntries).map(({ item, share }) => ({
    at: share,
    to: shareOfOffset(item.offset, entries, segment),
    offset: item.offset,
    position: null,
    timestamp: item.timestamp,
  }));
}

export function shareOfOffset(
  offset: number,
  entries: readonly IndexEntryView[],
  segment: { readonly baseOffset: number; readonly endOffset: number; readonly logBytes: number },
): number {
  if (segment.logBytes === 0) return 0;
  let before: IndexEntryView = { offset: segment.baseOffset, position: 0 };
  let after: IndexEntryView = {
    offset: Math.max(segment.endOffset, segment.baseOffset + 1),
    position: segment.logBytes,
  };
  for (const entry of entries) {
    if (entry.offset <= offset) before = entry;
    else {
      after = entry;
      break;
    }
  }
  const within = (offset - before.offset) / Math.max(1, after.offset - before.offset);
  const position = before.position + (after.position - before.position) * Math.max(0, Math.min(1, within));
  return Math.min(1, position / segment.logBytes);
}

function thinned<Item>(items: readonly Item[]): readonly { readonly item: Item; readonly share: number }[] {
  const step = Math.max(1, Math.ceil(items.length / pointersMax));
  return items.flatMap((item, index) =>
    index % step === 0 || index === items.length - 1 ? [{ item, share: (index + 0.5) / items.length }] : [],
  );
}
