// What keeps strangers out of the UI's server: Host, Origin and token, each alone.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { EngineApi } from '../../main/api/host.ts';
import { serveUi, type UiServer } from './server.ts';

const rendererDir = mkdtempSync(join(tmpdir(), 'highwater-ui-'));
let server: UiServer;
let url: URL;

beforeAll(async () => {
  writeFileSync(join(rendererDir, 'index.html'), '<h1>page</h1>');
  const engine = {
    handlers: { 'workload.stop': () => null },
    subscribe: () => () => undefined,
  } as unknown as EngineApi;
  server = await serveUi(engine, { port: 0, rendererDir });
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
