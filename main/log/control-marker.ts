// Reads the one record of a transaction's end marker: how it ended, and which coordinator said so.

import { invalidRecord } from '../records/errors.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';

const abortType = 0;
const commitType = 1;

export type ControlMarker = { readonly isAbort: boolean; readonly coordinatorEpoch: number };

/** Null for a control batch that compaction has emptied. Throws RecordsError where the record is no such marker. */
export function readControlMarker(batch: RecordBatch): ControlMarker | null {
  for (const record of recordsOf(batch)) {
    const { key, value } = record;
    if (key === null || key.length < 4) throw invalidRecord(`Control record at offset ${record.offset} has no type`);
    const type = key.readInt16BE(2);
    if (type !== abortType && type !== commitType) {
      throw invalidRecord(
        `Control record at offset ${record.offset} of a producer has type ${type}, not abort or commit`,
      );
    }
    if (value === null || value.length < 6) {
      throw invalidRecord(`End transaction marker at offset ${record.offset} has no coordinator epoch`);
    }
    return { isAbort: type === abortType, coordinatorEpoch: value.readInt32BE(2) };
  }
  return null;
}
