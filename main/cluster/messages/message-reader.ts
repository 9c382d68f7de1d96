// Reads messages for the screen: from positions on, partition by partition in turns, matching a text and an
// expression, until enough matched, enough was looked at, or the time of one question is over. Keeps nothing between
// questions; the screen carries the positions.

import {
  type MessageOutputs,
  type MessageView,
  type PartitionBounds,
  type Position,
} from '../../api/endpoints/messages.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import { fetchApi, type FetchResponse } from '../../protocol/messages/fetch.ts';
import { prepareCompression } from '../../records/compression/compression.ts';
import { batchesIn, type RecordBatch } from '../../records/record-batch.ts';
import { recordsOf, type StoredRecord } from '../../records/record.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { ClusterClient } from '../cluster-client.ts';
import { compileMatch, type Match } from './match.ts';
import { messageView, type MessagePlace } from './message-view.ts';
import { transactionsIn, type Transactions } from './transactions.ts';

export type ReadInput = {
  readonly topic: string;
  readonly positions: readonly Position[];
  readonly until: readonly Position[];
  readonly isolation: 'read_uncommitted' | 'read_committed';
  readonly limit: number;
  readonly scanMax: number;
  readonly waitMs: number;
  readonly text: string;
  readonly expression: string;
  readonly control: boolean;
  readonly previewBytes: number;
};

type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

const partitionBytesMax = 512 * 1024;
const fetchBytesMax = 8 * 1_048_576;
/** One question ends after this, whatever it found, so that the screen can show how far it came. */
const questionMs = 700;
/** A fetch waits in the broker at most so long: the next one of the same connection stands behind it. */
const fetchWaitMs = 250;

type Reading = {
  readonly input: ReadInput;
  readonly match: Match;
  readonly positions: Map<number, number>;
  readonly until: ReadonlyMap<number, number>;
  readonly bounds: Map<number, PartitionBounds>;
  readonly problems: Map<number, string>;
  readonly messages: MessageView[];
  scanned: number;
  scannedBytes: number;
  failed: number;
};

export class MessageReader {
  readonly #client: ClusterClient;
  readonly #clock: Clock;

