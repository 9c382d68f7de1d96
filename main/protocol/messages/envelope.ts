// Envelope, API key 58, versions 0, flexible from 0. Answered by: controller.

import { api, bytes, int16, type RequestOf, type ResponseOf } from '../schema.ts';

export const envelopeApi = api({
  key: 58,
  name: 'Envelope',
  versions: '0',
  flexible: '0+',
  listeners: ['controller'],
  request: {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
  response: {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  },
});

export type EnvelopeRequest = RequestOf<typeof envelopeApi>;
export type EnvelopeResponse = ResponseOf<typeof envelopeApi>;
