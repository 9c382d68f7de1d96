// GetTelemetrySubscriptions, API key 71, versions 0, flexible from 0. Answered by: broker.

import { api, array, bool, int16, int32, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const getTelemetrySubscriptionsApi = api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: '0',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    clientInstanceId: uuid('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    acceptedCompressionTypes: array('0+', 'int8'),
    pushIntervalMs: int32('0+'),
    telemetryMaxBytes: int32('0+'),
    deltaTemporality: bool('0+'),
    requestedMetrics: array('0+', 'string'),
  },
});

export type GetTelemetrySubscriptionsRequest = RequestOf<typeof getTelemetrySubscriptionsApi>;
export type GetTelemetrySubscriptionsResponse = ResponseOf<typeof getTelemetrySubscriptionsApi>;
