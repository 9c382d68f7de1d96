// Entries of `.index` and `.timeindex` files. The broker gives an active index its full size ahead of its entries:
// the zeros behind them are room, not entries.

import { indexEntriesShownMax, type IndexEntryView, type TimeIndexEntryView } from '../api/endpoints/segments.ts';
import { readInt64 } from '../records/int64.ts';
import { DiskError, type Disk, type File } from '../runtime/runtime.ts';

/** Relative offset and file position, four bytes each. */
export const offsetEntryBytes = 8;
/** Timestamp in eight bytes, relative offset in four. */
export const timeEntryBytes = 12;

/** 0 when the file is missing. */
export function countIndexEntries(disk: Disk, path: string, entryBytes: number): number {
  return withFile(disk, path, 0, (file) => countIn(file, entryBytes));
}

/** Evenly thinned out to `indexEntriesShownMax`; first and last stay. */
export function readOffsetIndex(
  disk: Disk,
  path: string,
  baseOffset: number,
): { readonly entries: readonly IndexEntryView[]; readonly count: number } {
  return withFile(disk, path, { entries: [], count: 0 }, (file) => {
    const count = countIn(file, offsetEntryBytes);
    const entries = thinned(count).map((index) => offsetEntryAt(file, index, baseOffset));
    return { entries, count };
  });
}

export function readTimeIndex(
  disk: Disk,
  path: string,
  baseOffset: number,
): { readonly entries: readonly TimeIndexEntryView[]; readonly count: number } {
  return withFile(disk, path, { entries: [], count: 0 }, (file) => {
    const count = countIn(file, timeEntryBytes);
    const buffer = Buffer.alloc(timeEntryBytes);
    const entries = thinned(count).map((index) => {
      file.read(buffer, 0, timeEntryBytes, index * timeEntryBytes);
      return { timestamp: readInt64(buffer, 0), offset: baseOffset + buffer.readInt32BE(8) };
    });
    return { entries, count };
  });
}

/** The last entry at or before an offset, as a broker looks it up; index −1 when none is. */
export function lookUp(
  disk: Disk,
  path: string,
  baseOffset: number,
  offset: number,
): { readonly index: number; readonly entry: IndexEntryView | null } {
  return withFile(disk, path, { index: -1, entry: null }, (file) => {
    let low = 0;
    let high = countIn(file, offsetEntryBytes);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsetEntryAt(file, middle, baseOffset).offset <= offset) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    return { index, entry: index < 0 ? null : offsetEntryAt(file, index, baseOffset) };
  });
}

function offsetEntryAt(file: File, index: number, baseOffset: number): IndexEntryView {
  const buffer = Buffer.alloc(offsetEntryBytes);
  file.read(buffer, 0, offsetEntryBytes, index * offsetEntryBytes);
  return { offset: baseOffset + buffer.readInt32BE(0), position: buffer.readInt32BE(4) };
}

function countIn(file: File, entryBytes: number): number {
  const entries = Math.floor(file.size() / entryBytes);
  const entry = Buffer.alloc(entryBytes);
  const isZero = (index: number): boolean => {
    file.read(entry, 0, entryBytes, index * entryBytes);
    return entry.every((byte) => byte === 0);
  };
  if (entries === 0 || !isZero(entries - 1)) return entries;
  let low = 0;
  let high = entries - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isZero(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function thinned(count: number): readonly number[] {
  const shown = Math.min(count, indexEntriesShownMax);
  if (shown <= 1) return Array.from({ length: shown }, () => 0);
  return Array.from({ length: shown }, (_, index) => Math.round((index * (count - 1)) / (shown - 1)));
}

function withFile<Result>(disk: Disk, path: string, missing: Result, act: (file: File) => Result): Result {
  let file: File;
  try {
    file = disk.open(path, 'read');
  } catch (error) {
    if (error instanceof DiskError && error.code === 'not-found') return missing;
    throw error;
  }
  try {
    return act(file);
  } finally {
    file.close();
  }
}
