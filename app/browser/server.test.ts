// What keeps strangers out of the UI's server: Host, Origin and token, each alone.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { AppApi } from '../../main/api/host.ts';
import { serveUi, type UiServer } from './server.ts';

const rendererDir = mkdtempSync(join(tmpdir(), 'highwater-ui-'));
/** Who listens to the engine's channels now. */
const pushes = new Set<(payload: unknown) => void>();
let server: UiServer;
let url: URL;

beforeAll(async () => {
  writeFileSync(join(rendererDir, 'index.html'), '<h1>page</h1>');
  const app = {
    handlers: {},
    cluster: () => ({
      handlers: { 'workload.stop': () => null, 'workload.start': () => new Promise(() => undefined) },
    }),
    subscribe: (_channel: string, _workspace: string | null, receive: (payload: unknown) => void) => {
      pushes.add(receive);
      return () => void pushes.delete(receive);
    },
  } as unknown as AppApi;
  server = await serveUi(app, { port: 0, rendererDir });
  url = new URL(server.url);
});

afterAll(async () => {
  await server.close();
  rmSync(rendererDir, { recursive: true, force: true });
});

function get(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: url.port, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

function connect(token: string, origin: string, host = url.host): Promise<'open' | 'refused'> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${url.port}/api?token=${token}`, { origin, headers: { host } });
    socket.on('open', () => {
      socket.close();
      resolve('open');
    });
    socket.on('error', () => resolve('refused'));
  });
}

test('the page is served to 127.0.0.1 and to no other host name', async () => {
  expect(await get('/')).toEqual({ status: 200, body: '<h1>page</h1>' });
  expect((await get('/', { host: `evil.example:${url.port}` })).status).toBe(403);
});

test.each(['/../server.ts', '/%2e%2e/%2e%2e/etc/passwd', '/missing.js'])('%s is not served', async (path) => {
  expect((await get(path)).status).toBe(404);
});

test('the contract is open only with our origin, our host and the token', async () => {
  const token = url.searchParams.get('token') ?? '';
  expect(await connect(token, url.origin)).toBe('open');
  expect(await connect('x'.repeat(token.length), url.origin)).toBe('refused');
  expect(await connect('', url.origin)).toBe('refused');
  expect(await connect(token, 'http://evil.example')).toBe('refused');
  expect(await connect(token, url.origin, `evil.example:${url.port}`)).toBe('refused');
});

test('requests over the socket are validated: unknown endpoints and bad input are refused with a reason', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${url.port}/api${url.search}`, { origin: url.origin });
  await new Promise((resolve) => socket.on('open', resolve));
  const answers = new Map<number, unknown>();
  const all = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { id: number };
      answers.set(message.id, message);
      if (answers.size === 3) resolve();
    });
  });
  socket.send(JSON.stringify({ type: 'request', id: 1, endpoint: 'cluster.explode', input: {} }));
  socket.send(JSON.stringify({ type: 'request', id: 2, endpoint: 'broker.kill', input: { brokerId: 'all' } }));
  socket.send(JSON.stringify({ type: 'request', id: 3, endpoint: 'workload.stop', input: {} }));
  await all;
  expect(answers.get(1)).toMatchObject({ type: 'refusal', refusal: { code: 'UNKNOWN_ENDPOINT' } });
  expect(answers.get(2)).toMatchObject({
    type: 'refusal',
    refusal: { code: 'BAD_INPUT', message: expect.stringContaining('brokerId') },
  });
  expect(answers.get(3)).toMatchObject({ type: 'answer', output: null });
  socket.close();
});

/** Sends bytes as they are and gives what comes back until the other end closes. */
function raw(text: string, { reset = false } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(Number(url.port), '127.0.0.1', () => {
      socket.write(text);
      if (reset) socket.resetAndDestroy();
    });
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
  });
}

