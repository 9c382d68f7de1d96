// Serves the built renderer and the fixture cluster on a loopback port, over the same messages as the real
// browser host. For development and for tests/e2e/renderer.spec.ts only.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClientMessage, HostMessage } from '../../main/api/contract.ts';
import { FixtureCluster } from './fixture-cluster.ts';
import { FixtureRefusal, type Scenario } from './fixture-world.ts';

const tickMs = 50;
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

export type FixtureServer = {
  readonly url: string;
  readonly cluster: FixtureCluster;
  /** Cuts every page off; while refusing, none gets back in. */
  disconnect(refusing: boolean): void;
  /** Does something whose delta is never told, as a broken host would: the page must notice the gap. */
  skipDelta(act: () => void): void;
  /** Holds the clock of the cluster, for pictures. */
  freeze(frozen: boolean): void;
  close(): Promise<void>;
};

export async function startFixtureServer(
  scenario: Scenario,
  options: { staticDir: string; port?: number; token?: string },
): Promise<FixtureServer> {
  const token = options.token ?? 'fixture';
  const cluster = new FixtureCluster(scenario, Date.now());
  const subscribers = new Set<WebSocket>();
  let refusing = false;
  let frozen = false;
  let skip = false;

  const http = createServer((request, response) => {
    if (refusing) {
      response.destroy();
      return;
    }
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    readFile(join(options.staticDir, path === '/' ? 'index.html' : path)).then(
      (body) =>
        response
          .writeHead(200, {
            'content-type': contentTypes[extname(path === '/' ? '.html' : path)] ?? contentTypes['.html'],
          })
          .end(body),
      () => response.writeHead(404).end(),
    );
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    if (refusing) {
      socket.destroy();
      return;
    }
    if (new URL(request.url ?? '/', 'http://x').searchParams.get('token') !== token) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, accept);
  });

  function accept(client: WebSocket): void {
    const send = (message: HostMessage): void => client.send(JSON.stringify(message));
    client.on('close', () => subscribers.delete(client));
    client.on('message', (data) => {
      const message = JSON.parse(String(data)) as ClientMessage;
      if (message.type === 'subscribe') subscribers.add(client);
      if (message.type === 'unsubscribe') subscribers.delete(client);
      if (message.type !== 'request' || scenario === 'silent') return;
      void answer(message, send);
    });
  }

  async function answer(
    message: Extract<ClientMessage, { type: 'request' }>,
    send: (message: HostMessage) => void,
  ): Promise<void> {
    try {
      const output = await cluster.request(message.endpoint, message.input as Record<string, unknown>);
      send({ type: 'answer', id: message.id, output });
    } catch (error) {
      const refusal =
        error instanceof FixtureRefusal ? error.refusal : { code: 'FIXTURE', message: String(error), advice: null };
      send({ type: 'refusal', id: message.id, refusal });
    }
  }

  const timer = setInterval(() => {
    if (frozen || scenario === 'silent') return;
    const payload = cluster.tick(tickMs);
    if (skip) {
      skip = false;
      return;
    }
    const text = JSON.stringify({ type: 'push', channel: 'cluster.delta', payload } satisfies HostMessage);
    for (const client of subscribers) client.send(text);
  }, tickMs);

  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    cluster,
    disconnect(refuse) {
      refusing = refuse;
      for (const client of sockets.clients) client.terminate();
    },
    skipDelta(act) {
      act();
      skip = true;
    },
    freeze(hold) {
      frozen = hold;
    },
    async close() {
      clearInterval(timer);
      for (const client of sockets.clients) client.terminate();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
