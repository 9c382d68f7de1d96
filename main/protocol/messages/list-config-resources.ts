// ListConfigResources, API key 74, versions 0-1, flexible from 0. Answered by: broker.

import { api, array, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts';

export const listConfigResourcesApi = api({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  listeners: ['broker'],
  request: {
    resourceTypes: array('1+', 'int8'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: array('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
});

export type ListConfigResourcesRequest = RequestOf<typeof listConfigResourcesApi>;
export type ListConfigResourcesResponse = ResponseOf<typeof listConfigResourcesApi>;
