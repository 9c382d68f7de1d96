// ReadShareGroupStateSummary, API key 87, versions 0-1, flexible from 0. Answered by: broker.

import { api, array, int16, int32, int64, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const readShareGroupStateSummaryApi = api({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  versions: '0-1',
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
        leaderEpoch: int32('0+'),
        startOffset: int64('0+'),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
      }),
    }),
  },
});

export type ReadShareGroupStateSummaryRequest = RequestOf<typeof readShareGroupStateSummaryApi>;
export type ReadShareGroupStateSummaryResponse = ResponseOf<typeof readShareGroupStateSummaryApi>;
