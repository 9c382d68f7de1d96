// Reads a whole coordinator partition into a state machine, a chunk per event, so that a big partition doesn't hold
// up the broker. Bytes that don't hold together fail the load: a coordinator that guesses would lose commits.

import { toOffset, type Offset, type PartitionId } from '../../core/ids.ts';
import type { CoordinatorRecordFamily, CoordinatorRecordShape } from '../../protocol/coordinator-record-frame.ts';
import { readEndTransactionMarker } from '../../records/control-records.ts';
import { forEachBatch, type RecordBatch } from '../../records/record-batch.ts';
import { RecordCursor } from '../../records/record.ts';
import type { PartitionHost } from '../../replication/contract.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { StateMachine } from './state-machine.ts';

export type LoaderOptions<R extends CoordinatorRecordShape> = {
  readonly host: PartitionHost;
  readonly clock: Clock;
  readonly topic: string;
  readonly partition: PartitionId;
  readonly family: CoordinatorRecordFamily<R>;
  readonly machine: StateMachine<R>;
  /** Bytes read at once (`offsets.load.buffer.size`). */
  readonly loadBytes: number;
  /** False once the partition moved on: nothing is read or called any more. */
  readonly isWanted: () => boolean;
  readonly onLoaded: (result: { readonly endOffset: Offset; readonly recordCount: number }) => void;
  readonly onFailed: (error: unknown) => void;
};

export class PartitionLoader<R extends CoordinatorRecordShape> {
  readonly #options: LoaderOptions<R>;
  #position = toOffset(0);
  #recordCount = 0;

  constructor(options: LoaderOptions<R>) {
    this.#options = options;
  }

  /** The first chunk is read in an event of its own as well. */
  start(): void {
    const { host, topic, partition, clock } = this.#options;
    clock.soon(() =>
      this.#guarded(() => {
        // Reading at the very end answers with where the log starts.
        const { logStartOffset } = host.read(topic, partition, toOffset(Number.MAX_SAFE_INTEGER), 0);
        this.#position = logStartOffset;
        this.#readChunk();
      }),
    );
  }

  #guarded(step: () => void): void {
    if (!this.#options.isWanted()) return;
    try {
      step();
    } catch (error) {
      this.#options.onFailed(error);
    }
  }

  #readChunk(): void {
    const { host, topic, partition, clock, loadBytes } = this.#options;
    const { records, logEndOffset } = host.read(topic, partition, this.#position, loadBytes);
    for (const buffer of records) forEachBatch(buffer, (batch) => this.#replayBatch(batch));
    if (records.length > 0 && this.#position < logEndOffset) {
      clock.soon(() => this.#guarded(() => this.#readChunk()));
      return;
    }
    this.#options.onLoaded({ endOffset: logEndOffset, recordCount: this.#recordCount });
  }

  #replayBatch(batch: RecordBatch): void {
    const { machine, family } = this.#options;
    const nextOffset = toOffset(batch.nextOffset);
    if (batch.isControl) {
      const marker = readEndTransactionMarker(batch);
      if (marker !== null) machine.replayEndTransactionMarker(batch.producerId, marker.type, batch.baseOffset);
      this.#position = nextOffset;
      return;
    }
    const producerId = batch.isTransactional ? batch.producerId : -1;
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      this.#recordCount++;
      // The first batch of a read may begin before the offset asked for.
      if (cursor.offset < this.#position) continue;
      const key = cursor.key();
      if (key === null) continue;
      const record = family.decode(key, cursor.value());
      if (record !== null) machine.replay(record, cursor.offset, producerId);
    }
    this.#position = nextOffset;
  }
}
