// Reads all partitions of a topic from the start and stays at their ends; commits nothing.

import type { HistoryRecorder } from '../history-recorder.ts';
import { Fetcher } from './fetcher.ts';
import type { SimulatedClient } from './simulated-client.ts';

export type TailReaderOptions = {
  readonly topic: string;
  readonly isolation: 'read_uncommitted' | 'read_committed';
  readonly pauseMs: number;
};

export class TailReader {
  readonly #client: SimulatedClient;
  readonly #options: TailReaderOptions;
  readonly #fetcher: Fetcher;

  constructor(client: SimulatedClient, options: TailReaderOptions, history: HistoryRecorder) {
    this.#client = client;
    this.#options = options;
    const { topic, isolation } = options;
    this.#fetcher = new Fetcher(client, { topic, isolation, reader: client.name, group: null, waitMs: 200 }, history);
  }

  async run(): Promise<void> {
    const { topic, pauseMs } = this.#options;
    while (!this.#client.isStopped) {
      const partitions = this.#client.partitionsOf(topic);
      if (partitions.length === 0) await this.#client.refresh(topic);
      for (const partition of partitions) {
        if (!this.#fetcher.positions.has(partition)) this.#fetcher.positions.set(partition, 0);
      }
      await this.#fetcher.poll();
      await this.#client.sleep(pauseMs);
    }
  }
}
