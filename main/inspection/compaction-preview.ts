// What compaction would leave of a replica's log if it ran now over all that may be cleaned: for each key the last
// record, tombstones for a while. Counts by reading the records; nothing is written.

import type { SegmentOutputs } from '../api/endpoints/segments.ts';
import { type RecordBatch, batchesIn } from '../records/record-batch.ts';
import { RecordCursor } from '../records/record.ts';
import type { Disk } from '../runtime/runtime.ts';
import { preview } from './batch-fields.ts';
import type { PartitionFiles } from './partition-files.ts';

/** Beyond this the counts are of the first part of the log, and say so. */
const scannedBytesMax = 64 * 1_048_576;
export const compactionRecordsShownMax = 500;

type Preview = SegmentOutputs['partition.compaction'];
type Latest = { readonly offset: number; readonly isTombstone: boolean };

export function previewCompaction(disk: Disk, files: PartitionFiles, cleanedTo: number | null): Preview {
  const bases = files.baseOffsets();
  // The active segment is never cleaned.
  const closed = bases.slice(0, -1);
  const segments: { readonly baseOffset: number; readonly bytes: Buffer }[] = [];
  let scannedBytes = 0;
  for (const baseOffset of closed) {
    const bytes = Buffer.from(disk.readFile(files.path(baseOffset, 'log')));
    if (scannedBytes + bytes.length > scannedBytesMax && segments.length > 0) break;
    scannedBytes += bytes.length;
    segments.push({ baseOffset, bytes });
  }
  const latest = latestByKey(segments.map(({ bytes }) => bytes));
  const counts = { records: 0, stay: 0, stayBytes: 0, superseded: 0, tombstones: 0, withoutKey: 0 };
  const sample: Preview['sample'][number][] = [];
  for (const { bytes } of segments) {
    forEachRecord(bytes, (batch, cursor) => {
      const one = fateOf(batch, cursor, latest);
      counts.records += 1;
      if (one.fate === 'no key') counts.withoutKey += 1;
      else if (one.fate === 'superseded') counts.superseded += 1;
      else {
        counts.stay += 1;
        counts.stayBytes += cursor.endPosition - cursor.position;
        if (one.fate === 'tombstone') counts.tombstones += 1;
      }
      if (sample.length < compactionRecordsShownMax) sample.push(one);
    });
  }
  return {
    cleanedTo,
    activeBaseOffset: bases.at(-1) ?? 0,
    scannedBytes,
    scannedAll: segments.length === closed.length,
    keys: latest.size,
    ...counts,
    sample,
  };
}

function latestByKey(segments: readonly Buffer[]): ReadonlyMap<string, Latest> {
  const latest = new Map<string, Latest>();
  for (const bytes of segments) {
    forEachRecord(bytes, (_batch, cursor) => {
      const key = cursor.key();
      if (key !== null)
        latest.set(key.toString('base64'), { offset: cursor.offset, isTombstone: cursor.valueLength < 0 });
    });
  }
  return latest;
}

/** Of data; markers of transactions follow rules of their own, and old formats are left as they are. */
function forEachRecord(bytes: Buffer, visit: (batch: RecordBatch, cursor: RecordCursor) => void): void {
  for (const batch of batchesIn(bytes)) {
    if (batch.isControl || batch.isLegacy) continue;
    const cursor = new RecordCursor(batch);
    while (cursor.next()) visit(batch, cursor);
  }
}

function fateOf(
  batch: RecordBatch,
  cursor: RecordCursor,
  latest: ReadonlyMap<string, Latest>,
): Preview['sample'][number] {
  const key = cursor.key();
  const facts = {
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    key: key === null ? null : preview(key),
    valueBytes: cursor.valueLength < 0 ? null : cursor.valueLength,
    deleteHorizonMs: batch.hasDeleteHorizon ? batch.deleteHorizonMs : null,
  };
  if (key === null) return { ...facts, fate: 'no key', by: null };
  const last = latest.get(key.toString('base64'));
  if (last !== undefined && last.offset > cursor.offset) return { ...facts, fate: 'superseded', by: last.offset };
  return { ...facts, fate: last?.isTombstone === true ? 'tombstone' : 'stays', by: null };
}
