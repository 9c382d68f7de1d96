import { expect, test } from 'vitest';
import type { ClientMessage, HostMessage } from '../../main/api/contract.ts';
import { type Connection, RequestRefused } from './engine-link.ts';
import { createWebSocketLink } from './web-socket-link.ts';

/** The browser's side of a socket and a clock that moves by hand. */
function surroundings() {
  const sockets: { sent: ClientMessage[]; fire(type: string, event: object): void }[] = [];
  const timers = new Set<{ atMs: number; run: () => void }>();
  let nowMs = 0;
  let hostUp = false;
  return {
    sockets,
    hostIsUp(): void {
      hostUp = true;
    },
    pass(ms: number): void {
      nowMs += ms;
      for (const timer of [...timers]) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.run();
      }
    },
    around: {
      connect() {
        const listeners = new Map<string, (event: never) => void>();
        const sent: ClientMessage[] = [];
        sockets.push({ sent, fire: (type, event) => listeners.get(type)?.(event as never) });
        return {
          send: (text: string) => sent.push(JSON.parse(text) as ClientMessage),
          close: () => undefined,
          addEventListener: (type: string, listener: (event: never) => void) => listeners.set(type, listener),
        } as never;
      },
      nowMs: () => nowMs,
      random: () => 1,
      isHostUp: () => Promise.resolve(hostUp),
      after(delayMs: number, run: () => void) {
        const timer = { atMs: nowMs + delayMs, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
  };
}

function connected() {
  const world = surroundings();
  const link = createWebSocketLink(world.around);
  const seen: Connection[] = [];
  link.watch((connection) => seen.push(connection));
  world.sockets[0]?.fire('open', {});
  const receive = (message: HostMessage, socket = 0): void =>
    world.sockets[socket]?.fire('message', { data: JSON.stringify(message) });
  return { world, link, seen, receive };
}

test('an answer resolves its request, a refusal rejects with what the engine said', async () => {
  const { world, link, receive } = connected();
  const first = link.bridge.request('broker.kill', { brokerId: 1 });
  const second = link.bridge.request('broker.start', { brokerId: 1 });
  expect(world.sockets[0]?.sent).toMatchObject([{ type: 'request', id: 1, endpoint: 'broker.kill' }, { id: 2 }]);
  receive({
    type: 'refusal',
    id: 2,
    refusal: { code: 'ALREADY_RUNNING', message: 'Broker 1 already runs.', advice: null },
  });
  receive({ type: 'answer', id: 1, output: null });
  await expect(first).resolves.toBeNull();
  await expect(second).rejects.toBeInstanceOf(RequestRefused);
});

test('channels are subscribed again after a reconnect', () => {
  const { world, link, receive } = connected();
  const numbers: number[] = [];
  link.bridge.subscribe('cluster.delta', (delta) => numbers.push(delta.number));
  world.sockets[0]?.fire('close', { code: 1006, reason: '' });
  world.pass(250);
  world.sockets[1]?.fire('open', {});
  expect(world.sockets[1]?.sent).toEqual([{ type: 'subscribe', channel: 'cluster.delta' }]);
  receive({ type: 'push', channel: 'cluster.delta', payload: { number: 3 } }, 1);
  expect(numbers).toEqual([3]);
});

test('attempts back off, and the time of the loss stays', () => {
  const { world, seen } = connected();
  world.pass(1_000);
  world.sockets[0]?.fire('close', { code: 1006, reason: '' });
  world.pass(250);
  world.sockets[1]?.fire('close', { code: 1006, reason: '' });
  expect(seen.slice(2)).toEqual([
    { phase: 'reconnecting', attempt: 1, retryAtMs: 1_250, lostAtMs: 1_000 },
    { phase: 'reconnecting', attempt: 2, retryAtMs: 1_750, lostAtMs: 1_000 },
  ]);
});

test('a broken link rejects what was asked', async () => {
  const { world, link } = connected();
  const asked = link.bridge.request('workload.stop', {});
  world.sockets[0]?.fire('close', { code: 1006, reason: '' });
  await expect(asked).rejects.toMatchObject({ refusal: { code: 'DISCONNECTED' } });
  await expect(link.bridge.request('workload.stop', {})).rejects.toMatchObject({ refusal: { code: 'DISCONNECTED' } });
});

test('a request without an answer ends at its deadline', async () => {
  const { world, link } = connected();
  const asked = link.bridge.request('workload.stop', {});
  world.pass(30_000);
  await expect(asked).rejects.toMatchObject({ refusal: { code: 'TIMED_OUT' } });
});

test('a host that rejects the token is not asked again', () => {
  const { world, seen } = connected();
  world.sockets[0]?.fire('close', { code: 4401, reason: 'old token' });
  world.pass(60_000);
  expect(seen.at(-1)).toEqual({ phase: 'rejected', reason: 'old token' });
  expect(world.sockets).toHaveLength(1);
});

test('a host that serves files but refuses the WebSocket does not want this page', async () => {
  const world = surroundings();
  const link = createWebSocketLink(world.around);
  const seen: Connection[] = [];
  link.watch((connection) => seen.push(connection));
  world.hostIsUp();
  world.sockets[0]?.fire('close', { code: 1006, reason: '' });
  await Promise.resolve();
  await Promise.resolve();
  expect(seen.at(-1)).toEqual({ phase: 'rejected', reason: '' });
  world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
});
