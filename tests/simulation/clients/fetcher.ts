// Reads partitions of one topic onwards from given offsets, as a consumer does: one fetch per leader at a time, with the
// leader epoch that it believes in.

import { ErrorCode } from '../../../main/protocol/errors.ts';
import { fetchApi, type FetchResponse } from '../../../main/protocol/messages/fetch.ts';
import { listOffsetsApi } from '../../../main/protocol/messages/list-offsets.ts';
import { batchesIn } from '../../../main/records/record-batch.ts';
import type { StoredRecord } from '../../../main/workloads/history.ts';
import { committedOnly } from './committed-only.ts';
import { storedRecords, type HistoryRecorder } from '../history-recorder.ts';
import { versionWithNames, type Leader, type SimulatedClient } from './simulated-client.ts';

export type FetcherOptions = {
  readonly topic: string;
  readonly reader: string;
  readonly group: string | null;
  readonly isolation: 'read_uncommitted' | 'read_committed';
  readonly waitMs: number;
  /** What was read, without what aborted transactions wrote, in the order of offsets. */
  readonly onRead?: (partition: number, records: readonly StoredRecord[]) => void;
};

type Answer = FetchResponse['responses'][number]['partitions'][number];

const partitionBytesMax = 64 * 1024;
const backoffMs = 50;
/** ListOffsets: where the log begins. */
const earliest = -2;

export class Fetcher {
  readonly positions = new Map<number, number>();
  /** The newest high watermark that was told, by partition. */
  readonly highWatermarks = new Map<number, number>();
  readonly logStartOffsets = new Map<number, number>();
  readonly #client: SimulatedClient;
  readonly #options: FetcherOptions;
  readonly #history: HistoryRecorder;

  constructor(client: SimulatedClient, options: FetcherOptions, history: HistoryRecorder) {
    this.#client = client;
    this.#options = options;
    this.#history = history;
  }

  /** One round over all partitions; `isStillWanted` is asked again before anything that was read counts. */
  async poll(isStillWanted: () => boolean = () => true): Promise<void> {
    const { topic } = this.#options;
    const byLeader = new Map<number, number[]>();
    for (const partition of this.positions.keys()) {
      const leader = this.#client.leaderOf(topic, partition);
      if (leader !== null) byLeader.set(leader.id, [...(byLeader.get(leader.id) ?? []), partition]);
    }
    const rounds = [...byLeader].map(([leader, partitions]) => this.#fetch(leader, partitions, isStillWanted));
    const areWell = await Promise.all(rounds);
    const isKnown = [...this.positions.keys()].every((each) => this.#client.leaderOf(topic, each) !== null);
    if (areWell.every((isWell) => isWell) && isKnown) return;
    await this.#client.refresh(topic);
    await this.#client.sleep(backoffMs);
  }

  async #fetch(leader: number, partitions: readonly number[], isStillWanted: () => boolean): Promise<boolean> {
    const { topic, isolation, waitMs } = this.#options;
    const known = new Map(partitions.map((each) => [each, this.#client.leaderOf(topic, each)]));
    const wanted = partitions.map((partition) => ({
      partition,
      currentLeaderEpoch: known.get(partition)?.epoch ?? -1,
      fetchOffset: this.positions.get(partition) ?? 0,
      partitionMaxBytes: partitionBytesMax,
    }));
    const request = {
      maxWaitMs: waitMs,
      minBytes: 1,
      isolationLevel: isolation === 'read_committed' ? 1 : 0,
      topics: [{ topic, partitions: wanted }],
    };
    const startMs = this.#client.nowMs;
    const answer = await this.#client.ask(leader, fetchApi, request, versionWithNames);
    if (answer === null || answer.errorCode !== ErrorCode.NONE) return false;
    if (!isStillWanted()) return true;
    let isWell = true;
    for (const each of answer.responses[0]?.partitions ?? []) {
      if (each.errorCode === ErrorCode.NONE) this.#take(each, known.get(each.partitionIndex) ?? null, startMs);
      else isWell = await this.#failed(each, leader);
    }
    return isWell;
  }

  #take(answer: Answer, leader: Leader | null, startMs: number): void {
    const { topic, reader, group, isolation } = this.#options;
    const { partitionIndex: partition, highWatermark } = answer;
    const position = this.positions.get(partition);
    if (position === undefined) return;
    const batches = [...batchesIn(answer.records ?? Buffer.alloc(0))];
    const isCommittedOnly = isolation === 'read_committed';
    const shown = isCommittedOnly ? committedOnly(batches, answer.abortedTransactions ?? []) : batches;
    const records = storedRecords(shown, position);
    const next = batches.at(-1)?.nextOffset ?? position;
    this.positions.set(partition, Math.max(position, next));
    const told = this.highWatermarks.get(partition);
    this.highWatermarks.set(partition, highWatermark);
    this.logStartOffsets.set(partition, answer.logStartOffset);
    this.#options.onRead?.(partition, records);
    if (records.length === 0 && told === highWatermark) return;
    const lastStableOffset = isCommittedOnly ? answer.lastStableOffset : null;
    const { logStartOffset } = answer;
    const marks = { highWatermark, lastStableOffset, logStartOffset };
    const source = { leader: leader?.id ?? null, leaderEpoch: leader?.epoch ?? null, ...marks };
    this.#history.read({ startMs, topic, partition, reader, group, isolation, ...source, records });
  }

  async #failed({ partitionIndex: partition, errorCode }: Answer, leader: number): Promise<boolean> {
    if (errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE) return false;
    const { topic, reader } = this.#options;
    const position = this.positions.get(partition) ?? 0;
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: earliest }] }];
    const answer = await this.#client.ask(leader, listOffsetsApi, { replicaId: -1, isolationLevel: 0, topics });
    const start = answer?.topics[0]?.partitions[0];
    if (start?.errorCode !== ErrorCode.NONE || !this.positions.has(partition)) return false;
    // Deleted from the front: on to what is left. Otherwise, where it stands was handed out as committed: there is no
    // reset, the offset must come back.
    if (start.offset > position) this.positions.set(partition, start.offset);
    else this.#history.outOfRange(reader, topic, partition, position);
    return false;
  }
}
