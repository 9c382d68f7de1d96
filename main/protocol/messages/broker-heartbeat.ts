// BrokerHeartbeat, API key 63, versions 0-2, flexible from 0. Answered by: controller.

import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseOf } from '../schema.ts';

export const brokerHeartbeatApi = api({
  key: 63,
  name: 'BrokerHeartbeat',
  versions: '0-2',
  flexible: '0+',
  listeners: ['controller'],
  request: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    currentMetadataOffset: int64('0+'),
    wantFence: bool('0+'),
    wantShutDown: bool('0+'),
    offlineLogDirs: array('1+', 'uuid', { tagged: '1+', tag: 0 }),
    cordonedLogDirs: array('2+', 'uuid', { nullable: '2+', tagged: '2+', tag: 1, default: null }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    isCaughtUp: bool('0+'),
    isFenced: bool('0+', { default: true }),
    shouldShutDown: bool('0+'),
  },
});

export type BrokerHeartbeatRequest = RequestOf<typeof brokerHeartbeatApi>;
export type BrokerHeartbeatResponse = ResponseOf<typeof brokerHeartbeatApi>;
