// Raft's own records in the metadata log and its snapshots: who leads, who votes.

import type { MetadataLogEntry } from '../api/quorum-views.ts';
import {
  controlRecordTypeSchema,
  kraftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from '../protocol/messages/control-records.ts';
import { WireReader } from '../protocol/wire-reader.ts';

const byType = new Map<number, { readonly name: string; decode(reader: WireReader, version: number): object }>([
  [2, leaderChangeMessage],
  [3, snapshotHeaderRecord],
  [4, snapshotFooterRecord],
  [5, kraftVersionRecord],
  [6, votersRecord],
]);

/** A type that is not known is shown by its number, without fields. */
export function readControlRecord(key: Buffer | null, value: Buffer | null): Pick<MetadataLogEntry, 'type' | 'fields'> {
  if (key === null || key.length < 4 || value === null) return { type: 'ControlRecord', fields: {} };
  const { type } = controlRecordTypeSchema.decode(new WireReader(key.subarray(2)), 0);
  const schema = byType.get(type);
  if (schema === undefined) return { type: `ControlRecord ${type}`, fields: {} };
  const version = value.readInt16BE(0);
  const fields = { ...schema.decode(new WireReader(value), version) } as Record<string, unknown>;
  delete fields.unknownTaggedFields;
  return { type: schema.name, fields };
}
