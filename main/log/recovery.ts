// Opens the files of one partition after a clean or unclean stop, as Kafka's LogLoader does: finishes or undoes what
// was under way, rebuilds indexes, cuts the tail after the last whole batch, reloads the producers.

import { maxOffset, toOffset, type Offset } from '../core/ids.ts';
import { corruptRecord, RecordsError } from '../records/errors.ts';
import { forEachStoredBatch } from './log-file.ts';
import type { LogConfig } from './log-config.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import { ProducerSnapshots, snapshotOffsets } from './producer-snapshots.ts';
import { Segment, type SegmentEnvironment } from './segment.ts';
import {
  cleanedSuffix,
  deletedSuffix,
  joinPath,
  logSuffix,
  offsetInName,
  offsetIndexSuffix,
  offsetName,
  swapSuffix,
  timeIndexSuffix,
  transactionIndexSuffix,
} from './segment-names.ts';
import type { TimestampOffset } from './time-index.ts';

export type RecoveryOptions = {
  readonly environment: SegmentEnvironment;
  readonly directory: string;
  /** `topic-3`, for messages. */
  readonly name: string;
  readonly config: LogConfig;
  readonly epochs: LeaderEpochs;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
  readonly hadCleanShutdown: boolean;
  /** The directory was made just now. */
  readonly isNew: boolean;
};

export type LoadedLog = {
  readonly segments: Segment[];
  readonly producers: ProducerSnapshots;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly recoveryPoint: Offset;
  /** Files renamed `.deleted`, to be removed later. */
  readonly deletedPaths: string[];
  /** What recovery cut away, and why; empty when nothing was wrong. */
  readonly truncatedBytes: number;
  readonly findings: string[];
  readonly epochsChanged: boolean;
};

