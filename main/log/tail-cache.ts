// The newest batches of each log, kept in memory as they came in, so that followers and consumers at the tail are
// served slices without touching the disk. One budget per node: the oldest entries of all logs go first.

import { assert } from '../core/assert.ts';
import { RecordBatch } from '../records/record-batch.ts';

/** Per node. Every byte kept is also in the system's page cache, so this only saves copies and calls. */
export const tailCacheBytesMaxDefault = 16 * 1024 * 1024;
/** Rough cost of an entry besides its bytes. */
const entryOverheadBytes = 160;
/** A slice that is less than this part of the memory it keeps alive is copied. */
const retentionRatioMax = 2;
/** Copies are packed into slabs of this size; a copy of more than a quarter of it has memory of its own. */
const slabBytes = 64 * 1024;
/** Above this many the queue is swept of entries that truncation left dead in its middle. */
const queueEntriesMax = 65_536;
const nothing = Buffer.alloc(0);

type TailEntry = {
  readonly owner: LogTail;
  records: Buffer;
  readonly firstOffset: number;
  readonly nextOffset: number;
  isDropped: boolean;
};

export class TailCache {
  readonly #bytesMax: number;
  #bytes = 0;
  /** Oldest first, from `#head` on. */
  #queue: TailEntry[] = [];
  #head = 0;
  #slab = nothing;
  #slabUsed = 0;

  constructor(bytesMax: number = tailCacheBytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  newTail(): LogTail {
    return new LogTail(this);
  }

  /** Only for LogTail. */
  add(entry: TailEntry): void {
    this.#queue.push(entry);
    this.#bytes += entry.records.length + entryOverheadBytes;
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
    if (this.#queue.length - this.#head <= queueEntriesMax) return;
    this.#queue = this.#queue.slice(this.#head).filter((queued) => !queued.isDropped);
    this.#head = 0;
    while (this.#queue.length - this.#head > queueEntriesMax / 2) this.#dropOldest();
  }

  /** Only for LogTail: the entry is no longer its owner's; the queue skips it when it comes to it. */
  forget(entry: TailEntry): void {
    entry.isDropped = true;
    this.#bytes -= entry.records.length + entryOverheadBytes;
    entry.records = nothing;
  }

  /**
   * The bytes themselves, or a copy where they would keep a much larger frame alive. Entries go in the order in which
   * they came, so a slab that only they share is given back whole: Node's own pool is shared with everything else, and
   * a cache of small batches kept eight times its budget alive.
   */
  own(records: Buffer): Buffer {
    const { length } = records;
    if (records.buffer.byteLength <= length * retentionRatioMax) return records;
    if (length > slabBytes / 4) {
      const copy = Buffer.allocUnsafeSlow(length);
      records.copy(copy);
      return copy;
    }
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed += records.copy(this.#slab, start);
    return this.#slab.subarray(start, this.#slabUsed);
  }

  canHold(bytes: number): boolean {
    return bytes + entryOverheadBytes <= this.#bytesMax;
  }

  #dropOldest(): void {
    const entry = this.#queue[this.#head];
    assert(entry !== undefined, 'the tail cache counts bytes that it does not hold');
    this.#head++;
    if (!entry.isDropped) entry.owner.dropOldest();
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** One log's part of the cache: its last batches without a gap, or nothing. */
export class LogTail {
  readonly #cache: TailCache;
  #entries: TailEntry[] = [];
  #head = 0;

  constructor(cache: TailCache) {
    this.#cache = cache;
  }

  /** Keeps batches that were just written at the end of the log. */
  append(records: Buffer, firstOffset: number, nextOffset: number): void {
    if (!this.#cache.canHold(records.length)) {
      this.clear();
      return;
    }
    const entry = { owner: this, records: this.#cache.own(records), firstOffset, nextOffset, isDropped: false };
    this.#entries.push(entry);
    this.#cache.add(entry);
  }

  /**
   * Adds slices with the batches from `startOffset` on to `into`, under the same limits as Segment.read. Returns the
   * bytes added, or −1 when the start is not held.
   */
  read(startOffset: number, limitOffset: number, maxBytes: number, minOneBatch: boolean, into: Buffer[]): number {
    const first = this.#entries[this.#head];
    if (first === undefined || startOffset < first.firstOffset) return -1;
    let bytes = 0;
    for (let index = this.#find(startOffset); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.firstOffset >= limitOffset) break;
      const from = startOffset <= entry.firstOffset ? 0 : positionOfBatch(entry.records, startOffset);
      const room = maxBytes - bytes;
      const isWhole = entry.nextOffset <= limitOffset && entry.records.length - from <= room;
      const to = isWhole
        ? entry.records.length
        : endOfBatches(entry.records, from, limitOffset, room, minOneBatch && bytes === 0);
      if (to > from)
        into.push(from === 0 && to === entry.records.length ? entry.records : entry.records.subarray(from, to));
      bytes += to - from;
      if (!isWhole) break;
    }
    return bytes;
  }

  /** The log was cut at `offset`. */
  truncateTo(offset: number): void {
    let entry = this.#entries.at(-1);
    while (this.#entries.length > this.#head && entry !== undefined && entry.nextOffset > offset) {
      this.#entries.pop();
      this.#cache.forget(entry);
      // The part of it before the cut stays in the log: what is held must not have a hole there.
      if (entry.firstOffset < offset) return this.clear();
      entry = this.#entries.at(-1);
    }
  }

  clear(): void {
    for (let index = this.#head; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined) this.#cache.forget(entry);
    }
    this.#entries = [];
    this.#head = 0;
  }

  /** Only for TailCache. */
  dropOldest(): void {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return;
    this.#cache.forget(entry);
    this.#head++;
    if (this.#head * 2 > this.#entries.length && this.#head > 32) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#entries.length) {
      this.#entries = [];
      this.#head = 0;
    }
  }

  #find(offset: number): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.nextOffset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function positionOfBatch(records: Buffer, offset: number): number {
  const batch = new RecordBatch(records);
  let position = 0;
  while (position < records.length && batch.moveTo(records, position).lastOffset < offset)
    position += batch.sizeInBytes;
  return position;
}

/** End of the last batch of `[start, …)` that ends below `limitOffset` and within `maxBytes` (the first even if larger, with `minOneBatch`). */
function endOfBatches(
  records: Buffer,
  start: number,
  limitOffset: number,
  maxBytes: number,
  minOneBatch: boolean,
): number {
  const batch = new RecordBatch(records);
  let end = start;
  while (end < records.length) {
    batch.moveTo(records, end);
    const size = batch.sizeInBytes;
    if (batch.lastOffset >= limitOffset) return end;
    if (end + size - start > maxBytes && !(minOneBatch && end === start)) return end;
    end += size;
  }
  return end;
}
