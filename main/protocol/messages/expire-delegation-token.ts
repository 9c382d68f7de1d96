// ExpireDelegationToken, API key 40, versions 1-2, flexible from 2. Answered by: broker, controller.

import { api, bytes, int16, int32, int64, int64Saturating, type RequestOf, type ResponseOf } from '../schema.ts';

export const expireDelegationTokenApi = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '1-2',
  flexible: '2+',
  listeners: ['broker', 'controller'],
  request: {
    hmac: bytes('0+'),
    expiryTimePeriodMs: int64Saturating('0+'),
  },
  response: {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
});

export type ExpireDelegationTokenRequest = RequestOf<typeof expireDelegationTokenApi>;
export type ExpireDelegationTokenResponse = ResponseOf<typeof expireDelegationTokenApi>;
