// Loopback host of the UI for a browser: the renderer's files over HTTP, the contract over a WebSocket. A page from
// elsewhere must not reach it: Host and Origin are checked and every request carries the token.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { openSession, type AppApi } from '../../main/api/host.ts';
import { pageHeaders, rendererFile } from '../renderer-files.ts';

export type UiServer = { readonly url: string; close(): Promise<void> };

const messageBytesMax = 1024 * 1024;
/** A screen that reads slower than this is cut off; it resyncs when it comes back. */
const bufferedBytesMax = 16 * 1024 * 1024;
const sessionsMax = 32;
/** A page asks for some dozen files; nobody has a reason to hold more connections open. */
const connectionsMax = 256;

const headers = pageHeaders(['ws://127.0.0.1:*', 'ws://localhost:*']);

/** Serves `rendererDir` and the app on 127.0.0.1:`port` (0 picks a free one). */
export async function serveUi(app: AppApi, options: { port: number; rendererDir: string }): Promise<UiServer> {
  const token = randomBytes(24).toString('base64url');
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax, perMessageDeflate: false });
  let port = options.port;
  const server = createServer((request, response) => {
    void serveFile(request, response, options.rendererDir, () => isLocalHost(request, port));
  });
  server.maxConnections = connectionsMax;
  server.on('upgrade', (request, socket, head) => {
    // From here on its errors are ours: a client that resets what is refused must not end the engine.
    socket.on('error', () => socket.destroy());
    if (!mayConnect(request, port, token) || sockets.clients.size >= sessionsMax) return refuse(socket);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const session = openSession(app, (message) => {
        if (webSocket.bufferedAmount > bufferedBytesMax) webSocket.terminate();
        else webSocket.send(JSON.stringify(message));
      });
      webSocket.on('message', (data) => {
        try {
          session.receive(JSON.parse(String(data)));
        } catch {
          webSocket.close(1007, 'not JSON');
        }
      });
      webSocket.on('close', () => session.close());
      webSocket.on('error', () => webSocket.terminate());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the UI server has no port');
  port = address.port;
  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** DNS rebinding: a foreign page may point its own name at 127.0.0.1, but it can't change the Host header. */
function isLocalHost(request: IncomingMessage, port: number): boolean {
  return request.headers.host === `127.0.0.1:${port}` || request.headers.host === `localhost:${port}`;
}

function mayConnect(request: IncomingMessage, port: number, token: string): boolean {
  const { origin } = request.headers;
  if (!isLocalHost(request, port)) return false;
  if (origin !== `http://127.0.0.1:${port}` && origin !== `http://localhost:${port}`) return false;
  const address = request.url ?? '/';
  if (!URL.canParse(address, 'http://localhost')) return false;
  const url = new URL(address, 'http://localhost');
  const given = Buffer.from(url.searchParams.get('token') ?? '');
  return url.pathname === '/api' && given.length === token.length && timingSafeEqual(given, Buffer.from(token));
}

function refuse(socket: Duplex): void {
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

async function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  isLocal: () => boolean,
): Promise<void> {
  const answer = (status: number, text: string) => response.writeHead(status, headers).end(text);
  if (!isLocal()) return void answer(403, 'This server answers 127.0.0.1 only.');
  if (request.method !== 'GET' && request.method !== 'HEAD') return void answer(405, 'GET only.');
  const file = await rendererFile(root, request.url ?? '/');
  if (file === null) return void answer(404, 'Not found.');
  response.writeHead(200, { ...headers, 'content-type': file.contentType });
  response.end(request.method === 'HEAD' ? undefined : file.body);
}
