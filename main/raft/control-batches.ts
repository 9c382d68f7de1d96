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

type Place = { readonly baseOffset: number; readonly epoch: number; readonly timestampMs: number };

/** kraft.version with its voters, as it stands in the log from version 1 on. */
export type DynamicVoters = { readonly kraftVersion: number; readonly voters: VotersRecord };

function keyOf(type: ControlRecordType): Buffer {
  const version = Buffer.from([0, 0]);
  return Buffer.concat([version, controlRecordTypeSchema.encodeToBuffer(0, { type })]);
}

function controlBatch(place: Place, records: readonly { type: ControlRecordType; value: Buffer }[]): Buffer {
  const { baseOffset, epoch: partitionLeaderEpoch, timestampMs: timestamp } = place;
  const rows: NewRecord[] = records.map(({ type, value }) => ({ key: keyOf(type), value, timestamp }));
  return buildBatch({ baseOffset, partitionLeaderEpoch, isControl: true }, rows);
}

export function leaderChangeBatch(
  place: Place,
  leaderId: number,
  voters: readonly number[],
  grantingVoters: readonly number[],
): Buffer {
  // Written at version 0, as Kafka does, although version 1 is defined.
  const value = leaderChangeMessage.encodeToBuffer(0, {
    version: 0,
    leaderId,
    voters: voters.map((voterId) => ({ voterId })),
    grantingVoters: grantingVoters.map((voterId) => ({ voterId })),
  });
  return controlBatch(place, [{ type: ControlRecordType.LEADER_CHANGE, value }]);
}

export function snapshotHeaderBatch(
  place: Place,
  lastContainedLogTimestamp: number,
  dynamicVoters: DynamicVoters | null,
): Buffer {
  const header = snapshotHeaderRecord.encodeToBuffer(0, { version: 0, lastContainedLogTimestamp });
  const records = [{ type: ControlRecordType.SNAPSHOT_HEADER as ControlRecordType, value: header }];
  if (dynamicVoters !== null) {
    const { kraftVersion, voters } = dynamicVoters;
    const version = kraftVersionRecord.encodeToBuffer(0, { version: 0, kRaftVersion: kraftVersion });
    records.push({ type: ControlRecordType.KRAFT_VERSION, value: version });
    records.push({ type: ControlRecordType.KRAFT_VOTERS, value: votersRecord.encodeToBuffer(0, voters) });
  }
  return controlBatch(place, records);
}

export function snapshotFooterBatch(place: Place): Buffer {
  const value = snapshotFooterRecord.encodeToBuffer(0, { version: 0 });
  return controlBatch(place, [{ type: ControlRecordType.SNAPSHOT_FOOTER, value }]);
}

export type ControlContents = {
  /** Of a snapshot's header; null in other batches. */
  readonly lastContainedLogTimestampMs: number | null;
  readonly kraftVersion: number | null;
  readonly voters: VotersRecord | null;
};

/** What a control batch says that outlives it. Types that are not known are passed over, as Kafka does. */
export function readControlBatch(batch: RecordBatch): ControlContents {
  let lastContainedLogTimestampMs: number | null = null;
  let kraftVersion: number | null = null;
  let voters: VotersRecord | null = null;
  for (const { key, value } of recordsOf(batch)) {
    if (key === null || value === null || key.length < 4) continue;
    switch (key.readInt16BE(2)) {
      case ControlRecordType.SNAPSHOT_HEADER:
        lastContainedLogTimestampMs = snapshotHeaderRecord.decodeFrom(value, 0).lastContainedLogTimestamp;
        break;
      case ControlRecordType.KRAFT_VERSION:
        kraftVersion = kraftVersionRecord.decodeFrom(value, 0).kRaftVersion;
        break;
      case ControlRecordType.KRAFT_VOTERS:
        voters = votersRecord.decodeFrom(value, 0);
        break;
    }
  }
  return { lastContainedLogTimestampMs, kraftVersion, voters };
}
