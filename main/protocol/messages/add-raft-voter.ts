// AddRaftVoter, API key 80, versions 0-1, flexible from 0. Answered by: controller, broker.

import { api, array, bool, int16, int32, string, uint16, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const addRaftVoterApi = api({
  key: 80,
  name: 'AddRaftVoter',
  versions: '0-1',
  flexible: '0+',
  listeners: ['controller', 'broker'],
  request: {
    clusterId: string('0+', { nullable: '0+' }),
    timeoutMs: int32('0+'),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    listeners: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
    }),
    ackWhenCommitted: bool('1+', { default: true }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
});

export type AddRaftVoterRequest = RequestOf<typeof addRaftVoterApi>;
export type AddRaftVoterResponse = ResponseOf<typeof addRaftVoterApi>;
