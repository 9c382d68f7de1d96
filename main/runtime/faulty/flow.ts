// What one connection has under way in one direction of a faulty link: pieces in order, each with the time at which
// it arrives. Nothing overtakes, as in TCP; while the line is cut everything waits.

import type { Clock, Timer } from '../runtime.ts';
import type { Line } from './line.ts';

export type Piece =
  { readonly kind: 'data'; readonly bytes: Buffer } | { readonly kind: 'end' | 'reset'; readonly error: Error | null };

type Travelling = { readonly piece: Piece; arrivalMs: number };

/** Larger writes travel in parts, so that a slow link delivers steadily. */
const pieceBytesMax = 16 * 1024;

export class Flow {
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #deliver: (piece: Piece) => void;
  readonly #endWatch: () => void;
  #travelling: Travelling[] = [];
  #timer: Timer | null = null;
  #heldBytes = 0;
  #isHeld = false;
  #isStopped = false;

  constructor(clock: Clock, line: Line, deliver: (piece: Piece) => void) {
    this.#clock = clock;
    this.#line = line;
    this.#deliver = deliver;
    this.#endWatch = line.watch(() => this.#replan());
  }

  /** Nothing is under way and the line does nothing: bytes may pass beside the flow. */
  get isOpen(): boolean {
    return this.#line.isClear && this.#travelling.length === 0;
  }

  get isCut(): boolean {
    return this.#line.isCut;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Sends a copy of the chunks. */
  sendData(chunks: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(chunks);
    for (let start = 0; start < bytes.length; start += pieceBytesMax) {
      this.#push({ kind: 'data', bytes: bytes.subarray(start, start + pieceBytesMax) }, pieceBytesMax);
    }
  }

  sendClose(kind: 'end' | 'reset', error: Error | null): void {
    this.#push({ kind, error }, 1);
  }

  /** Takes back what has not arrived. */
  clear(): void {
    this.#travelling = [];
    this.#heldBytes = 0;
    this.#schedule();
  }

  /** Nothing will be delivered any more. */
  stop(): void {
    this.#isStopped = true;
    this.#endWatch();
    this.clear();
  }

  /** Stops deliveries until `proceed`; arrival times go on. */
  hold(): void {
    this.#isHeld = true;
  }

  proceed(): void {
    this.#isHeld = false;
    this.#schedule();
  }

  #push(piece: Piece, wireBytes: number): void {
    const byteCount = piece.kind === 'data' ? piece.bytes.length : wireBytes;
    const before = this.#travelling.at(-1)?.arrivalMs ?? 0;
    this.#travelling.push({ piece, arrivalMs: Math.max(before, this.#line.arrivalMs(byteCount)) });
    if (piece.kind === 'data') this.#heldBytes += byteCount;
    if (this.#travelling.length === 1) this.#schedule();
  }

  /** The line has changed: what is under way keeps its place, and never comes later than if it were sent now. */
  #replan(): void {
    let before = 0;
    for (const each of this.#travelling) {
      const byteCount = each.piece.kind === 'data' ? each.piece.bytes.length : 1;
      const planned = this.#line.arrivalMs(byteCount);
      each.arrivalMs = Math.max(before, this.#line.isCut ? Infinity : Math.min(each.arrivalMs, planned));
      before = each.arrivalMs;
    }
    this.#schedule();
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const next = this.#travelling[0];
    if (next === undefined || next.arrivalMs === Infinity || this.#isHeld || this.#isStopped) return;
    this.#timer = this.#clock.at(next.arrivalMs, () => this.#arrive());
  }

  #arrive(): void {
    this.#timer = null;
    const now = this.#clock.monotonicMs();
    for (;;) {
      const next = this.#travelling[0];
      if (next === undefined || next.arrivalMs > now || this.#isHeld || this.#isStopped) break;
      this.#travelling.shift();
      if (next.piece.kind === 'data') this.#heldBytes -= next.piece.bytes.length;
      this.#deliver(next.piece);
    }
    this.#schedule();
  }
}
