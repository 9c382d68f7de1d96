// Quotas of clients: whose limit holds, how long Kafka would make them wait, and what a throttled answer looks like.

import { describe, expect, it } from 'vitest';
import { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import { emptyMetadataImage, type MetadataImage } from '../../metadata/metadata-image.ts';
import { quotaKey, type QuotaEntity } from '../../metadata/settings-image.ts';
import type { RequestContext } from '../../net/handler.ts';
import { route } from '../../net/route.ts';
import { fetchApi } from '../../protocol/messages/fetch.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import { SimulatedWorld } from '../../runtime/simulated/simulated-world.ts';
import { ClientQuotas } from './client-quotas.ts';
import { throttledRoutes } from './throttled-routes.ts';

type Quota = readonly [entity: QuotaEntity, key: string, value: number];

const user = (entityName: string | null) => ({ entityType: 'user', entityName });
const client = (entityName: string | null) => ({ entityType: 'client-id', entityName });
const me = { principal: 'User:ANONYMOUS', clientId: 'app' };

function withQuotas(...quotas: Quota[]) {
  const world = new SimulatedWorld({ seed: 1 });
  const { clock } = world.runtimeFor(1);
  const image: MetadataImage = {
    ...emptyMetadataImage,
    clientQuotas: new Map(
      quotas.map(([entity, key, value]) => [quotaKey(entity), { entity, quotas: new Map([[key, value]]) }]),
    ),
  };
  const settings = new BrokerSettings({ 'node.id': '1' });
  return { world, clock, quotas: new ClientQuotas({ clock, settings, image: () => image }) };
}

describe('a quota', () => {
  it('lets pass what it allows within all samples, and makes wait for the rest', () => {
    const { quotas } = withQuotas([[client('app')], 'producer_byte_rate', 1000]);
    expect(quotas.use('producer_byte_rate', me, 10_000)).toBe(0);
    // 15 000 bytes in ten seconds are 1500 a second: half as much again takes half as long again.
    expect(quotas.use('producer_byte_rate', me, 5000)).toBe(5000);
    expect(quotas.use('consumer_byte_rate', me, 1e9)).toBe(0);
    expect(quotas.use('producer_byte_rate', { ...me, clientId: 'other' }, 1e9)).toBe(0);
  });

  it('forgets what is older than its samples', async () => {
    const { world, quotas } = withQuotas([[client('app')], 'producer_byte_rate', 1000]);
    expect(quotas.use('producer_byte_rate', me, 20_000)).toBeGreaterThan(0);
    await world.runFor(12_000);
    expect(quotas.use('producer_byte_rate', me, 1000)).toBe(0);
  });

  it('is the closest that there is, and counts for all whom it is meant for', () => {
    const { quotas } = withQuotas(
      [[client(null)], 'producer_byte_rate', 1],
      [[user(null)], 'producer_byte_rate', 2000],
      [[user('ANONYMOUS'), client('app')], 'producer_byte_rate', 3000],
    );
    expect(quotas.mostAtOnce('producer_byte_rate', me)).toBe(30_000);
    const other = { ...me, clientId: 'other' };
    expect(quotas.mostAtOnce('producer_byte_rate', other)).toBe(20_000);
    quotas.use('producer_byte_rate', other, 20_000);
    expect(quotas.use('producer_byte_rate', { ...me, clientId: 'third' }, 20_000)).toBe(10_000);
  });
});

describe('a throttled request', () => {
  const context = { ...me, connectionId: 'c-1', requestFrame: Buffer.alloc(15_000) } as RequestContext;

  it('of a producer is answered with the time, and its connection is left alone for as long', async () => {
    const { world, clock, quotas } = withQuotas([[client('app')], 'producer_byte_rate', 1000]);
    const [produce] = throttledRoutes([route(produceApi, {}, () => ({ responses: [] }))], quotas, clock);
    expect(await produce?.handler(context, {})).toEqual({ responses: [], throttleTimeMs: 5000 });
    expect(quotas.mutedUntilMs('c-1')).toBe(clock.monotonicMs() + 5000);
    await world.runFor(5000);
    expect(quotas.mutedUntilMs('c-1')).toBe(0);
  });

  it('of a consumer brings nothing, and what it did not bring does not count', async () => {
    const { clock, quotas } = withQuotas([[client('app')], 'consumer_byte_rate', 1000]);
    const partitions = [{ partitionIndex: 0, records: Buffer.alloc(20_000) }];
    const answer = { responses: [{ topic: 't', partitions }], sessionId: 7 };
    const [fetch] = throttledRoutes([route(fetchApi, {}, () => answer)], quotas, clock);
    const request = { replicaId: -1, replicaState: { replicaId: -1 }, maxBytes: 1e6, minBytes: 1, sessionEpoch: 3 };
    const throttled = { errorCode: 0, sessionId: 7, responses: [], throttleTimeMs: 10_000 };
    expect(await fetch?.handler(context, request)).toEqual(throttled);
    expect(await fetch?.handler(context, request)).toEqual(throttled);
    const follower = { ...request, replicaState: { replicaId: 2 } };
    expect(await fetch?.handler(context, follower)).toEqual(answer);
  });
});
