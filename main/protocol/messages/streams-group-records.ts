// Keys and values of `__consumer_offsets` that belong to streams groups. All types: group-coordinator-records.ts.

import {
  array,
  int16,
  int32,
  int64,
  int64Exact,
  int8,
  record,
  string,
  struct,
  uint16,
  type DecodedOf,
} from '../schema.ts';

export const streamsGroupMetadataKey = record({
  name: 'StreamsGroupMetadataKey',
  key: 17,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type StreamsGroupMetadataKey = DecodedOf<typeof streamsGroupMetadataKey>;

const streamsGroupMetadataLastAssignmentConfig = {
  key: string('0+'),
  value: string('0+'),
} as const;

export const streamsGroupMetadataValue = record({
  name: 'StreamsGroupMetadataValue',
  key: 17,
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32('0+'),
    metadataHash: int64Exact('0+'),
    validatedTopologyEpoch: int32('0+', { tagged: '0+', tag: 0, default: -1 }),
    lastAssignmentConfigs: array('0+', streamsGroupMetadataLastAssignmentConfig, {
      nullable: '0+',
      tagged: '0+',
      tag: 1,
    }),
  },
});
export type StreamsGroupMetadataValue = DecodedOf<typeof streamsGroupMetadataValue>;

export const streamsGroupMemberMetadataKey = record({
  name: 'StreamsGroupMemberMetadataKey',
  key: 19,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type StreamsGroupMemberMetadataKey = DecodedOf<typeof streamsGroupMemberMetadataKey>;

const streamsGroupMemberMetadataEndpoint = {
  host: string('0+'),
  port: uint16('0+'),
} as const;

const streamsGroupMemberMetadataKeyValue = {
  key: string('0+'),
  value: string('0+'),
} as const;

export const streamsGroupMemberMetadataValue = record({
  name: 'StreamsGroupMemberMetadataValue',
  key: 19,
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    topologyEpoch: int32('0+'),
    processId: string('0+'),
    userEndpoint: struct('0+', streamsGroupMemberMetadataEndpoint, { nullable: '0+', default: null }),
    clientTags: array('0+', streamsGroupMemberMetadataKeyValue),
  },
});
export type StreamsGroupMemberMetadataValue = DecodedOf<typeof streamsGroupMemberMetadataValue>;

export const streamsGroupTargetAssignmentMetadataKey = record({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  key: 20,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type StreamsGroupTargetAssignmentMetadataKey = DecodedOf<typeof streamsGroupTargetAssignmentMetadataKey>;

export const streamsGroupTargetAssignmentMetadataValue = record({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  key: 20,
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tagged: '0+', tag: 0, ignorable: true }),
  },
});
export type StreamsGroupTargetAssignmentMetadataValue = DecodedOf<typeof streamsGroupTargetAssignmentMetadataValue>;

export const streamsGroupTargetAssignmentMemberKey = record({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  key: 21,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type StreamsGroupTargetAssignmentMemberKey = DecodedOf<typeof streamsGroupTargetAssignmentMemberKey>;

const streamsGroupTargetAssignmentMemberTaskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
} as const;

export const streamsGroupTargetAssignmentMemberValue = record({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  key: 21,
  versions: '0',
  flexible: '0+',
  fields: {
    activeTasks: array('0+', streamsGroupTargetAssignmentMemberTaskIds),
    standbyTasks: array('0+', streamsGroupTargetAssignmentMemberTaskIds),
    warmupTasks: array('0+', streamsGroupTargetAssignmentMemberTaskIds),
  },
});
export type StreamsGroupTargetAssignmentMemberValue = DecodedOf<typeof streamsGroupTargetAssignmentMemberValue>;

export const streamsGroupCurrentMemberAssignmentKey = record({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  key: 22,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type StreamsGroupCurrentMemberAssignmentKey = DecodedOf<typeof streamsGroupCurrentMemberAssignmentKey>;

const streamsGroupCurrentMemberAssignmentTaskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tagged: '0+', tag: 0 }),
} as const;

export const streamsGroupCurrentMemberAssignmentValue = record({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  key: 22,
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    activeTasks: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    standbyTasks: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    warmupTasks: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    activeTasksPendingRevocation: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    standbyTasksPendingRevocation: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
    warmupTasksPendingRevocation: array('0+', streamsGroupCurrentMemberAssignmentTaskIds),
  },
});
export type StreamsGroupCurrentMemberAssignmentValue = DecodedOf<typeof streamsGroupCurrentMemberAssignmentValue>;

export const streamsGroupTopologyKey = record({
  name: 'StreamsGroupTopologyKey',
  key: 23,
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string('0'),
  },
});
export type StreamsGroupTopologyKey = DecodedOf<typeof streamsGroupTopologyKey>;

const streamsGroupTopologyTopicConfig = {
  key: string('0+'),
  value: string('0+'),
} as const;

const streamsGroupTopologyTopicInfo = {
  name: string('0+'),
  partitions: int32('0+'),
  replicationFactor: int16('0+'),
  topicConfigs: array('0+', streamsGroupTopologyTopicConfig),
} as const;

export const streamsGroupTopologyValue = record({
  name: 'StreamsGroupTopologyValue',
  key: 23,
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32('0+'),
    subtopologies: array('0+', {
      subtopologyId: string('0+'),
      sourceTopics: array('0+', 'string'),
      sourceTopicRegex: array('0+', 'string'),
      stateChangelogTopics: array('0+', streamsGroupTopologyTopicInfo),
      repartitionSinkTopics: array('0+', 'string'),
      repartitionSourceTopics: array('0+', streamsGroupTopologyTopicInfo),
      copartitionGroups: array('0+', {
        sourceTopics: array('0+', 'int16'),
        sourceTopicRegex: array('0+', 'int16'),
        repartitionSourceTopics: array('0+', 'int16'),
      }),
    }),
  },
});
export type StreamsGroupTopologyValue = DecodedOf<typeof streamsGroupTopologyValue>;
