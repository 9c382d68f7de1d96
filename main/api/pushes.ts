// Who listens to which push channel. The engine pushes, each connected screen subscribes.

import type { Channel, Pushed } from './contract.ts';

export class Pushes {
  readonly #receivers = new Map<Channel, Set<(payload: never) => void>>();

  /** Returns the function that ends the subscription. */
  subscribe<Name extends Channel>(channel: Name, receive: (payload: Pushed[Name]) => void): () => void {
    const receivers = this.#receivers.get(channel) ?? new Set();
    this.#receivers.set(channel, receivers);
    receivers.add(receive);
    return () => receivers.delete(receive);
  }

  hasReceivers(channel: Channel): boolean {
    return (this.#receivers.get(channel)?.size ?? 0) > 0;
  }

  push<Name extends Channel>(channel: Name, payload: Pushed[Name]): void {
    for (const receive of this.#receivers.get(channel) ?? []) receive(payload as never);
  }
}
