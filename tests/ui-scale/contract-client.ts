// The UI's contract from Node, as a page speaks it: for filling a cluster and for counting what is pushed.

import { WebSocket } from 'ws';
import type { Endpoint, HostMessage, InputOf, OutputOf } from '../../main/api/contract.ts';

export class ContractClient {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(output: unknown): void; reject(error: Error): void }>();
  #number = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString()) as HostMessage));
  }

  static async connect(url: string): Promise<ContractClient> {
    const { host, searchParams } = new URL(url);
    const socket = new WebSocket(`ws://${host}/api?token=${searchParams.get('token') ?? ''}`, {
      origin: `http://${host}`,
    });
    await new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    return new ContractClient(socket);
  }

  request<Name extends Endpoint>(endpoint: Name, input: InputOf<Name>): Promise<OutputOf<Name>> {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (output) => resolve(output as OutputOf<Name>), reject });
      this.#socket.send(JSON.stringify({ type: 'request', id, endpoint, input }));
    });
  }

  close(): void {
    this.#socket.close();
  }

  #receive(message: HostMessage): void {
    if (message.type === 'push') return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'answer') waiting?.resolve(message.output);
    else waiting?.reject(new Error(`${message.refusal.code}: ${message.refusal.message}`));
  }
}
