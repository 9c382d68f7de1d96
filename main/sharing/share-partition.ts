// One partition that a share group reads, at its leader (KIP-932): what is in flight, and how that gets to the share
// coordinator. unloaded → loading → active → fenced; loading may fail, and is then begun anew by a fresh object.

import type { LeaderEpoch, TopicId } from '../core/ids.ts';
import type { ShareGroupSettings } from '../coordinators/group/share/share-group-config.ts';
import type { ShareStateStore } from '../coordinators/share/share-state-store.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';
import {
  InFlightRecords,
  type AcknowledgedBatch,
  type Acquisition,
  type Change,
  type DeliveredRange,
  type Refused,
  type StoredRange,
} from './in-flight-records.ts';

export type SharePartitionOptions = {
  readonly groupId: string;
  readonly topicId: TopicId;
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: LeaderEpoch;
  readonly clock: Clock;
  readonly state: ShareStateStore;
  /** Of the group, as they are now. */
  readonly settings: () => ShareGroupSettings;
  /** Where a group begins that never read this partition; an error code when that can't be said. */
  readonly firstOffset: () => Promise<number | ShareError>;
  /** Records became free, or the partition is loaded: who waits may look again. */
  readonly onProgress: (partition: SharePartition) => void;
  /** The share coordinator has another leader, or no such group: this object is of no use any more. */
  readonly onUnusable: (partition: SharePartition) => void;
};

export type ShareError = { readonly errorCode: number; readonly errorMessage: string };

const noError: ShareError = { errorCode: ErrorCode.NONE, errorMessage: '' };

export class SharePartition {
  readonly groupId: string;
  readonly topicId: TopicId;
  readonly topic: string;
  readonly partition: number;
  phase: 'unloaded' | 'loading' | 'active' | 'failed' | 'fenced' = 'unloaded';
  /** Why it could not be loaded. */
  failure: ShareError = noError;
  readonly #options: SharePartitionOptions;
  readonly #records = new InFlightRecords();
  #stateEpoch = 0;
  #unlock: Timer | null = null;
  /** Waits for the write under way: one at a time, so that the share coordinator sees the start offset only grow. */
  #unwritten: { readonly stored: readonly StoredRange[]; readonly settle: (outcome: ShareError) => void }[] = [];
  #isWriting = false;

  constructor(options: SharePartitionOptions) {
    this.#options = options;
    const { groupId, topicId, topic, partition } = options;
    this.groupId = groupId;
    this.topicId = topicId;
    this.topic = topic;
    this.partition = partition;
  }

  // ── life ──

  async load(): Promise<void> {
    if (this.phase !== 'unloaded') return;
    this.phase = 'loading';
    const { groupId, topicId, partition, leaderEpoch, state, firstOffset } = this.#options;
    const { results } = await state.read({
      groupId,
      topics: [{ topicId, partitions: [{ partition, leaderEpoch }] }],
    });
    const stored = results[0]?.partitions[0];
    if (stored === undefined) return this.#fail({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: '' });
    if (stored.errorCode !== ErrorCode.NONE) return this.#fail(clientError(stored.errorCode, stored.errorMessage));
    const start = stored.startOffset === -1 ? await firstOffset() : stored.startOffset;
    if (typeof start !== 'number') return this.#fail(start);
    if (this.#isFenced) return;
    this.#stateEpoch = stored.stateEpoch;
    this.#records.load(start, stored.stateBatches);
    this.phase = 'active';
    this.#options.onProgress(this);
  }

  #fail(failure: ShareError): void {
    if (this.#isFenced) return;
    this.phase = 'failed';
    this.failure = failure;
    this.#options.onProgress(this);
  }

  /** Asked after a wait: fencing may have happened meanwhile. */
  get #isFenced(): boolean {
    return this.phase === 'fenced';
  }

  /** Another broker leads the partition now, or nobody reads it here any more. */
  fence(): void {
    this.phase = 'fenced';
    this.#unlock?.cancel();
    this.#unlock = null;
  }

  // ── delivery ──

  get canAcquire(): boolean {
    return this.phase === 'active' && this.#records.canAcquire(this.#limits);
  }

  get nextFetchOffset(): number {
    return this.#records.nextFetchOffset;
  }

