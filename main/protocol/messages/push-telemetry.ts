// PushTelemetry, API key 72, versions 0, flexible from 0. Answered by: broker.

import { api, bool, bytes, int16, int32, int8, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const pushTelemetryApi = api({
  key: 72,
  name: 'PushTelemetry',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    terminating: bool('0+'),
    compressionType: int8('0+'),
    metrics: bytes('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
});

export type PushTelemetryRequest = RequestOf<typeof pushTelemetryApi>;
export type PushTelemetryResponse = ResponseOf<typeof pushTelemetryApi>;