const upgrade = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nOrigin: ${url.origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;

test.each(['//', 'http://[', '/api?token=%ff', '/api?token', '/other', `/${'a'.repeat(10_000)}`])(
  'an upgrade of %s is refused and the server goes on',
  async (path) => {
    expect(await raw(upgrade(path))).toContain('403 Forbidden');
    expect((await get('/')).status).toBe(200);
  },
);

test('clients that reset what is refused to them do not end the server', async () => {
  for (let count = 0; count < 20; count++) await raw(upgrade('//'), { reset: true });
  expect((await get('/')).status).toBe(200);
});

test.each([
  '\r\n\r\n',
  'GET',
  '\u0000\u0001',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  `GET / HTTP/1.1\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
])('rubbish instead of HTTP hurts nobody (%#)', async (text) => {
  void raw(text, { reset: text === 'GET' });
  expect((await get('/')).status).toBe(200);
});

async function session(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${url.port}/api${url.search}`, { origin: url.origin });
  await new Promise((resolve) => socket.on('open', resolve));
  return socket;
}

const next = (socket: WebSocket) =>
  new Promise<Record<string, unknown>>((resolve) => {
    socket.once('message', (data) => resolve(JSON.parse(String(data)) as Record<string, unknown>));
  });

const closed = (socket: WebSocket) => new Promise<number>((resolve) => socket.once('close', resolve));

test('messages of every wrong kind are passed over or close their own socket; names of prototypes reach nothing', async () => {
  const socket = await session();
  const wrong = [
    null,
    1,
    'x',
    [],
    {},
    { type: 'request' },
    { type: 'request', id: 'a', endpoint: 1 },
    { type: 'subscribe', channel: '__proto__' },
    { type: 'subscribe', channel: ['events'] },
  ];
  for (const message of wrong) socket.send(JSON.stringify(message));
  socket.send(
    '{"type":"request","id":1,"endpoint":"workload.stop","input":{"__proto__":{"polluted":true}},"__proto__":{"x":1}}',
  );
  expect(await next(socket)).toMatchObject({ id: 1 });
  for (const endpoint of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    socket.send(JSON.stringify({ type: 'request', id: 2, endpoint, input: {} }));
    expect(await next(socket)).toMatchObject({ type: 'refusal', refusal: { code: 'UNKNOWN_ENDPOINT' } });
  }
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  const over = closed(socket);
  socket.send('{');
  expect(await over).toBe(1007);
  const giant = await session();
  giant.on('error', () => undefined);
  const gone = closed(giant);
  giant.send('x'.repeat(2 * 1024 * 1024));
  expect(await gone).toBe(1009);
  expect((await get('/')).status).toBe(200);
});

test('who asks without waiting is refused beyond a bound, and more sessions than the bound are refused', async () => {
  const socket = await session();
  const answered = next(socket);
  const input = { messagesPerSecond: 1 };
  for (let id = 0; id < 300; id++) {
    socket.send(JSON.stringify({ type: 'request', id, endpoint: 'workload.start', input }));
  }
  const first = await answered;
  expect([first['id'], first['refusal']]).toMatchObject([256, { code: 'TOO_MANY_REQUESTS' }]);
  socket.terminate();
  const sockets = Array.from({ length: 40 }, () => {
    const each = new WebSocket(`ws://127.0.0.1:${url.port}/api${url.search}`, { origin: url.origin });
    each.on('error', () => undefined);
    return each;
  });
  const outcomes = await Promise.all(
    sockets.map(
      (each) =>
        new Promise<string>((resolve) => {
          each.on('open', () => resolve('open'));
          each.on('close', () => resolve('refused'));
        }),
    ),
  );
  expect(outcomes.filter((outcome) => outcome === 'open').length).toBeLessThanOrEqual(32);
  expect(outcomes).toContain('refused');
  for (const each of sockets) each.terminate();
});

test('one subscription a channel, ended with its socket; a screen that does not read is cut off', async () => {
  const socket = await session();
  for (let count = 0; count < 50; count++) socket.send(JSON.stringify({ type: 'subscribe', channel: 'cluster.delta' }));
  socket.send(JSON.stringify({ type: 'request', id: 1, endpoint: 'nothing', input: {} }));
  await next(socket);
  expect(pushes.size).toBe(1);
  const over = closed(socket);
  socket.pause();
  const [push] = [...pushes];
  const payload = 'x'.repeat(1024 * 1024);
  for (let count = 0; count < 200 && pushes.size > 0; count++) {
    push?.(payload);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.resume();
  await over;
  expect(pushes.size).toBe(0);
  expect((await get('/')).status).toBe(200);
});
