// One batch of one partition, from its first record to its answer. Records are written into the batch at once; the
// producer's id and sequence are put in when it is drained, because only then its place in the order is known.

import { BatchBuilder, type NewRecord } from '../../records/batch-builder.ts';
import type { CompressionType } from '../../records/compression-type.ts';
import { writeInt64 } from '../../records/int64.ts';
import { RecordBatch } from '../../records/record-batch.ts';

export type SendOutcome =
  | {
      readonly type: 'acknowledged';
      readonly topic: string;
      readonly partition: number;
      /** −1 with acks=0, and for a duplicate whose offset the broker no longer knows. */
      readonly offset: number;
      readonly attempts: number;
    }
  | {
      readonly type: 'failed';
      readonly topic: string;
      readonly partition: number;
      /** Kafka's error name. */
      readonly error: string;
      readonly message: string;
      /** The record may stand in the log all the same: no definite refusal came for every attempt. */
      readonly mayBeWritten: boolean;
      readonly attempts: number;
    };

export type Settled = (outcome: SendOutcome) => void;

const producerIdAt = 43;
const producerEpochAt = 51;
const baseSequenceAt = 53;
export const noSequence = -1;

export class ProducerBatch {
  readonly topic: string;
  readonly partition: number;
  readonly createdMs: number;
  readonly #builder: BatchBuilder;
  readonly #settled: (Settled | null)[] = [];
  #bytes: Buffer | null = null;
  baseSequence = noSequence;
  producerEpoch = -1;
  attempts = 0;
  /** Not drained again before. */
  notBeforeMs = 0;
  mayBeWritten = false;
  isSettled = false;

  constructor(topic: string, partition: number, compression: CompressionType, createdMs: number) {
    this.topic = topic;
    this.partition = partition;
    this.createdMs = createdMs;
    this.#builder = new BatchBuilder({ compression });
  }

  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** Before compression. */
  get sizeInBytes(): number {
    return this.#builder.sizeInBytes;
  }

  append(record: NewRecord, settled: Settled | null): void {
    this.#builder.append(record);
    this.#settled.push(settled);
  }

  /** The finished bytes; nothing is appended after the first call. */
  bytes(): Buffer {
    this.#bytes ??= this.#builder.build();
    return this.#bytes;
  }

  /** Gives the batch its place in the producer's order, also anew after a new epoch. */
  setSequence(producerId: number, producerEpoch: number, baseSequence: number): void {
    const bytes = this.bytes();
    writeInt64(bytes, producerIdAt, producerId);
    bytes.writeInt16BE(producerEpoch, producerEpochAt);
    bytes.writeInt32BE(baseSequence, baseSequenceAt);
    new RecordBatch(bytes).updateChecksum();
    this.producerEpoch = producerEpoch;
    this.baseSequence = baseSequence;
  }

  acknowledge(baseOffset: number): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const { topic, partition, attempts } = this;
    this.#settled.forEach((settled, index) => {
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      settled?.({ type: 'acknowledged', topic, partition, offset, attempts });
    });
  }

  fail(error: string, message: string): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const { topic, partition, mayBeWritten, attempts } = this;
    const outcome: SendOutcome = { type: 'failed', topic, partition, error, message, mayBeWritten, attempts };
    for (const settled of this.#settled) settled?.(outcome);
  }
}
