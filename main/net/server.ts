// The request server of one listener: serves the connections that are let in, closes idle ones, counts.

import {
  NetworkError,
  type Clock,
  type Connection,
  type Listener,
  type Network,
  type Timer,
} from '../runtime/runtime.ts';
import type { Authentication } from './authentication.ts';
import { ConnectionAdmission, noConnectionLimit, type AdmissionLimits } from './connection-admission.ts';
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

export type ServerLimits = ConnectionLimits &
  AdmissionLimits & {
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
  connectionCountMax: noConnectionLimit,
  connectionsPerAddressMax: noConnectionLimit,
  connectionsPerAddressOverrides: new Map(),
  connectionRateMax: noConnectionLimit,
  connectionRateMaxOf: () => noConnectionLimit,
  rateSampleCount: 11,
  rateSampleMs: 1000,
  connectionIdleMsMax: 600_000,
  queuedRequestBytesMax: -1,
};

export type ServerOptions = {
  readonly clock: Clock;
  readonly network: Network;
  readonly host: string;
  readonly port: number;
  readonly listener: ListenerKind;
  /** As in `listeners`. Default: Kafka's for the kind. */
  readonly name?: string;
  /** Absent: every client is served at once, as anonymous. */
  readonly authentication?: Authentication | null;
  readonly routes: readonly Route[];
  readonly limits?: Partial<ServerLimits>;
  /** Clients that are slowed down: until when (monotonic) a connection's requests wait; 0: not at all. */
  readonly mutedUntilMs?: (connectionId: string) => number;
  /** For what was bound to it. */
  readonly onConnectionClosed?: (connectionId: string) => void;
  /** A connection was closed over a bad request or a failed handler: for the log, or for `fatal`. */
  onProblem(problem: ConnectionProblem): void;
};

const defaultNames = { client: 'PLAINTEXT', controller: 'CONTROLLER' } as const;

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
  readonly #admission: ConnectionAdmission;
  #listener: Listener | null = null;
  #idleTimer: Timer | null = null;
  #nextConnectionNumber = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultServerLimits, ...options.limits };
    this.#memory.setBound(this.#limits.queuedRequestBytesMax);
    this.router = new Router(options.routes, options.listener, options.name ?? defaultNames[options.listener]);
    this.#admission = new ConnectionAdmission(options.clock, this.#limits, {
      admit: (connection, address) => this.#serve(connection, address),
      refused: () => void this.counters.connectionsRefused++,
      waiting: (count) => void (this.counters.connectionsWaiting = count),
    });
    this.#environment = {
      clock: options.clock,
      router: this.router,
      limits: this.#limits,
      counters: this.counters,
      memory: this.#memory,
      authentication: options.authentication ?? null,
      mutedUntilMs: options.mutedUntilMs ?? (() => 0),
      onProblem: (problem) => options.onProblem(problem),
      onClosed: (connection) => this.#forget(connection),
    };
  }

  /** Holds from now on. Connections that are open stay open, unless there are more than may be. */
  updateLimits(limits: Partial<ServerLimits>): void {
    Object.assign(this.#limits, limits);
    this.#memory.setBound(this.#limits.queuedRequestBytesMax);
    this.#closeExcess();
    this.#admission.limitsChanged();
  }

  /** Those that were silent for longest go first, as in Kafka. */
  #closeExcess(): void {
    const { excessCount } = this.#admission;
    if (excessCount === 0) return;
    const bySilence = [...this.#connections.keys()].sort((one, other) => one.lastActiveMs - other.lastActiveMs);
    for (const connection of bySilence.slice(0, excessCount)) connection.destroy();
  }

  /** Opens the port; NetworkError when it can't be had. */
  async listen(): Promise<void> {
    const { host, port, network } = this.#options;
    this.#listener = await network.listen({ host, port }, (connection) => this.#admission.offer(connection));
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
    this.#idleTimer?.cancel();
    this.#admission.close();
    for (const connection of [...this.#connections.keys()]) connection.destroy();
    await this.stopAccepting();
  }

  #serve(connection: Connection, address: string): void {
    const { host } = this.#options;
    // As Kafka names them: local-remote-processor-number.
    const id = `${host}:${this.port}-${connection.remoteAddress}:${connection.remotePort}-0-${this.#nextConnectionNumber++}`;
    this.counters.connectionsAccepted++;
    const served = new ServerConnection(connection, id, this.#environment);
    this.#connections.set(served, address);
    this.counters.connectionsOpen = this.#connections.size;
  }

  #forget(connection: ServerConnection): void {
    this.#options.onConnectionClosed?.(connection.connectionId);
    const address = this.#connections.get(connection);
    this.#connections.delete(connection);
    this.counters.connectionsOpen = this.#connections.size;
    if (address !== undefined) this.#admission.left(address);
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