  get #limits() {
    const { deliveryCountLimit, partitionMaxRecordLocks } = this.#options.settings();
    return { deliveryCountLimit, recordLocksMax: partitionMaxRecordLocks };
  }

  acquire(wanted: Omit<Acquisition, 'lockedUntilMs'>): DeliveredRange[] {
    const { clock, settings } = this.#options;
    const lockedUntilMs = clock.monotonicMs() + settings().recordLockDurationMs;
    const given = this.#records.acquire({ ...wanted, lockedUntilMs }, this.#limits);
    this.#armUnlock();
    return given;
  }

  /** Records of aborted transactions, which a member that reads committed ones does not get. */
  archiveAcquired(first: number, last: number): void {
    this.#records.archiveAcquired(first, last);
  }

  // ── what becomes of it ──

  async acknowledge(memberId: string, batches: readonly AcknowledgedBatch[]): Promise<ShareError> {
    if (this.phase !== 'active') return clientError(ErrorCode.NOT_LEADER_OR_FOLLOWER, null);
    const { clock, settings } = this.#options;
    const { recordLockDurationMs, deliveryCountLimit, isRenewAllowed } = settings();
    if (!isRenewAllowed && batches.some(({ types }) => types.includes('renew'))) {
      return {
        errorCode: ErrorCode.INVALID_RECORD_STATE,
        errorMessage: 'Renewing acquisition locks is not enabled for the group.',
      };
    }
    const change: Change = { id: Symbol(memberId) };
    const renewedUntilMs = clock.monotonicMs() + recordLockDurationMs;
    const stored = this.#records.acknowledge(memberId, batches, change, { deliveryCountLimit, renewedUntilMs });
    if (typeof stored === 'string') return refusals[stored];
    this.#armUnlock();
    return this.#store(change, stored);
  }

  /** A member is gone. */
  async release(memberId: string): Promise<ShareError> {
    if (this.phase !== 'active') return noError;
    const change: Change = { id: Symbol(memberId) };
    return this.#store(change, this.#records.release(memberId, change, this.#limits.deliveryCountLimit));
  }

  async #store(change: Change, stored: readonly StoredRange[]): Promise<ShareError> {
    if (stored.length === 0) return noError;
    const failure = await this.#write(stored);
    const { clock, onProgress, onUnusable } = this.#options;
    const isStored = failure.errorCode === ErrorCode.NONE;
    this.#records.complete(change, isStored, clock.monotonicMs(), this.#limits.deliveryCountLimit);
    if (this.#isFenced) return failure;
    this.#armUnlock();
    if (isUnusable(failure.errorCode)) onUnusable(this);
    else onProgress(this);
    return failure;
  }

  #write(stored: readonly StoredRange[]): Promise<ShareError> {
    return new Promise((settle) => {
      this.#unwritten.push({ stored, settle });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#unwritten.length > 0) {
      const taken = this.#unwritten;
      this.#unwritten = [];
      const outcome = await this.#send(taken.flatMap(({ stored }) => stored));
      for (const { settle } of taken) settle(outcome);
    }
    this.#isWriting = false;
  }

  async #send(stateBatches: readonly StoredRange[]): Promise<ShareError> {
    const { groupId, topicId, partition, leaderEpoch, state } = this.#options;
    const { startOffset, deliveryCompleteCount } = this.#records;
    const stateEpoch = this.#stateEpoch;
    const written = { partition, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches };
    const { results } = await state.write({ groupId, topics: [{ topicId, partitions: [written] }] });
    const outcome = results[0]?.partitions[0];
    if (outcome === undefined) return clientError(ErrorCode.UNKNOWN_SERVER_ERROR, null);
    return outcome.errorCode === ErrorCode.NONE ? noError : clientError(outcome.errorCode, outcome.errorMessage);
  }

  /** Its log begins later now. */
  startAt(logStartOffset: number): void {
    this.#records.startAt(logStartOffset);
  }

  // ── holds ──

  #armUnlock(): void {
    this.#unlock?.cancel();
    this.#unlock = null;
    const atMs = this.#records.nextUnlockMs;
    if (atMs === null || this.#isFenced) return;
    this.#unlock = this.#options.clock.at(atMs, () => this.#expire());
  }

  #expire(): void {
    this.#unlock = null;
    const { clock, onProgress } = this.#options;
    const stored = this.#records.expire(clock.monotonicMs(), this.#limits.deliveryCountLimit);
    this.#armUnlock();
    if (stored.length === 0) return;
    // Should this not get through, the records are free all the same: the next leader delivers them again.
    void this.#write(stored).then(() => this.#records.advance());
    onProgress(this);
  }
}

/** What a client is told about an error of the share coordinator: it knows leaders of partitions only. */
function clientError(errorCode: number, errorMessage: string | null): ShareError {
  const message = errorMessage ?? errorName(errorCode);
  switch (errorCode) {
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage: message };
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.FENCED_STATE_EPOCH:
      return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, errorMessage: message };
    case ErrorCode.GROUP_ID_NOT_FOUND:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
      return { errorCode, errorMessage: message };
    default:
      return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: message };
  }
}

export function isUnusable(errorCode: number): boolean {
  switch (errorCode) {
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.GROUP_ID_NOT_FOUND:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      return true;
    default:
      return false;
  }
}

const invalidState = (errorMessage: string): ShareError => ({
  errorCode: ErrorCode.INVALID_RECORD_STATE,
  errorMessage,
});
const invalidRequest = (errorMessage: string): ShareError => ({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage });

const refusals: Readonly<Record<Refused, ShareError>> = {
  'not-acquired': invalidState('The batch cannot be acknowledged. The batch is not in the acquired state.'),
  'in-change': invalidState('The record state is invalid. The acknowledgement of delivery could not be completed.'),
  'not-owner': invalidState('Member is not the owner of batch record'),
  'unknown-offsets': invalidState('Batch record not found. The request batch offsets are not found in the cache.'),
  'past-first': invalidRequest('Batch record not found. The first offset in request is past acquired records.'),
  'past-last': invalidRequest('Batch record not found. The last offset in request is past acquired records.'),
};
