// One cleaning of one compacted log, as a generator that yields after each piece of work: the event loop goes on
// between. Maps the last offset of each key in the dirty part, then writes every segment anew without what is
// outdated, and swaps the new ones in. Nothing of the log changes until a swap.

import type { Offset } from '../core/ids.ts';
import { assert } from '../core/assert.ts';
import { isCompressionReady } from '../records/compression/compression.ts';
import { CodecNotLoaded } from '../records/compression/codec-not-loaded.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { RecordCursor } from '../records/record.ts';
import type { CleaningRange } from './cleaning-range.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import { filterBatch, type BatchDecision, type RecordFilter } from './compaction.ts';
import { forEachStoredBatch } from './log-file.ts';
import type { LogConfig } from './log-config.ts';
import type { AbortedTransaction } from './log-types.ts';
import { OffsetMap } from './offset-map.ts';
import type { Segment } from './segment.ts';

/** Bytes looked at before the event loop gets a turn. */
const pieceBytes = 256 * 1024;

/** What a cleaning may see and do of a log; PartitionLog provides it. */
export type CleanableLog = {
  readonly segments: readonly Segment[];
  readonly config: LogConfig;
  readonly nowMs: number;
  abortedTransactions(from: number, to: number): AbortedTransaction[];
  /** Last data offset of the producer, or −1; null when it is not remembered. */
  lastRecordOf(producerId: number): { readonly lastDataOffset: number; readonly producerEpoch: number } | null;
  createCleaned(baseOffset: Offset): Segment;
  /** Puts `cleaned` in the place of the segments it was made from. */
  replace(cleaned: Segment, sources: readonly Segment[]): void;
  /** Batches went meanwhile: what was read is not what is there. */
  isStale(): boolean;
};

/** The new first dirty offset; null when it was given up. */
export function* clean(log: CleanableLog, range: CleaningRange): Generator<void, number | null, undefined> {
  const map = new OffsetMap();
  yield* buildMap(log, range, map);
  if (log.isStale()) return null;
  const endOffset = Math.max(range.firstDirtyOffset, map.latestOffset + 1);
  const sources = log.segments.filter(
    (segment) => segment.baseOffset < endOffset && segment.baseOffset < range.firstUncleanableOffset,
  );
  const transactions: { current: Segment | null } = { current: null };
  const followed = new CleanedTransactions((transaction) => transactions.current?.transactionIndex.append(transaction));
  for (const group of groupBySize(sources, log.config, range.firstUncleanableOffset)) {
    const [first] = group;
    if (first === undefined) continue;
    const cleaned = log.createCleaned(first.baseOffset);
    transactions.current = cleaned;
    const isDone = yield* cleanGroup(log, { group, cleaned, map, followed, upperBound: range.firstUncleanableOffset });
    if (!isDone) {
      cleaned.remove();
      return null;
    }
    log.replace(cleaned, group);
  }
  return endOffset;
}

function* buildMap(log: CleanableLog, range: CleaningRange, map: OffsetMap): Generator<void, void, undefined> {
  const { firstDirtyOffset: start, firstUncleanableOffset: end } = range;
  const dirty = log.segments.filter((segment, index) => {
    const next = log.segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
    return next > start && segment.baseOffset < end;
  });
  const transactions = new CleanedTransactions();
  transactions.add(log.abortedTransactions(start, end));
  for (const [index, segment] of dirty.entries()) {
    let isFull = false;
    for (const piece of piecesOf(segment, segment.findBatch(start)?.position ?? segment.sizeBytes)) {
      if (log.isStale()) return;
      visitPiece(segment, piece, (batch) => {
        if (isFull) return;
        isFull = !mapBatch(batch, transactions, map, start);
        if (!isFull && batch.lastOffset >= start) map.latestOffset = Math.max(map.latestOffset, batch.lastOffset);
      });
      if (isFull) return;
      yield;
    }
    // Offsets may be missing at the segment's end: they are accounted for as well.
    map.latestOffset = Math.max(map.latestOffset, (dirty[index + 1]?.baseOffset ?? end) - 1);
  }
}

/** False when the map had no room for all of the batch. */
function mapBatch(batch: RecordBatch, transactions: CleanedTransactions, map: OffsetMap, start: number): boolean {
  if (transactions.canDiscard(batch) || batch.isControl || batch.isLegacy) return true;
  if (!isCompressionReady(batch.compression)) throw new CodecNotLoaded(batch.compression);
  const cursor = new RecordCursor(batch);
  while (cursor.next()) {
    const key = cursor.offset < start ? null : cursor.key();
    if (key !== null && !map.put(key, cursor.offset)) return false;
  }
  return true;
}

type GroupCleaning = {
  readonly group: readonly Segment[];
  readonly cleaned: Segment;
  readonly map: OffsetMap;
  readonly followed: CleanedTransactions;
  readonly upperBound: number;
};

