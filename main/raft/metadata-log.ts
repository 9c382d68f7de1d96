// The metadata log on disk: a partition log with the metadata's settings, and the snapshots that stand for its
// beginning. What the pure quorum sees of it is a LogView.

import { assert } from '../core/assert.ts';
import { metadataTopicId, metadataTopicName, toLeaderEpoch, toOffset, toPartitionId } from '../core/ids.ts';
import { defaultLogConfig } from '../log/log-config.ts';
import { LogDirectoryError } from '../log/log-error.ts';
import { PartitionLog, type LogEnvironment } from '../log/partition-log.ts';
import { batchesIn } from '../records/record-batch.ts';
import type { Clock, Disk } from '../runtime/runtime.ts';
import type { OffsetAndEpoch, RaftConfig } from './contract.ts';
import { readControlBatch } from './control-batches.ts';
import type { LogView } from './quorum-types.ts';
import { snapshotTimestampMs, Snapshots } from './snapshots.ts';
import type { VoterHistory } from './voter-history.ts';
import { fromVotersRecord } from './voter-set.ts';

const recoveryReadBytes = 1024 * 1024;

export type MetadataLogOptions = {
  readonly environment: LogEnvironment;
  readonly directory: string;
  readonly config: RaftConfig;
};

export class MetadataLog implements LogView {
  readonly snapshots: Snapshots;
  readonly #log: PartitionLog;
  readonly #config: RaftConfig;
  readonly #clock: Clock;

  private constructor(log: PartitionLog, snapshots: Snapshots, options: MetadataLogOptions) {
    this.#log = log;
    this.snapshots = snapshots;
    this.#config = options.config;
    this.#clock = options.environment.clock;
  }

  static open(options: MetadataLogOptions): MetadataLog {
    const { environment, directory, config } = options;
    removeTornTopicId(environment.pool.disk, directory);
    const log = PartitionLog.open({
      environment,
      directory,
      topic: metadataTopicName,
      partition: toPartitionId(0),
      topicId: metadataTopicId,
      config: {
        ...defaultLogConfig,
        segmentBytes: config.segmentBytes,
        segmentMs: config.segmentMs,
        maxMessageBytes: config.batchBytesMax,
        // Only snapshots let the beginning go.
        retentionBytes: -1,
        retentionMs: -1,
      },
      // As in Kafka: the whole log is looked through at each start, whatever the shutdown was.
      recoveryPoint: toOffset(0),
      logStartOffset: toOffset(0),
      hadCleanShutdown: false,
    });
    const opened = new MetadataLog(log, new Snapshots(environment.pool.disk, directory), options);
    opened.#cutAtGap(environment);
    opened.#startAtSnapshotIfAtOdds();
    opened.#ensureBeginning(directory);
    opened.flush();
    // What a snapshot holds was committed, here or at the leader that sent it.
    log.updateHighWatermark(opened.latestSnapshotId?.offset ?? 0);
    return opened;
  }

  get startOffset(): number {
    return this.#log.logStartOffset;
  }

  get endOffset(): number {
    return this.#log.logEndOffset;
  }

  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  get lastEpoch(): number {
    const latest = this.snapshots.latest;
    if (latest !== null && latest.offset === this.endOffset) return latest.epoch;
    return this.#log.latestEpoch ?? 0;
  }

  get latestSnapshotId(): OffsetAndEpoch | null {
    return this.snapshots.latest;
  }

  get earliestSnapshotId(): OffsetAndEpoch | null {
    return this.snapshots.earliest;
  }

  endOffsetForEpoch(epoch: number): OffsetAndEpoch {
    const found = this.#log.endOffsetForEpoch(epoch);
    if (found === null) return { offset: this.endOffset, epoch: this.lastEpoch };
    const { epoch: foundEpoch, endOffset: offset } = found;
    const earliest = this.snapshots.earliest;
    // Older than anything in the log: then the snapshot before it is where the lines part.
    if (earliest !== null && offset === earliest.offset && foundEpoch === epoch) return earliest;
    return { offset, epoch: foundEpoch };
  }

