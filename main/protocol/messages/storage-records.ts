// Messages in files: quorum-state, producer snapshots; and the remote log metadata records.

import {
  array,
  bool,
  bytes,
  int16,
  int32,
  int64,
  int8,
  message,
  record,
  string,
  struct,
  uint32,
  uuid,
  type DecodedOf,
} from '../schema.ts';

export const producerSnapshot = message({
  name: 'ProducerSnapshot',
  versions: '1',
  flexible: 'none',
  fields: {
    crc: uint32('1'),
    producerEntries: array('1', {
      producerId: int64('1'),
      epoch: int16('1'),
      lastSequence: int32('1'),
      lastOffset: int64('1'),
      offsetDelta: int32('1'),
      timestamp: int64('1'),
      coordinatorEpoch: int32('1'),
      currentTxnFirstOffset: int64('1'),
    }),
  },
});
export type ProducerSnapshot = DecodedOf<typeof producerSnapshot>;

export const quorumStateData = message({
  name: 'QuorumStateData',
  versions: '0-1',
  flexible: '0+',
  fields: {
    clusterId: string('0'),
    leaderId: int32('0+', { default: -1 }),
    leaderEpoch: int32('0+', { default: -1 }),
    votedId: int32('0+', { default: -1 }),
    votedDirectoryId: uuid('1+'),
    appliedOffset: int64('0'),
    currentVoters: array(
      '0',
      {
        voterId: int32('0'),
      },
      { nullable: '0' },
    ),
  },
});
export type QuorumStateData = DecodedOf<typeof quorumStateData>;

export const remoteLogSegmentMetadataRecord = record({
  name: 'RemoteLogSegmentMetadataRecord',
  key: 0,
  versions: '0',
  flexible: '0+',
  fields: {
    remoteLogSegmentId: struct('0+', {
      topicIdPartition: struct('0+', {
        name: string('0+'),
        id: uuid('0+'),
        partition: int32('0+'),
      }),
      id: uuid('0+'),
    }),
    startOffset: int64('0+'),
    endOffset: int64('0+'),
    brokerId: int32('0+'),
    maxTimestampMs: int64('0+'),
    eventTimestampMs: int64('0+'),
    segmentLeaderEpochs: array('0+', {
      leaderEpoch: int32('0+'),
      offset: int64('0+'),
    }),
    segmentSizeInBytes: int32('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
    txnIndexEmpty: bool('0+', { tagged: '0+', tag: 0 }),
  },
});
export type RemoteLogSegmentMetadataRecord = DecodedOf<typeof remoteLogSegmentMetadataRecord>;

export const remoteLogSegmentMetadataUpdateRecord = record({
  name: 'RemoteLogSegmentMetadataUpdateRecord',
  key: 1,
  versions: '0',
  flexible: '0+',
  fields: {
    remoteLogSegmentId: struct('0+', {
      topicIdPartition: struct('0+', {
        name: string('0+'),
        id: uuid('0+'),
        partition: int32('0+'),
      }),
      id: uuid('0+'),
    }),
    brokerId: int32('0+'),
    eventTimestampMs: int64('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
  },
});
export type RemoteLogSegmentMetadataUpdateRecord = DecodedOf<typeof remoteLogSegmentMetadataUpdateRecord>;

export const remotePartitionDeleteMetadataRecord = record({
  name: 'RemotePartitionDeleteMetadataRecord',
  key: 2,
  versions: '0',
  flexible: '0+',
  fields: {
    topicIdPartition: struct('0+', {
      name: string('0+'),
      id: uuid('0+'),
      partition: int32('0+'),
    }),
    brokerId: int32('0+'),
    eventTimestampMs: int64('0+'),
    remotePartitionDeleteState: int8('0+'),
  },
});
export type RemotePartitionDeleteMetadataRecord = DecodedOf<typeof remotePartitionDeleteMetadataRecord>;

export const remoteLogSegmentMetadataSnapshotRecord = record({
  name: 'RemoteLogSegmentMetadataSnapshotRecord',
  key: 3,
  versions: '0',
  flexible: '0+',
  fields: {
    segmentId: uuid('0+'),
    startOffset: int64('0+'),
    endOffset: int64('0+'),
    brokerId: int32('0+'),
    maxTimestampMs: int64('0+'),
    eventTimestampMs: int64('0+'),
    segmentLeaderEpochs: array('0+', {
      leaderEpoch: int32('0+'),
      offset: int64('0+'),
    }),
    segmentSizeInBytes: int32('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
    txnIndexEmpty: bool('0+', { tagged: '0+', tag: 0 }),
  },
});
export type RemoteLogSegmentMetadataSnapshotRecord = DecodedOf<typeof remoteLogSegmentMetadataSnapshotRecord>;
