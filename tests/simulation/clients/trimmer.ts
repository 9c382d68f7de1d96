// Deletes records from the front of a topic, some at a time, and notes where the log was said to begin since.

import { ErrorCode } from '../../../main/protocol/errors.ts';
import { deleteRecordsApi } from '../../../main/protocol/messages/delete-records.ts';
import type { HistoryRecorder } from '../history-recorder.ts';
import type { SimulatedClient } from './simulated-client.ts';

const timeoutMs = 1500;

export class Trimmer {
  readonly #client: SimulatedClient;
  readonly #topic: string;
  readonly #history: HistoryRecorder;
  /** How often the records were deleted, as it was told. */
  answeredCount = 0;

  constructor(client: SimulatedClient, topic: string, history: HistoryRecorder) {
    this.#client = client;
    this.#topic = topic;
    this.#history = history;
  }

  async run(pauseMs: number): Promise<void> {
    while (!this.#client.isStopped) {
      await this.#client.sleep(pauseMs * (0.5 + this.#client.random.next()));
      await this.#client.refresh(this.#topic);
      for (const partition of this.#client.partitionsOf(this.#topic)) await this.#trim(partition);
    }
  }

  async #trim(partition: number): Promise<void> {
    const leader = this.#client.leaderOf(this.#topic, partition);
    const highWatermark = this.#history.highWatermarkOf(this.#topic, partition);
    if (leader === null || highWatermark < 2) return;
    const offset = 1 + this.#client.random.below(highWatermark - 1);
    const startMs = this.#client.nowMs;
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex: partition, offset }] }];
    const answer = await this.#client.ask(leader.id, deleteRecordsApi, { topics, timeoutMs });
    const found = answer?.topics[0]?.partitions[0];
    if (found?.errorCode !== ErrorCode.NONE) return;
    this.answeredCount++;
    this.#history.onRecordsDeleted(leader.id);
    this.#history.recordsDeleted({ startMs, topic: this.#topic, partition, lowWatermark: found.lowWatermark });
  }
}