export function loadLog(options: RecoveryOptions): LoadedLog {
  return new Recovery(options).load();
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #segments: Segment[] = [];
  readonly #deletedPaths: string[] = [];
  readonly #findings: string[] = [];
  /** Snapshots now in the directory. */
  #snapshots: readonly number[] = [];
  #truncatedBytes = 0;
  #wasDamaged = false;
  #epochsChanged = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  load(): LoadedLog {
    const { hadCleanShutdown, logStartOffset, epochs } = this.#options;
    // A segment without an index is walked as it is loaded, the others below.
    this.#forgetUncertainEpochs();
    this.#loadSegments(this.#options.isNew ? [] : this.#finishInterrupted(this.#list()));
    if (!hadCleanShutdown) this.#recoverUnflushed();
    else this.#recoverDamagedEnd();
    const end = this.#endOfSegments();
    const active = this.#segments.at(-1) ?? this.#addFirstSegment();
    const logEndOffset = end ?? active.nextOffset();
    const newStart = maxOffset(logStartOffset, this.#segments[0]?.baseOffset ?? logStartOffset);
    if (epochs.truncateFromEnd(logEndOffset)) this.#epochsChanged = true;
    if (epochs.truncateFromStart(logStartOffset)) this.#epochsChanged = true;
    const producers = this.#newProducers();
    producers.removeStray(this.#segments.map((segment) => segment.baseOffset));
    this.#rebuild(producers, newStart, logEndOffset, hadCleanShutdown);
    const isClean = hadCleanShutdown && end !== null && !this.#wasDamaged;
    return {
      segments: this.#segments,
      producers,
      logStartOffset: newStart,
      logEndOffset,
      recoveryPoint: isClean ? logEndOffset : toOffset(Math.min(this.#options.recoveryPoint, logEndOffset)),
      deletedPaths: this.#deletedPaths,
      truncatedBytes: this.#truncatedBytes,
      findings: this.#findings,
      epochsChanged: this.#epochsChanged,
    };
  }

  #list(): string[] {
    return this.#options.environment.pool.disk.list(this.#options.directory);
  }

  #path(name: string): string {
    return joinPath(this.#options.directory, name);
  }

  #remove(name: string): void {
    this.#options.environment.pool.disk.remove(this.#path(name));
  }

  #newProducers(): ProducerSnapshots {
    const { environment, directory, config } = this.#options;
    const { producerIdExpirationMs } = config;
    return new ProducerSnapshots({ disk: environment.pool.disk, directory, producerIdExpirationMs }, this.#snapshots);
  }

  /** Undoes or completes a compaction that a stop cut short; returns what the directory holds then. */
  #finishInterrupted(names: readonly string[]): readonly string[] {
    if (!names.some(isTemporary)) return names;
    this.#finishSwaps(this.#removeTemporaryFiles(names));
    return this.#list();
  }

  /** Returns the `.swap` files that stand for a finished compaction. */
  #removeTemporaryFiles(names: readonly string[]): string[] {
    const cleaned = names.filter((name) => name.endsWith(cleanedSuffix));
    const firstCleaned = Math.min(...cleaned.map((name) => offsetInName(name) ?? Number.POSITIVE_INFINITY));
    for (const name of names) {
      if (name.endsWith(deletedSuffix) || name.endsWith(cleanedSuffix)) this.#remove(name);
    }
    return names.filter((name) => {
      if (!name.endsWith(swapSuffix)) return false;
      // A swap beside a half-written segment comes from a split that never finished.
      const isFinished = (offsetInName(name) ?? 0) < firstCleaned;
      if (!isFinished) this.#remove(name);
      return isFinished;
    });
  }

  /** A compacted segment had begun to replace its sources: remove those, then take its own name. */
  #finishSwaps(swaps: readonly string[]): void {
    if (swaps.length === 0) return;
    const { environment, directory, config } = this.#options;
    let from = Number.POSITIVE_INFINITY;
    let to = -1;
    for (const name of swaps) {
      const baseOffset = offsetInName(name);
      if (baseOffset === null || !name.endsWith(logSuffix + swapSuffix)) continue;
      const segment = new Segment({ environment, directory, baseOffset, config, suffix: swapSuffix });
      from = Math.min(from, baseOffset);
      to = Math.max(to, segment.nextOffset());
      segment.release();
    }
    for (const name of this.#list()) {
      const offset = offsetInName(name);
      if (!name.endsWith(swapSuffix) && offset !== null && offset >= from && offset < to) this.#remove(name);
    }
    for (const name of swaps) {
      environment.pool.disk.rename(this.#path(name), this.#path(name.slice(0, -swapSuffix.length)));
    }
    this.#findings.push(`took over the compacted segments from ${from} on`);
  }

  #loadSegments(listed: readonly string[]): void {
    const { environment, directory, config } = this.#options;
    this.#snapshots = snapshotOffsets(listed);
    const names = new Set(listed);
    for (const name of listed) {
      const baseOffset = offsetInName(name);
      if (baseOffset === null) continue;
      const stem = offsetName(baseOffset);
      const isIndex =
        name === stem + offsetIndexSuffix || name === stem + timeIndexSuffix || name === stem + transactionIndexSuffix;
      if (isIndex && !names.has(stem + logSuffix)) this.#remove(name);
      if (name !== stem + logSuffix) continue;
      const segment = new Segment({ environment, directory, baseOffset, config, names });
      const isIndexed = names.has(stem + offsetIndexSuffix);
      // As Kafka: a time index alone is made empty, without an offset index both are rebuilt.
      if (isIndexed && !names.has(stem + timeIndexSuffix)) segment.timeIndex.entries.reset();
      if (!isIndexed || !segment.transactionIndex.isSane()) {
        this.#findings.push(`rebuilt the indexes of segment ${stem}`);
        this.#recoverSegment(segment);
      }
      this.#segments.push(segment);
    }
  }

  /**
   * After an unclean stop the checkpoint of epochs can have reached the device before the batches that replaced what was
   * cut away: from the recovery point on, only the batches tell, each time that they are walked. A log that misnames its
   * epochs is taken for its leader's and differs.
   */
  #forgetUncertainEpochs(): void {
    const { hadCleanShutdown, recoveryPoint, epochs } = this.#options;
    if (!hadCleanShutdown && epochs.truncateFromEnd(recoveryPoint)) this.#epochsChanged = true;
  }

  #recoverUnflushed(): void {
    const { recoveryPoint } = this.#options;
    this.#forgetUncertainEpochs();
    const floor = this.#segments.findLastIndex((segment) => segment.baseOffset <= recoveryPoint);
    for (let index = Math.max(0, floor); index < this.#segments.length; index++) {
      const segment = this.#segments[index];
      if (segment === undefined || this.#recoverSegment(segment) === 0) continue;
      this.#findings.push(
        `log segment ${offsetName(segment.baseOffset)} ended early: cut to its last whole batch, end ${segment.nextOffset()}`,
      );
      this.#deleteSegments(this.#segments.splice(index + 1));
      return;
    }
  }

  /** Appends behind bytes that are no batch would never be read: such an end is cut even after a clean stop. */
  #recoverDamagedEnd(): void {
    const last = this.#segments.at(-1);
    if (last === undefined || last.endsWhole) return;
    this.#recoverSegment(last);
    this.#wasDamaged = true;
    this.#findings.push(
      `log segment ${offsetName(last.baseOffset)} was damaged after a clean stop: cut to its last whole batch, end ${last.nextOffset()}`,
    );
  }

  /** Rebuilds what can be told from the batches and cuts the rest; returns how many bytes were cut. */
  #recoverSegment(segment: Segment): number {
    const { hadCleanShutdown, recoveryPoint } = this.#options;
    const producers = this.#newProducers();
    this.#rebuild(producers, this.#options.logStartOffset, segment.baseOffset, false);
    const cut = recoverSegment(segment, {
      onBatch: (batch) => {
        const epoch = batch.partitionLeaderEpoch;
        const latest = this.#options.epochs.latestEpoch;
        if (!hadCleanShutdown && epoch >= 0 && epoch < (latest ?? -1) && batch.baseOffset >= recoveryPoint) {
          throw corruptRecord(`a batch of epoch ${epoch} stands where epoch ${latest ?? -1} has begun`);
        }
        if (epoch >= 0 && (latest === null || epoch > latest)) {
          if (this.#options.epochs.assign(epoch, batch.baseOffset)) this.#epochsChanged = true;
        }
        const aborted = producers.state.replay(batch, this.#options.name);
        if (aborted !== null) segment.transactionIndex.append(aborted);
        producers.mapEndOffset = batch.nextOffset;
      },
    });
    // Its checksum tells a torn snapshot from a whole one: no need to wait for the device.
    producers.take({ syncNow: false });
    this.#snapshots = producers.offsets;
    this.#truncatedBytes += cut;
    return cut;
  }

  #deleteSegments(segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.#truncatedBytes += segment.sizeBytes;
      this.#findings.push(`dropped segment ${offsetName(segment.baseOffset)} behind it`);
      this.#deletedPaths.push(...segment.markDeleted());
    }
  }

  /** Null when there is no segment, or none that reaches the log start. */
  #endOfSegments(): Offset | null {
    const { logStartOffset, epochs } = this.#options;
    const last = this.#segments.at(-1);
    if (last === undefined) return null;
    const end = last.nextOffset();
    if (end >= logStartOffset) return end;
    this.#findings.push(`all segments end at ${end}, before the log start ${logStartOffset}`);
    this.#deleteSegments(this.#segments.splice(0));
    if (epochs.clear()) this.#epochsChanged = true;
    return null;
  }

  #addFirstSegment(): Segment {
    const { environment, directory, config, logStartOffset } = this.#options;
    const segment = new Segment({ environment, directory, baseOffset: logStartOffset, config });
    segment.createFiles();
    this.#segments.push(segment);
    return segment;
  }

  #rebuild(producers: ProducerSnapshots, start: Offset, end: Offset, isClean: boolean): void {
    rebuildProducers({
      producers,
      segments: this.#segments,
      name: this.#options.name,
      logStartOffset: start,
      logEndOffset: end,
      nowMs: this.#options.environment.clock.wallMs(),
      hadCleanShutdown: isClean,
    });
  }
}