/** False when the log changed under it. */
function* cleanGroup(log: CleanableLog, cleaning: GroupCleaning): Generator<void, boolean, undefined> {
  const { group, cleaned, followed } = cleaning;
  const filter = new CleanerFilter(log, cleaning);
  for (const [index, segment] of group.entries()) {
    followed.add(log.abortedTransactions(segment.baseOffset, group[index + 1]?.baseOffset ?? segment.nextOffset()));
    for (const piece of piecesOf(segment, 0)) {
      if (log.isStale()) return false;
      const kept: Buffer[] = [];
      let lastOffset = -1;
      visitPiece(segment, piece, (batch) => {
        const bytes = batch.isLegacy ? batch.bytes : filterBatch(batch, filter).bytes;
        if (bytes === null) return;
        // The batch's own memory is read over with the next piece.
        kept.push(bytes.buffer === batch.buffer.buffer ? Buffer.from(bytes) : bytes);
        lastOffset = batch.lastOffset;
      });
      if (kept.length > 0) cleaned.append(Buffer.concat(kept), lastOffset);
      yield;
    }
  }
  cleaned.seal();
  cleaned.syncNow();
  const last = group.at(-1);
  if (last !== undefined) cleaned.setModifiedMs(last.modifiedMs);
  return !log.isStale();
}

/** Kafka's rules for what a cleaning keeps. */
class CleanerFilter implements RecordFilter {
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly #log: CleanableLog;
  readonly #cleaning: GroupCleaning;
  #discardsRecords = false;

  constructor(log: CleanableLog, cleaning: GroupCleaning) {
    this.nowMs = log.nowMs;
    this.deleteRetentionMs = log.config.deleteRetentionMs;
    this.#log = log;
    this.#cleaning = cleaning;
  }

  decide(batch: RecordBatch): BatchDecision {
    if (!isCompressionReady(batch.compression)) throw new CodecNotLoaded(batch.compression);
    const canDiscard = this.#cleaning.followed.canDiscard(batch);
    const horizonMs = batch.deleteHorizonMs;
    this.#discardsRecords = canDiscard && (!batch.isControl || (horizonMs !== null && horizonMs <= this.nowMs));
    return { retention: this.#retention(batch), isMarkerOfEmptyTransaction: canDiscard && batch.isControl };
  }

  keeps(batch: RecordBatch, record: RecordCursor): boolean {
    if (this.#discardsRecords) return false;
    if (batch.isControl || record.offset > this.#cleaning.map.latestOffset) return true;
    const key = record.key();
    // A record without a key has no place in a compacted topic; validation keeps new ones out.
    if (key === null || record.offset < this.#cleaning.map.get(key)) return false;
    if (record.valueLength >= 0) return true;
    const horizonMs = batch.deleteHorizonMs;
    return horizonMs === null || this.nowMs < horizonMs;
  }

  #retention(batch: RecordBatch): BatchDecision['retention'] {
    if (batch.hasProducerId && this.#isLastOfProducer(batch)) return 'retain-empty';
    // The round's last batch keeps the last offset known.
    if (batch.nextOffset === this.#cleaning.upperBound) return 'retain-empty';
    return this.#discardsRecords ? 'delete' : 'delete-empty';
  }

  /** Its sequence, or a marker's epoch, is what the producer is checked against after the next start. */
  #isLastOfProducer(batch: RecordBatch): boolean {
    const last = this.#log.lastRecordOf(batch.producerId);
    if (last === null) return false;
    if (last.lastDataOffset >= 0) return batch.lastOffset === last.lastDataOffset;
    return batch.isControl && batch.producerEpoch === last.producerEpoch;
  }
}

/** Neighbours whose sizes together fit one segment become one. */
export function groupBySize(segments: readonly Segment[], config: LogConfig, endOffset: number): Segment[][] {
  const groups: Segment[][] = [];
  let sums = { bytes: 0, offsetEntries: 0, timeEntries: 0 };
  for (const [index, segment] of segments.entries()) {
    const sizes = {
      bytes: segment.sizeBytes,
      offsetEntries: segment.offsetIndex.entries.count,
      timeEntries: segment.timeIndex.entries.count,
    };
    const group = groups.at(-1);
    const first = group?.[0];
    const lastOffset = (segments[index + 1]?.baseOffset ?? endOffset) - 1;
    const fits =
      group !== undefined &&
      first !== undefined &&
      sums.bytes + sizes.bytes <= config.segmentBytes &&
      sums.offsetEntries + sizes.offsetEntries <= segment.offsetIndex.entries.maxEntries &&
      sums.timeEntries + sizes.timeEntries <= segment.timeIndex.entries.maxEntries &&
      (segment.sizeBytes === 0 || first.canHold(lastOffset));
    if (fits) {
      group.push(segment);
      sums = {
        bytes: sums.bytes + sizes.bytes,
        offsetEntries: sums.offsetEntries + sizes.offsetEntries,
        timeEntries: sums.timeEntries + sizes.timeEntries,
      };
    } else {
      groups.push([segment]);
      sums = sizes;
    }
  }
  return groups;
}

type Piece = { readonly start: number; end: number };

/** Runs over a segment in pieces that end at a batch; each is visited before the next is asked for. */
function* piecesOf(segment: Segment, start: number): Generator<Piece, void, undefined> {
  let position = start;
  while (position < segment.sizeBytes) {
    const piece = { start: position, end: position };
    yield piece;
    assert(piece.end > position, `${segment.log.path} holds no whole batch at ${position}`);
    position = piece.end;
  }
}

function visitPiece(segment: Segment, piece: Piece, visit: (batch: RecordBatch) => void): void {
  piece.end = forEachStoredBatch(segment.log, piece.start, segment.sizeBytes, (batch, position) => {
    visit(batch);
    return position + batch.sizeInBytes - piece.start < pieceBytes;
  });
}
