// What this broker does for share groups as leader of partitions (KIP-932, Kafka's SharePartitionManager): keeps
// sessions of members, share partitions, and who waits for records. The requests' own rules: share-requests.ts.

import { partitionName, type TopicId } from '../core/ids.ts';
import { shareGroupSettings, type ShareGroupConfig } from '../coordinators/group/share/share-group-config.ts';
import type { ShareStateStore } from '../coordinators/share/share-state-store.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { CodecNotLoaded } from '../records/compression/codec-not-loaded.ts';
import { prepareCompression } from '../records/compression/compression.ts';
import { LogError } from '../log/log-error.ts';
import type { Partition, PartitionChange, PartitionWatcher } from '../replication/partition.ts';
import { DiskError, type Clock } from '../runtime/runtime.ts';
import type { AcknowledgedBatch } from './in-flight-records.ts';
import { isoDurationMs } from './iso-duration.ts';
import { SharePartition, type ShareError } from './share-partition.ts';
import { ShareReads, type SharedRow, type ShareRead } from './share-reads.ts';
import { ShareSessions, type SessionPartition, type SessionRequest } from './share-sessions.ts';

export type ShareLeaderOptions = {
  readonly clock: Clock;
  readonly image: () => MetadataImage;
  readonly config: () => ShareGroupConfig;
  readonly state: ShareStateStore;
  /** The hosted partition, or the error code that says why it can't be had here. */
  readonly find: (topicId: TopicId, partition: number) => Partition | number;
  readonly onBytesOut: (bytes: number) => void;
};

type Cached = { readonly share: SharePartition; readonly led: Partition; readonly watcher: PartitionWatcher };

/** A partition that can't be read now, with the row that says so. */
export type UnreadablePartition = SessionPartition & ShareError;

export type MemberRead = Omit<ShareRead, 'partitions' | 'isReadCommitted'> & {
  readonly groupId: string;
  readonly partitions: readonly SessionPartition[];
};

const durationPrefix = 'by_duration:';

export class ShareLeader {
  readonly sessions: ShareSessions;
  readonly #options: ShareLeaderOptions;
  readonly #reads: ShareReads;
  readonly #cached = new Map<string, Cached>();

