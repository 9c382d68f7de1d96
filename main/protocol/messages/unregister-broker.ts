// UnregisterBroker, API key 64, versions 0, flexible from 0. Answered by: broker, controller.

import { api, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts';

export const unregisterBrokerApi = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: '0',
  flexible: '0+',
  listeners: ['broker', 'controller'],
  request: {
    brokerId: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
});

export type UnregisterBrokerRequest = RequestOf<typeof unregisterBrokerApi>;
export type UnregisterBrokerResponse = ResponseOf<typeof unregisterBrokerApi>;
