// Replication seen from a follower or observer: fetching, truncating, loading a snapshot, finding the leader. Pure.

import { assert, present } from '../core/assert.ts';
import type { ChangingVoters } from './changing-voters.ts';
import type { OffsetAndEpoch } from './contract.ts';
import type { QuorumCore } from './quorum-core.ts';
import type { FetchAnswer, FetchAsk, FetchSnapshotAnswer } from './quorum-types.ts';
import type { Follower } from './roles/follower.ts';

/** Kafka's MAX_FETCH_WAIT_MS. */
const fetchWaitMaxMs = 500;

export class Following {
  readonly #core: QuorumCore;
  readonly #changes: ChangingVoters;

  constructor(core: QuorumCore, changes: ChangingVoters) {
    this.#core = core;
    this.#changes = changes;
  }

  onFetchAnswer(from: number, answer: FetchAnswer): void {
    const role = this.#core.role;
    if (role.name !== 'follower' || from !== role.leader || answer.epoch !== role.epoch) return;
    role.heardFromLeader(this.#core.nowMs);
    if (answer.divergingEpoch !== null) return this.#truncateTo(this.#commonEnd(answer.divergingEpoch));
    if (answer.snapshotId !== null) {
      this.#requireCommitted(answer.snapshotId.offset);
      role.fetchingSnapshot = { id: answer.snapshotId, position: 0 };
      return;
    }
    if (answer.records === null) return this.#core.commit(Math.min(answer.highWatermark, this.#core.syncedEndOffset));
    role.pendingHighWatermark = answer.highWatermark;
    this.#core.emit({ type: 'appendAsFollower', records: answer.records.bytes });
    this.#core.startFlush();
  }

  /** Where this log and the leader's part, given the leader's end of the epoch that this node ended with, or an older one. */
  #commonEnd(diverging: OffsetAndEpoch): number {
    const own = this.#core.log.endOffsetForEpoch(diverging.epoch);
    return own.epoch === diverging.epoch ? Math.min(own.offset, diverging.offset) : own.offset;
  }

  /** A leader that lacks committed records was elected wrongly, or lost its disk: going back to its state would lose them here too. */
  #requireCommitted(endOffset: number): void {
    const { highWatermark } = this.#core;
    assert(
      endOffset >= (highWatermark ?? 0),
      `the leader's log ends at ${endOffset}, before the high watermark ${highWatermark}: committed records are lost`,
    );
  }

  #truncateTo(endOffset: number): void {
    this.#requireCommitted(endOffset);
    if (endOffset >= this.#core.log.endOffset) {
      // Nothing to drop: the leader and this node misunderstand each other. Don't ask again in a hurry.
      if (this.#core.role.leader !== null) {
        this.#core.onFailed(this.#core.role.leader);
      }
      return;
    }
    this.#core.emit({ type: 'truncate', endOffset });
    this.#core.restartFlush(endOffset);
  }

  onFetchSnapshotAnswer(from: number, answer: FetchSnapshotAnswer): void {
    const role = this.#core.role;
    if (role.name !== 'follower' || from !== role.leader || answer.epoch !== role.epoch) return;
    const fetching = role.fetchingSnapshot;
    if (fetching === null) return;
    if (answer.error !== 'NONE' || answer.position !== fetching.position || answer.chunk.length === 0) {
      // The leader has it no more: fetch again, and hear which one to take.
      role.fetchingSnapshot = null;
      return this.#core.onFailed(from);
    }
    role.heardFromLeader(this.#core.nowMs);
    const { id, position } = fetching;
    this.#core.emit({ type: 'storeSnapshotChunk', snapshotId: id, position, chunk: answer.chunk });
    const reached = position + answer.chunk.length;
    role.fetchingSnapshot = { id, position: reached };
    if (reached < answer.sizeBytes) return;
    role.fetchingSnapshot = null;
    this.#core.emit({ type: 'installSnapshot', snapshotId: id });
    this.#core.restartFlush(id.offset);
    this.#core.commit(id.offset);
  }

  fetchFromLeader(role: Follower): void {
    // A fetch tells the leader what this node has for certain; so first the disk, then the fetch.
    if (this.#core.isFlushing) return;
    if (role.isLeaderSilent) return this.lookForLeader();
    const { fetchingSnapshot: fetching, epoch, leader } = role;
    if (this.#askedForOwnChange(role)) return;
    const { id: replica, directoryId: replicaDirectory } = this.#core.selfKey;
    const head = { epoch, replica, replicaDirectory };
    if (fetching === null) this.#core.send(leader, this.#fetchAsk());
    else
      this.#core.send(leader, { api: 'fetchSnapshot', ...head, snapshotId: fetching.id, position: fetching.position });
  }

  /** Joins the voters, or tells the leader what changed of this voter, in place of a fetch: rarely (KIP-853). */
  #askedForOwnChange(role: Follower): boolean {
    if (this.#core.isShuttingDown) return false;
    const ask = this.#changes.ownChange();
    if (ask === null || !this.#core.isDue(role.updateVoterAtMs) || !this.#core.send(role.leader, ask)) return false;
    role.updateVoterAtMs = this.#core.nowMs + this.#core.timeouts.fetchTimeoutMs;
    return true;
  }

  #fetchAsk(): FetchAsk {
    const { epoch } = this.#core;
    const { id: replica, directoryId: replicaDirectory } = this.#core.selfKey;
    const { endOffset: fetchOffset, lastEpoch: lastFetchedEpoch } = this.#core.log;
    // Well below the fetch time-out: a leader with nothing to say must still be heard in time.
    const maxWaitMs = Math.min(fetchWaitMaxMs, Math.floor(this.#core.timeouts.fetchTimeoutMs / 2));
    const highWatermark = this.#core.highWatermark ?? -1;
    const place = { fetchOffset, lastFetchedEpoch, highWatermark };
    return { api: 'fetch', epoch, replica, replicaDirectory, ...place, maxWaitMs };
  }

  /** Any voter's answer to a fetch tells who leads, or that of a bootstrap server. One is asked at a time. */
  lookForLeader(): void {
    const { role } = this.#core;
    const known = this.#core.others();
    // A leader that is being removed, or whose voters this node has not seen yet, is none of the voters it knows.
    const leader = role.name === 'follower' && !known.includes(role.leader) ? [role.leader] : [];
    const others = [...known, ...leader, ...this.#core.options.bootstrapIds];
    if (this.#core.isShuttingDown || this.#core.isFlushing || others.length === 0) return;
    if (others.some((id) => this.#core.peers.readyAtMs(id) === Infinity)) return;
    const ready = others.filter((id) => this.#core.peers.readyAtMs(id) <= this.#core.nowMs);
    if (ready.length > 0) {
      this.#core.send(present(ready[this.#core.randomBelow(ready.length)], 'a voter to ask'), this.#fetchAsk());
      return;
    }
    for (const id of others) this.#core.wakeAt(this.#core.peers.readyAtMs(id));
  }
}
