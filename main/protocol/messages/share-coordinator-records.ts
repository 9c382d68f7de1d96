// Keys and values of `__share_group_state`. Framing: coordinator-record-frame.ts.

import { array, int16, int32, int64, int8, record, string, uuid, type DecodedOf } from '../schema.ts';
import { CoordinatorRecordFamily } from '../coordinator-record-frame.ts';

export const shareSnapshotKey = record({
  name: 'ShareSnapshotKey',
  key: 0,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
});
export type ShareSnapshotKey = DecodedOf<typeof shareSnapshotKey>;

export const shareSnapshotValue = record({
  name: 'ShareSnapshotValue',
  key: 0,
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: int32('0+'),
    stateEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tagged: '0+', tag: 0, default: -1 }),
    createTimestamp: int64('0+'),
    writeTimestamp: int64('0+'),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
});
export type ShareSnapshotValue = DecodedOf<typeof shareSnapshotValue>;

export const shareUpdateKey = record({
  name: 'ShareUpdateKey',
  key: 1,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
});
export type ShareUpdateKey = DecodedOf<typeof shareUpdateKey>;

export const shareUpdateValue = record({
  name: 'ShareUpdateValue',
  key: 1,
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tagged: '0+', tag: 0, default: -1 }),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
});
export type ShareUpdateValue = DecodedOf<typeof shareUpdateValue>;

/** One record of the log, told apart by its name; a null value is a tombstone (valueVersion −1). */
export type ShareCoordinatorRecord =
  | {
      readonly name: 'ShareSnapshot';
      readonly key: ShareSnapshotKey;
      readonly valueVersion: number;
      readonly value: ShareSnapshotValue | null;
    }
  | {
      readonly name: 'ShareUpdate';
      readonly key: ShareUpdateKey;
      readonly valueVersion: number;
      readonly value: ShareUpdateValue | null;
    };

/** Key and value of each record type, in order of its number. */
export const shareCoordinatorRecords = new CoordinatorRecordFamily<ShareCoordinatorRecord>([
  { name: 'ShareSnapshot', key: shareSnapshotKey, value: shareSnapshotValue },
  { name: 'ShareUpdate', key: shareUpdateKey, value: shareUpdateValue },
]);
