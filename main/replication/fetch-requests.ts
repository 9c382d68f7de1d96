// Serves Fetch: finds or opens the session, reads what is ready, and lets the request wait when that is too little.
// The waiting requests are woken from one place, `wakeAll`, at the end of whatever event made bytes readable.

import { toTopicId, zeroTopicId, type TopicId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { Writable } from '../protocol/schema.ts';
import type { Clock, Random } from '../runtime/runtime.ts';
import type { ClusterMetadata, ReplicationConfig, ReplicationThrottle } from './contract.ts';
import type { Deadline, DeadlineQueue } from './deadlines.ts';
import { FetchSessionCache } from './fetch-session-cache.ts';
import {
  FetchSession,
  finalSessionEpoch,
  initialSessionEpoch,
  nextSessionEpoch,
  noSessionId,
  type FetchEntry,
  type SessionWait,
} from './fetch-session.ts';
import {
  failedFetch,
  fetchPartition,
  readableEnd,
  type FetchedPartition,
  type FetchParameters,
} from './partition-fetch.ts';
import type { Partition, PartitionChange } from './partition.ts';

/**
 * A follower whose wait has nothing but a moved watermark is answered this late: under load the news rides on the
 * next bytes for nothing, an idle partition's followers know the high watermark at once for human eyes.
 */
export const watermarkNewsDelayMs = 10;

/** Finds a hosted partition, or says with which error code it can't be had. */
export type PartitionLookup = (topicId: TopicId, topic: string, index: number) => Partition | number;

type Mode = 'sessionless' | 'full' | 'incremental';

type Row = { readonly entry: FetchEntry; readonly fetched: FetchedPartition };

type Reading = { readonly rows: Row[]; readonly bytes: number; readonly isUrgent: boolean };

export class FetchRequests {
  private readonly clock: Clock;
  private readonly config: ReplicationConfig;
  private readonly metadata: ClusterMetadata;
  private readonly lookup: PartitionLookup;
  private readonly throttle: ReplicationThrottle | null;
  private readonly onBytesOut: (bytes: number, isFollower: boolean) => void;
  private readonly deadlines: DeadlineQueue;
  private readonly sessions: FetchSessionCache;
  private woken: FetchWait[] = [];

  constructor(options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly config: ReplicationConfig;
    readonly metadata: ClusterMetadata;
    readonly deadlines: DeadlineQueue;
    readonly lookup: PartitionLookup;
    readonly throttle?: ReplicationThrottle | null;
    readonly onBytesOut: (bytes: number, isFollower: boolean) => void;
  }) {
    this.clock = options.clock;
    this.config = options.config;
    this.metadata = options.metadata;
    this.deadlines = options.deadlines;
    this.lookup = options.lookup;
    this.throttle = options.throttle ?? null;
    this.onBytesOut = options.onBytesOut;
    this.sessions = new FetchSessionCache(options.config.fetchSessionSlotsMax, options.random);
  }

  /** Answers at once when it can, without a promise. */
  handle(
    request: FetchRequest,
    version: number,
    refuses: FetchParameters['refuses'] = null,
  ): Writable<FetchResponse> | Promise<Writable<FetchResponse>> {
    const nowMs = this.clock.monotonicMs();
    const fetch = this.parameters(request, version, refuses);
    const opened = this.openSession(request, version, fetch, nowMs);
    if (typeof opened === 'number') return { errorCode: opened, sessionId: noSessionId, responses: [] };
    const { session, mode } = opened;
    session.contact.lastFetchMs = nowMs;
    const reading = this.read(session, mode, fetch, true, nowMs);
    const wantsToWait =
      fetch.maxWaitMs > 0 && hasReadable(session, fetch) && !reading.isUrgent && reading.bytes < fetch.minBytes;
    if (!wantsToWait) return this.respond(session, mode, fetch, reading, nowMs);
    return new Promise((resolve) => {
      const wait = new FetchWait(session, mode, fetch, resolve, this.woken);
      this.startWaiting(wait, reading, nowMs);
    });
  }

  /** Answers the waits that the event just handled has woken. Called once at the end of every such event. */
  wakeAll(): void {
    if (this.woken.length === 0) return;
    const woken = this.woken.splice(0);
    for (const wait of woken) {
      wait.isQueued = false;
      if (!wait.isDone && this.isEnough(wait)) this.finish(wait);
    }
  }

  close(): void {
    this.sessions.close();
  }

  private parameters(request: FetchRequest, version: number, refuses: FetchParameters['refuses']): FetchParameters {
    const replicaId = version >= 15 ? request.replicaState.replicaId : request.replicaId;
    const isFollower = replicaId >= 0;
    const maxBytes = Math.min(request.maxBytes, this.config.fetchMaxBytes);
    return {
      version,
      replicaId,
      brokerEpoch: version >= 15 ? request.replicaState.replicaEpoch : -1,
      isFollower,
      limit: isFollower ? 'log-end' : request.isolationLevel === 1 ? 'last-stable' : 'high-watermark',
      maxWaitMs: request.maxWaitMs,
      minBytes: Math.min(request.minBytes, maxBytes),
      maxBytes,
      requiresLeader: isFollower || version < 11,
      rackId: request.rackId,
      refuses,
    };
  }

  // ── sessions ──

  private openSession(
    request: FetchRequest,
    version: number,
    fetch: FetchParameters,
    nowMs: number,
  ): { readonly session: FetchSession; readonly mode: Mode } | number {
    const usesTopicIds = version >= 13;
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === initialSessionEpoch || sessionEpoch === finalSessionEpoch) {
      const previous = sessionId === noSessionId ? null : this.sessions.get(sessionId);
      if (previous !== null) this.drop(previous);
      const session = new FetchSession(fetch.replicaId, usesTopicIds, nowMs);
      this.takeIn(session, request);
      return { session, mode: sessionEpoch === finalSessionEpoch ? 'sessionless' : 'full' };
    }
    const session = this.sessions.get(sessionId);
    if (session === null) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== sessionEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
    if (session.usesTopicIds !== usesTopicIds) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR;
    // The fetcher has sent its next request before this one was answered: it wants a partition looked at now.
    if (session.wait instanceof FetchWait) this.finish(session.wait);
    this.takeIn(session, request);
    for (const topic of request.forgottenTopicsData) {
      const key = usesTopicIds ? topic.topicId : topic.topic;
      for (const index of topic.partitions) session.forget(key, index);
    }
    if (session.entryCount === 0) {
      this.sessions.remove(session);
      return { session: new FetchSession(fetch.replicaId, usesTopicIds, nowMs), mode: 'sessionless' };
    }
    session.epoch = nextSessionEpoch(session.epoch);
    this.sessions.touch(session, nowMs);
    return { session, mode: 'incremental' };
  }

  private takeIn(session: FetchSession, request: FetchRequest): void {
    for (const topic of request.topics) {
      const topicId = session.usesTopicIds ? toTopicId(topic.topicId) : zeroTopicId;
      const key = session.usesTopicIds ? topicId : topic.topic;
      for (const position of topic.partitions) {
        const entry = session.entry(key, topicId, topic.topic, position.partition);
        entry.update(position);
        if (session.id !== noSessionId) entry.watch();
        session.markReady(entry);
      }
    }
  }

  private drop(session: FetchSession): void {
    if (session.wait instanceof FetchWait) this.finish(session.wait);
    this.sessions.remove(session);
  }

  // ── reading ──

  private read(
    session: FetchSession,
    mode: Mode,
    fetch: FetchParameters,
    isFirstRead: boolean,
    nowMs: number,
  ): Reading {
    const rows: Row[] = [];
    let bytes = 0;
    let isUrgent = false;
    const isWhole = mode !== 'incremental';
    let entry = isWhole ? null : session.readyHead;
    const all = isWhole ? session.entries() : null;
    for (;;) {
      if (all !== null) entry = all.next().value ?? null;
      if (entry === null) break;
      const remaining = Math.max(0, fetch.maxBytes - bytes);
      const following: FetchEntry | null = entry.nextReady;
      // Whoever got no room this time stays ready, at the front of the queue.
      if (!isWhole && remaining === 0 && bytes > 0) break;
      const fetched = this.readEntry(entry, fetch, remaining, bytes === 0, isFirstRead, nowMs);
      bytes += fetched.sizeBytes;
      if (isUrgentAnswer(fetched)) isUrgent = true;
      if (isWhole || isWorthTelling(entry, fetched)) rows.push({ entry, fetched });
      else if (!hasUnsent(entry, fetch)) session.unmarkReady(entry);
      entry = following;
    }
    return { rows, bytes, isUrgent };
  }

  private readEntry(
    entry: FetchEntry,
    fetch: FetchParameters,
    bytesMax: number,
    mustReturnBatch: boolean,
    isFirstRead: boolean,
    nowMs: number,
  ): FetchedPartition {
    if (isRefused(entry, fetch)) return failedFetch(entry.index, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    let partition = entry.partition;
    if (partition === null || partition.isClosed) {
      const found = this.lookup(entry.topicId, entry.topic, entry.index);
      if (typeof found === 'number') {
        entry.bind(null);
        return failedFetch(entry.index, found);
      }
      entry.bind(found);
      partition = found;
    }
    partition.counters.fetchRequests++;
    const { isRackAwareReads } = this.config;
    // A throttled replica is still heard: where it is counts for the high watermark.
    const mustWait = this.isThrottled(entry, fetch.replicaId) && this.throttle?.waitMs() !== 0;
    return fetchPartition(
      entry,
      partition,
      fetch,
      mustWait ? 0 : bytesMax,
      mustReturnBatch && !mustWait,
      isFirstRead,
      isRackAwareReads,
      this.metadata,
      nowMs,
    );
  }

  private isThrottled({ topic, topicId, index, partition }: FetchEntry, replicaId: number): boolean {
    if (this.throttle === null || replicaId < 0) return false;
    const name = topicId === zeroTopicId ? topic : (partition?.topic ?? topic);
    return this.throttle.isThrottled(name, index, replicaId);
  }

  private respond(
    session: FetchSession,
    mode: Mode,
    fetch: FetchParameters,
    reading: Reading,
    nowMs: number,
  ): Writable<FetchResponse> {
    if (mode === 'full' && !this.sessions.add(session, nowMs)) session.unwatchAll();
    if (reading.bytes > 0) this.onBytesOut(reading.bytes, session.isFollower);
    if (mode !== 'sessionless') this.markSent(session, fetch, reading);
    const responses: { topicId: string; topic: string; partitions: FetchedPartition[] }[] = [];
    let current: (typeof responses)[number] | null = null;
    for (const { entry, fetched } of reading.rows) {
      if (!session.isFollower && entry.partition !== null) entry.partition.counters.bytesOut += fetched.sizeBytes;
      if (fetched.sizeBytes > 0 && this.isThrottled(entry, fetch.replicaId)) this.throttle?.record(fetched.sizeBytes);
      if (current === null || current.topicId !== entry.topicId || current.topic !== entry.topic) {
        current = { topicId: entry.topicId, topic: entry.topic, partitions: [] };
        responses.push(current);
      }
      current.partitions.push(fetched);
    }
    return { errorCode: ErrorCode.NONE, sessionId: session.id, responses };
  }

  private markSent(session: FetchSession, fetch: FetchParameters, reading: Reading): void {
    for (const { entry, fetched } of reading.rows) {
      // After an error the next answer names the partition whatever its watermark.
      entry.sentHighWatermark = fetched.errorCode === ErrorCode.NONE ? fetched.highWatermark : -1;
      entry.sentLogStartOffset = fetched.logStartOffset;
      if (fetched.sizeBytes > 0 || isFailed(fetched) || isUrgentAnswer(fetched)) session.requeue(entry);
      else if (!hasUnsent(entry, fetch)) session.unmarkReady(entry);
    }
  }

  // ── waiting ──

  private startWaiting(wait: FetchWait, reading: Reading, nowMs: number): void {
    const { session, fetch } = wait;
    if (wait.mode !== 'incremental') session.watchAll();
    for (const { entry, fetched } of reading.rows) entry.waitingBytes = fetched.sizeBytes;
    wait.bytes = reading.bytes;
    session.wait = wait;
    wait.expiresMs = nowMs + fetch.maxWaitMs;
    const hasNews = fetch.isFollower && wait.mode === 'incremental' && reading.rows.length > 0;
    const deadlineMs = hasNews ? Math.min(wait.expiresMs, nowMs + watermarkNewsDelayMs) : wait.expiresMs;
    wait.isHurried = hasNews;
    wait.deadline = this.deadlines.schedule(deadlineMs, () => this.finish(wait));
    wait.hurry = () => this.hurry(wait);
  }

  /** Only watermarks moved: answer soon rather than now. */
  private hurry(wait: FetchWait): void {
    const soonMs = this.clock.monotonicMs() + watermarkNewsDelayMs;
    wait.isHurried = true;
    if (soonMs >= wait.expiresMs || wait.deadline === null) return;
    this.deadlines.cancel(wait.deadline);
    wait.deadline = this.deadlines.schedule(soonMs, () => this.finish(wait));
  }

  /** Do the entries that changed bring the wait to its minimum of bytes, or to something that can't wait? */
  private isEnough(wait: FetchWait): boolean {
    if (wait.isUrgent) return true;
    const { fetch } = wait;
    const nowMs = this.clock.monotonicMs();
    for (const entry of wait.changed) {
      if (isRefused(entry, fetch)) continue;
      if (fetch.minBytes <= 1) {
        if (entry.partition !== null && entry.fetchOffset < readableEnd(entry.partition, fetch.limit)) return true;
        continue;
      }
      const fetched = this.readEntry(entry, fetch, fetch.maxBytes, true, false, nowMs);
      if (isUrgentAnswer(fetched)) return true;
      wait.bytes += fetched.sizeBytes - entry.waitingBytes;
      entry.waitingBytes = fetched.sizeBytes;
    }
    wait.changed.clear();
    return wait.bytes >= fetch.minBytes;
  }

  private finish(wait: FetchWait): void {
    if (wait.isDone) return;
    wait.isDone = true;
    if (wait.deadline !== null) this.deadlines.cancel(wait.deadline);
    wait.deadline = null;
    const { session, mode, fetch } = wait;
    session.wait = null;
    const nowMs = this.clock.monotonicMs();
    const reading = this.read(session, mode, fetch, false, nowMs);
    const response = this.respond(session, mode, fetch, reading, nowMs);
    if (mode === 'sessionless') session.unwatchAll();
    wait.resolve(response);
  }
}

