// How a record stands in the KRaft metadata log and its snapshots: frame version, type number and version as
// unsigned varints, then the body. The record types: messages/metadata-records.ts.

import { metadataRecords, type MetadataRecord } from './messages/metadata-records.ts';
import { ProtocolError } from './protocol-error.ts';
import type { RecordMessage, Writable } from './schema.ts';
import { WireReader, type WireReaderOptions } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export type { MetadataRecord };
export type MetadataRecordName = MetadataRecord['name'];
export type MetadataRecordValue<Name extends MetadataRecordName> = Extract<MetadataRecord, { name: Name }>['value'];

/** A metadata record to be written: fields may be left out and then stand at their default. */
export type WritableMetadataRecord = {
  [Name in MetadataRecordName]: {
    readonly name: Name;
    readonly version: number;
    readonly value: Writable<MetadataRecordValue<Name>>;
  };
}[MetadataRecordName];

const frameVersion = 1;

const schemas: readonly RecordMessage<unknown, number, MetadataRecordName>[] = metadataRecords;
const byNumber: ReadonlyMap<number, RecordMessage<unknown, number, MetadataRecordName>> = new Map(
  schemas.map((schema) => [schema.key, schema]),
);
const byName: ReadonlyMap<string, RecordMessage<unknown>> = new Map(schemas.map((schema) => [schema.name, schema]));

export function encodeMetadataRecord(record: WritableMetadataRecord): Buffer {
  const schema = byName.get(record.name);
  if (schema === undefined) throw new ProtocolError(`there is no metadata record ${record.name}`);
  const writer = new WireWriter();
  writer.unsignedVarint(frameVersion);
  writer.unsignedVarint(schema.key);
  writer.unsignedVarint(record.version);
  schema.encode(writer, record.version, record.value);
  return writer.toBuffer();
}

/** Throws ProtocolError on an unknown frame, type or version, bad bytes, and bytes left over. */
export function decodeMetadataRecord(buffer: Buffer, options?: WireReaderOptions): MetadataRecord {
  const reader = new WireReader(buffer, options);
  const frame = reader.unsignedVarint();
  if (frame !== frameVersion)
    throw new ProtocolError(`metadata record has frame version ${frame}, not ${frameVersion}`);
  const key = reader.unsignedVarint();
  const schema = byNumber.get(key);
  if (schema === undefined) throw new ProtocolError(`there is no metadata record with type ${key}`);
  const version = reader.unsignedVarint();
  const value = schema.decode(reader, version);
  if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes are left after ${schema.name}`);
  return { name: schema.name, version, value } as MetadataRecord;
}