  constructor(client: ClusterClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async read(input: ReadInput): Promise<MessageOutputs['messages.read']> {
    await prepareCompression();
    const reading: Reading = {
      input,
      match: compileMatch(input.text, input.expression),
      positions: new Map(input.positions.map(({ partition, offset }) => [partition, offset])),
      until: new Map(input.until.map(({ partition, offset }) => [partition, offset])),
      bounds: new Map(),
      problems: new Map(),
      messages: [],
      scanned: 0,
      scannedBytes: 0,
      failed: 0,
    };
    if (this.#client.topic(input.topic) === null) await this.#client.refresh([input.topic]);
    const startedMs = this.#clock.monotonicMs();
    const waitUntilMs = startedMs + input.waitMs;
    let waited = false;
    for (;;) {
      const nowMs = this.#clock.monotonicMs();
      const open = [...reading.positions.keys()].filter((partition) => !isAtEnd(reading, partition));
      // What is at its end is asked again only while the question may wait for news.
      const waiting = open.length === 0 && reading.messages.length === 0 && nowMs < waitUntilMs;
      const asked = waiting ? [...reading.positions.keys()] : open;
      if (asked.length === 0) break;
      const waitMs = waiting ? Math.min(fetchWaitMs, waitUntilMs - nowMs) : 0;
      waited ||= waiting;
      await this.#round(reading, asked, Math.ceil(waitMs));
      const over = this.#clock.monotonicMs() - startedMs > questionMs && !waiting;
      const enough = reading.messages.length >= input.limit || reading.scanned >= input.scanMax;
      if (over || enough || (reading.problems.size > 0 && !waiting)) break;
      if (reading.problems.size > 0) await this.#pause();
    }
    return answerOf(reading);
  }

  /** One record with all its bytes; null when it is not there any more. */
  async one(topic: string, partition: number, offset: number): Promise<MessageView | null> {
    await prepareCompression();
    if (this.#client.topic(topic) === null) await this.#client.refresh([topic]);
    const positions = new Map([[partition, offset]]);
    const fetched = await this.#fetch(topic, positions, [partition], 0, 'read_uncommitted');
    const transactions = await this.#transactions(topic, positions, fetched);
    for (const answer of fetched) {
      if (answer.errorCode !== ErrorCode.NONE) continue;
      for (const batch of wholeBatches(answer)) {
        for (const record of recordsOf(batch)) {
          if (record.offset !== offset) continue;
          const place = { topic, partition, transaction: transactions(partition).stateOf(batch, record.offset) };
          return messageView(place, batch, record, Infinity);
        }
      }
    }
    return null;
  }

  async #round(reading: Reading, partitions: readonly number[], waitMs: number): Promise<void> {
    const { input } = reading;
    const answers = await this.#fetch(input.topic, reading.positions, partitions, waitMs, input.isolation);
    const answered = new Set(answers.map((answer) => answer.partitionIndex));
    for (const partition of partitions) {
      if (!answered.has(partition)) reading.problems.set(partition, 'its leader could not be reached');
    }
    // Evenly, so that one busy partition does not push the others out of the page.
    const share = Math.max(1, Math.ceil((input.limit - reading.messages.length) / Math.max(1, partitions.length)));
    const transactions =
      input.isolation === 'read_committed'
        ? (partition: number) => transactionsIn(answers.find((answer) => answer.partitionIndex === partition))
        : await this.#transactions(input.topic, reading.positions, answers);
    for (const answer of answers) take(reading, answer, share, transactions(answer.partitionIndex));
    if (reading.problems.size > 0) await this.#client.refresh([input.topic]).catch(() => undefined);
  }

  /**
   * Who reads uncommitted is not told which transactions were aborted: partitions that hold some are asked a second
   * time, as a committed reader would.
   */
  async #transactions(
    topic: string,
    positions: ReadonlyMap<number, number>,
    answers: readonly FetchedPartition[],
  ): Promise<(partition: number) => Transactions> {
    const concerned = answers
      .filter((answer) => answer.errorCode === ErrorCode.NONE && holdsTransactions(answer))
      .map((answer) => answer.partitionIndex);
    const told = concerned.length === 0 ? [] : await this.#fetch(topic, positions, concerned, 0, 'read_committed');
    return (partition) => transactionsIn(told.find((answer) => answer.partitionIndex === partition));
  }

  /** What the leaders answered; a leader that can't be reached is left out. */
  async #fetch(
    topic: string,
    positions: ReadonlyMap<number, number>,
    partitions: readonly number[],
    maxWaitMs: number,
    isolation: ReadInput['isolation'],
  ): Promise<readonly FetchedPartition[]> {
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = this.#client.leaderOf(topic, partition);
      if (leader >= 0) byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const topicId = this.#client.topic(topic)?.topicId ?? '';
    const answers = await Promise.all(
      [...byLeader].map(([leader, own]) =>
        this.#client
          .send(leader, fetchApi, {
            maxWaitMs,
            minBytes: 1,
            maxBytes: fetchBytesMax,
            isolationLevel: isolation === 'read_committed' ? 1 : 0,
            topics: [
              {
                topic,
                topicId,
                partitions: own.map((partition) => ({
                  partition,
                  fetchOffset: positions.get(partition) ?? 0,
                  partitionMaxBytes: partitionBytesMax,
                })),
              },
            ],
          })
          .catch(() => null),
      ),
    );
    return answers.flatMap((answer) => answer?.responses[0]?.partitions ?? []);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.at(this.#clock.monotonicMs() + fetchWaitMs, resolve));
  }
}

/** Moves the partition's position over what its answer holds, up to the share of the page that it may fill. */
function take(reading: Reading, answer: FetchedPartition, share: number, transactions: Transactions): void {
  const { input } = reading;
  const partition = answer.partitionIndex;
  if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
    skipToRange(reading, answer);
    return;
  }
  if (answer.errorCode !== ErrorCode.NONE) {
    reading.problems.set(partition, errorName(answer.errorCode));
    return;
  }
  reading.problems.delete(partition);
  const endOffset = input.isolation === 'read_committed' ? answer.lastStableOffset : answer.highWatermark;
  reading.bounds.set(partition, { partition, logStartOffset: answer.logStartOffset, endOffset });
  const position = reading.positions.get(partition) ?? 0;
  const until = reading.until.get(partition) ?? Infinity;
  let matched = 0;
  for (const batch of wholeBatches(answer)) {
    if (batch.lastOffset < position) continue;
    // Asked for every batch, in order: markers in between end transactions.
    const state = transactions.stateOf(batch, batch.lastOffset);
    if (input.isolation === 'read_committed' && state === 'aborted' && !batch.isControl) {
      reading.positions.set(partition, batch.nextOffset);
      continue;
    }
    for (const record of recordsOf(batch)) {
      if (record.offset < position) continue;
      if (record.offset >= until) {
        reading.positions.set(partition, until);
        return;
      }
      if (matched >= share || reading.scanned >= input.scanMax) {
        reading.positions.set(partition, record.offset);
        return;
      }
      matched += look(reading, { topic: input.topic, partition, transaction: state }, batch, record);
    }
    // Also over what compaction left out at the end of a batch.
    reading.positions.set(partition, Math.min(until, batch.nextOffset));
  }
}

