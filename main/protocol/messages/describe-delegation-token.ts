// DescribeDelegationToken, API key 41, versions 1-3, flexible from 2. Answered by: broker, controller.

import { api, array, bytes, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts';

export const describeDelegationTokenApi = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '1-3',
  flexible: '2+',
  listeners: ['broker', 'controller'],
  request: {
    owners: array(
      '0+',
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
  response: {
    errorCode: int16('0+'),
    tokens: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestamp: int64('0+'),
      expiryTimestamp: int64('0+'),
      maxTimestamp: int64('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      renewers: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
      }),
    }),
    throttleTimeMs: int32('0+'),
  },
});

export type DescribeDelegationTokenRequest = RequestOf<typeof describeDelegationTokenApi>;
export type DescribeDelegationTokenResponse = ResponseOf<typeof describeDelegationTokenApi>;
