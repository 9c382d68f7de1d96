// The network between simulated nodes: listeners by port, connections with delay, and links that can be cut one way.
// All nodes share the loopback address, as the brokers of a laptop do; a port says which node is meant.

import type { Connection, ConnectOptions, Listener, Network, Random } from '../runtime.ts';
import { NetworkError } from '../runtime.ts';
import type { NodeLife } from './node-life.ts';
import type { Segment, Wire } from './simulated-connection.ts';
import { SimulatedConnection } from './simulated-connection.ts';

export type LinkDelay = { readonly minMs: number; readonly maxMs: number };

type BoundPort = { readonly life: NodeLife; readonly onConnection: (connection: Connection) => void };

const ephemeralPortFirst = 49152;
const portMax = 65535;
/** One delivery in so many is split into two chunks somewhere. */
const splitOneIn = 8;

function linkName(from: number, to: number): string {
  return `${from}>${to}`;
}

export class SimulatedNetwork implements Wire {
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #ports = new Map<number, BoundPort>();
  readonly #connections = new Set<SimulatedConnection>();
  readonly #cutLinks = new Set<string>();
  readonly #delays = new Map<string, LinkDelay>();
  /** Connections whose segments wait for a link to heal, by link. */
  readonly #held = new Map<string, Set<SimulatedConnection>>();
  #nextPort = ephemeralPortFirst;
  defaultDelay: LinkDelay;

  constructor(random: Random, nowMs: () => number, defaultDelay: LinkDelay) {
    this.#random = random;
    this.#nowMs = nowMs;
    this.defaultDelay = defaultDelay;
  }

  networkFor(life: NodeLife): Network {
    return {
      listen: (options, onConnection) => this.#listen(life, options, onConnection),
      connect: (options) => this.#connect(life, options),
    };
  }

  cut(from: number, to: number): void {
    this.#cutLinks.add(linkName(from, to));
  }

  heal(from: number, to: number): void {
    const link = linkName(from, to);
    if (!this.#cutLinks.delete(link)) return;
    const waiting = this.#held.get(link);
    this.#held.delete(link);
    for (const connection of waiting ?? []) {
      for (const segment of connection.heldSegments.splice(0)) this.send(connection, segment);
    }
  }

  isCut(from: number, to: number): boolean {
    return this.#cutLinks.has(linkName(from, to));
  }

  healAll(): void {
    for (const link of [...this.#cutLinks]) {
      const [from, to] = link.split('>').map(Number);
      if (from !== undefined && to !== undefined) this.heal(from, to);
    }
  }

  setDelay(from: number, to: number, delay: LinkDelay | null): void {
    if (delay === null) this.#delays.delete(linkName(from, to));
    else this.#delays.set(linkName(from, to), delay);
  }

  /** Resets every connection between two nodes; both ends are told. */
  dropConnections(a: number, b: number): void {
    for (const connection of [...this.#connections]) {
      const other = connection.peer?.life.nodeId;
      if ((connection.life.nodeId === a && other === b) || (connection.life.nodeId === b && other === a)) {
        connection.life.after(() => connection.breakNow('connection dropped by the simulated network'));
      }
    }
  }

  /** A life ended. `silently`: its machine lost power, so the peers hear nothing until they ask a later life. */
  endLife(life: NodeLife, silently: boolean): void {
    for (const [port, bound] of [...this.#ports]) {
      if (bound.life === life) this.#ports.delete(port);
    }
    for (const connection of [...this.#connections]) {
      if (connection.life !== life) continue;
      if (!silently) this.send(connection, { kind: 'reset' });
      connection.abandon();
    }
  }

  /** The machine is back after a power loss: it resets what it does not know. */
  resetOldConnections(nodeId: number): void {
    for (const connection of [...this.#connections]) {
      const peer = connection.peer;
      if (peer === null || peer.life.nodeId !== nodeId || peer.life.isAlive) continue;
      this.send(peer, { kind: 'reset' });
    }
  }

  send(from: SimulatedConnection, segment: Segment): void {
    const to = from.peer;
    if (to === null) return;
    const link = linkName(from.life.nodeId, to.life.nodeId);
    if (this.#cutLinks.has(link)) {
      from.heldSegments.push(segment);
      const waiting = this.#held.get(link) ?? new Set();
      this.#held.set(link, waiting.add(from));
      return;
    }
    const arrivalMs = Math.max(this.#nowMs() + this.#delayMs(from.life.nodeId, to.life.nodeId), from.lastArrivalMs);
    from.lastArrivalMs = arrivalMs;
    to.life.at(arrivalMs, () => to.arrive(segment));
  }

  splitAt(bytes: Buffer): number {
    if (bytes.length < 2 || this.#random.below(splitOneIn) !== 0) return 0;
    return 1 + this.#random.below(bytes.length - 1);
  }

  forget(connection: SimulatedConnection): void {
    this.#connections.delete(connection);
  }

  #delayMs(from: number, to: number): number {
    const { minMs, maxMs } = this.#delays.get(linkName(from, to)) ?? this.defaultDelay;
    return minMs + this.#random.next() * (maxMs - minMs);
  }

  #freePort(): number {
    for (let tries = 0; tries <= portMax - ephemeralPortFirst; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === portMax ? ephemeralPortFirst : port + 1;
      if (!this.#ports.has(port)) return port;
    }
    throw new NetworkError('address-in-use', 'no free port left in the simulated network');
  }

  async #listen(
    life: NodeLife,
    options: { host: string; port: number },
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    life.requireAliveNetwork();
    const port = options.port === 0 ? this.#freePort() : options.port;
    if (this.#ports.has(port)) {
      throw new NetworkError('address-in-use', `${options.host}:${port} is in use by another listener`);
    }
    const bound: BoundPort = { life, onConnection };
    this.#ports.set(port, bound);
    const close = async (): Promise<void> => {
      if (this.#ports.get(port) === bound) this.#ports.delete(port);
    };
    return { port, close };
  }

  #connect(life: NodeLife, options: ConnectOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      life.requireAliveNetwork();
      let isSettled = false;
      const where = `${options.host}:${options.port}`;
      const settle = (action: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        timeout.cancel();
        action();
      };
      const timeout = life.at(this.#nowMs() + options.timeoutMs, () =>
        settle(() => reject(new NetworkError('timeout', `${where} did not answer within ${options.timeoutMs} ms`))),
      );
      const refuse = (): void =>
        settle(() => reject(new NetworkError('refused', `${where} refused the connection: nothing listens there`)));
      const target = this.#ports.get(options.port);
      if (target === undefined) {
        life.at(this.#nowMs() + this.defaultDelay.minMs, refuse);
        return;
      }
      // A handshake over a cut link is lost; the client's own time-out ends the wait.
      if (this.isCut(life.nodeId, target.life.nodeId) || this.isCut(target.life.nodeId, life.nodeId)) return;
      const roundTripMs =
        this.#delayMs(life.nodeId, target.life.nodeId) + this.#delayMs(target.life.nodeId, life.nodeId);
      // The operating system answers, not the program: a frozen node accepts connections and then says nothing.
      life.at(this.#nowMs() + roundTripMs, () => {
        if (isSettled) return;
        if (this.#ports.get(options.port) !== target) return refuse();
        const local = new SimulatedConnection(life, this.#freePort(), options.port, this);
        const remote = new SimulatedConnection(target.life, options.port, local.localPort, this);
        SimulatedConnection.join(local, remote);
        this.#connections.add(local).add(remote);
        target.life.after(() => target.onConnection(remote));
        settle(() => resolve(local));
      });
    });
  }
}
