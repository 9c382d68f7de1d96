// ListTransactions, API key 66, versions 0-2, flexible from 0. Answered by: broker.

import {
  api,
  array,
  int16,
  int32,
  int64,
  int64Saturating,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts';

export const listTransactionsApi = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    stateFilters: array('0+', 'string'),
    producerIdFilters: array('0+', 'int64Saturating'),
    durationFilter: int64Saturating('1+', { default: -1 }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: array('0+', 'string'),
    transactionStates: array('0+', {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      transactionState: string('0+'),
    }),
  },
});

export type ListTransactionsRequest = RequestOf<typeof listTransactionsApi>;
export type ListTransactionsResponse = ResponseOf<typeof listTransactionsApi>;