/** One Fetch that found too little. */
class FetchWait implements SessionWait {
  readonly session: FetchSession;
  readonly mode: Mode;
  readonly fetch: FetchParameters;
  readonly resolve: (response: Writable<FetchResponse>) => void;
  readonly changed = new Set<FetchEntry>();
  deadline: Deadline | null = null;
  expiresMs = 0;
  bytes = 0;
  isDone = false;
  isQueued = false;
  isUrgent = false;
  isHurried = false;
  hurry: () => void = () => {};
  private readonly woken: FetchWait[];

  constructor(
    session: FetchSession,
    mode: Mode,
    fetch: FetchParameters,
    resolve: (response: Writable<FetchResponse>) => void,
    woken: FetchWait[],
  ) {
    this.session = session;
    this.mode = mode;
    this.fetch = fetch;
    this.resolve = resolve;
    this.woken = woken;
  }

  entryChanged(entry: FetchEntry, change: PartitionChange): void {
    if (change === 'news') {
      if (this.fetch.isFollower && !this.isHurried) this.hurry();
      return;
    }
    if (change === 'state') this.isUrgent = true;
    this.changed.add(entry);
    if (this.isQueued) return;
    this.isQueued = true;
    this.woken.push(this);
  }
}

function isRefused({ topicId, topic }: FetchEntry, { refuses }: FetchParameters): boolean {
  return refuses !== null && refuses(topicId, topic);
}

