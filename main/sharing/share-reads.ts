// Gives members of share groups records to work on (KIP-932, Kafka's DelayedShareFetch): reads at once what there is,
// or waits until enough is there, something else is to be told, or the time is up.

import { ErrorCode } from '../protocol/errors.ts';
import { OffsetOutOfRange } from '../log/log-error.ts';
import type { ReadLimit, ReadResult } from '../log/log-types.ts';
import type { Partition } from '../replication/partition.ts';
import { DiskError, type Clock, type Timer } from '../runtime/runtime.ts';
import { abortedBatches, batchesBetween, boundsOf, type BatchBounds } from './batch-bounds.ts';
import type { DeliveredRange } from './in-flight-records.ts';
import type { SharePartition } from './share-partition.ts';

export type ShareRead = {
  readonly memberId: string;
  /** In the order in which they are to be served. */
  readonly partitions: readonly SharePartition[];
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly recordsMax: number;
  readonly rowRecords: number;
  readonly isStrict: boolean;
  readonly isReadCommitted: boolean;
};

/** What came of one partition; partitions of which there is nothing to tell have no row. */
export type SharedRow = {
  readonly partition: SharePartition;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly records: readonly Buffer[];
  readonly acquired: readonly DeliveredRange[];
};

type Waiting = {
  readonly read: ShareRead;
  readonly settle: (rows: readonly SharedRow[]) => void;
  deadline: Timer | null;
};

type Found =
  | { readonly partition: SharePartition; readonly offset: number; readonly result: ReadResult }
  | { readonly partition: SharePartition; readonly errorCode: number; readonly errorMessage: string | null };

export type ShareReadsOptions = {
  readonly clock: Clock;
  /** The led partition underneath, or the error code that says why it can't be had. */
  readonly led: (partition: SharePartition) => Partition | number;
  readonly onBytesOut: (bytes: number) => void;
};

/** Requests that wait at the same time; one more is answered at once with what there is. */
const waitingMax = 10_000;

export class ShareReads {
  readonly #options: ShareReadsOptions;
  readonly #waiting = new Map<SharePartition, Set<Waiting>>();
  readonly #woken = new Set<Waiting>();
  #waitingCount = 0;

  constructor(options: ShareReadsOptions) {
    this.#options = options;
  }

