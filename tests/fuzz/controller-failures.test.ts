// What the controller says of a request that fails as a whole is a response of that version, whatever was asked.

import { expect, it } from 'vitest';
import { controllerApis } from '../../main/controller/controller-apis.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';
import { randomStruct } from './schema-values.ts';

const requestsPerVersion = 10;
const error = { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: 'No controller appears to be active.' };

it.each(controllerApis.map((served) => [served.api.name, served] as const))('%s', (name, { api, failed }) => {
  const random = seededRandom(3, name);
  for (let version = api.versions.min; version <= api.versions.max; version++) {
    for (let count = 0; count < requestsPerVersion; count++) {
      const request = randomStruct(api.request.fields, version, random) as never;
      const decoded = api.request.decodeFrom(api.request.encodeToBuffer(version, request), version);
      const response = failed(decoded, error, version) as never;
      expect(api.response.encodeToBuffer(version, response).length, `version ${version}`).toBeGreaterThan(0);
    }
  }
});