/** What is refused is told with the rest: only where there is no rest it does not wait, as in Kafka. */
function hasReadable(session: FetchSession, fetch: FetchParameters): boolean {
  if (fetch.refuses === null) return session.entryCount > 0;
  for (const entry of session.entries()) if (!isRefused(entry, fetch)) return true;
  return false;
}

function isFailed({ errorCode }: FetchedPartition): boolean {
  return errorCode !== ErrorCode.NONE;
}

function isUrgentAnswer(fetched: FetchedPartition): boolean {
  const isError = isFailed(fetched) && fetched.errorCode !== ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  return isError || fetched.divergingEpoch !== undefined || fetched.preferredReadReplica >= 0;
}

/** There are bytes for it that an answer had no room for: it must stay in the queue, as nothing will announce them again. */
function hasUnsent({ partition, fetchOffset }: FetchEntry, fetch: FetchParameters): boolean {
  return partition !== null && !partition.isClosed && fetchOffset < readableEnd(partition, fetch.limit);
}

/** In an incremental answer only what the fetcher doesn't know yet. */
function isWorthTelling(entry: FetchEntry, fetched: FetchedPartition): boolean {
  return (
    fetched.sizeBytes > 0 ||
    fetched.highWatermark !== entry.sentHighWatermark ||
    fetched.logStartOffset !== entry.sentLogStartOffset ||
    isFailed(fetched) ||
    isUrgentAnswer(fetched)
  );
}
