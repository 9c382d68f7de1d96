// Hands committed batches, snapshots and leader changes to the listeners, each at its own pace and in log order.
// Runs only in turns of the scheduler, so a listener may call back into the node at any time.

import { toBrokerId, toLeaderEpoch, toOffset } from '../core/ids.ts';
import { batchesIn, type RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import type { CommittedBatch, LeaderAndEpoch, RaftListener, RecordCodec } from './contract.ts';
import type { MetadataLog } from './metadata-log.ts';

/** What one turn reads for one listener; a long log is caught up with in several turns. */
const turnBytesMax = 1024 * 1024;

type Subscription<R> = {
  readonly listener: RaftListener<R>;
  nextOffset: number;
  announced: LeaderAndEpoch | null;
};

export type LeaderNews = {
  readonly leaderId: number | null;
  readonly epoch: number;
  /** When this node leads: the offset of its leader-change record. */
  readonly epochStartOffset: number | null;
};

export class Listeners<R> {
  readonly #log: MetadataLog;
  readonly #codec: RecordCodec<R>;
  readonly #onNewBytes: (sizeBytes: number) => void;
  readonly #subscriptions: Subscription<R>[] = [];
  /** What this turn has decoded already: several listeners mostly stand at the same place. */
  readonly #decoded = new Map<number, CommittedBatch<R>>();
  /** Up to here batches were counted, whoever of the listeners was given them first. */
  #countedOffset = 0;

  /** `onNewBytes` is told the size of each batch the first time that it is handed out. */
  constructor(log: MetadataLog, codec: RecordCodec<R>, onNewBytes: (sizeBytes: number) => void) {
    this.#log = log;
    this.#codec = codec;
    this.#onNewBytes = onNewBytes;
  }

  add(listener: RaftListener<R>): void {
    this.#subscriptions.push({ listener, nextOffset: 0, announced: null });
  }

  /** One turn. True when there is more to hand over. */
  deliver(highWatermark: number | null, news: LeaderNews): boolean {
    let hasMore = false;
    for (const subscription of this.#subscriptions) {
      if (highWatermark !== null && subscription.nextOffset < highWatermark) {
        const before = subscription.nextOffset;
        this.#catchUp(subscription, highWatermark);
        // Without progress the next commit brings the rest.
        hasMore ||= subscription.nextOffset > before && subscription.nextOffset < highWatermark;
      }
      this.#announce(subscription, news);
    }
    this.#decoded.clear();
    return hasMore;
  }

  shutdown(): void {
    for (const { listener } of this.#subscriptions.splice(0)) listener.onShutdown();
  }

  #catchUp(subscription: Subscription<R>, highWatermark: number): void {
    const { snapshots } = this.#log;
    const snapshotId = snapshots.latest;
    const isBehindLog = subscription.nextOffset < this.#log.startOffset || subscription.nextOffset === 0;
    if (snapshotId !== null && isBehindLog && snapshotId.offset > subscription.nextOffset) {
      // A snapshot of what this node has not heard to be committed can only come from the leader: it is committed.
      if (snapshotId.offset > highWatermark) return;
      subscription.listener.onSnapshot(snapshots.reader(snapshotId, this.#codec));
      subscription.nextOffset = snapshotId.offset;
      return;
    }
    for (const batch of batchesIn(this.#log.read(subscription.nextOffset, turnBytesMax))) {
      // The read starts with the whole batch that holds the offset.
      if (batch.lastOffset < subscription.nextOffset) continue;
      if (batch.lastOffset >= highWatermark) return;
      subscription.nextOffset = batch.nextOffset;
      if (batch.baseOffset >= this.#countedOffset) {
        this.#countedOffset = batch.nextOffset;
        this.#onNewBytes(batch.sizeInBytes);
      }
      subscription.listener.onCommit(this.#decode(batch));
    }
  }

  #decode(batch: RecordBatch): CommittedBatch<R> {
    const { baseOffset } = batch;
    const known = this.#decoded.get(baseOffset) ?? this.#decodeNew(batch);
    this.#decoded.set(baseOffset, known);
    return known;
  }

  #decodeNew(batch: RecordBatch): CommittedBatch<R> {
    const records: R[] = [];
    if (!batch.isControl) {
      for (const { value } of recordsOf(batch)) if (value !== null) records.push(this.#codec.decode(value));
    }
    return {
      baseOffset: toOffset(batch.baseOffset),
      lastOffset: toOffset(batch.lastOffset),
      epoch: toLeaderEpoch(batch.partitionLeaderEpoch),
      appendTimeMs: batch.maxTimestamp,
      sizeBytes: batch.sizeInBytes,
      records,
    };
  }

  #announce(subscription: Subscription<R>, news: LeaderNews): void {
    const { announced } = subscription;
    if (announced !== null && announced.leaderId === news.leaderId && announced.epoch === news.epoch) return;
    // A node that leads has decided nothing yet that its listener does not know: first the past, then the office.
    if (news.epochStartOffset !== null && subscription.nextOffset <= news.epochStartOffset) return;
    const leaderId = news.leaderId === null ? null : toBrokerId(news.leaderId);
    subscription.announced = { leaderId, epoch: toLeaderEpoch(news.epoch) };
    subscription.listener.onLeaderChange(subscription.announced);
  }
}
