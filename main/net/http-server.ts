// A small HTTP/1.1 server over the Network seam, for pages that a broker shows of itself: GET and HEAD, one request a
// connection, loopback only. Answers 403 to a Host that is not loopback's: a foreign page may point its own name at
// 127.0.0.1 (DNS rebinding), but it can't change that header. No bodies, no keep-alive, no TLS.

import {
  NetworkError,
  type Clock,
  type Connection,
  type Listener,
  type Network,
  type Timer,
} from '../runtime/runtime.ts';

export type HttpAnswer = { readonly contentType: string; readonly body: string };

export type HttpServerOptions = {
  readonly clock: Clock;
  readonly network: Network;
  readonly port: number;
  /** By path. Called when the page is asked for, never otherwise. */
  readonly pages: Readonly<Record<string, () => HttpAnswer>>;
};

const host = '127.0.0.1';
const headBytesMax = 16 * 1024;
const connectionsMax = 32;
/** From the connection to the end of the request's head, and again until the answer is taken. */
const patienceMs = 10_000;

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #connections = new Set<Connection>();
  #listener: Listener | null = null;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** Opens the port; NetworkError when it can't be had. */
  async listen(): Promise<void> {
    const { network, port } = this.#options;
    this.#listener = await network.listen({ host, port }, (connection) => this.#accept(connection));
  }

  get port(): number {
    if (this.#listener === null) throw new NetworkError('closed', 'the server does not listen');
    return this.#listener.port;
  }

  async close(): Promise<void> {
    for (const connection of [...this.#connections]) connection.destroy();
    await this.#listener?.close();
  }

  #accept(connection: Connection): void {
    let head = '';
    let timer: Timer | null = null;
    const { clock } = this.#options;
    const giveUp = (): void => {
      timer = clock.at(clock.monotonicMs() + patienceMs, () => connection.destroy());
    };
    let isAnswered = false;
    connection.handle({
      onData: (chunk) => {
        if (isAnswered) return;
        head += chunk.toString('latin1');
        const isWhole = head.includes('\r\n\r\n');
        if (!isWhole && head.length <= headBytesMax) return;
        isAnswered = true;
        timer?.cancel();
        giveUp();
        connection.write([this.#respond(isWhole ? parseHead(head) : null)]);
        connection.end();
      },
      onClose: () => {
        timer?.cancel();
        this.#connections.delete(connection);
      },
      onDrain: () => undefined,
    });
    if (this.#connections.size >= connectionsMax) return connection.destroy();
    this.#connections.add(connection);
    giveUp();
  }

  #respond(request: RequestHead | null): Buffer {
    if (request === null) return response('400 Bad Request');
    if (!isLoopback(request.host)) return response('403 Forbidden');
    const page = Object.hasOwn(this.#options.pages, request.path) ? this.#options.pages[request.path] : undefined;
    if (page === undefined) return response('404 Not Found');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return response('405 Method Not Allowed', 'Allow: GET, HEAD');
    const { contentType, body } = page();
    const bytes = Buffer.from(body);
    const head = responseHead('200 OK', bytes.length, [
      `Content-Type: ${contentType}`,
      'X-Content-Type-Options: nosniff',
    ]);
    return request.method === 'HEAD' ? head : Buffer.concat([head, bytes]);
  }
}

type RequestHead = { readonly method: string; readonly path: string; readonly host: string | null };

/** Null: no HTTP/1 request. */
function parseHead(head: string): RequestHead | null {
  const [requestLine = '', ...lines] = head.slice(0, head.indexOf('\r\n\r\n')).split('\r\n');
  const match = /^([A-Z]+) (\/[^ ?#]*)(?:\?[^ ]*)? HTTP\/1\.[01]$/.exec(requestLine);
  if (match === null) return null;
  const hosts = lines.filter((line) => /^host:/i.test(line)).map((line) => line.slice('host:'.length).trim());
  return { method: match[1] ?? '', path: match[2] ?? '', host: hosts.length === 1 ? (hosts[0] ?? null) : null };
}

function isLoopback(hostHeader: string | null): boolean {
  return hostHeader !== null && /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(hostHeader);
}

function responseHead(status: string, length: number, headers: readonly string[]): Buffer {
  const lines = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${length}`, 'Connection: close'];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function response(status: string, ...headers: string[]): Buffer {
  return responseHead(status, 0, headers);
}
