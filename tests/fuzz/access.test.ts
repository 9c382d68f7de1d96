// Guards under requests and answers of every shape their schemas allow, in every version, with none of the rights and
// with some of them: what comes out is always a response of that version.

import { expect, it } from 'vitest';
import { accessRule, guarded } from '../../main/access/guarded-routes.ts';
import { testAccess } from '../../main/access/access.test-kit.ts';
import { CloseConnection } from '../../main/net/router.ts';
import { apis } from '../../main/protocol/api-keys.ts';
import type { Api } from '../../main/protocol/schema.ts';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';
import { randomStruct } from './schema-values.ts';

const rights: readonly (readonly string[])[] = [
  [],
  ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'].map((type) => `ALLOW User:alice ALL on ${type} a`),
  ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'].map((type) => `ALLOW User:alice DESCRIBE on ${type} *`),
  ['ALLOW User:alice ALL on GROUP *', 'ALLOW User:alice ALL on TRANSACTIONAL_ID *'],
];
const words = { texts: ['a', 'b'], uuids: [`a${'0'.repeat(20)}A`], blobs: [] };
const requestsPerVersion = 12;

const cases = (['client', 'controller'] as const).flatMap((listener) =>
  (apis as readonly Api[])
    .filter((api) => accessRule(listener, api) === 'guarded')
    .map((api) => [api.name, listener, api] as const),
);

it.each(cases)('%s on the %s listener', async (name, listener, api) => {
  const random = seededRandom(7, `access ${name} ${listener}`);
  const make = (side: 'request' | 'response', version: number): unknown => {
    const message = api[side];
    const value = randomStruct(message.fields, version, random, words) as never;
    return message.decodeFrom(message.encodeToBuffer(version, value), version);
  };
  for (const acls of rights) {
    const access = await testAccess({ acls, topics: ['a'] });
    for (let apiVersion = api.versions.min; apiVersion <= api.versions.max; apiVersion++) {
      for (let count = 0; count < requestsPerVersion; count++) {
        const asking = { principal: 'User:alice', clientAddress: '127.0.0.1', apiVersion };
        const request = make('request', apiVersion);
        const serve = (): never => make('response', apiVersion) as never;
        try {
          const answer = await guarded(access, listener, api.key, asking, request, serve);
          expect(api.response.encodeToBuffer(apiVersion, answer as never).length).toBeGreaterThan(0);
        } catch (error) {
          // Produce with acks=0 has no other way to tell.
          if (!(error instanceof CloseConnection && name === 'Produce')) throw error;
        }
      }
    }
  }
});
