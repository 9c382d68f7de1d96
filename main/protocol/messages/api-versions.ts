// ApiVersions, API key 18, versions 0-4, flexible from 3. Answered by: broker, controller.

import { api, array, bool, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts';

export const apiVersionsApi = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  listeners: ['broker', 'controller'],
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
  },
  response: {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      '3+',
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tagged: '3+', tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { tagged: '3+', tag: 1, default: -1, ignorable: true }),
    finalizedFeatures: array(
      '3+',
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tagged: '3+', tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tagged: '3+', tag: 3, ignorable: true }),
  },
});

export type ApiVersionsRequest = RequestOf<typeof apiVersionsApi>;
export type ApiVersionsResponse = ResponseOf<typeof apiVersionsApi>;
