// Fetch sessions (KIP-227): the server remembers what a fetcher asks for, a request names only what changed, an answer
// only what has news. Entries learn of news from their partition, so an idle poll looks at nothing at all.

import type { LeaderEpoch, TopicId } from '../core/ids.ts';
import type { FollowerContact } from './in-sync-replicas.ts';
import type { Partition, PartitionChange, PartitionWatcher } from './partition.ts';

/** Session id 0: none. */
export const noSessionId = 0;
/** Session epochs with a meaning: a full request that opens a session, and one that wants none (or ends it). */
export const initialSessionEpoch = 0;
export const finalSessionEpoch = -1;

export function nextSessionEpoch(epoch: number): number {
  if (epoch < 0) return finalSessionEpoch;
  return epoch === 0x7fffffff ? 1 : epoch + 1;
}

/** What a request says of one partition. */
export type FetchPosition = {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
};

/** Who waits on a session; told which entry has something new. */
export type SessionWait = { entryChanged(entry: FetchEntry, change: PartitionChange): void };

/** One partition of a fetch, kept for the life of its session. */
export class FetchEntry implements PartitionWatcher {
  readonly session: FetchSession;
  readonly topicId: TopicId;
  /** Empty when only the id is known. */
  readonly topic: string;
  readonly index: number;
  partition: Partition | null = null;
  fetchOffset = 0;
  currentLeaderEpoch: LeaderEpoch | -1 | number = -1;
  lastFetchedEpoch = -1;
  logStartOffset = -1;
  bytesMax = 0;
  /** What the fetcher was told last; −1 makes the next answer include the partition. */
  sentHighWatermark = -1;
  sentLogStartOffset = -1;
  /** Bytes found for a waiting fetch that wants more than one byte. */
  waitingBytes = 0;
  isReady = false;
  isWatching = false;
  nextReady: FetchEntry | null = null;
  previousReady: FetchEntry | null = null;

  constructor(session: FetchSession, topicId: TopicId, topic: string, index: number) {
    this.session = session;
    this.topicId = topicId;
    this.topic = topic;
    this.index = index;
  }

  get isFollower(): boolean {
    return this.session.isFollower;
  }

  update(position: FetchPosition): void {
    this.fetchOffset = position.fetchOffset;
    this.currentLeaderEpoch = position.currentLeaderEpoch;
    this.lastFetchedEpoch = position.lastFetchedEpoch;
    this.logStartOffset = position.logStartOffset;
    this.bytesMax = position.partitionMaxBytes;
  }

  bind(partition: Partition | null): void {
    if (partition === this.partition) return;
    const wasWatching = this.isWatching;
    this.unwatch();
    this.partition = partition;
    if (wasWatching) this.watch();
  }

  watch(): void {
    if (this.isWatching) return;
    this.isWatching = true;
    this.partition?.watch(this);
  }

  unwatch(): void {
    if (!this.isWatching) return;
    this.isWatching = false;
    this.partition?.unwatch(this);
  }

  notify(change: PartitionChange): void {
    this.session.markReady(this);
    this.session.wait?.entryChanged(this, change);
  }
}

/** What one fetcher asks for. Also stands for a request without a session: it then lives as long as the request. */
export class FetchSession {
  /** `noSessionId` until the cache has taken it in. */
  id = noSessionId;
  /** The epoch that the next request must carry. */
  epoch = 1;
  readonly isFollower: boolean;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  readonly contact: FollowerContact;
  readonly replicaId: number;
  wait: SessionWait | null = null;
  /** Insertion order is the order of the first answer. */
  private readonly topics = new Map<string, Map<number, FetchEntry>>();
  private count = 0;
  private firstReady: FetchEntry | null = null;
  private lastReady: FetchEntry | null = null;

  constructor(replicaId: number, usesTopicIds: boolean, nowMs: number) {
    this.replicaId = replicaId;
    this.isFollower = replicaId >= 0;
    this.usesTopicIds = usesTopicIds;
    this.createdMs = nowMs;
    this.lastUsedMs = nowMs;
    this.contact = { lastFetchMs: nowMs };
  }

  get entryCount(): number {
    return this.count;
  }

  get readyHead(): FetchEntry | null {
    return this.firstReady;
  }

  *entries(): Generator<FetchEntry> {
    for (const partitions of this.topics.values()) yield* partitions.values();
  }

  /** The entry, made when it is new; `key` is the topic's id or name, whichever the fetcher speaks. */
  entry(key: string, topicId: TopicId, topic: string, index: number): FetchEntry {
    let partitions = this.topics.get(key);
    if (partitions === undefined) this.topics.set(key, (partitions = new Map()));
    let entry = partitions.get(index);
    if (entry === undefined) {
      entry = new FetchEntry(this, topicId, topic, index);
      partitions.set(index, entry);
      this.count++;
    }
    return entry;
  }

  forget(key: string, index: number): void {
    const partitions = this.topics.get(key);
    const entry = partitions?.get(index);
    if (partitions === undefined || entry === undefined) return;
    partitions.delete(index);
    if (partitions.size === 0) this.topics.delete(key);
    this.count--;
    this.unmarkReady(entry);
    this.leave(entry);
  }

  watchAll(): void {
    for (const entry of this.entries()) entry.watch();
  }

  /** The end: partitions no longer know it. */
  unwatchAll(): void {
    for (const entry of this.entries()) this.leave(entry);
  }

  markReady(entry: FetchEntry): void {
    if (entry.isReady) return;
    entry.isReady = true;
    entry.previousReady = this.lastReady;
    entry.nextReady = null;
    if (this.lastReady === null) this.firstReady = entry;
    else this.lastReady.nextReady = entry;
    this.lastReady = entry;
  }

  unmarkReady(entry: FetchEntry): void {
    if (!entry.isReady) return;
    entry.isReady = false;
    if (entry.previousReady === null) this.firstReady = entry.nextReady;
    else entry.previousReady.nextReady = entry.nextReady;
    if (entry.nextReady === null) this.lastReady = entry.previousReady;
    else entry.nextReady.previousReady = entry.previousReady;
    entry.nextReady = null;
    entry.previousReady = null;
  }

  /** To the back of the queue: partitions take turns when an answer has no room for all. */
  requeue(entry: FetchEntry): void {
    this.unmarkReady(entry);
    this.markReady(entry);
  }

  private leave(entry: FetchEntry): void {
    entry.unwatch();
    // From here on the session's polls say nothing about this partition any more.
    const progress = entry.partition?.follower(this.replicaId) ?? null;
    if (progress !== null && progress.contact === this.contact)
      progress.contact = { lastFetchMs: this.contact.lastFetchMs };
  }
}
