// The request server of one listener: accepts connections within their bounds, closes idle ones, counts.

import {
  NetworkError,
  type Clock,
  type Connection,
  type Listener,
  type Network,
  type Timer,
} from '../runtime/runtime.ts';
import type { ListenerKind } from './handler.ts';
import type { Route } from './route.ts';
import { Router } from './router.ts';
import {
  ServerConnection,
  type ConnectionEnvironment,
  type ConnectionLimits,
  type ConnectionProblem,
} from './server-connection.ts';
import { RequestMemory } from './request-memory.ts';
import { ServerCounters } from './server-counters.ts';

export type ServerLimits = ConnectionLimits & {
  /** `max.connections`: one more is closed at once. */
  readonly connectionCountMax: number;
  /** `max.connections.per.ip`. */
  readonly connectionsPerAddressMax: number;
  /** `connections.max.idle.ms`: no byte in either direction for so long. */
  readonly connectionIdleMsMax: number;
  /** `queued.max.request.bytes`: of all connections together; −1: no bound. */
  readonly queuedRequestBytesMax: number;
};

/** Kafka's defaults where it has the setting. */
export const defaultServerLimits: ServerLimits = {
  requestBytesMax: 104_857_600,
  connectionInFlightMax: 64,
  connectionWaitingBytesMax: 16 * 1024 * 1024,
  connectionCountMax: 2_147_483_647,
  connectionsPerAddressMax: 2_147_483_647,
  connectionIdleMsMax: 600_000,
  queuedRequestBytesMax: -1,
};

export type ServerOptions = {
  readonly clock: Clock;
  readonly network: Network;
  readonly host: string;
  readonly port: number;
  readonly listener: ListenerKind;
  readonly routes: readonly Route[];
  readonly limits?: Partial<ServerLimits>;
  /** Clients that are slowed down: until when (monotonic) a connection's requests wait; 0: not at all. */
  readonly mutedUntilMs?: (connectionId: string) => number;
  /** For what was bound to it. */
  readonly onConnectionClosed?: (connectionId: string) => void;
  /** A connection was closed over a bad request or a failed handler: for the log, or for `fatal`. */
  onProblem(problem: ConnectionProblem): void;
};

/** Idle connections are looked for so many times within the time that makes them idle. */
const idleLooksPerPeriod = 4;
const idleLookMsMin = 100;

export class RpcServer {
  readonly counters = new ServerCounters();
  readonly router: Router;
  readonly #options: ServerOptions;
  /** One object that connections share: what changes at run time holds for all of them. */
  readonly #limits: { -readonly [K in keyof ServerLimits]: ServerLimits[K] };
  readonly #environment: ConnectionEnvironment;
  readonly #memory = new RequestMemory();
  /** With the address that each is counted under. */
  readonly #connections = new Map<ServerConnection, string>();
  readonly #countByAddress = new Map<string, number>();
  #listener: Listener | null = null;
  #idleTimer: Timer | null = null;
  #nextConnectionNumber = 0;
  #isClosed = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultServerLimits, ...options.limits };
    this.#memory.setBound(this.#limits.queuedRequestBytesMax);
    this.router = new Router(options.routes, options.listener);
    this.#environment = {
      clock: options.clock,
      router: this.router,
      limits: this.#limits,
      counters: this.counters,
      memory: this.#memory,
      mutedUntilMs: options.mutedUntilMs ?? (() => 0),
      onProblem: (problem) => options.onProblem(problem),
      onClosed: (connection) => this.#forget(connection),
    };
  }

  /** Holds from now on; connections that are open stay open. */
  updateLimits(limits: Partial<ServerLimits>): void {
    Object.assign(this.#limits, limits);
    this.#memory.setBound(this.#limits.queuedRequestBytesMax);
  }

  /** Opens the port; NetworkError when it can't be had. */
  async listen(): Promise<void> {
    const { host, port, network } = this.#options;
    this.#listener = await network.listen({ host, port }, (connection) => this.#accept(connection));
    this.#lookForIdle();
  }

  /** The port in use; differs from the one asked for when that was 0. */
  get port(): number {
    if (this.#listener === null) throw new NetworkError('closed', 'the server does not listen');
    return this.#listener.port;
  }

  /** Lets nobody in any more; open connections are served on. */
  async stopAccepting(): Promise<void> {
    await this.#listener?.close();
  }

  /** Closes the port and every connection; requests that run see `isOpen()` false. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#idleTimer?.cancel();
    for (const connection of [...this.#connections.keys()]) connection.destroy();
    await this.stopAccepting();
  }

  #accept(connection: Connection): void {
    const address = connection.remoteAddress;
    const countOfAddress = this.#countByAddress.get(address) ?? 0;
    const isFull =
      this.#connections.size >= this.#limits.connectionCountMax ||
      countOfAddress >= this.#limits.connectionsPerAddressMax;
    if (this.#isClosed || isFull) {
      this.counters.connectionsRefused++;
      connection.handle({ onData: () => undefined, onClose: () => undefined, onDrain: () => undefined });
      connection.destroy();
      return;
    }
    const { host } = this.#options;
    // As Kafka names them: local-remote-processor-number.
    const id = `${host}:${this.port}-${address}:${connection.remotePort}-0-${this.#nextConnectionNumber++}`;
    this.counters.connectionsAccepted++;
    this.#countByAddress.set(address, countOfAddress + 1);
    const served = new ServerConnection(connection, id, this.#environment);
    this.#connections.set(served, address);
    this.counters.connectionsOpen = this.#connections.size;
  }

  #forget(connection: ServerConnection): void {
    this.#options.onConnectionClosed?.(connection.connectionId);
    const address = this.#connections.get(connection);
    this.#connections.delete(connection);
    this.counters.connectionsOpen = this.#connections.size;
    if (address === undefined) return;
    const count = (this.#countByAddress.get(address) ?? 1) - 1;
    if (count > 0) this.#countByAddress.set(address, count);
    else this.#countByAddress.delete(address);
  }

  #lookForIdle(): void {
    const { clock } = this.#options;
    const { connectionIdleMsMax } = this.#limits;
    const everyMs = Math.max(idleLookMsMin, connectionIdleMsMax / idleLooksPerPeriod);
    this.#idleTimer = clock.at(clock.monotonicMs() + everyMs, () => {
      const idleSinceMs = clock.monotonicMs() - connectionIdleMsMax;
      for (const connection of [...this.#connections.keys()]) {
        if (connection.lastActiveMs > idleSinceMs) continue;
        this.counters.connectionsIdleClosed++;
        connection.destroy();
      }
      this.#lookForIdle();
    });
  }
}
