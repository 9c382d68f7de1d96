// Keys and values of `__consumer_offsets`, by type number. Framing: coordinator-record-frame.ts.

import {
  array,
  bytes,
  int32,
  int64,
  int64Exact,
  int8,
  record,
  string,
  struct,
  uuid,
  type DecodedOf,
} from '../schema.ts';
import { CoordinatorRecordFamily } from '../coordinator-record-frame.ts';
import {
  shareGroupMemberMetadataKey,
  shareGroupMemberMetadataValue,
  shareGroupMetadataKey,
  shareGroupMetadataValue,
  shareGroupTargetAssignmentMetadataKey,
  shareGroupTargetAssignmentMetadataValue,
  shareGroupTargetAssignmentMemberKey,
  shareGroupTargetAssignmentMemberValue,
  shareGroupCurrentMemberAssignmentKey,
  shareGroupCurrentMemberAssignmentValue,
  shareGroupStatePartitionMetadataKey,
  shareGroupStatePartitionMetadataValue,
  type ShareGroupMemberMetadataKey,
  type ShareGroupMemberMetadataValue,
  type ShareGroupMetadataKey,
  type ShareGroupMetadataValue,
  type ShareGroupTargetAssignmentMetadataKey,
  type ShareGroupTargetAssignmentMetadataValue,
  type ShareGroupTargetAssignmentMemberKey,
  type ShareGroupTargetAssignmentMemberValue,
  type ShareGroupCurrentMemberAssignmentKey,
  type ShareGroupCurrentMemberAssignmentValue,
  type ShareGroupStatePartitionMetadataKey,
  type ShareGroupStatePartitionMetadataValue,
} from './share-group-records.ts';
import {
  streamsGroupMetadataKey,
  streamsGroupMetadataValue,
  streamsGroupMemberMetadataKey,
  streamsGroupMemberMetadataValue,
  streamsGroupTargetAssignmentMetadataKey,
  streamsGroupTargetAssignmentMetadataValue,
  streamsGroupTargetAssignmentMemberKey,
  streamsGroupTargetAssignmentMemberValue,
  streamsGroupCurrentMemberAssignmentKey,
  streamsGroupCurrentMemberAssignmentValue,
  streamsGroupTopologyKey,
  streamsGroupTopologyValue,
  type StreamsGroupMetadataKey,
  type StreamsGroupMetadataValue,
  type StreamsGroupMemberMetadataKey,
  type StreamsGroupMemberMetadataValue,
  type StreamsGroupTargetAssignmentMetadataKey,
  type StreamsGroupTargetAssignmentMetadataValue,
  type StreamsGroupTargetAssignmentMemberKey,
  type StreamsGroupTargetAssignmentMemberValue,
  type StreamsGroupCurrentMemberAssignmentKey,
  type StreamsGroupCurrentMemberAssignmentValue,
  type StreamsGroupTopologyKey,
  type StreamsGroupTopologyValue,
} from './streams-group-records.ts';

