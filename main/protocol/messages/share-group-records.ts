// Keys and values of `__consumer_offsets` that belong to share groups. All types: group-coordinator-records.ts.

import { array, int32, int64, int64Exact, int8, record, string, uuid, type DecodedOf } from '../schema.ts';

export const shareGroupMemberMetadataKey = record({
  name: 'ShareGroupMemberMetadataKey',
  key: 10,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ShareGroupMemberMetadataKey = DecodedOf<typeof shareGroupMemberMetadataKey>;

export const shareGroupMemberMetadataValue = record({
  name: 'ShareGroupMemberMetadataValue',
  key: 10,
  versions: '0',
  flexible: '0+',
  fields: {
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
  },
});
export type ShareGroupMemberMetadataValue = DecodedOf<typeof shareGroupMemberMetadataValue>;

export const shareGroupMetadataKey = record({
  name: 'ShareGroupMetadataKey',
  key: 11,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type ShareGroupMetadataKey = DecodedOf<typeof shareGroupMetadataKey>;

export const shareGroupMetadataValue = record({
  name: 'ShareGroupMetadataValue',
  key: 11,
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32('0+'),
    metadataHash: int64Exact('0+'),
  },
});
export type ShareGroupMetadataValue = DecodedOf<typeof shareGroupMetadataValue>;

export const shareGroupTargetAssignmentMetadataKey = record({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  key: 12,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type ShareGroupTargetAssignmentMetadataKey = DecodedOf<typeof shareGroupTargetAssignmentMetadataKey>;

export const shareGroupTargetAssignmentMetadataValue = record({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  key: 12,
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tagged: '0+', tag: 0, ignorable: true }),
  },
});
export type ShareGroupTargetAssignmentMetadataValue = DecodedOf<typeof shareGroupTargetAssignmentMetadataValue>;

export const shareGroupTargetAssignmentMemberKey = record({
  name: 'ShareGroupTargetAssignmentMemberKey',
  key: 13,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ShareGroupTargetAssignmentMemberKey = DecodedOf<typeof shareGroupTargetAssignmentMemberKey>;

export const shareGroupTargetAssignmentMemberValue = record({
  name: 'ShareGroupTargetAssignmentMemberValue',
  key: 13,
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
});
export type ShareGroupTargetAssignmentMemberValue = DecodedOf<typeof shareGroupTargetAssignmentMemberValue>;

export const shareGroupCurrentMemberAssignmentKey = record({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  key: 14,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ShareGroupCurrentMemberAssignmentKey = DecodedOf<typeof shareGroupCurrentMemberAssignmentKey>;

const shareGroupCurrentMemberAssignmentTopicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
} as const;

export const shareGroupCurrentMemberAssignmentValue = record({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  key: 14,
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', shareGroupCurrentMemberAssignmentTopicPartitions),
  },
});
export type ShareGroupCurrentMemberAssignmentValue = DecodedOf<typeof shareGroupCurrentMemberAssignmentValue>;

export const shareGroupStatePartitionMetadataKey = record({
  name: 'ShareGroupStatePartitionMetadataKey',
  key: 15,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type ShareGroupStatePartitionMetadataKey = DecodedOf<typeof shareGroupStatePartitionMetadataKey>;

const shareGroupStatePartitionMetadataTopicInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
} as const;

const shareGroupStatePartitionMetadataTopicPartitionsInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
} as const;

export const shareGroupStatePartitionMetadataValue = record({
  name: 'ShareGroupStatePartitionMetadataValue',
  key: 15,
  versions: '0',
  flexible: '0+',
  fields: {
    initializingTopics: array('0+', shareGroupStatePartitionMetadataTopicPartitionsInfo),
    initializedTopics: array('0+', shareGroupStatePartitionMetadataTopicPartitionsInfo),
    deletingTopics: array('0+', shareGroupStatePartitionMetadataTopicInfo),
  },
});
export type ShareGroupStatePartitionMetadataValue = DecodedOf<typeof shareGroupStatePartitionMetadataValue>;
