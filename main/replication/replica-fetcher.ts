// Follows one leader broker for all partitions it leads of which this broker holds a replica: one long poll in an
// incremental session. The next fetch's offset is the proof that this replica holds what came before it.
// A partition here is: ready (in the session) → delayed (after an error) → ready; ready → searching (out of range)
// → ready; ready → fenced (until metadata brings a newer epoch).

import type { BrokerId, TopicId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { Writable } from '../protocol/schema.ts';
import { LogError, UnexpectedAppendOffset } from '../log/log-error.ts';
import { RecordsError } from '../records/errors.ts';
import { DiskError, type Clock } from '../runtime/runtime.ts';
import type { LeaderConnections, ReplicationConfig, ReplicationThrottle } from './contract.ts';
import type { Deadline, DeadlineQueue } from './deadlines.ts';
import { initialSessionEpoch, nextSessionEpoch, noSessionId } from './fetch-session.ts';
import type { Partition } from './partition.ts';
import { truncationOffset } from './truncation.ts';

type FetchedRow = FetchResponse['responses'][number]['partitions'][number];

type Followed = {
  readonly partition: Partition;
  state: 'ready' | 'delayed' | 'searching' | 'fenced';
  /** The leader's session holds it. */
  isInSession: boolean;
  /** Position and epoch that the session holds, and the request that carried them. */
  sentOffset: number;
  sentEpoch: number;
  sentIn: number;
  failureCount: number;
  delay: Deadline | null;
};

type SentRequest = { readonly number: number; readonly generation: number; readonly isFull: boolean };

/** One long poll, and one that interrupts it when partitions are added. */
const inFlightMax = 2;
/** A throttled replica looks again so often: the limit may have been lifted. */
const throttleLookMs = 1000;
/** First pause after a failure; doubles up to `replica.fetch.backoff.ms`. A new leader is mostly a moment late. */
const firstBackoffMs = 20;

export type ReplicaFetcherOptions = {
  readonly leader: BrokerId;
  readonly nodeId: BrokerId;
  readonly clock: Clock;
  readonly config: ReplicationConfig;
  readonly connections: LeaderConnections;
  readonly deadlines: DeadlineQueue;
  readonly brokerEpoch: () => number;
  readonly throttle: ReplicationThrottle | null;
  readonly onBytes: (count: number) => void;
  /** A replica can't be written: its disk failed. */
  readonly onStorageError: (partition: Partition, error: DiskError) => void;
  /** Ends every event in which replicas may have changed: wakes waiting fetches. */
  readonly afterEvent: () => void;
};

export class ReplicaFetcher {
  private readonly options: ReplicaFetcherOptions;
  private readonly followed = new Map<TopicId, Map<number, Followed>>();
  /** Positions that the next request must carry. */
  private readonly changed = new Set<Followed>();
  private readonly forgotten = new Set<Partition>();
  private readyCount = 0;
  private sessionId: number = noSessionId;
  private sessionEpoch = initialSessionEpoch;
  /** The leader had no session for us last time: every fetch is a full one, and then it waits. */
  private wasRefusedSession = false;
  private inFlight = 0;
  private requestCount = 0;
  /** Answers of an earlier generation are void: the session they belong to was given up. */
  private generation = 0;
  private failureCount = 0;
  private pause: Deadline | null = null;
  private isClosed = false;

  constructor(options: ReplicaFetcherOptions) {
    this.options = options;
  }

  /** Begins to follow, or goes on under a newer leader epoch. `kick` must come after. */
  add(partition: Partition): void {
    const { log } = partition;
    // Without any epoch there is nothing to compare with the leader's: only what is committed may stay.
    if (log.latestEpoch === null && log.logEndOffset > log.highWatermark) partition.truncateTo(log.highWatermark);
    this.removeEntry(partition);
    const entry: Followed = {
      partition,
      state: 'ready',
      isInSession: false,
      sentOffset: -1,
      sentEpoch: -1,
      sentIn: 0,
      failureCount: 0,
      delay: null,
    };
    let partitions = this.followed.get(partition.topicId);
    if (partitions === undefined) this.followed.set(partition.topicId, (partitions = new Map()));
    partitions.set(partition.partition, entry);
    this.readyCount++;
    this.changed.add(entry);
  }

  remove(partition: Partition): void {
    this.removeEntry(partition);
  }

  /** Sends what has changed now, even while a long poll is under way. */
  kick(): void {
    if (this.isClosed || this.pause !== null || this.readyCount === 0) return;
    const mayInterrupt = this.inFlight < inFlightMax && this.changed.size > 0 && this.sessionId !== noSessionId;
    if (this.inFlight === 0 || mayInterrupt) this.send();
  }

  close(): void {
    this.isClosed = true;
    this.generation++;
    this.cancelPause();
    for (const partitions of this.followed.values()) {
      for (const entry of partitions.values()) if (entry.delay !== null) this.options.deadlines.cancel(entry.delay);
    }
    this.followed.clear();
    this.changed.clear();
    this.readyCount = 0;
  }

  private removeEntry(partition: Partition): void {
    const partitions = this.followed.get(partition.topicId);
    const entry = partitions?.get(partition.partition);
    if (partitions === undefined || entry === undefined) return;
    this.leaveReady(entry, 'fenced');
    partitions.delete(partition.partition);
    if (partitions.size === 0) this.followed.delete(partition.topicId);
  }

  private leaveReady(entry: Followed, state: 'delayed' | 'searching' | 'fenced'): void {
    if (entry.state === 'ready') this.readyCount--;
    entry.state = state;
    if (entry.delay !== null) this.options.deadlines.cancel(entry.delay);
    entry.delay = null;
    this.changed.delete(entry);
    if (entry.isInSession) this.forgotten.add(entry.partition);
    entry.isInSession = false;
  }

  private enterReady(entry: Followed): void {
    if (entry.state !== 'ready') this.readyCount++;
    entry.state = 'ready';
    this.changed.add(entry);
  }

  private delayEntry(entry: Followed): void {
    this.leaveReady(entry, 'delayed');
    const { clock, config, deadlines } = this.options;
    const backoffMs = Math.min(firstBackoffMs * 2 ** entry.failureCount, config.replicaFetchBackoffMs);
    entry.failureCount++;
    entry.delay = deadlines.schedule(clock.monotonicMs() + backoffMs, () => {
      entry.delay = null;
      this.enterReady(entry);
      this.kick();
    });
  }

  // ── requests ──

  private send(): void {
    const isFull = this.sessionEpoch === initialSessionEpoch;
    if (isFull) {
      this.forgotten.clear();
      for (const partitions of this.followed.values()) {
        for (const entry of partitions.values()) if (entry.state === 'ready') this.changed.add(entry);
      }
    }
    const sent: SentRequest = { number: ++this.requestCount, generation: this.generation, isFull };
    const request = this.buildRequest(sent);
    if (!isFull) this.sessionEpoch = nextSessionEpoch(this.sessionEpoch);
    this.inFlight++;
    this.options.connections.fetch(this.options.leader, request).then(
      (response) => this.answered(sent, response),
      () => this.failed(sent),
    );
  }

  private buildRequest(sent: SentRequest): Writable<FetchRequest> {
    const { config, nodeId, brokerEpoch } = this.options;
    type Position = Writable<FetchRequest['topics'][number]['partitions'][number]>;
    const byTopic = new Map<TopicId, Position[]>();
    for (const entry of this.changed) {
      const { partition } = entry;
      const { log } = partition;
      let positions = byTopic.get(partition.topicId);
      if (positions === undefined) byTopic.set(partition.topicId, (positions = []));
      entry.sentOffset = log.logEndOffset;
      entry.sentEpoch = partition.leaderEpoch;
      entry.sentIn = sent.number;
      entry.isInSession = true;
      this.forgotten.delete(partition);
      positions.push({
        partition: partition.partition,
        currentLeaderEpoch: partition.leaderEpoch,
        fetchOffset: log.logEndOffset,
        lastFetchedEpoch: log.latestEpoch ?? -1,
        logStartOffset: log.logStartOffset,
        partitionMaxBytes: config.replicaFetchMaxBytes,
      });
    }
    this.changed.clear();
    const forgottenByTopic = new Map<TopicId, number[]>();
    for (const partition of this.forgotten) {
      const indexes = forgottenByTopic.get(partition.topicId);
      if (indexes === undefined) forgottenByTopic.set(partition.topicId, [partition.partition]);
      else indexes.push(partition.partition);
    }
    this.forgotten.clear();
    return {
      replicaState: { replicaId: nodeId, replicaEpoch: brokerEpoch() },
      // A session opens at once, so that partitions added later can interrupt its long poll.
      maxWaitMs: sent.isFull && !this.wasRefusedSession ? 0 : config.replicaFetchWaitMaxMs,
      minBytes: config.replicaFetchMinBytes,
      maxBytes: config.replicaFetchResponseMaxBytes,
      isolationLevel: 0,
      sessionId: this.sessionId,
      sessionEpoch: this.sessionEpoch,
      topics: [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions })),
      forgottenTopicsData: [...forgottenByTopic].map(([topicId, partitions]) => ({ topicId, partitions })),
    };
  }

  private failed(sent: SentRequest): void {
    if (sent.generation !== this.generation) return;
    this.restartSession(this.sessionId);
    const { clock, config, deadlines } = this.options;
    const backoffMs = Math.min(firstBackoffMs * 2 ** this.failureCount, config.replicaFetchBackoffMs);
    this.failureCount = Math.min(this.failureCount + 1, 16);
    this.cancelPause();
    this.pause = deadlines.schedule(clock.monotonicMs() + backoffMs, () => {
      this.pause = null;
      this.kick();
    });
  }

  /** The next request is a full one; `closing` names a session that the leader may then drop. */
  private restartSession(closing: number): void {
    this.generation++;
    this.inFlight = 0;
    this.sessionId = closing;
    this.sessionEpoch = initialSessionEpoch;
    for (const partitions of this.followed.values()) for (const entry of partitions.values()) entry.isInSession = false;
  }

  private cancelPause(): void {
    if (this.pause !== null) this.options.deadlines.cancel(this.pause);
    this.pause = null;
  }

  // ── answers ──

  private answered(sent: SentRequest, response: FetchResponse): void {
    if (sent.generation !== this.generation) return;
    this.inFlight--;
    this.failureCount = 0;
    if (response.errorCode !== ErrorCode.NONE) {
      const isGone = response.errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
      if (isSessionError(response.errorCode)) {
        this.restartSession(isGone ? noSessionId : this.sessionId);
        this.kick();
      } else this.failed(sent);
      return;
    }
    this.takeSession(sent, response.sessionId);
    for (const topic of response.responses) {
      const partitions = this.followed.get(topic.topicId as TopicId);
      if (partitions === undefined) continue;
      for (const row of topic.partitions) {
        const entry = partitions.get(row.partitionIndex);
        if (entry !== undefined) this.takeRow(sent, entry, row);
      }
    }
    this.options.afterEvent();
    if (this.inFlight === 0) this.kick();
  }

  private takeSession(sent: SentRequest, sessionId: number): void {
    if (sent.isFull) {
      this.sessionId = sessionId;
      this.sessionEpoch = sessionId === noSessionId ? initialSessionEpoch : 1;
      this.wasRefusedSession = sessionId === noSessionId;
    } else if (sessionId === noSessionId) {
      this.restartSession(noSessionId);
    }
  }

  private takeRow(sent: SentRequest, entry: Followed, row: FetchedRow): void {
    const { partition } = entry;
    // Void when the partition has a newer position on its way, or a newer leader epoch than the answer speaks of.
    if (entry.state !== 'ready' || entry.sentIn > sent.number || entry.sentEpoch !== partition.leaderEpoch) return;
    if (partition.isClosed || partition.role.kind !== 'follower') return;
    try {
      switch (row.errorCode) {
        case ErrorCode.NONE:
          entry.failureCount = 0;
          if (row.divergingEpoch.epoch >= 0 || row.divergingEpoch.endOffset >= 0) this.truncate(entry, row);
          else this.append(entry, row);
          return;
        case ErrorCode.OFFSET_OUT_OF_RANGE:
          void this.searchOffset(entry);
          return;
        case ErrorCode.FENCED_LEADER_EPOCH:
          // The cluster has moved on; metadata with the newer epoch adds the partition again.
          this.leaveReady(entry, 'fenced');
          return;
        default:
          this.delayEntry(entry);
      }
    } catch (error) {
      if (error instanceof DiskError) {
        this.leaveReady(entry, 'fenced');
        this.options.onStorageError(partition, error);
        return;
      }
      // Corrupt or misplaced records: nothing of them was written; ask again.
      if (!isRefusedAppend(error)) throw error;
      this.delayEntry(entry);
    }
  }

  private append(entry: Followed, row: FetchedRow): void {
    const { partition } = entry;
    const { log } = partition;
    // The leader's session still held an older position; the newer one goes with the next request.
    if (entry.sentOffset !== log.logEndOffset) {
      this.changed.add(entry);
      return;
    }
    const startBefore = log.logStartOffset;
    const records = row.records !== null && row.records.length > 0 ? row.records : null;
    if (records !== null) this.options.onBytes(records.length);
    partition.appendAsFollower(records, row.highWatermark, row.logStartOffset);
    if (records !== null || log.logStartOffset !== startBefore) this.changed.add(entry);
    if (records !== null) this.throttleEntry(entry, records.length);
  }

  /** A replica that catches up under a limit pauses when it is used up. */
  private throttleEntry(entry: Followed, bytes: number): void {
    const { throttle, nodeId, deadlines, clock } = this.options;
    const { topic, partition } = entry.partition;
    if (throttle?.isThrottled(topic, partition, nodeId) !== true) return;
    throttle.record(bytes);
    const waitMs = Math.min(throttle.waitMs(), throttleLookMs);
    if (waitMs === 0) return;
    this.leaveReady(entry, 'delayed');
    entry.delay = deadlines.schedule(clock.monotonicMs() + waitMs, () => {
      entry.delay = null;
      this.enterReady(entry);
      this.kick();
    });
  }

  private truncate(entry: Followed, row: FetchedRow): void {
    const { partition } = entry;
    const { log } = partition;
    const endBefore = log.logEndOffset;
    const epochBefore = log.latestEpoch;
    partition.truncateTo(truncationOffset(log, row.divergingEpoch));
    if (log.logEndOffset === endBefore && log.latestEpoch === epochBefore) this.delayEntry(entry);
    else this.changed.add(entry);
  }

  /** The leader has nothing at our offset: its log ends before (unclean election) or begins after (retention). */
  private async searchOffset(entry: Followed): Promise<void> {
    this.leaveReady(entry, 'searching');
    const { partition } = entry;
    const epoch = partition.leaderEpoch;
    const isCurrent = (): boolean =>
      !this.isClosed &&
      entry.state === 'searching' &&
      partition.leaderEpoch === epoch &&
      !partition.isClosed &&
      partition.role.kind === 'follower';
    try {
      const latest = await this.listOffset(partition, epoch, -1);
      if (!isCurrent()) return;
      if (latest < partition.log.logEndOffset) {
        partition.truncateTo(latest);
      } else {
        const earliest = await this.listOffset(partition, epoch, -4);
        if (!isCurrent()) return;
        if (earliest > partition.log.logEndOffset) partition.truncateFullyAndStartAt(earliest);
      }
      this.enterReady(entry);
      this.options.afterEvent();
      this.kick();
    } catch (error) {
      if (!isCurrent()) return;
      if (error instanceof DiskError) this.options.onStorageError(partition, error);
      else this.delayEntry(entry);
    }
  }

  private async listOffset(partition: Partition, epoch: number, timestamp: number): Promise<number> {
    const response = await this.options.connections.listOffsets(this.options.leader, {
      replicaId: this.options.nodeId,
      isolationLevel: 0,
      topics: [
        {
          name: partition.topic,
          partitions: [{ partitionIndex: partition.partition, currentLeaderEpoch: epoch, timestamp }],
        },
      ],
    });
    const row = response.topics[0]?.partitions[0];
    if (row === undefined || row.errorCode !== ErrorCode.NONE) {
      throw new Error(`the leader of ${partition.name} did not give its offset: error ${row?.errorCode ?? 'none'}`);
    }
    return row.offset;
  }
}

function isSessionError(errorCode: number): boolean {
  return (
    errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND ||
    errorCode === ErrorCode.INVALID_FETCH_SESSION_EPOCH ||
    errorCode === ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
  );
}

function isRefusedAppend(error: unknown): boolean {
  return error instanceof LogError || error instanceof RecordsError || error instanceof UnexpectedAppendOffset;
}
