// Replication seen from the leader: where each replica stands, what is committed, which fetches wait. Pure.

import { present } from '../core/assert.ts';
import type { OffsetAndEpoch } from './contract.ts';
import type { ChangingVoters } from './changing-voters.ts';
import type { QuorumCore } from './quorum-core.ts';
import type { FetchAsk, FetchSnapshotAsk, RaftError, ReplyToken } from './quorum-types.ts';
import type { Leader } from './roles/leader.ts';

/** Fetches that may wait at the leader at a time; one more is answered at once. */
const parkedFetchesMax = 1000;

export class Leading {
  readonly #core: QuorumCore;
  readonly #changes: ChangingVoters;

  constructor(core: QuorumCore, changes: ChangingVoters) {
    this.#core = core;
    this.#changes = changes;
  }

  #leaderRequestError(epoch: number, replica: number): RaftError | null {
    if (epoch < this.#core.epoch) return 'FENCED_LEADER_EPOCH';
    if (epoch > this.#core.epoch) return 'UNKNOWN_LEADER_EPOCH';
    if (this.#core.role.name !== 'leader') return 'NOT_LEADER_OR_FOLLOWER';
    if (replica === this.#core.self) return 'INVALID_REQUEST';
    return null;
  }

  onFetch(token: ReplyToken, ask: FetchAsk): void {
    const role = this.#core.role;
    let error = this.#leaderRequestError(ask.epoch, ask.replica);
    if (error === null && (ask.fetchOffset < 0 || ask.lastFetchedEpoch < 0)) error = 'INVALID_REQUEST';
    if (error !== null || role.name !== 'leader')
      return this.#core.replyFetchError(token, error ?? 'NOT_LEADER_OR_FOLLOWER');
    const place = this.#placeOf(ask.fetchOffset, ask.lastFetchedEpoch);
    const replica = { id: ask.replica, directoryId: ask.replicaDirectory };
    role.noteFetch(replica, place === 'valid' ? ask.fetchOffset : null, this.#core.log.endOffset, this.#core.nowMs);
    // A replica has one fetch at a time: an older one of its waits for nobody.
    const replaced = role.takeDue((parked) => parked.ask.replica === ask.replica && ask.replica >= 0);
    for (const fetch of replaced) this.#replyRecords(role, fetch);
    if (place !== 'valid') return this.#replyElsewhere(token, role, place);
    this.commitWhatAMajorityHas(role);
    // What this fetch committed may have been the removal of this node.
    if (this.#core.role !== role) return this.#core.replyFetchError(token, 'NOT_LEADER_OR_FOLLOWER');
    const fetch = { token, ask, deadlineMs: this.#core.nowMs + ask.maxWaitMs };
    const mustWait = ask.maxWaitMs > 0 && role.parkedCount < parkedFetchesMax;
    if (mustWait && !this.#hasNewsFor(role, ask)) role.park(fetch);
    else this.#replyRecords(role, fetch);
  }

  #hasNewsFor(role: Leader, ask: FetchAsk): boolean {
    return ask.fetchOffset < this.#core.log.endOffset || (role.highWatermark ?? -1) > ask.highWatermark;
  }

  /** Where a replica stands that has everything before `offset`, the last record of it from `epoch`. */
  #placeOf(offset: number, epoch: number): 'valid' | { diverging: OffsetAndEpoch } | { snapshot: OffsetAndEpoch } {
    const log = this.#core.log;
    if (offset === 0 && epoch === 0 && log.startOffset === 0) return 'valid';
    const earliest = log.earliestSnapshotId;
    const isBeforeTheLog =
      earliest !== null &&
      (offset < log.startOffset || (offset === log.startOffset && epoch !== earliest.epoch) || epoch < earliest.epoch);
    if (isBeforeTheLog) return { snapshot: present(log.latestSnapshotId, 'latest snapshot') };
    const end = log.endOffsetForEpoch(epoch);
    return end.epoch !== epoch || end.offset < offset ? { diverging: end } : 'valid';
  }

  commitWhatAMajorityHas(role: Leader): void {
    if (!role.advanceHighWatermark()) return;
    this.#core.commit(present(role.highWatermark, 'high watermark'));
    this.answerFetchesWithNews(role);
    this.#changes.onHighWatermark(role);
  }

  answerFetchesWithNews(role: Leader): void {
    for (const fetch of role.takeDue(({ ask }) => this.#hasNewsFor(role, ask))) this.#replyRecords(role, fetch);
  }

  answerExpiredFetches(role: Leader): void {
    for (const fetch of role.takeDue(({ deadlineMs }) => this.#core.nowMs >= deadlineMs))
      this.#replyRecords(role, fetch);
  }

  onFetchSnapshot(token: ReplyToken, ask: FetchSnapshotAsk): void {
    const error = this.#leaderRequestError(ask.epoch, ask.replica);
    const { epoch, leader } = this.#core;
    const { snapshotId, position } = ask;
    if (error !== null || this.#core.role.name !== 'leader') {
      const failed = { error: error ?? ('NOT_LEADER_OR_FOLLOWER' as const), sizeBytes: 0, chunk: Buffer.alloc(0) };
      const answer = { api: 'fetchSnapshot' as const, epoch, leader, snapshotId, position, ...failed };
      return this.#core.emit({ type: 'reply', token, answer });
    }
    this.#core.role.noteAlive({ id: ask.replica, directoryId: ask.replicaDirectory }, this.#core.nowMs);
    this.#core.emit({ type: 'replySnapshot', token, snapshotId, position, epoch, leader: this.#core.self });
  }

  #replyRecords(role: Leader, { token, ask }: { token: ReplyToken; ask: FetchAsk }): void {
    const { epoch, leader } = role;
    const highWatermark = role.highWatermark ?? -1;
    this.#core.emit({ type: 'replyRecords', token, fetchOffset: ask.fetchOffset, epoch, leader, highWatermark });
  }

  #replyElsewhere(
    token: ReplyToken,
    role: Leader,
    place: { diverging: OffsetAndEpoch } | { snapshot: OffsetAndEpoch },
  ): void {
    const divergingEpoch = 'diverging' in place ? place.diverging : null;
    const snapshotId = 'snapshot' in place ? place.snapshot : null;
    const head = { api: 'fetch' as const, error: 'NONE' as const, epoch: role.epoch, leader: role.leader };
    const highWatermark = role.highWatermark ?? -1;
    this.#core.emit({
      type: 'reply',
      token,
      answer: { ...head, highWatermark, records: null, divergingEpoch, snapshotId },
    });
  }
}
