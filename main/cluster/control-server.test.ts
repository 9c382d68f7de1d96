import { expect, test } from 'vitest';
import type { Connection, Listener, Runtime } from '../runtime/runtime.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { askControl, serveControl, type ControlRequest } from './control-server.ts';

const token = 'a-token-of-the-owner';

type Served = { readonly world: SimulatedWorld; readonly runtime: Runtime; readonly listener: Listener };

async function served(asked: ControlRequest[]): Promise<Served> {
  const world = new SimulatedWorld({ seed: 1 });
  const runtime = world.runtimeFor(1);
  const listener = await serveControl(runtime, token, (request) => {
    asked.push(request);
    return Promise.resolve({ brokers: 3 });
  });
  return { world, runtime, listener };
}

/** A stranger's connection: what it was answered, and whether it still stands. */
async function stranger({ world, runtime, listener }: Served): Promise<{ connection: Connection; heard: string[] }> {
  const connection = await world.settle(
    runtime.network.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 1000 }),
  );
  const heard: string[] = [];
  connection.handle({
    onData: (chunk) => heard.push(chunk.toString()),
    onClose: () => heard.push('closed'),
    onDrain: () => undefined,
  });
  return { connection, heard };
}

test('the owner is served', async () => {
  const asked: ControlRequest[] = [];
  const { world, runtime, listener } = await served(asked);
  const answer = await world.settle(askControl(runtime.network, listener.port, token, { verb: 'view' }));
  expect(answer).toEqual({ brokers: 3 });
  expect(asked).toEqual([{ verb: 'view' }]);
});

test.each([
  ['another token', JSON.stringify({ token: 'a-token-of-the-Owner', request: { verb: 'view' } })],
  ['the beginning of the token', JSON.stringify({ token: 'a-token', request: { verb: 'view' } })],
  ['a token that is a number', JSON.stringify({ token: 7, request: { verb: 'view' } })],
  ['no token', JSON.stringify({ request: { verb: 'view' } })],
  ['nothing', 'null'],
])('who sends %s is refused, and nothing is done', async (_name, line) => {
  const asked: ControlRequest[] = [];
  const there = await served(asked);
  const { connection, heard } = await stranger(there);
  connection.write([Buffer.from(`${line}\n`)]);
  await there.world.runUntil(() => heard.length > 0);
  expect(JSON.parse(heard[0] ?? '')).toMatchObject({ ok: false, code: 'REFUSED', message: 'wrong control token' });
  expect(asked).toEqual([]);
});

test('who says nothing, or too much, is not waited for', async () => {
  const there = await served([]);
  const silent = await stranger(there);
  const endless = await stranger(there);
  endless.connection.write([Buffer.alloc(65 * 1024, 'x')]);
  await there.world.runUntil(() => endless.heard.includes('closed'));
  expect(silent.heard).toEqual([]);
  await there.world.runUntil(() => silent.heard.length > 0);
  expect(silent.heard).toEqual(['closed']);
  expect(Math.round(there.runtime.clock.monotonicMs() / 1000)).toBe(5);
});
