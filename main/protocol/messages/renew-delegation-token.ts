// RenewDelegationToken, API key 39, versions 1-2, flexible from 2. Answered by: broker, controller.

import { api, bytes, int16, int32, int64, int64Saturating, type RequestOf, type ResponseOf } from '../schema.ts';

export const renewDelegationTokenApi = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '1-2',
  flexible: '2+',
  listeners: ['broker', 'controller'],
  request: {
    hmac: bytes('0+'),
    renewPeriodMs: int64Saturating('0+'),
  },
  response: {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
});

export type RenewDelegationTokenRequest = RequestOf<typeof renewDelegationTokenApi>;
export type RenewDelegationTokenResponse = ResponseOf<typeof renewDelegationTokenApi>;
