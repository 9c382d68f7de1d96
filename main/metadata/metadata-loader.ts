// Follows the committed metadata log: replays batches and snapshots into images and shows each new image to the
// publishers, in the order in which they were installed, within the same event. No promises, no timers.

import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { MetadataDelta } from './metadata-delta.ts';
import { emptyMetadataImage, imageToRecords, type MetadataImage } from './metadata-image.ts';

/** A committed batch of the metadata log; control batches come with no records. */
export type CommittedBatch = {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly appendTimeMs: number;
  readonly records: readonly MetadataRecord[];
};

/** A whole snapshot: the state before `snapshotId.offset`. What raft's SnapshotReader offers. */
export type LoadedSnapshot = {
  readonly snapshotId: { readonly offset: number; readonly epoch: number };
  readonly lastContainedLogTimestampMs: number;
  batches(): Iterable<readonly MetadataRecord[]>;
};

export type PublishedAt = { readonly offset: number; readonly epoch: number };

export type MetadataPublisher = {
  readonly name: string;
  /** `delta.image` is what the publisher saw last. Throwing is a bug that ends the process. */
  onUpdate(delta: MetadataDelta, image: MetadataImage, at: PublishedAt): void;
};

export class MetadataLoader {
  readonly #publishers: MetadataPublisher[] = [];
  #image: MetadataImage = emptyMetadataImage;
  /** The delta of a metadata transaction (KIP-868) that has begun and not ended: nobody sees it yet. */
  #transaction: MetadataDelta | null = null;
  #lastOffset = -1;

  /** The newest committed image. */
  get image(): MetadataImage {
    return this.#image;
  }

  /** Offset of the last committed record seen, also when it changed nothing or stands in an open transaction. */
  get lastOffset(): number {
    return this.#lastOffset;
  }

  /** A metadata transaction has begun and not ended. */
  get isInTransaction(): boolean {
    return this.#transaction !== null;
  }

  /** Adds a publisher and shows it the present image at once, as a delta from nothing. */
  install(publisher: MetadataPublisher): void {
    this.#publishers.push(publisher);
    const { lastContainedOffset: offset, lastContainedEpoch: epoch } = this.#image.provenance;
    const delta = new MetadataDelta(emptyMetadataImage).replayAll(imageToRecords(this.#image));
    publisher.onUpdate(delta, this.#image, { offset, epoch });
  }

  remove(publisher: MetadataPublisher): void {
    const index = this.#publishers.indexOf(publisher);
    if (index >= 0) this.#publishers.splice(index, 1);
  }

  onCommit(batch: CommittedBatch): void {
    let delta = this.#transaction ?? new MetadataDelta(this.#image);
    let isOpen = this.#transaction !== null;
    for (const record of batch.records) {
      switch (record.name) {
        case 'BeginTransactionRecord':
          // What came before in this batch stands on its own.
          if (!isOpen) this.#publish(delta, batch);
          delta = new MetadataDelta(this.#image);
          isOpen = true;
          break;
        case 'EndTransactionRecord':
          isOpen = false;
          break;
        case 'AbortTransactionRecord':
          delta = new MetadataDelta(this.#image);
          isOpen = false;
          break;
        default:
          delta.replay(record);
      }
    }
    this.#lastOffset = batch.lastOffset;
    this.#transaction = isOpen ? delta : null;
    if (!isOpen) this.#publish(delta, batch);
  }

  onSnapshot(snapshot: LoadedSnapshot): void {
    const delta = new MetadataDelta(this.#image, { isSnapshot: true });
    for (const batch of snapshot.batches()) delta.replayAll(batch);
    const lastContainedOffset = snapshot.snapshotId.offset - 1;
    this.#transaction = null;
    this.#lastOffset = lastContainedOffset;
    this.#image = delta.apply({
      lastContainedOffset,
      lastContainedEpoch: snapshot.snapshotId.epoch,
      lastContainedLogTimeMs: snapshot.lastContainedLogTimestampMs,
    });
    this.#show(delta);
  }

  /** Leaders come and go; images stay. */
  onLeaderChange(): void {}

  onShutdown(): void {}

  #publish(delta: MetadataDelta, batch: CommittedBatch): void {
    this.#image = delta.apply({
      lastContainedOffset: batch.lastOffset,
      lastContainedEpoch: batch.epoch,
      lastContainedLogTimeMs: batch.appendTimeMs,
    });
    this.#show(delta);
  }

  #show(delta: MetadataDelta): void {
    const { lastContainedOffset: offset, lastContainedEpoch: epoch } = this.#image.provenance;
    for (const publisher of this.#publishers) publisher.onUpdate(delta, this.#image, { offset, epoch });
  }
}
