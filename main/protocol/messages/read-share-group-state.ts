// ReadShareGroupState, API key 84, versions 0, flexible from 0. Answered by: broker.

import { api, array, int16, int32, int64, int8, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const readShareGroupStateApi = api({
  key: 84,
  name: 'ReadShareGroupState',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        leaderEpoch: int32('0+'),
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
        stateEpoch: int32('0+'),
        startOffset: int64('0+'),
        stateBatches: array('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          deliveryState: int8('0+'),
          deliveryCount: int16('0+'),
        }),
      }),
    }),
  },
});

export type ReadShareGroupStateRequest = RequestOf<typeof readShareGroupStateApi>;
export type ReadShareGroupStateResponse = ResponseOf<typeof readShareGroupStateApi>;
