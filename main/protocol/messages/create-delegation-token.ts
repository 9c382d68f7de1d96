// CreateDelegationToken, API key 38, versions 1-3, flexible from 2. Answered by: broker, controller.

import {
  api,
  array,
  bytes,
  int16,
  int32,
  int64,
  int64Saturating,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts';

export const createDelegationTokenApi = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '1-3',
  flexible: '2+',
  listeners: ['broker', 'controller'],
  request: {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
    }),
    maxLifetimeMs: int64Saturating('0+'),
  },
  response: {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64('0+'),
    expiryTimestampMs: int64('0+'),
    maxTimestampMs: int64('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  },
});

export type CreateDelegationTokenRequest = RequestOf<typeof createDelegationTokenApi>;
export type CreateDelegationTokenResponse = ResponseOf<typeof createDelegationTokenApi>;
