// A bare connection to a broker: sends what it is given, well-formed or not, and hands back whole answers.

import { connect, type Socket } from 'node:net';
import { encodeRequest, readResponseHeader } from '../../main/protocol/headers.ts';
import type { Api, Writable } from '../../main/protocol/schema.ts';
import { WireReader } from '../../main/protocol/wire-reader.ts';

export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static connect(address: string): Promise<RawClient> {
    const [host, port] = address.split(':');
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), host ?? '127.0.0.1', () => resolve(new RawClient(socket)));
      socket.once('error', reject);
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Resolves with the next whole answer without its length prefix; null when the broker closed the connection. */
  async frame(): Promise<Buffer | null> {
    for (;;) {
      if (this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0)) {
        const size = this.#received.readInt32BE(0);
        const frame = this.#received.subarray(4, 4 + size);
        this.#received = this.#received.subarray(4 + size);
        return frame;
      }
      if (this.#closed) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Sends a request in the given version and resolves with its answer; throws when the connection closes instead. */
  async ask<Q, P>(api: Api<Q, P>, version: number, body: Writable<Q>): Promise<P> {
    const { chunks } = encodeRequest(api, version, { correlationId: ++this.#correlationId, clientId: 'raw' }, body);
    this.write(Buffer.concat(chunks));
    const frame = await this.frame();
    if (frame === null) throw new Error(`the broker closed the connection on ${api.name} ${version}`);
    const reader = new WireReader(frame);
    readResponseHeader(reader, api as Api, version);
    return api.response.decode(reader, version);
  }

  close(): void {
    this.#socket.destroy();
  }
}
