// The way through a WebSocket: requests with ids and a deadline, channels that survive a reconnect, and a
// back-off with jitter. It carries messages; what they mean is `snapshot-sync.ts`'s business.

import {
  channelKey,
  type Bridge,
  type Channel,
  type ClientMessage,
  type Endpoint,
  type HostMessage,
  type InputOf,
  type OutputOf,
  type Pushed,
} from '../../main/api/contract.ts';
import { type Connection, type EngineLink, RequestRefused } from './engine-link.ts';

const requestTimeoutMs = 30_000;
const pendingRequestsMax = 64;
const backOffFirstMs = 250;
const backOffMaxMs = 5_000;
/** Close codes by which a host says "not you": policy violation, and ours for a bad token. */
const rejectionCodes = new Set([1008, 4401, 4403]);

type Socket = Pick<WebSocket, 'send' | 'close' | 'addEventListener'>;

/** The browser's own things, injected so that the back-off can be tested without waiting. */
export type WebSocketSurroundings = {
  connect(): Socket;
  nowMs(): number;
  random(): number;
  after(delayMs: number, run: () => void): () => void;
  /** Whether the host serves files: then a refused WebSocket means that it does not want us. */
  isHostUp(): Promise<boolean>;
};

type Pending = { resolve(output: unknown): void; reject(error: Error): void; cancelTimeout(): void };
type Receiver = (payload: never) => void;
type Scope = { readonly channel: Channel; readonly workspace?: string };

export function createWebSocketLink(around: WebSocketSurroundings): EngineLink & { close(): void } {
  const link = new WebSocketLink(around);
  link.open();
  return {
    bridge: {
      request: (endpoint, input, workspace) => link.request(endpoint, input, workspace),
      subscribe: (channel, receive, workspace) => link.subscribe(channel, receive, workspace),
    } satisfies Bridge,
    watch: (receive) => link.watch(receive),
    retry: () => link.retry(),
    close: () => link.close(),
  };
}

class WebSocketLink {
  readonly #around: WebSocketSurroundings;
  readonly #pending = new Map<number, Pending>();
  readonly #channels = new Map<string, Scope & { readonly receivers: Set<Receiver> }>();
  readonly #watchers = new Set<(connection: Connection) => void>();
  #socket: Socket | null = null;
  #connection: Connection = { phase: 'connecting' };
  #nextId = 1;
  #attempt = 0;
  #lostAtMs = 0;
  #cancelRetry: (() => void) | null = null;
  #closed = false;

  constructor(around: WebSocketSurroundings) {
    this.#around = around;
  }

