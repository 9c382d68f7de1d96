// A connection that was accepted by the operating system and not yet by us: nothing of it is read until somebody takes
// charge of it. What arrives nevertheless is kept.

import type { Connection } from '../runtime/runtime.ts';

type Receivers = Parameters<Connection['handle']>[0];

export class HeldConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #connection: Connection;
  #receivers: Receivers | null = null;
  #early: Buffer[] = [];
  #end: { readonly reason: Error | null } | null = null;

  /** `onGone`: it was closed by its peer while nobody had it. */
  constructor(connection: Connection, onGone: () => void) {
    this.#connection = connection;
    this.remoteAddress = connection.remoteAddress;
    this.remotePort = connection.remotePort;
    connection.handle({
      onData: (chunk) => {
        if (this.#receivers === null) this.#early.push(Buffer.from(chunk));
        else this.#receivers.onData(chunk);
      },
      onDrain: () => this.#receivers?.onDrain(),
      onClose: (reason) => {
        this.#end = { reason };
        if (this.#receivers === null) onGone();
        else this.#receivers.onClose(reason);
      },
    });
    connection.pause();
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  handle(receivers: Receivers): void {
    this.#receivers = receivers;
  }

  /** From now on it is read. To be called once somebody handles it. */
  release(): void {
    for (const chunk of this.#early) this.#receivers?.onData(chunk);
    this.#early = [];
    this.#connection.resume();
  }

  write(chunks: readonly Uint8Array[]): boolean {
    return this.#connection.write(chunks);
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }
}
