// Request and response headers. Which version goes with which API: headers.ts.

import { int16, int32, message, string, type DecodedOf } from '../schema.ts';

export const requestHeaderMessage = message({
  name: 'RequestHeader',
  versions: '1-2',
  flexible: '2+',
  fields: {
    requestApiKey: int16('0+'),
    requestApiVersion: int16('0+'),
    correlationId: int32('0+'),
    clientId: string('1+', { nullable: '1+', flexible: 'none' }),
  },
});
export type RequestHeader = DecodedOf<typeof requestHeaderMessage>;

export const responseHeaderMessage = message({
  name: 'ResponseHeader',
  versions: '0-1',
  flexible: '1+',
  fields: {
    correlationId: int32('0+'),
  },
});
export type ResponseHeader = DecodedOf<typeof responseHeaderMessage>;
