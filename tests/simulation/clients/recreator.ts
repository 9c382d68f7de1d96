// Makes a topic, writes to it, deletes it and makes it anew under the same name, again and again. Asked for by its id,
// no generation may ever show a record of another, whoever was away while one died and the next was born.

import { ErrorCode } from '../../../main/protocol/errors.ts';
import { createTopicsApi } from '../../../main/protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../../../main/protocol/messages/delete-topics.ts';
import { fetchApi } from '../../../main/protocol/messages/fetch.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../../main/records/batch-builder.ts';
import { batchesIn } from '../../../main/records/record-batch.ts';
import { nameToText } from '../../../main/workloads/history.ts';
import { storedRecords, type HistoryRecorder } from '../history-recorder.ts';
import type { SimulatedClient } from './simulated-client.ts';

const name = 'reborn';
const timeoutMs = 1500;
const pauseMs = 60;
const batchesMax = 6;
/** A generation that gets nowhere is given up: its leader may be gone. */
const attemptsMax = 60;
/** The first versions that name topics by their ids. */
const fetchVersion = 13;
const produceVersion = 13;

export class Recreator {
  readonly #client: SimulatedClient;
  readonly #history: HistoryRecorder;
  readonly #replicationFactor: number;
  #generation = 0;

  constructor(client: SimulatedClient, history: HistoryRecorder, replicationFactor: number) {
    this.#client = client;
    this.#history = history;
    this.#replicationFactor = replicationFactor;
  }

  async run(): Promise<void> {
    while (!this.#client.isStopped) {
      const topicId = await this.#create();
      if (topicId === null) continue;
      const writer = `${name}-${this.#generation++}`;
      const written = await this.#write(topicId, writer);
      await this.#read(topicId, writer, written);
      await this.#delete();
    }
  }

  #pause(): Promise<void> {
    return this.#client.sleep(pauseMs * (0.5 + this.#client.random.next()));
  }

  /** Null: there is one of unknown origin; it goes. */
  async #create(): Promise<string | null> {
    const topic = { name, numPartitions: 1, replicationFactor: this.#replicationFactor, assignments: [], configs: [] };
    const request = { topics: [topic], timeoutMs };
    const found = (await this.#client.ask(this.#client.anyBroker(), createTopicsApi, request))?.topics[0];
    if (found?.errorCode === ErrorCode.NONE) return found.topicId;
    if (found?.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) await this.#delete();
    await this.#pause();
    return null;
  }

  async #delete(): Promise<void> {
    const request = { topics: [{ name }], topicNames: [], timeoutMs };
    while (!this.#client.isStopped) {
      const answer = await this.#client.ask(this.#client.anyBroker(), deleteTopicsApi, request);
      const code = answer?.responses[0]?.errorCode;
      if (code === ErrorCode.NONE || code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return;
      await this.#pause();
    }
  }

  /** Returns how many records were acknowledged. */
  async #write(topicId: string, writer: string): Promise<number> {
    const count = 1 + this.#client.random.below(batchesMax);
    let written = 0;
    for (let attempt = 0; attempt < attemptsMax && written < count && !this.#client.isStopped; attempt++) {
      const leader = await this.#leaderOf(topicId);
      if (leader !== null) {
        const value = Buffer.from(nameToText({ producer: writer, number: written }));
        const records = buildBatch({}, [{ key: null, value, timestamp: this.#client.clock.wallMs() }]);
        const topicData = [{ topicId, partitionData: [{ index: 0, records }] }];
        const answer = await this.#client.ask(leader, produceApi, { acks: -1, timeoutMs, topicData }, produceVersion);
        if (answer?.responses[0]?.partitionResponses[0]?.errorCode === ErrorCode.NONE) written++;
      }
      await this.#pause();
    }
    return written;
  }

  async #read(topicId: string, writer: string, written: number): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax && !this.#client.isStopped; attempt++) {
      const leader = await this.#leaderOf(topicId);
      if (leader !== null && (await this.#fetch(topicId, writer, leader)) >= written) return;
      await this.#pause();
    }
  }

  async #fetch(topicId: string, writer: string, leader: number): Promise<number> {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 65_536 }];
    const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topicId, partitions }] };
    const answer = await this.#client.ask(leader, fetchApi, request, fetchVersion);
    const found = answer?.responses[0]?.partitions[0];
    if (found?.errorCode !== ErrorCode.NONE) return 0;
    const records = storedRecords(batchesIn(found.records ?? Buffer.alloc(0)), 0);
    const ghost = records.find((record) => record.producer !== writer);
    if (ghost !== undefined) {
      const what = `${name} of id ${topicId} is ${writer}; broker ${leader} shows ${ghost.producer}#${ghost.number}`;
      this.#history.ghosts.push(`${what} at offset ${ghost.offset}`);
    }
    return records.length;
  }

  /** Null: the broker that was asked knows another generation, or no leader. */
  async #leaderOf(topicId: string): Promise<number | null> {
    const found = await this.#client.describe(this.#client.anyBroker(), name);
    const leader = found?.topicId === topicId ? (found.partitions[0]?.leaderId ?? -1) : -1;
    return leader < 0 ? null : leader;
  }
}
