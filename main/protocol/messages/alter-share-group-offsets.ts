// AlterShareGroupOffsets, API key 91, versions 0, flexible from 0. Answered by: broker.

import { api, array, int16, int32, int64Saturating, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const alterShareGroupOffsetsApi = api({
  key: 91,
  name: 'AlterShareGroupOffsets',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        startOffset: int64Saturating('0+'),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
});

export type AlterShareGroupOffsetsRequest = RequestOf<typeof alterShareGroupOffsetsApi>;
export type AlterShareGroupOffsetsResponse = ResponseOf<typeof alterShareGroupOffsetsApi>;
