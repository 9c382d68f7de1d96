// The batches of one partition, in the order in which they leave, and the idempotent producer's sequence there.

import type { CompressionType } from '../../records/compression-type.ts';
import type { NewRecord } from '../../records/batch-builder.ts';
import { noSequence, ProducerBatch, type Settled } from './producer-batch.ts';

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Waiting to be sent, retries first. */
  readonly waiting: ProducerBatch[] = [];
  /** With a sequence and without an answer, on their way or waiting again; by sequence. */
  readonly unanswered: ProducerBatch[] = [];
  inFlightCount = 0;
  producerId = -1;
  producerEpoch = -1;
  nextSequence = 0;
  /** A batch was given up that may stand in the log: go on under a new epoch once nothing is on its way. */
  needsNewEpoch = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Appends to the last batch while it has room; returns the bytes by which the queue grew. */
  append(record: NewRecord, settled: Settled | null, nowMs: number, limits: BatchLimits): number {
    const last = this.waiting.at(-1);
    const before = last?.sizeInBytes ?? 0;
    if (last !== undefined && last.attempts === 0 && before * limits.ratio + limits.recordBytes <= limits.batchSize) {
      last.append(record, settled);
      return last.sizeInBytes - before;
    }
    const batch = new ProducerBatch(this.topic, this.partition, limits.compression, nowMs);
    batch.append(record, settled);
    this.waiting.push(batch);
    return batch.sizeInBytes;
  }

  /** The next batch that order allows to leave; null while an earlier one must go first. */
  next(isIdempotent: boolean): ProducerBatch | null {
    const batch = this.waiting[0];
    if (batch === undefined) return null;
    if (!isIdempotent) return batch;
    if (this.needsNewEpoch && this.inFlightCount > 0) return null;
    if (batch.baseSequence !== noSequence && this.unanswered[0] !== batch) return null;
    return batch;
  }

  assignSequence(batch: ProducerBatch): void {
    if (batch.baseSequence !== noSequence) return;
    batch.setSequence(this.producerId, this.producerEpoch, this.nextSequence);
    // Sequences wrap to 0 after 2^31−1.
    this.nextSequence = (this.nextSequence + batch.recordCount) % 0x80000000;
    this.unanswered.push(batch);
  }

  /** Starts over at sequence 0: what still waits takes new sequences when it leaves. */
  startEpoch(producerId: number, producerEpoch: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.nextSequence = 0;
    this.needsNewEpoch = false;
    this.unanswered.length = 0;
    for (const batch of this.waiting) batch.baseSequence = noSequence;
  }

  /** Back in the queue: by sequence when it has one, otherwise in front, as Kafka's producer does. */
  requeue(batch: ProducerBatch): void {
    if (batch.baseSequence === noSequence) {
      this.waiting.unshift(batch);
      return;
    }
    const place = this.unanswered.indexOf(batch);
    const at = this.waiting.findIndex((each) => {
      const other = this.unanswered.indexOf(each);
      return other < 0 || other > place;
    });
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, batch);
  }

  /** Forgets a batch that is settled. */
  remove(batch: ProducerBatch): void {
    const at = this.unanswered.indexOf(batch);
    if (at >= 0) this.unanswered.splice(at, 1);
    const waitingAt = this.waiting.indexOf(batch);
    if (waitingAt >= 0) this.waiting.splice(waitingAt, 1);
  }
}

export type BatchLimits = {
  readonly batchSize: number;
  readonly compression: CompressionType;
  /** Compressed by uncompressed, as far as is known. */
  readonly ratio: number;
  /** What the record at hand takes at most. */
  readonly recordBytes: number;
};