  /** Writes one batch at the end; returns its last offset. Not synced. */
  appendAsLeader(batch: Buffer, epoch: number): number {
    const result = this.#log.appendAsLeader(batch, { leaderEpoch: toLeaderEpoch(epoch), origin: 'raft' });
    return result.lastOffset;
  }

  appendAsFollower(records: Buffer): void {
    this.#log.appendAsFollower(records);
  }

  /** Whole batches from `offset` on, at least one if there is one. */
  read(offset: number, bytesMax: number): Buffer {
    if (offset >= this.endOffset) return Buffer.alloc(0);
    const { records } = this.#log.read(offset, bytesMax, 'log-end', true);
    const [first] = records;
    return records.length === 1 && first !== undefined ? first : Buffer.concat(records);
  }

  truncateTo(offset: number): void {
    this.#log.truncateTo(offset);
  }

  updateHighWatermark(offset: number): void {
    this.#log.updateHighWatermark(offset);
  }

  flush(): void {
    this.#log.flush();
  }

  sync(): Promise<void> {
    return this.#log.sync();
  }

  close(): void {
    this.#log.close();
  }

  /** A fetched snapshot is whole: the log goes on from there. */
  installSnapshot(id: OffsetAndEpoch): void {
    this.snapshots.finishFetched(id);
    this.#startAt(id);
  }

  /**
   * Lets go of old snapshots, and of the log before the oldest one kept, by metadata.max.retention.bytes and .ms.
   * The newest snapshot always stays.
   */
  trim(): boolean {
    let isChanged = false;
    for (;;) {
      const [oldest, next] = this.snapshots.ids;
      if (oldest === undefined || next === undefined || !this.#isPastRetention(oldest)) return isChanged;
      if (next.offset > this.startOffset) {
        this.#log.incrementLogStartOffset(next.offset);
        this.#log.deleteOldSegments(this.#clock.wallMs());
      }
      this.snapshots.removeBefore(next);
      isChanged = true;
    }
  }

  /** Makes `history` tell what the newest snapshot and the log after it say of kraft.version and the voters. */
  loadVoters(history: VoterHistory, listenerName: string): void {
    history.clear();
    const latest = this.latestSnapshotId;
    if (latest !== null) {
      // What a snapshot says holds before its end; the bootstrap checkpoint ends at 0.
      noteVotersIn(this.snapshots.readAll(latest), history, listenerName, latest.offset - 1);
    }
    let offset = Math.max(this.startOffset, latest?.offset ?? 0);
    while (offset < this.endOffset) {
      const bytes = this.read(offset, recoveryReadBytes);
      offset = Math.max(offset + 1, noteVotersIn(bytes, history, listenerName));
    }
  }

  #isPastRetention(oldest: OffsetAndEpoch): boolean {
    const { retentionBytes, retentionMs } = this.#config;
    if (retentionBytes >= 0) {
      let bytes = this.sizeBytes;
      for (const id of this.snapshots.ids) bytes += this.snapshots.sizeBytes(id);
      if (bytes > retentionBytes) return true;
    }
    if (retentionMs < 0) return false;
    return this.#clock.wallMs() - snapshotTimestampMs(this.snapshots.readAll(oldest)) > retentionMs;
  }

  /**
   * A power loss can bring back the log of before a fetched snapshot, whole or in part: then it lacks what the
   * snapshot holds, or ends in records that were never committed. The snapshot is committed, so it wins.
   */
  #startAtSnapshotIfAtOdds(): void {
    const latest = this.latestSnapshotId;
    if (latest !== null && this.#isAtOddsWith(latest)) this.#startAt(latest);
  }