export const legacyOffsetCommitKey = record({
  name: 'LegacyOffsetCommitKey',
  key: 0,
  versions: '0',
  flexible: 'none',
  fields: {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
});
export type LegacyOffsetCommitKey = DecodedOf<typeof legacyOffsetCommitKey>;

export const legacyOffsetCommitValue = record({
  name: 'LegacyOffsetCommitValue',
  key: 0,
  versions: '0',
  flexible: 'none',
  fields: {
    offset: int64('0'),
    metadata: string('0'),
    commitTimestamp: int64('0'),
  },
});
export type LegacyOffsetCommitValue = DecodedOf<typeof legacyOffsetCommitValue>;

export const offsetCommitKey = record({
  name: 'OffsetCommitKey',
  key: 1,
  versions: '0',
  flexible: 'none',
  fields: {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
});
export type OffsetCommitKey = DecodedOf<typeof offsetCommitKey>;

export const offsetCommitValue = record({
  name: 'OffsetCommitValue',
  key: 1,
  versions: '0-4',
  flexible: '4+',
  fields: {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: uuid('4+', { tagged: '4+', tag: 0, ignorable: true }),
  },
});
export type OffsetCommitValue = DecodedOf<typeof offsetCommitValue>;

export const groupMetadataKey = record({
  name: 'GroupMetadataKey',
  key: 2,
  versions: '0',
  flexible: 'none',
  fields: {
    group: string('0'),
  },
});
export type GroupMetadataKey = DecodedOf<typeof groupMetadataKey>;

const groupMetadataMemberMetadata = {
  memberId: string('0+'),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string('0+'),
  clientHost: string('0+'),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32('0+'),
  subscription: bytes('0+'),
  assignment: bytes('0+'),
} as const;

export const groupMetadataValue = record({
  name: 'GroupMetadataValue',
  key: 2,
  versions: '0-4',
  flexible: '4+',
  fields: {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: array('0+', groupMetadataMemberMetadata),
  },
});
export type GroupMetadataValue = DecodedOf<typeof groupMetadataValue>;

export const consumerGroupMetadataKey = record({
  name: 'ConsumerGroupMetadataKey',
  key: 3,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type ConsumerGroupMetadataKey = DecodedOf<typeof consumerGroupMetadataKey>;

export const consumerGroupMetadataValue = record({
  name: 'ConsumerGroupMetadataValue',
  key: 3,
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32('0+'),
    metadataHash: int64Exact('0+', { tagged: '0+', tag: 0 }),
  },
});
export type ConsumerGroupMetadataValue = DecodedOf<typeof consumerGroupMetadataValue>;

export const consumerGroupPartitionMetadataKey = record({
  name: 'ConsumerGroupPartitionMetadataKey',
  key: 4,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type ConsumerGroupPartitionMetadataKey = DecodedOf<typeof consumerGroupPartitionMetadataKey>;

export const consumerGroupPartitionMetadataValue = record({
  name: 'ConsumerGroupPartitionMetadataValue',
  key: 4,
  versions: '0',
  flexible: '0+',
  fields: {
    topics: array('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
      numPartitions: int32('0+'),
      partitionMetadata: array('0+', {
        partition: int32('0+'),
        racks: array('0+', 'string'),
      }),
    }),
  },
});
export type ConsumerGroupPartitionMetadataValue = DecodedOf<typeof consumerGroupPartitionMetadataValue>;

export const consumerGroupMemberMetadataKey = record({
  name: 'ConsumerGroupMemberMetadataKey',
  key: 5,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ConsumerGroupMemberMetadataKey = DecodedOf<typeof consumerGroupMemberMetadataKey>;

export const consumerGroupMemberMetadataValue = record({
  name: 'ConsumerGroupMemberMetadataValue',
  key: 5,
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: array('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tagged: '0+', tag: 0 },
    ),
  },
});
export type ConsumerGroupMemberMetadataValue = DecodedOf<typeof consumerGroupMemberMetadataValue>;

export const consumerGroupTargetAssignmentMetadataKey = record({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  key: 6,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type ConsumerGroupTargetAssignmentMetadataKey = DecodedOf<typeof consumerGroupTargetAssignmentMetadataKey>;

export const consumerGroupTargetAssignmentMetadataValue = record({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  key: 6,
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tagged: '0+', tag: 0, ignorable: true }),
  },
});
export type ConsumerGroupTargetAssignmentMetadataValue = DecodedOf<typeof consumerGroupTargetAssignmentMetadataValue>;

export const consumerGroupTargetAssignmentMemberKey = record({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  key: 7,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ConsumerGroupTargetAssignmentMemberKey = DecodedOf<typeof consumerGroupTargetAssignmentMemberKey>;

export const consumerGroupTargetAssignmentMemberValue = record({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  key: 7,
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
});
export type ConsumerGroupTargetAssignmentMemberValue = DecodedOf<typeof consumerGroupTargetAssignmentMemberValue>;

export const consumerGroupCurrentMemberAssignmentKey = record({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  key: 8,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ConsumerGroupCurrentMemberAssignmentKey = DecodedOf<typeof consumerGroupCurrentMemberAssignmentKey>;

const consumerGroupCurrentMemberAssignmentTopicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tagged: '0+', tag: 0 }),
} as const;

export const consumerGroupCurrentMemberAssignmentValue = record({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  key: 8,
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', consumerGroupCurrentMemberAssignmentTopicPartitions),
    partitionsPendingRevocation: array('0+', consumerGroupCurrentMemberAssignmentTopicPartitions),
  },
});
export type ConsumerGroupCurrentMemberAssignmentValue = DecodedOf<typeof consumerGroupCurrentMemberAssignmentValue>;

export const consumerGroupRegularExpressionKey = record({
  name: 'ConsumerGroupRegularExpressionKey',
  key: 16,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    regularExpression: string('0'),
  },
});
export type ConsumerGroupRegularExpressionKey = DecodedOf<typeof consumerGroupRegularExpressionKey>;

export const consumerGroupRegularExpressionValue = record({
  name: 'ConsumerGroupRegularExpressionValue',
  key: 16,
  versions: '0',
  flexible: '0+',
  fields: {
    topics: array('0+', 'string'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
});
export type ConsumerGroupRegularExpressionValue = DecodedOf<typeof consumerGroupRegularExpressionValue>;

/** One record of the log, told apart by its name; a null value is a tombstone (valueVersion −1). */
export type GroupCoordinatorRecord =
  | {
      readonly name: 'LegacyOffsetCommit';
      readonly key: LegacyOffsetCommitKey;
      readonly valueVersion: number;
      readonly value: LegacyOffsetCommitValue | null;
    }
  | {
      readonly name: 'OffsetCommit';
      readonly key: OffsetCommitKey;
      readonly valueVersion: number;
      readonly value: OffsetCommitValue | null;
    }
  | {
      readonly name: 'GroupMetadata';
      readonly key: GroupMetadataKey;
      readonly valueVersion: number;
      readonly value: GroupMetadataValue | null;
    }
  | {
      readonly name: 'ConsumerGroupMetadata';
      readonly key: ConsumerGroupMetadataKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupMetadataValue | null;
    }
  | {
      readonly name: 'ConsumerGroupPartitionMetadata';
      readonly key: ConsumerGroupPartitionMetadataKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupPartitionMetadataValue | null;
    }
  | {
      readonly name: 'ConsumerGroupMemberMetadata';
      readonly key: ConsumerGroupMemberMetadataKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupMemberMetadataValue | null;
    }
  | {
      readonly name: 'ConsumerGroupTargetAssignmentMetadata';
      readonly key: ConsumerGroupTargetAssignmentMetadataKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupTargetAssignmentMetadataValue | null;
    }
  | {
      readonly name: 'ConsumerGroupTargetAssignmentMember';
      readonly key: ConsumerGroupTargetAssignmentMemberKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupTargetAssignmentMemberValue | null;
    }
  | {
      readonly name: 'ConsumerGroupCurrentMemberAssignment';
      readonly key: ConsumerGroupCurrentMemberAssignmentKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupCurrentMemberAssignmentValue | null;
    }
  | {
      readonly name: 'ShareGroupMemberMetadata';
      readonly key: ShareGroupMemberMetadataKey;
      readonly valueVersion: number;
      readonly value: ShareGroupMemberMetadataValue | null;
    }
  | {
      readonly name: 'ShareGroupMetadata';
      readonly key: ShareGroupMetadataKey;
      readonly valueVersion: number;
      readonly value: ShareGroupMetadataValue | null;
    }
  | {
      readonly name: 'ShareGroupTargetAssignmentMetadata';
      readonly key: ShareGroupTargetAssignmentMetadataKey;
      readonly valueVersion: number;
      readonly value: ShareGroupTargetAssignmentMetadataValue | null;
    }
  | {
      readonly name: 'ShareGroupTargetAssignmentMember';
      readonly key: ShareGroupTargetAssignmentMemberKey;
      readonly valueVersion: number;
      readonly value: ShareGroupTargetAssignmentMemberValue | null;
    }
  | {
      readonly name: 'ShareGroupCurrentMemberAssignment';
      readonly key: ShareGroupCurrentMemberAssignmentKey;
      readonly valueVersion: number;
      readonly value: ShareGroupCurrentMemberAssignmentValue | null;
    }
  | {
      readonly name: 'ShareGroupStatePartitionMetadata';
      readonly key: ShareGroupStatePartitionMetadataKey;
      readonly valueVersion: number;
      readonly value: ShareGroupStatePartitionMetadataValue | null;
    }
  | {
      readonly name: 'ConsumerGroupRegularExpression';
      readonly key: ConsumerGroupRegularExpressionKey;
      readonly valueVersion: number;
      readonly value: ConsumerGroupRegularExpressionValue | null;
    }
  | {
      readonly name: 'StreamsGroupMetadata';
      readonly key: StreamsGroupMetadataKey;
      readonly valueVersion: number;
      readonly value: StreamsGroupMetadataValue | null;
    }
  | {
      readonly name: 'StreamsGroupMemberMetadata';
      readonly key: StreamsGroupMemberMetadataKey;
      readonly valueVersion: number;
      readonly value: StreamsGroupMemberMetadataValue | null;
    }
  | {
      readonly name: 'StreamsGroupTargetAssignmentMetadata';
      readonly key: StreamsGroupTargetAssignmentMetadataKey;
      readonly valueVersion: number;
      readonly value: StreamsGroupTargetAssignmentMetadataValue | null;
    }
  | {
      readonly name: 'StreamsGroupTargetAssignmentMember';
      readonly key: StreamsGroupTargetAssignmentMemberKey;
      readonly valueVersion: number;
      readonly value: StreamsGroupTargetAssignmentMemberValue | null;
    }
  | {
      readonly name: 'StreamsGroupCurrentMemberAssignment';
      readonly key: StreamsGroupCurrentMemberAssignmentKey;
      readonly valueVersion: number;
      readonly value: StreamsGroupCurrentMemberAssignmentValue | null;
    }
  | {
      readonly name: 'StreamsGroupTopology';
      readonly key: StreamsGroupTopologyKey;
      readonly valueVersion: number;
      readonly value: StreamsGroupTopologyValue | null;
    };

/** Key and value of each record type, in order of its number. */
export const groupCoordinatorRecords = new CoordinatorRecordFamily<GroupCoordinatorRecord>([
  { name: 'LegacyOffsetCommit', key: legacyOffsetCommitKey, value: legacyOffsetCommitValue },
  { name: 'OffsetCommit', key: offsetCommitKey, value: offsetCommitValue },
  { name: 'GroupMetadata', key: groupMetadataKey, value: groupMetadataValue },
  { name: 'ConsumerGroupMetadata', key: consumerGroupMetadataKey, value: consumerGroupMetadataValue },
  {
    name: 'ConsumerGroupPartitionMetadata',
    key: consumerGroupPartitionMetadataKey,
    value: consumerGroupPartitionMetadataValue,
  },
  { name: 'ConsumerGroupMemberMetadata', key: consumerGroupMemberMetadataKey, value: consumerGroupMemberMetadataValue },
  {
    name: 'ConsumerGroupTargetAssignmentMetadata',
    key: consumerGroupTargetAssignmentMetadataKey,
    value: consumerGroupTargetAssignmentMetadataValue,
  },
  {
    name: 'ConsumerGroupTargetAssignmentMember',
    key: consumerGroupTargetAssignmentMemberKey,
    value: consumerGroupTargetAssignmentMemberValue,
  },
  {
    name: 'ConsumerGroupCurrentMemberAssignment',
    key: consumerGroupCurrentMemberAssignmentKey,
    value: consumerGroupCurrentMemberAssignmentValue,
  },
  { name: 'ShareGroupMemberMetadata', key: shareGroupMemberMetadataKey, value: shareGroupMemberMetadataValue },
  { name: 'ShareGroupMetadata', key: shareGroupMetadataKey, value: shareGroupMetadataValue },
  {
    name: 'ShareGroupTargetAssignmentMetadata',
    key: shareGroupTargetAssignmentMetadataKey,
    value: shareGroupTargetAssignmentMetadataValue,
  },
  {
    name: 'ShareGroupTargetAssignmentMember',
    key: shareGroupTargetAssignmentMemberKey,
    value: shareGroupTargetAssignmentMemberValue,
  },
  {
    name: 'ShareGroupCurrentMemberAssignment',
    key: shareGroupCurrentMemberAssignmentKey,
    value: shareGroupCurrentMemberAssignmentValue,
  },
  {
    name: 'ShareGroupStatePartitionMetadata',
    key: shareGroupStatePartitionMetadataKey,
    value: shareGroupStatePartitionMetadataValue,
  },
  {
    name: 'ConsumerGroupRegularExpression',
    key: consumerGroupRegularExpressionKey,
    value: consumerGroupRegularExpressionValue,
  },
  { name: 'StreamsGroupMetadata', key: streamsGroupMetadataKey, value: streamsGroupMetadataValue },
  { name: 'StreamsGroupMemberMetadata', key: streamsGroupMemberMetadataKey, value: streamsGroupMemberMetadataValue },
  {
    name: 'StreamsGroupTargetAssignmentMetadata',
    key: streamsGroupTargetAssignmentMetadataKey,
    value: streamsGroupTargetAssignmentMetadataValue,
  },
  {
    name: 'StreamsGroupTargetAssignmentMember',
    key: streamsGroupTargetAssignmentMemberKey,
    value: streamsGroupTargetAssignmentMemberValue,
  },
  {
    name: 'StreamsGroupCurrentMemberAssignment',
    key: streamsGroupCurrentMemberAssignmentKey,
    value: streamsGroupCurrentMemberAssignmentValue,
  },
  { name: 'StreamsGroupTopology', key: streamsGroupTopologyKey, value: streamsGroupTopologyValue },
]);
