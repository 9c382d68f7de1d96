// Writes down what the clients of a simulated run are told: the history for the checker, and the journal's lines.

import type { RecordBatch } from '../../main/records/record-batch.ts';
import { recordsOf } from '../../main/records/record.ts';
import {
  nameFromText,
  type DiskLoss,
  type FinalLog,
  type History,
  type HistoryEvent,
  type InSyncFact,
  type ProducerFacts,
  type RecordName,
  type StoredRecord,
  type TransactionEvent,
  type UncleanEnd,
} from '../../main/workloads/history.ts';

/** What a reader was answered. */
export type ReadAnswer = Omit<Extract<HistoryEvent, { type: 'read' }>, 'type' | 'atMs'>;
type CommitAnswer = Omit<Extract<HistoryEvent, { type: 'committed' }>, 'type' | 'atMs'>;
type OwnedAnswer = Omit<Extract<HistoryEvent, { type: 'owned' }>, 'type' | 'atMs'>;
type EpochAnswer = Omit<Extract<HistoryEvent, { type: 'epochGiven' }>, 'type' | 'atMs'>;
type DeletedAnswer = Omit<Extract<HistoryEvent, { type: 'recordsDeleted' }>, 'type' | 'atMs'>;
type TransactionAnswer = Omit<TransactionEvent, 'type' | 'atMs'>;
type CommittedAnswer = Omit<Extract<HistoryEvent, { type: 'committedRead' }>, 'type' | 'atMs'>;

/** The leader refused its sequence number. */
export type RefusedBatch = RecordName & {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly firstSentMs: number;
};

export class HistoryRecorder {
  readonly producers: ProducerFacts[] = [];
  readonly events: HistoryEvent[] = [];
  readonly logs: FinalLog[] = [];
  readonly inSync: InSyncFact[] = [];
  readonly diskLosses: DiskLoss[] = [];
  readonly uncleanEnds: UncleanEnd[] = [];
  readonly groupPartitions = new Map<string, number>();
  /**
   * Idempotent producers that were refused the sequence number that comes next. Not wrong: a snapshot of producers holds
   * the last batch of each only (Kafka's format), so a restarted leader may not know the batch that is sent again.
   */
  readonly refusedSequences: string[] = [];
  /** Readers whose position, handed out as committed, is not there any more. */
  readonly lostPositions: { topic: string; partition: number; offset: number; message: string }[] = [];
  readonly #highWatermarks = new Map<string, number>();
  readonly uncleanTopics: string[] = [];
  /** Records of a deleted topic that were shown under the id of its successor. */
  readonly ghosts: string[] = [];
  /** Told as they happen, to whoever can see more than a client. */
  onAcknowledged: (producer: ProducerFacts, leader: number, partition: string, startMs: number) => void = () =>
    undefined;
  /** A client asks a coordinator to end a transaction. */
  onEnding: (coordinator: number) => void = () => undefined;
  onRecordsDeleted: (leader: number) => void = () => undefined;
  /** A batch is refused that is the next, or was written: its first attempt left at `firstSentMs`. */
  readonly refusedBatches: RefusedBatch[] = [];
  readonly #nowMs: () => number;
  readonly #note: (actor: string, text: string) => void;

  constructor(nowMs: () => number, note: (actor: string, text: string) => void) {
    this.#nowMs = nowMs;
    this.#note = note;
  }

  get history(): History {
    const { producers, events, logs, inSync, diskLosses, uncleanEnds, groupPartitions, uncleanTopics } = this;
    return { producers, events, logs, inSync, diskLosses, uncleanEnds, groupPartitions, uncleanTopics };
  }

  producer(facts: ProducerFacts): void {
    this.producers.push(facts);
  }