  open(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const socket = this.#around.connect();
    this.#socket = socket;
    let opened = false;
    socket.addEventListener('open', () => {
      if (this.#socket !== socket) return;
      opened = true;
      this.#attempt = 0;
      for (const { receivers: _receivers, ...scope } of this.#channels.values())
        this.#send({ type: 'subscribe', ...scope });
      this.#become({ phase: 'connected' });
    });
    socket.addEventListener('message', (event) => {
      if (this.#socket === socket) this.#receive((event as MessageEvent).data);
    });
    socket.addEventListener('close', (event) => {
      if (this.#socket === socket) this.#lost(opened, event as CloseEvent);
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#socket?.close();
  }

  retry(): void {
    if (this.#connection.phase === 'reconnecting') this.open();
  }

  watch(receive: (connection: Connection) => void): () => void {
    this.#watchers.add(receive);
    receive(this.#connection);
    return () => this.#watchers.delete(receive);
  }

  request<Name extends Endpoint>(endpoint: Name, input: InputOf<Name>, workspace?: string): Promise<OutputOf<Name>> {
    if (this.#connection.phase !== 'connected') {
      return Promise.reject(
        refused(
          'DISCONNECTED',
          'The engine is not reachable right now.',
          'Wait until the page has reconnected, then try again.',
        ),
      );
    }
    if (this.#pending.size >= pendingRequestsMax) {
      return Promise.reject(
        refused('BUSY', `${pendingRequestsMax} requests are already waiting for the engine.`, 'Try again in a moment.'),
      );
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancelTimeout = this.#around.after(requestTimeoutMs, () => {
        this.#pending.delete(id);
        reject(
          refused(
            'TIMED_OUT',
            `The engine did not answer ${endpoint} within ${requestTimeoutMs / 1000} s.`,
            'The action may still take effect; watch the events.',
          ),
        );
      });
      this.#pending.set(id, { resolve: resolve as (output: unknown) => void, reject, cancelTimeout });
      this.#send({ type: 'request', id, endpoint, input, ...(workspace === undefined ? {} : { workspace }) });
    });
  }

  subscribe<Name extends Channel>(
    channel: Name,
    receive: (payload: Pushed[Name]) => void,
    workspace?: string,
  ): () => void {
    const key = channelKey(channel, workspace);
    const scope: Scope = { channel, ...(workspace === undefined ? {} : { workspace }) };
    const receivers = this.#channels.get(key)?.receivers ?? new Set();
    const first = receivers.size === 0;
    receivers.add(receive as Receiver);
    this.#channels.set(key, { ...scope, receivers });
    if (first && this.#connection.phase === 'connected') this.#send({ type: 'subscribe', ...scope });
    return () => {
      receivers.delete(receive as Receiver);
      if (receivers.size > 0) return;
      this.#channels.delete(key);
      if (this.#connection.phase === 'connected') this.#send({ type: 'unsubscribe', ...scope });
    };
  }

  #receive(data: unknown): void {
    const message = JSON.parse(String(data)) as HostMessage;
    if (message.type === 'push') {
      const known = this.#channels.get(channelKey(message.channel, message.workspace));
      for (const receive of known?.receivers ?? []) receive(message.payload as never);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    this.#pending.delete(message.id);
    pending.cancelTimeout();
    if (message.type === 'answer') pending.resolve(message.output);
    else pending.reject(new RequestRefused(message.refusal));
  }

  #lost(opened: boolean, event: CloseEvent): void {
    this.#socket = null;
    for (const pending of this.#pending.values()) {
      pending.cancelTimeout();
      pending.reject(
        refused(
          'DISCONNECTED',
          'The connection to the engine broke before it answered.',
          'The action may have taken effect; look before you repeat it.',
        ),
      );
    }
    this.#pending.clear();
    if (this.#closed) return;
    if (rejectionCodes.has(event.code)) {
      this.#become({ phase: 'rejected', reason: event.reason });
      return;
    }
    if (opened || this.#attempt === 0) this.#lostAtMs = this.#around.nowMs();
    this.#attempt += 1;
    const ceiling = Math.min(backOffMaxMs, backOffFirstMs * 2 ** (this.#attempt - 1));
    const delayMs = Math.round(ceiling * (0.75 + 0.25 * this.#around.random()));
    this.#become({
      phase: 'reconnecting',
      attempt: this.#attempt,
      retryAtMs: this.#around.nowMs() + delayMs,
      lostAtMs: this.#lostAtMs,
    });
    this.#cancelRetry = this.#around.after(delayMs, () => this.open());
    if (!opened) void this.#askWhetherRejected();
  }

  /** A browser does not tell a page that its WebSocket was answered 403; a host that is up but won't have us did so. */
  async #askWhetherRejected(): Promise<void> {
    const attempt = this.#attempt;
    if (!(await this.#around.isHostUp())) return;
    if (this.#connection.phase !== 'reconnecting' || this.#attempt !== attempt || this.#socket !== null) return;
    this.#cancelRetry?.();
    this.#become({ phase: 'rejected', reason: '' });
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #become(connection: Connection): void {
    this.#connection = connection;
    for (const receive of this.#watchers) receive(connection);
  }
}

function refused(code: string, message: string, advice: string): RequestRefused {
  return new RequestRefused({ code, message, advice });
}