function isTemporary(name: string): boolean {
  return name.endsWith(deletedSuffix) || name.endsWith(cleanedSuffix) || name.endsWith(swapSuffix);
}

/** What it throws as RecordsError ends the log before the batch. */
type RecoveryVisitor = { onBatch(batch: Parameters<Parameters<typeof forEachStoredBatch>[3]>[0]): void };

/** Checks every batch of a segment, rebuilds its indexes and cuts it after the last good one. */
export function recoverSegment(segment: Segment, visitor: RecoveryVisitor): number {
  segment.resetIndexes();
  let validBytes = 0;
  let lastIndexedAt = 0;
  let nextOffset: number = segment.baseOffset;
  let maxTimestamp: TimestampOffset = { timestamp: -1, offset: segment.baseOffset };
  let leaderEpoch = -1;
  try {
    forEachStoredBatch(segment.log, 0, segment.sizeBytes, (batch, position) => {
      batch.ensureValid();
      const lastOffset = batch.lastOffset;
      if (lastOffset < nextOffset || !segment.canHold(lastOffset)) {
        throw corruptRecord(`a batch ends at offset ${lastOffset} where ${nextOffset} or more is due`);
      }
      // After a power loss, what was cut away can stand again behind what replaced it: epochs tell the two apart.
      const epoch = batch.partitionLeaderEpoch;
      if (epoch >= 0 && epoch < leaderEpoch)
        throw corruptRecord(`a batch of epoch ${epoch} follows epoch ${leaderEpoch}`);
      leaderEpoch = Math.max(leaderEpoch, epoch);
      visitor.onBatch(batch);
      if (batch.maxTimestamp > maxTimestamp.timestamp)
        maxTimestamp = { timestamp: batch.maxTimestamp, offset: lastOffset };
      if (position - lastIndexedAt > segment.indexIntervalBytes) {
        segment.offsetIndex.append(lastOffset, position);
        segment.timeIndex.maybeAppend(maxTimestamp.timestamp, maxTimestamp.offset);
        lastIndexedAt = position;
      }
      nextOffset = lastOffset + 1;
      validBytes = position + batch.sizeInBytes;
    });
  } catch (error) {
    // Bytes that are no batch end the log; anything else is the disk's or our own failure.
    if (!(error instanceof RecordsError)) throw error;
  }
  const cut = segment.sizeBytes - validBytes;
  segment.setRecovered(validBytes, maxTimestamp);
  segment.seal();
  return cut;
}

