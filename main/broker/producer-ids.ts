// Producer ids for idempotent producers: taken one by one from blocks that the controller hands out.

import { ErrorCode } from '../protocol/errors.ts';
import { allocateProducerIdsApi } from '../protocol/messages/allocate-producer-ids.ts';
import type { ControllerChannel } from './controller-channel.ts';

/** Below this share of a block left, the next one is fetched ahead. */
const prefetchShare = 0.1;
const defaultTimeoutMs = 5000;

type Block = { next: number; readonly end: number; readonly size: number };

export class ProducerIds {
  readonly #channel: ControllerChannel;
  readonly #nodeId: number;
  readonly #brokerEpoch: () => number | null;
  readonly #timeoutMs: number;
  #block: Block = { next: 0, end: 0, size: 0 };
  #following: Block | null = null;
  #allocation: Promise<void> | null = null;

  constructor(
    channel: ControllerChannel,
    nodeId: number,
    brokerEpoch: () => number | null,
    timeoutMs = defaultTimeoutMs,
  ) {
    this.#channel = channel;
    this.#nodeId = nodeId;
    this.#brokerEpoch = brokerEpoch;
    this.#timeoutMs = timeoutMs;
  }

  /** A producer id that nobody else gets, or null when the controller gave no block in time. */
  async next(): Promise<number | null> {
    if (!this.#hasOne()) await this.#allocate();
    // Others waited for the same block: it may be used up again.
    if (!this.#hasOne()) return null;
    const id = this.#block.next++;
    const left = this.#block.end - this.#block.next;
    if (this.#following === null && left < this.#block.size * prefetchShare) void this.#allocate();
    return id;
  }

  #hasOne(): boolean {
    if (this.#block.next >= this.#block.end && this.#following !== null) {
      this.#block = this.#following;
      this.#following = null;
    }
    return this.#block.next < this.#block.end;
  }

  #allocate(): Promise<void> {
    this.#allocation ??= this.#fetchBlock().finally(() => {
      this.#allocation = null;
    });
    return this.#allocation;
  }

  async #fetchBlock(): Promise<void> {
    const brokerEpoch = this.#brokerEpoch();
    if (brokerEpoch === null) return;
    const request = { brokerId: this.#nodeId, brokerEpoch };
    const response = await this.#channel
      .send(allocateProducerIdsApi, request, { timeoutMs: this.#timeoutMs })
      .catch(() => null);
    if (response === null || response.errorCode !== ErrorCode.NONE) return;
    const { producerIdStart, producerIdLen } = response;
    this.#following = { next: producerIdStart, end: producerIdStart + producerIdLen, size: producerIdLen };
  }
}
