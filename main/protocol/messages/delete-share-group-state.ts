// DeleteShareGroupState, API key 86, versions 0, flexible from 0. Answered by: broker.

import { api, array, int16, int32, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const deleteShareGroupStateApi = api({
  key: 86,
  name: 'DeleteShareGroupState',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
      }),
    }),
  },
  response: {
    results: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
});

export type DeleteShareGroupStateRequest = RequestOf<typeof deleteShareGroupStateApi>;
export type DeleteShareGroupStateResponse = ResponseOf<typeof deleteShareGroupStateApi>;