/** Counts 1 when the record is shown. */
function look(reading: Reading, place: MessagePlace, batch: RecordBatch, record: StoredRecord): number {
  const { input } = reading;
  reading.scanned += 1;
  reading.scannedBytes += record.sizeInBytes;
  if (batch.isControl) {
    if (!input.control || input.text !== '' || input.expression !== '') return 0;
  } else {
    const verdict = reading.match(place.partition, record);
    if (verdict === 'failed') reading.failed += 1;
    if (verdict !== 'yes') return 0;
  }
  reading.messages.push(messageView(place, batch, record, input.previewBytes));
  return 1;
}

/** Records before the log start were deleted; an offset behind the end is one that truncation took back. */
function skipToRange(reading: Reading, answer: FetchedPartition): void {
  const position = reading.positions.get(answer.partitionIndex) ?? 0;
  if (answer.logStartOffset > position) reading.positions.set(answer.partitionIndex, answer.logStartOffset);
  else if (answer.highWatermark >= 0) reading.positions.set(answer.partitionIndex, answer.highWatermark);
  else reading.problems.set(answer.partitionIndex, errorName(answer.errorCode));
}

function isAtEnd(reading: Reading, partition: number): boolean {
  const position = reading.positions.get(partition) ?? 0;
  const bounds = reading.bounds.get(partition);
  return (
    position >= (reading.until.get(partition) ?? Infinity) || (bounds !== undefined && position >= bounds.endOffset)
  );
}

function answerOf(reading: Reading): MessageOutputs['messages.read'] {
  const byPartition = (a: { partition: number }, b: { partition: number }): number => a.partition - b.partition;
  return {
    messages: reading.messages.sort(
      (a, b) => a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset,
    ),
    positions: [...reading.positions].map(([partition, offset]) => ({ partition, offset })).sort(byPartition),
    bounds: [...reading.bounds.values()].sort(byPartition),
    scanned: reading.scanned,
    scannedBytes: reading.scannedBytes,
    failed: reading.failed,
    atEnd: [...reading.positions.keys()].every((partition) => isAtEnd(reading, partition)),
    problems: [...reading.problems].map(([partition, message]) => ({ partition, message })).sort(byPartition),
  };
}

/** A fetch answer may end inside a batch. */
function wholeBatches(answer: FetchedPartition): Iterable<RecordBatch> {
  const { records } = answer;
  if (records === null) return [];
  return batchesIn(Array.isArray(records) ? Buffer.concat(records as Buffer[]) : (records as Buffer));
}

function holdsTransactions(answer: FetchedPartition): boolean {
  for (const batch of wholeBatches(answer)) if (batch.isTransactional) return true;
  return false;
}
