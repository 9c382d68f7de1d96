// Limits of connections and of their creation on a whole broker: how long a client waits until it is answered.

import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../protocol/headers.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { alterClientQuotasApi } from '../../protocol/messages/alter-client-quotas.ts';
import { apiVersionsApi } from '../../protocol/messages/api-versions.ts';
import { describeClientQuotasApi } from '../../protocol/messages/describe-client-quotas.ts';
import { incrementalAlterConfigsApi } from '../../protocol/messages/incremental-alter-configs.ts';
import { SimulatedCluster } from '../simulated-cluster.test-kit.ts';

const port = 19092;
const strangers = 50;
/** Where everybody in the simulated network comes from. */
const loopback = '127.0.0.1';

/** Milliseconds from connecting to the answer; null when the broker closed instead, with the time that took. */
type Visit = { readonly answeredMs: number | null; readonly endedMs: number };

/** Connects from node 50 and asks for the versions; stays connected. */
function visit(cluster: SimulatedCluster): Promise<Visit> {
  const { network, clock } = cluster.world.runtimeFor(strangers);
  const startMs = clock.monotonicMs();
  const elapsed = (): number => Math.round(clock.monotonicMs() - startMs);
  const body = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
  const request = encodeRequest(apiVersionsApi, 4, { correlationId: 1, clientId: 'visitor' }, body);
  return network.connect({ host: 'node-1', port, timeoutMs: 1000 }).then(
    (connection) =>
      new Promise((resolve) => {
        connection.handle({
          onData: () => resolve({ answeredMs: elapsed(), endedMs: elapsed() }),
          onClose: () => resolve({ answeredMs: null, endedMs: elapsed() }),
          onDrain: () => undefined,
        });
        connection.write(request.chunks);
      }),
  );
}

async function visits(cluster: SimulatedCluster, count: number): Promise<Visit[]> {
  return cluster.world.settle(Promise.all(Array.from({ length: count }, () => visit(cluster))), 60_000);
}

async function start(properties: Readonly<Record<string, string>> = {}): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(5, 1, properties);
  await cluster.startAll();
  await cluster.send(1, apiVersionsApi, { clientSoftwareName: 'test', clientSoftwareVersion: '1' });
  return cluster;
}

async function setQuota(cluster: SimulatedCluster, address: string | null, rate: number | null): Promise<number> {
  const { entries } = await cluster.send(1, alterClientQuotasApi, {
    entries: [
      {
        entity: [{ entityType: 'ip', entityName: address }],
        ops: [{ key: 'connection_creation_rate', value: rate ?? 0, remove: rate === null }],
      },
    ],
    validateOnly: false,
  });
  await cluster.world.runFor(100);
  return entries[0]?.errorCode ?? -1;
}

const quick = (each: Visit): boolean => each.answeredMs !== null && each.answeredMs < 100;

describe('connections that come too fast', () => {
  it('wait for max.connection.creation.rate, a second at most each, and all are served', async () => {
    const cluster = await start({ 'max.connection.creation.rate': '2' });
    await cluster.world.runFor(20_000);
    // Eleven samples of a second: 22 of them are within the rate at once.
    const answers = await visits(cluster, 26);
    expect(answers.every((each) => each.answeredMs !== null)).toBe(true);
    expect(answers.filter(quick).length).toBeGreaterThanOrEqual(20);
    expect(answers.filter(quick).length).toBeLessThanOrEqual(22);
    const waits = answers.filter((each) => !quick(each)).map((each) => each.answeredMs ?? 0);
    expect(Math.min(...waits)).toBeGreaterThan(300);
    // One behind the other, none for longer than a second by itself.
    expect(Math.max(...waits)).toBeLessThan(waits.length * 1100);
  });

  it('of an address with a quota are let in and closed unread when their time is over', async () => {
    const cluster = await start();
    expect(await setQuota(cluster, loopback, 1)).toBe(ErrorCode.NONE);
    const answers = await visits(cluster, 14);
    const served = answers.filter((each) => each.answeredMs !== null);
    const closed = answers.filter((each) => each.answeredMs === null);
    expect(served.length).toBe(10);
    expect(closed.every((each) => each.endedMs >= 900 && each.endedMs <= 1200)).toBe(true);
    // Another address is not concerned, and nobody is when the quota is gone.
    expect(await setQuota(cluster, loopback, null)).toBe(ErrorCode.NONE);
    expect((await visits(cluster, 5)).every(quick)).toBe(true);
  });

  it('have the quota of the default address unless they have one of their own', async () => {
    const cluster = await start();
    await setQuota(cluster, null, 1);
    await setQuota(cluster, loopback, 1000);
    expect((await visits(cluster, 20)).every(quick)).toBe(true);
    await setQuota(cluster, loopback, null);
    expect((await visits(cluster, 5)).some((each) => each.answeredMs === null)).toBe(true);
    const described = await cluster.send(1, describeClientQuotasApi, {
      components: [{ entityType: 'ip', matchType: 2, match: null }],
      strict: true,
    });
    expect(described.entries).toMatchObject([
      {
        entity: [{ entityType: 'ip', entityName: null }],
        values: [{ key: 'connection_creation_rate', value: 1 }],
      },
    ]);
  });
});

describe('too many connections', () => {
  it('wait until max.connections is raised at run time', async () => {
    const cluster = await start({ 'max.connections': '3' });
    const answered: Visit[] = [];
    const all = Array.from({ length: 4 }, () => visit(cluster).then((each) => void answered.push(each)));
    await cluster.world.runFor(3000);
    // The one that the requests of this test use is the third.
    expect(answered.filter(quick).length).toBe(2);
    expect(answered.length).toBe(2);
    const configs = [{ name: 'max.connections', configOperation: 0, value: '10' }];
    const resources = [{ resourceType: 4, resourceName: '', configs }];
    const { responses } = await cluster.send(1, incrementalAlterConfigsApi, { resources, validateOnly: false });
    expect(responses[0]?.errorCode).toBe(ErrorCode.NONE);
    await cluster.world.settle(Promise.all(all));
    expect(answered.every((each) => each.answeredMs !== null)).toBe(true);
  });

  it('are closed where one address has them, but for what max.connections.per.ip.overrides allows', async () => {
    const few = await start({ 'max.connections.per.ip': '2' });
    expect((await visits(few, 4)).filter((each) => each.answeredMs === null).length).toBe(3);
    const overridden = { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'localhost:4,10.0.0.1:9' };
    expect((await visits(await start(overridden), 4)).filter((each) => each.answeredMs === null).length).toBe(1);
  });

  it.each([
    [{ 'max.connections.per.ip': '0' }, /can be set to zero only if/],
    [{ 'max.connections.per.ip.overrides': '10.0.0.1' }, /Error parsing configuration property/],
  ])('%j is refused at the start', async (properties, message) => {
    await expect(start(properties)).rejects.toThrow(message);
  });
});
