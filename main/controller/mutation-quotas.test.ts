// The quota of controller mutations: bursts pass and are paid for, strict clients are refused, others only told.

import { expect, it } from 'vitest';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { quotaKey } from '../metadata/settings-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { ApiError } from './decision.ts';
import { MutationQuotas } from './mutation-quotas.ts';

const client = { principal: 'User:ANONYMOUS', clientId: 'app' };
const entity = [{ entityType: 'user', entityName: 'ANONYMOUS' }];
const image = new Map([[quotaKey(entity), { entity, quotas: new Map([['controller_mutation_rate', 2]]) }]]);

it('lets a burst pass, then refuses strict clients until it is paid for', async () => {
  const world = new SimulatedWorld({ seed: 1 });
  const quotas = new MutationQuotas(world.runtimeFor(1).clock, new BrokerSettings({ 'node.id': '1' }));
  const strict = quotas.begin(image, client, true);
  // Eleven seconds of two partitions each.
  strict.use(22);
  expect(strict.throttleMs()).toBe(0);
  strict.use(10);
  expect(strict.throttleMs()).toBe(5000);
  expect(() => strict.use(1)).toThrow(ApiError);
  try {
    strict.use(1);
  } catch (error) {
    expect(error).toMatchObject({ code: ErrorCode.THROTTLING_QUOTA_EXCEEDED });
  }
  const permissive = quotas.begin(image, client, false);
  permissive.use(2);
  expect(permissive.throttleMs()).toBe(6000);
  await world.runFor(6000);
  strict.use(1);
  const other = quotas.begin(new Map(), client, true);
  other.use(1_000_000);
  expect(other.throttleMs()).toBe(0);
});
