import { afterEach, describe, expect, it } from 'vitest';
import { byteClient } from '../../tests/support/byte-client.ts';
import { nodeClock } from '../runtime/node/node-clock.ts';
import { nodeNetwork } from '../runtime/node/node-network.ts';
import { HttpServer } from './http-server.ts';

const running: HttpServer[] = [];

async function start(): Promise<{ readonly server: HttpServer; readonly asked: () => number }> {
  let asked = 0;
  const page = () => ({ contentType: 'text/plain', body: `page ${++asked}, ä` });
  const server = new HttpServer({ clock: nodeClock(), network: nodeNetwork(), port: 0, pages: { '/page': page } });
  await server.listen();
  running.push(server);
  return { server, asked: () => asked };
}

async function exchange(port: number, request: string): Promise<string> {
  const client = await byteClient(port);
  client.send(Buffer.from(request));
  return (await client.untilClosed()).toString();
}

const statusOf = (answer: string): string => answer.split(' ')[1] ?? '';

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

describe('the HTTP server of a broker', () => {
  it('serves its pages to an HTTP client, anew each time', async () => {
    const { server } = await start();
    const url = `http://127.0.0.1:${server.port}/page?from=test`;
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('page 1, ä');
    expect(await (await fetch(url)).text()).toBe('page 2, ä');
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength('page 3, ä')));
  });

  it('answers 404 to other paths, 405 to other methods and 400 to what is no request', async () => {
    const { server } = await start();
    const host = `Host: localhost:${server.port}`;
    expect(statusOf(await exchange(server.port, `GET /toString HTTP/1.1\r\n${host}\r\n\r\n`))).toBe('404');
    expect(statusOf(await exchange(server.port, `POST /page HTTP/1.1\r\n${host}\r\n\r\n`))).toBe('405');
    expect(statusOf(await exchange(server.port, 'nonsense\r\n\r\n'))).toBe('400');
    expect(statusOf(await exchange(server.port, `GET /page HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`))).toBe('400');
  });

  it('reads nothing for a page of another host, for none, and for two', async () => {
    const { server, asked } = await start();
    for (const hosts of [
      'Host: evil.example',
      'Host: 127.0.0.1.evil.example',
      '',
      'Host: localhost\r\nHost: localhost',
    ]) {
      const lines = hosts === '' ? [] : [hosts];
      const answer = await exchange(server.port, `${['GET /page HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`);
      expect(statusOf(answer)).toBe('403');
    }
    expect(asked()).toBe(0);
  });

  it('serves a request that arrives in pieces', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    client.send(Buffer.from('GET /page HT'));
    await new Promise((resolve) => setImmediate(resolve));
    client.send(Buffer.from('TP/1.1\r\nhost: [::1]:1\r\n\r\n'));
    expect((await client.untilClosed()).toString()).toContain('page 1');
  });
});
