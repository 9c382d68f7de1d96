// AlterClientQuotas: which values, keys and entities are refused, in Kafka's words.

import { expect, test } from 'vitest';
import { ErrorCode } from '../protocol/errors.ts';
import type { AlterClientQuotasRequest } from '../protocol/messages/alter-client-quotas.ts';
import { alterClientQuotas } from './client-quota-control.ts';
import type { ControllerView } from './decision.ts';

const view = { image: { clientQuotas: new Map() } } as unknown as ControllerView;
const alice = [{ entityType: 'user', entityName: 'alice' }];

type Op = { readonly key: string; readonly value: number; readonly remove: boolean };

function alter(op: Op, entity: AlterClientQuotasRequest['entries'][number]['entity'] = alice): unknown[] {
  const { records, response } = alterClientQuotas(view, { entries: [{ entity, ops: [op] }], validateOnly: false });
  const [entry] = response.entries;
  return [entry?.errorCode ?? 0, entry?.errorMessage ?? null, records.length];
}

test('a whole number is a rate of bytes, a fraction is not', () => {
  expect(alter({ key: 'producer_byte_rate', value: 1024, remove: false })).toEqual([0, null, 1]);
  const refused = [ErrorCode.INVALID_REQUEST, 'producer_byte_rate cannot be a fractional value.', 0];
  expect(alter({ key: 'producer_byte_rate', value: 0.5, remove: false })).toEqual(refused);
  expect(alter({ key: 'producer_byte_rate', value: 5.9999999, remove: false })).toEqual(refused);
});

test('an unknown key can be removed, not set', () => {
  const refused = [ErrorCode.INVALID_REQUEST, 'Invalid configuration key speed', 0];
  expect(alter({ key: 'speed', value: 1, remove: false })).toEqual(refused);
  expect(alter({ key: 'speed', value: 0, remove: true })).toEqual([0, null, 0]);
});

test('an entity names a type once', () => {
  const refused = [ErrorCode.INVALID_REQUEST, 'Invalid client quota entity, duplicate entity entry user', 0];
  expect(alter({ key: 'producer_byte_rate', value: 1, remove: false }, [...alice, ...alice])).toEqual(refused);
});
