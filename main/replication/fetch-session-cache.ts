// The sessions a broker remembers, at most `slotsMax`. When it is full, one that was idle for two minutes goes; a
// follower may push out a consumer, a bigger session an older smaller one; otherwise the new fetcher gets none.

import type { Random } from '../runtime/runtime.ts';
import { noSessionId, type FetchSession } from './fetch-session.ts';

/** `min.incremental.fetch.session.eviction.ms`, which Kafka fixes. */
export const sessionEvictionMs = 120_000;

export class FetchSessionCache {
  private readonly slotsMax: number;
  private readonly random: Random;
  /** In order of last use, oldest first. */
  private readonly sessions = new Map<number, FetchSession>();

  constructor(slotsMax: number, random: Random) {
    this.slotsMax = slotsMax;
    this.random = random;
  }

  get size(): number {
    return this.sessions.size;
  }

  get(id: number): FetchSession | null {
    return this.sessions.get(id) ?? null;
  }

  /** Used now: goes to the young end. */
  touch(session: FetchSession, nowMs: number): void {
    session.lastUsedMs = nowMs;
    this.sessions.delete(session.id);
    this.sessions.set(session.id, session);
  }

  remove(session: FetchSession): void {
    if (this.sessions.get(session.id) !== session) return;
    this.sessions.delete(session.id);
    session.unwatchAll();
  }

  /** Gives the session an id and keeps it; false when there is no room. */
  add(session: FetchSession, nowMs: number): boolean {
    if (this.sessions.size >= this.slotsMax && !this.evictFor(session, nowMs)) return false;
    session.id = this.newId();
    session.lastUsedMs = nowMs;
    this.sessions.set(session.id, session);
    session.watchAll();
    return true;
  }

  close(): void {
    for (const session of this.sessions.values()) session.unwatchAll();
    this.sessions.clear();
  }

  private evictFor(incoming: FetchSession, nowMs: number): boolean {
    const oldest = this.sessions.values().next().value;
    if (oldest === undefined) return false;
    if (nowMs - oldest.lastUsedMs > sessionEvictionMs) {
      this.remove(oldest);
      return true;
    }
    let victim: FetchSession | null = null;
    for (const session of this.sessions.values()) {
      const isOld = nowMs - session.createdMs > sessionEvictionMs;
      const isEvictable = incoming.isFollower ? !session.isFollower || isOld : !session.isFollower && isOld;
      if (isEvictable && (victim === null || isSmaller(session, victim))) victim = session;
    }
    if (victim === null || !isSmaller(victim, incoming)) return false;
    this.remove(victim);
    return true;
  }

  private newId(): number {
    for (;;) {
      const id = 1 + this.random.below(0x7fffffff - 1);
      if (id !== noSessionId && !this.sessions.has(id)) return id;
    }
  }
}

/** Consumers before followers, then fewer partitions before more. */
function isSmaller(a: FetchSession, b: FetchSession): boolean {
  if (a.isFollower !== b.isFollower) return !a.isFollower;
  return a.entryCount < b.entryCount;
}
