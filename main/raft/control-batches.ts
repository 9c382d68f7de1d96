// The control batches that raft itself writes: leader change, snapshot header and footer. Bytes as Kafka's. Pure.

import {
  controlRecordTypeSchema,
  ControlRecordType,
  kraftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
  type VotersRecord,
} from '../protocol/messages/control-records.ts';
import { buildBatch, type NewRecord } from '../records/batch-builder.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';

export type BatchPlace = { readonly baseOffset: number; readonly epoch: number; readonly timestampMs: number };

/** kraft.version with its voters, as it stands in the log from version 1 on. */
export type DynamicVoters = { readonly kraftVersion: number; readonly voters: VotersRecord };

function keyOf(type: ControlRecordType): Buffer {
  const version = Buffer.from([0, 0]);
  return Buffer.concat([version, controlRecordTypeSchema.encodeToBuffer(0, { type })]);
}

function controlBatch(place: BatchPlace, records: readonly ControlRow[]): Buffer {
  const { baseOffset, epoch: partitionLeaderEpoch, timestampMs: timestamp } = place;
  const rows: NewRecord[] = records.map(({ type, value }) => ({ key: keyOf(type), value, timestamp }));
  return buildBatch({ baseOffset, partitionLeaderEpoch, isControl: true }, rows);
}

type ControlRow = { readonly type: ControlRecordType; readonly value: Buffer };

export type LeaderChange = {
  readonly leader: number;
  readonly voters: readonly number[];
  readonly grantingVoters: readonly number[];
};

/** With `dynamicVoters` the new leader puts kraft.version and the voters into the log, in the same batch. */
export function leaderChangeBatch(
  place: BatchPlace,
  change: LeaderChange,
  dynamicVoters: DynamicVoters | null,
): Buffer {
  // Written at version 0, as Kafka does, although version 1 is defined.
  const value = leaderChangeMessage.encodeToBuffer(0, {
    version: 0,
    leaderId: change.leader,
    voters: change.voters.map((voterId) => ({ voterId })),
    grantingVoters: change.grantingVoters.map((voterId) => ({ voterId })),
  });
  return controlBatch(place, [{ type: ControlRecordType.LEADER_CHANGE, value }, ...voterRows(dynamicVoters)]);
}

/** A change of the voters. */
export function votersBatch(place: BatchPlace, voters: VotersRecord): Buffer {
  return controlBatch(place, [votersRow(voters)]);
}

function voterRows(dynamicVoters: DynamicVoters | null): ControlRow[] {
  if (dynamicVoters === null) return [];
  const { kraftVersion, voters } = dynamicVoters;
  const value = kraftVersionRecord.encodeToBuffer(0, { version: 0, kRaftVersion: kraftVersion });
  return [{ type: ControlRecordType.KRAFT_VERSION, value }, votersRow(voters)];
}

function votersRow(voters: VotersRecord): ControlRow {
  return { type: ControlRecordType.KRAFT_VOTERS, value: votersRecord.encodeToBuffer(0, voters) };
}

export function snapshotHeaderBatch(
  place: BatchPlace,
  lastContainedLogTimestamp: number,
  dynamicVoters: DynamicVoters | null,
): Buffer {
  const header = snapshotHeaderRecord.encodeToBuffer(0, { version: 0, lastContainedLogTimestamp });
  return controlBatch(place, [{ type: ControlRecordType.SNAPSHOT_HEADER, value: header }, ...voterRows(dynamicVoters)]);
}

export function snapshotFooterBatch(place: BatchPlace): Buffer {
  const value = snapshotFooterRecord.encodeToBuffer(0, { version: 0 });
  return controlBatch(place, [{ type: ControlRecordType.SNAPSHOT_FOOTER, value }]);
}

type Found<T> = { readonly offset: number; readonly value: T };

export type ControlContents = {
  /** Of a snapshot's header; null in other batches. */
  readonly lastContainedLogTimestampMs: number | null;
  readonly kraftVersion: Found<number> | null;
  readonly voters: Found<VotersRecord> | null;
};

/** What a control batch says that outlives it. Types that are not known are passed over, as Kafka does. */
export function readControlBatch(batch: RecordBatch): ControlContents {
  let lastContainedLogTimestampMs: number | null = null;
  let kraftVersion: Found<number> | null = null;
  let voters: Found<VotersRecord> | null = null;
  for (const { key, value, offset } of recordsOf(batch)) {
    if (key === null || value === null || key.length < 4) continue;
    switch (key.readInt16BE(2)) {
      case ControlRecordType.SNAPSHOT_HEADER:
        lastContainedLogTimestampMs = snapshotHeaderRecord.decodeFrom(value, 0).lastContainedLogTimestamp;
        break;
      case ControlRecordType.KRAFT_VERSION:
        kraftVersion = { offset, value: kraftVersionRecord.decodeFrom(value, 0).kRaftVersion };
        break;
      case ControlRecordType.KRAFT_VOTERS:
        voters = { offset, value: votersRecord.decodeFrom(value, 0) };
        break;
    }
  }
  return { lastContainedLogTimestampMs, kraftVersion, voters };
}