export type RebuildOptions = {
  readonly producers: ProducerSnapshots;
  readonly segments: readonly Segment[];
  readonly name: string;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly nowMs: number;
  readonly hadCleanShutdown: boolean;
};

/** Brings the producer state to `logEndOffset`: from the newest snapshot, then from the batches behind it. */
export function rebuildProducers(options: RebuildOptions): void {
  const { producers, segments, logStartOffset, logEndOffset } = options;
  const last = segments.at(-1);
  const snapshotAt = [segments.at(-2)?.baseOffset, last?.baseOffset].filter((offset) => offset !== undefined);
  if (producers.latestOffset === null && options.hadCleanShutdown) {
    // As Kafka: a clean log without snapshots is taken to have no producers, rather than scanned from its start.
    for (const offset of [...snapshotAt, logEndOffset]) {
      producers.mapEndOffset = offset;
      producers.take({ syncNow: false });
    }
    return;
  }
  const wasEmpty = producers.state.isEmpty && producers.mapEndOffset >= logEndOffset;
  producers.truncateAndReload(logStartOffset, logEndOffset, options.nowMs);
  if (logEndOffset > producers.mapEndOffset && !wasEmpty) {
    const from = producers.mapEndOffset;
    const first = Math.max(
      0,
      segments.findLastIndex((segment) => segment.baseOffset <= from),
    );
    for (const segment of segments.slice(first)) {
      if (segment.baseOffset >= logEndOffset) break;
      producers.mapEndOffset = Math.max(segment.baseOffset, producers.mapEndOffset, logStartOffset);
      if (snapshotAt.includes(segment.baseOffset)) producers.take({ syncNow: false });
      replayProducers(segment, producers, logEndOffset, options.name);
    }
  }
  producers.mapEndOffset = logEndOffset;
  producers.take({ syncNow: false });
}

function replayProducers(segment: Segment, producers: ProducerSnapshots, logEndOffset: number, name: string): void {
  const start = segment.findBatch(producers.mapEndOffset);
  if (start === null) return;
  try {
    forEachStoredBatch(segment.log, start.position, segment.sizeBytes, (batch) => {
      if (batch.lastOffset >= logEndOffset) return false;
      producers.state.replay(batch, name);
      return true;
    });
  } catch (error) {
    // Under a clean stop the batches were not checked; what a reader could not read has no producers either.
    if (!(error instanceof RecordsError)) throw error;
  }
}
