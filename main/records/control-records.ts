// Control records: what stands in control batches (transaction markers, and what raft notes about itself). Bodies
// are the protocol's messages; here is the key in front of them and the batch around them.

import { present } from '../core/assert.ts';
import {
  ControlRecordType,
  endTxnMarker,
  kraftVersionRecord,
  type KraftVersionRecord,
  type LeaderChangeMessage,
  leaderChangeMessage,
  snapshotFooterRecord,
  type SnapshotFooterRecord,
  snapshotHeaderRecord,
  type SnapshotHeaderRecord,
  type VotersRecord,
  votersRecord,
} from '../protocol/messages/control-records.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import { BatchBuilder } from './batch-builder.ts';
import { invalidRecord } from './errors.ts';
import type { RecordBatch } from './record-batch.ts';
import { recordsOf, type StoredRecord } from './record.ts';

export { ControlRecordType };

export type ControlRecord =
  | { readonly type: 'ABORT' | 'COMMIT'; readonly coordinatorEpoch: number }
  | { readonly type: 'LEADER_CHANGE'; readonly body: LeaderChangeMessage }
  | { readonly type: 'SNAPSHOT_HEADER'; readonly body: SnapshotHeaderRecord }
  | { readonly type: 'SNAPSHOT_FOOTER'; readonly body: SnapshotFooterRecord }
  | { readonly type: 'KRAFT_VERSION'; readonly body: KraftVersionRecord }
  | { readonly type: 'KRAFT_VOTERS'; readonly body: VotersRecord }
  /** A type of a later Kafka: to be passed over. */
  | { readonly type: 'UNKNOWN'; readonly id: number };

export type WritableControlRecord = Exclude<ControlRecord, { type: 'UNKNOWN' }>;

export type ControlBatchOptions = {
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly timestampMs: number;
};

export type EndTransactionOptions = ControlBatchOptions & {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly type: 'ABORT' | 'COMMIT';
  readonly coordinatorEpoch: number;
};

const keyVersion = 0;
const endMarkerVersion = 0;
const bodyVersion = 0;

/** Number in the key. Throws RecordsError INVALID_RECORD when the key cannot be one. */
export function controlRecordTypeOf(key: Buffer | null): number {
  const bytes = key?.length ?? 0;
  if (key === null || bytes < 4) {
    throw invalidRecord(
      `Invalid value size found for control record key. Must have at least 4 bytes, but found only ${bytes}`,
    );
  }
  const version = key.readInt16BE(0);
  if (version < 0)
    throw invalidRecord(`Invalid version found for control record: ${version}. May indicate data corruption`);
  return key.readInt16BE(2);
}

/** Throws RecordsError INVALID_RECORD when key or value don't hold together. */
export function readControlRecord(record: Pick<StoredRecord, 'key' | 'value'>): ControlRecord {
  const id = controlRecordTypeOf(record.key);
  const { value } = record;
  switch (id) {
    case ControlRecordType.ABORT:
    case ControlRecordType.COMMIT:
      return { type: id === ControlRecordType.ABORT ? 'ABORT' : 'COMMIT', coordinatorEpoch: readEndMarker(value) };
    case ControlRecordType.LEADER_CHANGE:
      return { type: 'LEADER_CHANGE', body: readBody(leaderChangeMessage, value, 'leader change') };
    case ControlRecordType.SNAPSHOT_HEADER:
      return { type: 'SNAPSHOT_HEADER', body: readBody(snapshotHeaderRecord, value, 'snapshot header') };
    case ControlRecordType.SNAPSHOT_FOOTER:
      return { type: 'SNAPSHOT_FOOTER', body: readBody(snapshotFooterRecord, value, 'snapshot footer') };
    case ControlRecordType.KRAFT_VERSION:
      return { type: 'KRAFT_VERSION', body: readBody(kraftVersionRecord, value, 'kraft version') };
    case ControlRecordType.KRAFT_VOTERS:
      return { type: 'KRAFT_VOTERS', body: readBody(votersRecord, value, 'voters') };
    default:
      return { type: 'UNKNOWN', id };
  }
}