  constructor(options: ShareLeaderOptions) {
    this.#options = options;
    this.sessions = new ShareSessions(() => options.config().maxShareSessions);
    this.#reads = new ShareReads({
      clock: options.clock,
      led: (share) => this.#ledBy(share),
      onBytesOut: options.onBytesOut,
    });
  }

  settings(groupId: string) {
    return shareGroupSettings(this.#options.config(), this.#options.image(), groupId);
  }

  // ── sessions ──

  openSession(request: SessionRequest): readonly SessionPartition[] | number {
    return this.sessions.fetch(request);
  }

  /** Ends the session of a member that goes: what it holds is free again. */
  async closeSession(groupId: string, memberId: string): Promise<void> {
    const partitions = this.sessions.close(groupId, memberId);
    for (const { topicId, partition } of partitions ?? []) {
      await this.#cached.get(cacheKey(groupId, topicId, partition))?.share.release(memberId);
    }
    if (!this.sessions.hasMembers(groupId)) this.#forgetGroup(groupId);
  }

  connectionClosed(connectionId: string): void {
    const member = this.sessions.memberOf(connectionId);
    this.sessions.connectionClosed(connectionId);
    if (member !== null) void this.closeSession(member.groupId, member.memberId);
  }

  // ── records ──

  async read(read: MemberRead): Promise<{ rows: readonly SharedRow[]; unreadable: readonly UnreadablePartition[] }> {
    const partitions: SharePartition[] = [];
    const unreadable: UnreadablePartition[] = [];
    for (const each of read.partitions) {
      const found = this.#partitionOf(read.groupId, each);
      if (typeof found === 'number') unreadable.push({ ...each, ...errorOf(found) });
      else partitions.push(found);
    }
    const { groupId } = read;
    if (partitions.length === 0 || read.recordsMax <= 0 || read.maxBytes <= 0) return { rows: [], unreadable };
    // An error is told at once: the member has to find another leader.
    const maxWaitMs = unreadable.length > 0 ? 0 : read.maxWaitMs;
    const { isReadCommitted } = this.settings(groupId);
    const rows = await this.#reads.read({ ...read, partitions, maxWaitMs, isReadCommitted });
    for (const { partition, errorCode } of rows) if (errorCode !== ErrorCode.NONE) this.#forget(partition);
    const delivered = rows.filter(({ acquired }) => acquired.length > 0).map(({ partition }) => partition);
    this.sessions.delivered(groupId, read.memberId, delivered);
    return { rows, unreadable };
  }

  async acknowledge(
    groupId: string,
    memberId: string,
    { topicId, partition }: SessionPartition,
    batches: readonly AcknowledgedBatch[],
  ): Promise<ShareError> {
    const cached = this.#cached.get(cacheKey(groupId, topicId, partition));
    if (cached === undefined) return errorOf(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    return cached.share.acknowledge(memberId, batches);
  }

  close(): void {
    for (const { share } of [...this.#cached.values()]) this.#forget(share);
  }

  // ── share partitions ──

  #partitionOf(groupId: string, { topicId, partition }: SessionPartition): SharePartition | number {
    const key = cacheKey(groupId, topicId, partition);
    const cached = this.#cached.get(key);
    if (cached !== undefined) return cached.share;
    const { clock, state, find } = this.#options;
    const led = find(topicId as TopicId, partition);
    if (typeof led === 'number') return led;
    if (!led.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const share = new SharePartition({
      groupId,
      topicId: led.topicId,
      topic: led.topic,
      partition,
      leaderEpoch: led.leaderEpoch,
      clock,
      state,
      settings: () => this.settings(groupId),
      firstOffset: () => this.#firstOffset(groupId, led),
      onProgress: (each) => this.#reads.wake(each),
      onUnusable: (each) => this.#forget(each),
    });
    const watcher: PartitionWatcher = {
      isFollower: false,
      notify: (change: PartitionChange) => this.#onChange(share, led, change),
    };
    led.watch(watcher);
    this.#cached.set(key, { share, led, watcher });
    void share.load();
    return share;
  }

  #onChange(share: SharePartition, led: Partition, change: PartitionChange): void {
    if (change === 'state' && (led.isClosed || !led.isLeader)) this.#forget(share);
    else if (change === 'data') this.#reads.wake(share);
  }

  #ledBy({ groupId, topicId, partition }: SharePartition): Partition | number {
    const cached = this.#cached.get(cacheKey(groupId, topicId, partition));
    if (cached === undefined || cached.led.isClosed || !cached.led.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return cached.led;
  }

  /** The next read makes it anew, from what the share coordinator keeps. */
  #forget(share: SharePartition): void {
    const key = cacheKey(share.groupId, share.topicId, share.partition);
    const cached = this.#cached.get(key);
    if (cached?.share !== share) return;
    this.#cached.delete(key);
    cached.led.unwatch(cached.watcher);
    share.fence();
    this.#reads.wake(share);
  }

  #forgetGroup(groupId: string): void {
    for (const { share } of [...this.#cached.values()]) if (share.groupId === groupId) this.#forget(share);
  }

  async #firstOffset(groupId: string, led: Partition): Promise<number | ShareError> {
    const { autoOffsetReset } = this.settings(groupId);
    for (;;) {
      try {
        return this.#resetOffset(autoOffsetReset, led);
      } catch (error) {
        if (error instanceof DiskError) return errorOf(ErrorCode.KAFKA_STORAGE_ERROR);
        if (error instanceof LogError) return errorOf(error.errorCode);
        // A time is looked for inside a batch: its codec is loaded by the first question that needs it.
        if (!(error instanceof CodecNotLoaded)) throw error;
        await prepareCompression(error.codec);
      }
    }
  }

  #resetOffset(autoOffsetReset: string, { log, name }: Partition): number | ShareError {
    if (autoOffsetReset === 'latest') return log.highWatermark;
    if (autoOffsetReset === 'earliest') return log.logStartOffset;
    const agoMs = isoDurationMs(autoOffsetReset.slice(durationPrefix.length));
    const timestamp = this.#options.clock.wallMs() - (agoMs ?? 0);
    const found = log.offsetForTimestamp(timestamp);
    if (found !== null) return found.offset;
    return {
      errorCode: ErrorCode.OFFSET_NOT_AVAILABLE,
      errorMessage: `Offset for timestamp ${timestamp} not found for topic partition: ${name}`,
    };
  }
}

function errorOf(errorCode: number): ShareError {
  return { errorCode, errorMessage: errorName(errorCode) };
}

function cacheKey(groupId: string, topicId: string, partition: number): string {
  return `${groupId}\0${partitionName(topicId, partition)}`;
}
