// RemoveRaftVoter, API key 81, versions 0, flexible from 0. Answered by: controller, broker.

import { api, int16, int32, string, uuid, type RequestOf, type ResponseOf } from '../schema.ts';

export const removeRaftVoterApi = api({
  key: 81,
  name: 'RemoveRaftVoter',
  versions: '0',
  flexible: '0+',
  listeners: ['controller', 'broker'],
  request: {
    clusterId: string('0+', { nullable: '0+' }),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
});

export type RemoveRaftVoterRequest = RequestOf<typeof removeRaftVoterApi>;
export type RemoveRaftVoterResponse = ResponseOf<typeof removeRaftVoterApi>;