  read(read: ShareRead): Promise<readonly SharedRow[]> {
    const rows = this.#attempt(read, read.maxWaitMs <= 0 || this.#waitingCount >= waitingMax);
    if (rows !== null) return Promise.resolve(rows);
    return new Promise((settle) => {
      const { clock } = this.#options;
      const waiting: Waiting = { read, settle, deadline: null };
      waiting.deadline = clock.at(clock.monotonicMs() + read.maxWaitMs, () => this.#look(waiting, true));
      this.#waitingCount++;
      for (const partition of read.partitions) {
        const known = this.#waiting.get(partition);
        if (known === undefined) this.#waiting.set(partition, new Set([waiting]));
        else known.add(waiting);
      }
    });
  }

  /** Something about the partition changed: whoever waits for it looks again, once this event is over. */
  wake(partition: SharePartition): void {
    const waiting = this.#waiting.get(partition);
    if (waiting === undefined) return;
    if (this.#woken.size === 0) void Promise.resolve().then(() => this.#lookAgain());
    for (const each of waiting) this.#woken.add(each);
  }

  #lookAgain(): void {
    const woken = [...this.#woken];
    this.#woken.clear();
    for (const each of woken) this.#look(each, false);
  }

  #look(waiting: Waiting, isLastTime: boolean): void {
    if (waiting.deadline === null) return;
    const rows = this.#attempt(waiting.read, isLastTime);
    if (rows === null) return;
    waiting.deadline.cancel();
    waiting.deadline = null;
    this.#waitingCount--;
    for (const partition of waiting.read.partitions) {
      const known = this.#waiting.get(partition);
      known?.delete(waiting);
      if (known?.size === 0) this.#waiting.delete(partition);
    }
    waiting.settle(rows);
  }

  /** Null: not enough yet. */
  #attempt(read: ShareRead, isLastTime: boolean): SharedRow[] | null {
    const failed = read.partitions.filter(({ phase }) => phase === 'failed' || phase === 'fenced');
    const free = read.partitions.filter((partition) => partition.canAcquire);
    const bytesEach = Math.max(1, Math.floor(read.maxBytes / Math.max(1, free.length)));
    const found = free.map((partition) => this.#readFrom(partition, bytesEach, read.isReadCommitted));
    let bytes = 0;
    let isUrgent = failed.length > 0;
    for (const each of found) {
      if ('result' in each) bytes += each.result.sizeBytes;
      else isUrgent = true;
    }
    if (!isLastTime && !isUrgent && (bytes === 0 || bytes < read.minBytes)) return null;
    const rows: SharedRow[] = failed.map((partition) => ({ partition, ...nothing, ...failureOf(partition) }));
    let room = read.recordsMax;
    for (const each of found) {
      if (!('result' in each)) rows.push({ ...nothing, ...each });
      else if (room > 0) {
        const row = this.#deliver(read, each.partition, each.offset, each.result, room);
        if (row === null) continue;
        for (const { firstOffset, lastOffset } of row.acquired) room -= lastOffset - firstOffset + 1;
        rows.push(row);
      }
    }
    return rows.length === 0 && !isLastTime ? null : rows;
  }

  #readFrom(partition: SharePartition, bytesMax: number, isReadCommitted: boolean): Found {
    const led = this.#options.led(partition);
    if (typeof led === 'number') return { partition, errorCode: led, errorMessage: null };
    const limit: ReadLimit = isReadCommitted ? 'last-stable' : 'high-watermark';
    // Retention or DeleteRecords may have taken what was next.
    partition.startAt(led.log.logStartOffset);
    const offset = Math.max(partition.nextFetchOffset, led.log.logStartOffset);
    try {
      return { partition, offset, result: led.log.read(offset, bytesMax, limit, true) };
    } catch (error) {
      if (error instanceof DiskError)
        return { partition, errorCode: ErrorCode.KAFKA_STORAGE_ERROR, errorMessage: null };
      // Behind an unclean election the log may end before what was delivered.
      if (error instanceof OffsetOutOfRange) {
        return { partition, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, errorMessage: null };
      }
      throw error;
    }
  }

  #deliver(
    read: ShareRead,
    partition: SharePartition,
    fetchOffset: number,
    { records, abortedTransactions }: ReadResult,
    recordsMax: number,
  ): SharedRow | null {
    const { memberId, rowRecords, isStrict } = read;
    const batches = boundsOf(records);
    if (batches.length === 0) return null;
    let acquired = partition.acquire({ memberId, fetchOffset, batches, recordsMax, rowRecords, isStrict });
    for (const { firstOffset, lastOffset } of abortedBatches(records, abortedTransactions ?? [])) {
      partition.archiveAcquired(firstOffset, lastOffset);
      acquired = without(acquired, { firstOffset, lastOffset });
    }
    const first = acquired[0]?.firstOffset;
    const last = acquired.at(-1)?.lastOffset;
    if (first === undefined || last === undefined) return null;
    const needed = batchesBetween(records, first, last);
    this.#options.onBytesOut(needed.reduce((sum, { length }) => sum + length, 0));
    return { partition, errorCode: ErrorCode.NONE, errorMessage: null, records: needed, acquired };
  }
}

const nothing = { records: [], acquired: [] } as const;

function failureOf({ phase, failure }: SharePartition): { errorCode: number; errorMessage: string | null } {
  return phase === 'failed' ? failure : { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, errorMessage: null };
}

function without(ranges: readonly DeliveredRange[], gone: BatchBounds): DeliveredRange[] {
  return ranges.flatMap((range) => {
    const { firstOffset, lastOffset } = range;
    if (lastOffset < gone.firstOffset || firstOffset > gone.lastOffset) return [range];
    const rest: DeliveredRange[] = [];
    if (firstOffset < gone.firstOffset) rest.push({ ...range, lastOffset: gone.firstOffset - 1 });
    if (lastOffset > gone.lastOffset) rest.push({ ...range, firstOffset: gone.lastOffset + 1 });
    return rest;
  });
}
