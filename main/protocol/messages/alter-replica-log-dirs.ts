// AlterReplicaLogDirs, API key 34, versions 1-2, flexible from 2. Answered by: broker.

import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema.ts';

export const alterReplicaLogDirsApi = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '1-2',
  flexible: '2+',
  listeners: ['broker'],
  request: {
    dirs: array('0+', {
      path: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
});

export type AlterReplicaLogDirsRequest = RequestOf<typeof alterReplicaLogDirsApi>;
export type AlterReplicaLogDirsResponse = ResponseOf<typeof alterReplicaLogDirsApi>;
