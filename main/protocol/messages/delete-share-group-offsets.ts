// DeleteShareGroupOffsets, API key 92, versions 0, flexible from 0. Answered by: broker.

import { api, array, int16, int32, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const deleteShareGroupOffsetsApi = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+'),
    }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
});

export type DeleteShareGroupOffsetsRequest = RequestOf<typeof deleteShareGroupOffsetsApi>;
export type DeleteShareGroupOffsetsResponse = ResponseOf<typeof deleteShareGroupOffsetsApi>;
