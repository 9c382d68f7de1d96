// SaslHandshake, API key 17, versions 0-1, never flexible. Answered by: broker, controller.

import { api, array, int16, string, type RequestOf, type ResponseOf } from '../schema.ts';

export const saslHandshakeApi = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  listeners: ['broker', 'controller'],
  request: {
    mechanism: string('0+'),
  },
  response: {
    errorCode: int16('0+'),
    mechanisms: array('0+', 'string'),
  },
});

export type SaslHandshakeRequest = RequestOf<typeof saslHandshakeApi>;
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshakeApi>;