  #isAtOddsWith({ offset, epoch }: OffsetAndEpoch): boolean {
    if (this.endOffset < offset) return true;
    const { latestEpoch } = this.#log;
    if (latestEpoch === null) return this.startOffset !== offset;
    if (latestEpoch < epoch) return true;
    if (this.startOffset >= offset) return false;
    const end = this.#log.endOffsetForEpoch(epoch);
    return end === null || end.epoch !== epoch || end.endOffset < offset;
  }

  /** What the log does not hold any more, a snapshot must: else nobody can tell the state of the cluster. */
  #ensureBeginning(directory: string): void {
    const snapshotEnd = this.latestSnapshotId?.offset ?? 0;
    if (this.startOffset <= snapshotEnd) return;
    const what = snapshotEnd === 0 ? 'there is no snapshot' : `the newest snapshot ends at ${snapshotEnd}`;
    throw new LogDirectoryError(
      `${directory}: the metadata log begins at offset ${this.startOffset} and ${what}: files are missing. ` +
        `Bring them back, or, with other controllers running, delete the directory: it is fetched anew.`,
    );
  }

  /**
   * Offsets of metadata have no gaps: where one is, a segment is missing or another's. What is behind it stood on what is
   * gone, and goes as what is behind a damaged batch does; other nodes of the quorum bring it back.
   */
  #cutAtGap({ journal }: LogEnvironment): void {
    const { sizeBytes, endOffset } = this;
    let offset = this.startOffset;
    while (offset < this.endOffset) {
      const before = offset;
      for (const batch of batchesIn(this.read(offset, recoveryReadBytes))) {
        if (batch.baseOffset > offset || batch.lastOffset < offset) break;
        offset = batch.nextOffset;
      }
      if (offset > before) continue;
      this.#log.truncateTo(offset);
      journal?.record({
        kind: 'log.recovered',
        topic: metadataTopicName,
        partition: 0,
        truncatedBytes: sizeBytes - this.sizeBytes,
        detail: `nothing stands at offset ${offset}: cut there, the log ended at ${endOffset}`,
      });
      return;
    }
  }

  #startAt(id: OffsetAndEpoch): void {
    this.#log.truncateFullyAndStartAt(id.offset);
    this.#log.updateHighWatermark(id.offset);
    this.snapshots.removeBefore(id);
    assert(this.endOffset === id.offset, `the log must go on at ${id.offset}, not at ${this.endOffset}`);
  }
}

/**
 * Adds to `history` what the batches say of kraft.version and voters, at `offset` or where each record stands; returns
 * the offset that the batches end at.
 */
export function noteVotersIn(bytes: Buffer, history: VoterHistory, listenerName: string, offset?: number): number {
  let nextOffset = 0;
  for (const batch of batchesIn(bytes)) {
    nextOffset = batch.nextOffset;
    if (!batch.isControl) continue;
    const { kraftVersion, voters } = readControlBatch(batch);
    if (kraftVersion !== null) history.addKraftVersion(offset ?? kraftVersion.offset, kraftVersion.value);
    if (voters === null) continue;
    history.addVoters(offset ?? voters.offset, fromVotersRecord(voters.value, listenerName));
  }
  return nextOffset;
}

/** The file is written without waiting for the device: a power loss can leave part of it. The metadata log's id is known. */
function removeTornTopicId(disk: Disk, directory: string): void {
  const path = `${directory}/partition.metadata`;
  if (!disk.exists(path)) return;
  const text = Buffer.from(disk.readFile(path)).toString('utf8');
  const id = /^version: 0\s+topic_id: ([A-Za-z0-9_-]{22})\s*$/.exec(text)?.[1];
  if (id === metadataTopicId) return;
  if (id === undefined) return disk.remove(path);
  throw new LogDirectoryError(
    `${path} names topic id ${id}, the metadata's is ${metadataTopicId}: it is damaged, or another topic's. ` +
      `If nobody has put it there, delete this file.`,
  );
}