/** The marker in a transactional control batch, which holds exactly one; null for any other batch. */
export function readEndTransactionMarker(
  batch: RecordBatch,
): { readonly type: 'ABORT' | 'COMMIT'; readonly coordinatorEpoch: number } | null {
  if (!batch.isControl || !batch.isTransactional) return null;
  for (const record of recordsOf(batch)) {
    const control = readControlRecord(record);
    return control.type === 'ABORT' || control.type === 'COMMIT' ? control : null;
  }
  return null;
}

/** The batch that ends a producer's transaction in one partition. */
export function buildEndTransactionMarker(options: EndTransactionOptions): Buffer {
  const builder = new BatchBuilder({
    baseOffset: options.baseOffset,
    partitionLeaderEpoch: options.partitionLeaderEpoch,
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    isTransactional: true,
    isControl: true,
  });
  const { type, coordinatorEpoch } = options;
  builder.append({ ...encodeControlRecord({ type, coordinatorEpoch }), timestamp: options.timestampMs });
  return builder.build();
}

/** A control batch of the metadata log or of a snapshot. */
export function buildControlBatch(options: ControlBatchOptions, records: readonly WritableControlRecord[]): Buffer {
  const builder = new BatchBuilder({
    baseOffset: options.baseOffset,
    partitionLeaderEpoch: options.partitionLeaderEpoch,
    isControl: true,
  });
  for (const record of records) builder.append({ ...encodeControlRecord(record), timestamp: options.timestampMs });
  return builder.build();
}

export function encodeControlRecord(record: WritableControlRecord): { readonly key: Buffer; readonly value: Buffer } {
  const key = Buffer.alloc(4);
  key.writeInt16BE(keyVersion, 0);
  key.writeInt16BE(ControlRecordType[record.type], 2);
  return { key, value: encodeBody(record) };
}

function encodeBody(record: WritableControlRecord): Buffer {
  switch (record.type) {
    case 'ABORT':
    case 'COMMIT': {
      const version = Buffer.alloc(2);
      version.writeInt16BE(endMarkerVersion, 0);
      return Buffer.concat([version, endTxnMarker.encodeToBuffer(endMarkerVersion, record)]);
    }
    case 'LEADER_CHANGE':
      return leaderChangeMessage.encodeToBuffer(record.body.version, record.body);
    case 'SNAPSHOT_HEADER':
      return snapshotHeaderRecord.encodeToBuffer(bodyVersion, record.body);
    case 'SNAPSHOT_FOOTER':
      return snapshotFooterRecord.encodeToBuffer(bodyVersion, record.body);
    case 'KRAFT_VERSION':
      return kraftVersionRecord.encodeToBuffer(bodyVersion, record.body);
    case 'KRAFT_VOTERS':
      return votersRecord.encodeToBuffer(bodyVersion, record.body);
  }
}

function readEndMarker(value: Buffer | null): number {
  const bytes = value?.length ?? 0;
  if (value === null || bytes < 6) {
    throw invalidRecord(
      `Invalid value size found for end transaction marker. Must have at least 6 bytes, but found only ${bytes}`,
    );
  }
  const version = value.readInt16BE(0);
  if (version < 0)
    throw invalidRecord(`Invalid version found for end transaction marker: ${version}. May indicate data corruption`);
  // A later version may only add to the end.
  return value.readInt32BE(2);
}

type BodyCodec<T> = { decodeFrom(buffer: Buffer, version: number): T; readonly versions: { readonly max: number } };

/** The body's first field is its version, which decides how the rest is read. */
function readBody<T>(message: BodyCodec<T>, value: Buffer | null, what: string): T {
  const bytes = value?.length ?? 0;
  if (bytes < 2) throw invalidRecord(`Control record (${what}) has a body of ${bytes} bytes`);
  const body = present(value, 'control record body');
  try {
    return message.decodeFrom(body, Math.min(body.readInt16BE(0), message.versions.max));
  } catch (error) {
    if (error instanceof ProtocolError)
      throw invalidRecord(`Control record (${what}) is broken: ${error.message}`, error);
    throw error;
  }
}
