// InitializeShareGroupState, API key 83, versions 0, flexible from 0. Answered by: broker.

import { api, array, int16, int32, int64, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const initializeShareGroupStateApi = api({
  key: 83,
  name: 'InitializeShareGroupState',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        stateEpoch: int32('0+'),
        startOffset: int64('0+'),
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

export type InitializeShareGroupStateRequest = RequestOf<typeof initializeShareGroupStateApi>;
export type InitializeShareGroupStateResponse = ResponseOf<typeof initializeShareGroupStateApi>;