  sent(producer: string, number: number, topic: string, partition: number): void {
    this.events.push({ type: 'sent', atMs: this.#nowMs(), producer, number, topic, partition });
  }

  acknowledged(
    producer: string,
    number: number,
    topic: string,
    partition: number,
    offset: number | null,
    leader: number,
    startMs: number,
    key?: string,
  ): void {
    const atMs = this.#nowMs();
    const keyed = key === undefined ? {} : { key };
    this.events.push({
      type: 'acknowledged',
      atMs,
      startMs,
      producer,
      number,
      topic,
      partition,
      offset,
      leader,
      ...keyed,
    });
    const facts = this.producers.find((each) => each.producer === producer);
    if (facts !== undefined) this.onAcknowledged(facts, leader, `${topic}-${partition}`, startMs);
    this.#note(producer, `#${number} acknowledged by ${leader} at ${topic}-${partition} offset ${offset ?? '?'}`);
  }

  failed(producer: string, number: number, topic: string, partition: number, error: string, isRefused: boolean): void {
    const atMs = this.#nowMs();
    this.events.push({ type: 'failed', atMs, producer, number, topic, partition, error, isRefused });
    this.#note(producer, `#${number} for ${topic}-${partition} given up: ${error}`);
  }

  refusedSequence(producer: string, partition: number, error: string): void {
    this.refusedSequences.push(`${producer} on partition ${partition} at ${this.#nowMs().toFixed(0)} ms: ${error}`);
    this.#note(producer, `the next sequence of partition ${partition} is refused: ${error}`);
  }

  owned(answer: OwnedAnswer): void {
    this.events.push({ type: 'owned', atMs: this.#nowMs(), ...answer });
    this.#note(answer.member, `is given ${answer.topic}-${answer.partition} in epoch ${answer.epoch}`);
  }

  recordsDeleted(answer: DeletedAnswer): void {
    this.events.push({ type: 'recordsDeleted', atMs: this.#nowMs(), ...answer });
    this.#note('trimmer', `${answer.topic}-${answer.partition} begins at ${answer.lowWatermark} now`);
  }

  /** A coordinator handed out an epoch of a transactional id. */
  epochGiven(answer: EpochAnswer): void {
    this.events.push({ type: 'epochGiven', atMs: this.#nowMs(), ...answer });
    const { producer, producerId, producerEpoch } = answer;
    this.#note(producer, `is producer ${producerId} in epoch ${producerEpoch} from now on`);
  }

  /** The newest that any reader was told. */
  highWatermarkOf(topic: string, partition: number): number {
    return this.#highWatermarks.get(`${topic}-${partition}`) ?? 0;
  }

  note(actor: string, text: string): void {
    this.#note(actor, text);
  }

  transaction(answer: TransactionAnswer): void {
    const atMs = this.#nowMs();
    this.events.push({ type: 'transaction', atMs, ...answer });
    const { producer, outcome, records, offsets, startMs, group } = answer;
    const names = records.map((record) => `#${record.number}`).join(' ');
    this.#note(producer, `transaction of ${names}: ${outcome}`);
    if (outcome !== 'committed') return;
    for (const { topic, partition, offset } of offsets) {
      this.events.push({ type: 'committed', startMs, atMs, group, topic, partition, offset });
    }
  }

  outOfRange(reader: string, topic: string, partition: number, offset: number): void {
    const message = `${reader} at ${topic}-${partition} offset ${offset}, ${this.#nowMs().toFixed(0)} ms`;
    this.lostPositions.push({ topic, partition, offset, message });
    this.#note(reader, `its position ${offset} in ${topic}-${partition} is out of range`);
  }

  read(answer: ReadAnswer): void {
    this.events.push({ type: 'read', atMs: this.#nowMs(), ...answer });
    const { reader, topic, partition, records, leader, leaderEpoch, highWatermark } = answer;
    this.#highWatermarks.set(`${topic}-${partition}`, highWatermark ?? 0);
    if (records.length === 0) return;
    const range = `${records[0]?.offset ?? 0}–${records.at(-1)?.offset ?? 0}`;
    const source = `broker ${leader ?? '?'} in epoch ${leaderEpoch ?? '?'}, high watermark ${highWatermark ?? '?'}`;
    this.#note(reader, `read ${topic}-${partition} ${range} from ${source}`);
  }

  committed(answer: CommitAnswer): void {
    this.events.push({ type: 'committed', atMs: this.#nowMs(), ...answer });
    this.#note(answer.group, `committed ${answer.offset} for ${answer.topic}-${answer.partition}`);
  }

  committedRead(answer: CommittedAnswer): void {
    this.events.push({ type: 'committedRead', atMs: this.#nowMs(), ...answer });
    this.#note(answer.group, `is told ${answer.offset ?? 'nothing'} for ${answer.topic}-${answer.partition}`);
  }
}

/** The records of whole batches from `fromOffset` on, by the names in their values. */
export function storedRecords(batches: Iterable<RecordBatch>, fromOffset: number): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (const batch of batches) {
    if (batch.isControl) continue;
    for (const record of recordsOf(batch)) {
      const { offset } = record;
      if (offset < fromOffset) continue;
      const text = record.value?.toString('latin1') ?? '';
      const name = nameFromText(text) ?? { producer: `unreadable ${text.slice(0, 20)}`, number: 0 };
      const key = record.key === null ? {} : { key: record.key.toString('latin1') };
      records.push({ ...name, offset, leaderEpoch: batch.partitionLeaderEpoch, ...key });
    }
  }
  return records;
}
