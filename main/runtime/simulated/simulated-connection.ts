// One end of a simulated TCP connection. Bytes travel in order with the link's delay; a cut link holds them back,
// as a network that loses packets does, and hands them over when it heals.

import type { Connection } from '../runtime.ts';
import { NetworkError } from '../runtime.ts';
import type { NodeLife } from './node-life.ts';

/** Bytes under way that count as taken by the operating systems at both ends. */
const socketBufferBytes = 128 * 1024;
/** More than this waiting in the sender and `write` asks to wait for the drain. */
const writeBufferBytesMax = 64 * 1024;

type Receivers = Parameters<Connection['handle']>[0];

export type Segment =
  { readonly kind: 'data'; readonly bytes: Buffer } | { readonly kind: 'end' } | { readonly kind: 'reset' };

/** Carries segments from one end to the other: the network's part. */
export type Wire = {
  send(from: SimulatedConnection, segment: Segment): void;
  /** Splits what arrives as chunks with arbitrary borders. */
  splitAt(bytes: Buffer): number;
  forget(connection: SimulatedConnection): void;
};

export class SimulatedConnection implements Connection {
  readonly remoteAddress = '127.0.0.1';
  readonly localPort: number;
  readonly remotePort: number;
  readonly life: NodeLife;
  readonly #wire: Wire;
  #peer: SimulatedConnection | null = null;
  #receivers: Receivers | null = null;
  #isPaused = false;
  #isClosed = false;
  #isEnding = false;
  #isDrainAwaited = false;
  #bytesUnderWay = 0;
  readonly #received: Segment[] = [];
  /** When the last segment sent arrives: later ones never overtake it. */
  lastArrivalMs = 0;
  /** Segments held back by a cut link. */
  readonly heldSegments: Segment[] = [];

  constructor(life: NodeLife, localPort: number, remotePort: number, wire: Wire) {
    this.life = life;
    this.localPort = localPort;
    this.remotePort = remotePort;
    this.#wire = wire;
  }

  static join(a: SimulatedConnection, b: SimulatedConnection): void {
    a.#peer = b;
    b.#peer = a;
  }

  get peer(): SimulatedConnection | null {
    return this.#peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get bufferedBytes(): number {
    return Math.max(0, this.#bytesUnderWay - socketBufferBytes);
  }

  handle(receivers: Receivers): void {
    this.#receivers = receivers;
    if (this.#received.length > 0) this.life.after(() => this.#deliver());
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#isClosed || this.#isEnding || !this.life.isAlive) return false;
    // Copied: the other end may change what it receives in place, and so may this one what it sent.
    const bytes = Buffer.concat(chunks);
    if (bytes.length === 0) return true;
    this.#bytesUnderWay += bytes.length;
    this.#wire.send(this, { kind: 'data', bytes });
    if (this.bufferedBytes < writeBufferBytesMax) return true;
    this.#isDrainAwaited = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#received.length > 0) this.life.after(() => this.#deliver());
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#wire.send(this, { kind: 'end' });
    // The owner is told once everything before is with the peer, or now when nothing is under way.
    if (this.#bytesUnderWay === 0) this.life.after(() => this.#close(null));
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#wire.send(this, { kind: 'reset' });
    this.life.after(() => this.#report(null));
    this.#markClosed();
  }

  /** The world takes the connection away: reported at this end only. */
  breakNow(message: string): void {
    this.#close(new NetworkError('closed', message));
  }

  /** This end's process is gone; nothing is reported to it. */
  abandon(): void {
    this.#markClosed();
  }

  /** A segment arrives at this end. */
  arrive(segment: Segment): void {
    if (this.#isClosed) {
      if (segment.kind === 'data' && this.life.isAlive) this.#wire.send(this, { kind: 'reset' });
      return;
    }
    if (segment.kind === 'reset') return this.#close(new NetworkError('closed', 'connection reset by peer'));
    this.#received.push(segment);
    this.#deliver();
  }

  #deliver(): void {
    while (this.#received.length > 0 && this.#receivers !== null && !this.#isPaused && !this.#isClosed) {
      const segment = this.#received.shift();
      if (segment === undefined) return;
      if (segment.kind === 'data') this.#deliverBytes(segment.bytes);
      else this.#close(null);
    }
  }

  #deliverBytes(bytes: Buffer): void {
    const splitAt = this.#wire.splitAt(bytes);
    const first = splitAt > 0 && splitAt < bytes.length ? bytes.subarray(0, splitAt) : bytes;
    if (first.length < bytes.length) this.#received.unshift({ kind: 'data', bytes: bytes.subarray(first.length) });
    this.#peer?.wasTaken(first.length);
    this.#receivers?.onData(first);
  }

  /** The peer took bytes; the room this makes is reported in an event of the sender's own. */
  wasTaken(count: number): void {
    this.#bytesUnderWay -= count;
    if (this.#isClosed || !this.life.isAlive) return;
    if (this.#isEnding && this.#bytesUnderWay === 0) this.life.after(() => this.#close(null));
    if (!this.#isDrainAwaited || this.bufferedBytes > 0) return;
    this.#isDrainAwaited = false;
    this.life.after(() => {
      if (!this.#isClosed) this.#receivers?.onDrain();
    });
  }

  #close(reason: Error | null): void {
    if (this.#isClosed) return;
    // As a socket without half-open: the peer's end is answered with ours.
    if (!this.#isEnding && reason === null) this.#wire.send(this, { kind: 'end' });
    this.#markClosed();
    this.#report(reason);
  }

  #markClosed(): void {
    this.#isClosed = true;
    this.#received.length = 0;
    this.#wire.forget(this);
  }

  #report(reason: Error | null): void {
    const receivers = this.#receivers;
    this.#receivers = null;
    if (this.life.isAlive) receivers?.onClose(reason);
  }
}
