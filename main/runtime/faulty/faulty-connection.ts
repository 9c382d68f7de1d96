// A connection over a link that may be faulty. While the link is well it costs one comparison per call; otherwise what
// is sent and received travels in flows. Whoever uses it sees what a real network would show: silence, not errors.

import type { Clock, Connection } from '../runtime.ts';
import { Flow, type Piece } from './flow.ts';
import type { Line } from './line.ts';

/** More than this under way and the sender is asked to wait, as with a full socket buffer. */
const outHeldBytesMax = 64 * 1024;
/** More than this received and not yet delivered, and nothing more is read. */
const inHeldBytesMax = 256 * 1024;

type Receivers = Parameters<Connection['handle']>[0];

export type Lines = { readonly out: Line; readonly in: Line };

export class FaultyConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #clock: Clock;
  readonly #base: Connection;
  readonly #classify: ((firstBytes: Buffer) => Lines | null) | null;
  #receivers: Receivers | null = null;
  #out: Flow | null = null;
  #in: Flow | null = null;
  #isClassified: boolean;
  #isPaused = false;
  #isBasePaused = false;
  #isDrainAwaited = false;
  /** The user has let go of it: nothing is delivered any more but the close. */
  #isAbandoned = false;
  #isCloseTold = false;
  #endWatch: () => void = () => undefined;

  /** `lines`: of the peer it leads to, or a function that finds them by the first bytes received (null: no faults). */
  constructor(clock: Clock, base: Connection, lines: Lines | ((firstBytes: Buffer) => Lines | null)) {
    this.#clock = clock;
    this.#base = base;
    this.remoteAddress = base.remoteAddress;
    this.remotePort = base.remotePort;
    this.#isClassified = typeof lines !== 'function';
    this.#classify = typeof lines === 'function' ? lines : null;
    if (typeof lines !== 'function') this.#use(lines);
  }

  handle(receivers: Receivers): void {
    this.#receivers = receivers;
    this.#base.handle({
      onData: (chunk) => this.#onData(chunk, receivers),
      onClose: (reason) => this.#onBaseClose(reason),
      onDrain: () => {
        if (this.#isAbandoned || (this.#out !== null && this.#out.heldBytes >= outHeldBytesMax)) return;
        this.#isDrainAwaited = false;
        receivers.onDrain();
      },
    });
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const out = this.#out;
    if (out === null || out.isOpen) return this.#base.write(chunks);
    if (this.#isAbandoned) return false;
    out.sendData(chunks);
    if (out.heldBytes < outHeldBytesMax) return true;
    this.#isDrainAwaited = true;
    return false;
  }

  get bufferedBytes(): number {
    return this.#base.bufferedBytes + (this.#out?.heldBytes ?? 0);
  }

  pause(): void {
    this.#isPaused = true;
    this.#in?.hold();
    this.#steerBase();
  }

  resume(): void {
    this.#isPaused = false;
    this.#in?.proceed();
    this.#steerBase();
  }

  end(): void {
    if (this.#out === null || this.#out.isOpen) this.#base.end();
    else this.#out.sendClose('end', null);
  }

  destroy(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#in?.stop();
    const out = this.#out;
    if (out === null || out.isOpen) {
      this.#base.destroy();
      return;
    }
    // The other end hears of it once the reset gets through; here the connection is gone.
    out.clear();
    out.sendClose('reset', null);
    this.#clock.soon(() => this.#tellClose(null));
  }

  #use(lines: Lines): void {
    const endWatch = lines.in.watch(() => this.#steerBase());
    this.#out = new Flow(this.#clock, lines.out, (piece) => this.#sendOn(piece));
    this.#in = new Flow(this.#clock, lines.in, (piece) => this.#receive(piece));
    this.#endWatch = endWatch;
  }

  #onData(chunk: Buffer, receivers: Receivers): void {
    if (!this.#isClassified) {
      this.#isClassified = true;
      const lines = this.#classify?.(chunk) ?? null;
      if (lines !== null) this.#use(lines);
    }
    if (this.#isAbandoned) return;
    const incoming = this.#in;
    if (incoming === null || incoming.isOpen) {
      receivers.onData(chunk);
      return;
    }
    incoming.sendData([chunk]);
    this.#steerBase();
  }

  #onBaseClose(reason: Error | null): void {
    this.#out?.stop();
    const incoming = this.#in;
    if (incoming === null || this.#isAbandoned || incoming.isOpen) this.#tellClose(reason);
    // That the other end is gone is news that has to come through as well.
    else incoming.sendClose('end', reason);
  }

  #sendOn(piece: Piece): void {
    if (piece.kind === 'reset') this.#base.destroy();
    else if (piece.kind === 'end') this.#base.end();
    else if (piece.kind === 'data') this.#base.write([piece.bytes]);
    if (!this.#isDrainAwaited || this.#isAbandoned || (this.#out?.heldBytes ?? 0) >= outHeldBytesMax) return;
    this.#isDrainAwaited = false;
    this.#receivers?.onDrain();
  }

  #receive(piece: Piece): void {
    if (piece.kind !== 'data') {
      this.#tellClose(piece.error);
      return;
    }
    this.#receivers?.onData(piece.bytes);
    this.#steerBase();
  }

  /** Reads from the socket only while there is a way on for what comes: a cut fills the other end's buffers. */
  #steerBase(): void {
    const incoming = this.#in;
    const mustPause = this.#isPaused || (incoming !== null && (incoming.isCut || incoming.heldBytes >= inHeldBytesMax));
    if (mustPause === this.#isBasePaused) return;
    this.#isBasePaused = mustPause;
    if (mustPause) this.#base.pause();
    else this.#base.resume();
  }

  #tellClose(reason: Error | null): void {
    if (this.#isCloseTold) return;
    this.#isCloseTold = true;
    this.#endWatch();
    this.#in?.stop();
    this.#receivers?.onClose(reason);
  }
}
