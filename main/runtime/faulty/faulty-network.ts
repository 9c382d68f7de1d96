// The network of a broker whose links may be faulty. Each broker answers for the connections that it opened itself, in
// both directions, and for those that clients opened to it: so both ends of a link between brokers do their part, and
// no root rights or other processes are needed.

import type { Clock, Connection, ConnectOptions, Listener, Network, Random } from '../runtime.ts';
import { NetworkError } from '../runtime.ts';
import { clearLink, type LinkFaults, type NeighbourPorts } from './broker-faults.ts';
import { FaultyConnection, type Lines } from './faulty-connection.ts';
import { Line } from './line.ts';

/** Tells by the first bytes on an accepted connection whether another broker opened it. */
export type IsFromBroker = (firstBytes: Buffer) => boolean;

export type FaultyNetworkOptions = {
  readonly base: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly neighbours: NeighbourPorts;
  readonly isFromBroker: IsFromBroker;
};

export class FaultyNetwork implements Network {
  readonly #options: FaultyNetworkOptions;
  readonly #clients: Lines;
  readonly #peers = new Map<number, Lines>();
  readonly #byPort = new Map<number, Lines>();

  constructor(options: FaultyNetworkOptions) {
    this.#options = options;
    this.#clients = this.#newLines();
    for (const { brokerId, ports } of options.neighbours) {
      const lines = this.#newLines();
      this.#peers.set(brokerId, lines);
      for (const port of ports) this.#byPort.set(port, lines);
    }
  }

  apply(links: readonly LinkFaults[]): void {
    for (const [peer, lines] of [...this.#peers, ['clients', this.#clients] as const]) {
      const link = links.find((each) => each.peer === peer);
      lines.out.change(link?.out ?? clearLink);
      lines.in.change(link?.in ?? clearLink);
    }
  }

  listen(where: { host: string; port: number }, onConnection: (connection: Connection) => void): Promise<Listener> {
    const { base, clock, isFromBroker } = this.#options;
    const linesOf = (firstBytes: Buffer): Lines | null => (isFromBroker(firstBytes) ? null : this.#clients);
    return base.listen(where, (connection) => onConnection(new FaultyConnection(clock, connection, linesOf)));
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const { base, clock } = this.#options;
    const lines = this.#byPort.get(options.port);
    if (lines === undefined) return base.connect(options);
    const deadlineMs = clock.monotonicMs() + options.timeoutMs;
    await this.#handshake(lines, deadlineMs, options);
    const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs());
    return new FaultyConnection(clock, await base.connect({ ...options, timeoutMs }), lines);
  }

  /** TCP needs both directions before there is a connection, so that a cut of either one is enough to prevent it. */
  async #handshake({ out, in: incoming }: Lines, deadlineMs: number, { host, port, timeoutMs }: ConnectOptions) {
    const { clock } = this.#options;
    while (!out.isClear || !incoming.isClear) {
      const arrivalMs = clock.monotonicMs() + Line.roundTripMs(out, incoming);
      const isThere = await new Promise<boolean>((resolve) => {
        const timer = clock.at(Math.min(arrivalMs, deadlineMs), () => end(arrivalMs <= deadlineMs));
        const end = (isDone: boolean): void => {
          timer.cancel();
          endOut();
          endIn();
          resolve(isDone);
        };
        // The line has changed: the handshake is tried again, as TCP does.
        const endOut = out.watch(() => end(false));
        const endIn = incoming.watch(() => end(false));
      });
      if (isThere) return;
      if (clock.monotonicMs() >= deadlineMs) {
        throw new NetworkError('timeout', `${host}:${port} did not answer within ${timeoutMs} ms`);
      }
    }
  }

  #newLines(): Lines {
    const { clock, random } = this.#options;
    return { out: new Line(clock, random), in: new Line(clock, random) };
  }
}
