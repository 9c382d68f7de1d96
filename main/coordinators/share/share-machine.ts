// The state machine of one partition of `__share_group_state`: how far each share group has come in each partition of
// a topic. KIP-932; Kafka's ShareCoordinatorShard.

import { assert } from '../../core/assert.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { ShareCoordinatorRecord } from '../../protocol/messages/share-coordinator-records.ts';
import { shareCoordinatorKey } from '../../protocol/partitioning.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { Decision, StateMachine } from '../runtime/state-machine.ts';
import type { ShareCoordinatorConfig } from './share-coordinator-config.ts';
import {
  snapshotRecord,
  stateAfter,
  stateTombstone,
  updateRecord,
  type SharePartitionKey,
  type ShareState,
} from './share-state.ts';
import { combineStateBatches, type StateBatch } from './state-batches.ts';

export type ShareMachineSurroundings = {
  readonly config: ShareCoordinatorConfig;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly image: () => MetadataImage;
};

/** Of one share partition. `state`: null when there is none, and the error says why. */
export type Refusal = { readonly errorCode: number; readonly errorMessage: string };
export type ShareOutcome<Result> = Refusal | (Result & { readonly errorCode: typeof ErrorCode.NONE });
type ShareDecision<Result> = Decision<ShareCoordinatorRecord, ShareOutcome<Result>>;

export type StateWrite = {
  readonly stateEpoch: number;
  readonly leaderEpoch: number;
  /** −1: as it was. */
  readonly startOffset: number;
  readonly deliveryCompleteCount: number;
  readonly stateBatches: readonly StateBatch[];
};

const done = { errorCode: ErrorCode.NONE } as const;

const messages = {
  negativePartition: 'The partition id cannot be a negative number.',
  notInitializedForWrite: 'Write operation on uninitialized share partition not allowed.',
  notInitializedForRead: 'Read operation on uninitialized share partition not allowed.',
  unknownPartition: 'This server does not host this topic-partition.',
  fencedLeaderEpoch: 'The leader epoch in the request is older than the epoch on the broker.',
  fencedStateEpoch: 'The share coordinator rejected the request because the share-group state epoch did not match.',
} as const;

type Undo = { readonly offset: number; readonly id: string; readonly before: ShareState | null };

export class ShareMachine implements StateMachine<ShareCoordinatorRecord> {
  readonly #surroundings: ShareMachineSurroundings;
  readonly #states = new Map<string, ShareState>();
  /** By rising offset. */
  #undos: Undo[] = [];
  #isTracking = false;
  #tombstoneOffset = 0;

  constructor(surroundings: ShareMachineSurroundings) {
    this.#surroundings = surroundings;
  }

  // ── records ──

  replay(record: ShareCoordinatorRecord, offset: number): void {
    const id = idOf(record.key);
    const before = this.#states.get(id) ?? null;
    const after = stateAfter(before, record, offset, this.#surroundings.config.snapshotUpdateRecordsPerSnapshot);
    if (this.#isTracking) {
      assert(offset >= (this.#undos.at(-1)?.offset ?? 0), `share state changes out of order at ${offset}`);
      this.#undos.push({ offset, id, before });
    }
    if (after === null) this.#tombstoneOffset = offset;
    this.#put(id, after);
  }

  #put(id: string, state: ShareState | null): void {
    if (state === null) this.#states.delete(id);
    else this.#states.set(id, state);
  }

  /** The topic holds none. */
  replayEndTransactionMarker(): void {}

  commitUpTo(offset: number): void {
    if (this.#undos.length > 0) this.#undos = this.#undos.filter((undo) => undo.offset >= offset);
  }

  revertFrom(offset: number): void {
    for (let undo = this.#undos.at(-1); undo !== undefined && undo.offset >= offset; undo = this.#undos.at(-1)) {
      this.#undos.pop();
      this.#put(undo.id, undo.before);
    }
  }

  onLoaded(): void {
    this.#isTracking = true;
  }

  onUnloaded(): void {}

  // ── requests ──

  initialize(
    key: SharePartitionKey,
    { stateEpoch, startOffset }: Pick<StateWrite, 'stateEpoch' | 'startOffset'>,
  ): ShareDecision<object> {
    const known = this.#states.get(idOf(key)) ?? null;
    if (key.partition < 0) return refused(ErrorCode.INVALID_REQUEST, messages.negativePartition);
    if (stateEpoch !== -1 && known !== null && known.stateEpochMax > stateEpoch) {
      return refused(ErrorCode.FENCED_STATE_EPOCH, messages.fencedStateEpoch);
    }
    if (!this.#exists(key)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, messages.unknownPartition);
    const nowMs = this.#surroundings.clock.wallMs();
    const record = snapshotRecord(key, {
      snapshotEpoch: known === null ? 0 : known.snapshotEpoch + 1,
      stateEpoch,
      leaderEpoch: 0,
      startOffset,
      deliveryCompleteCount: startOffset === -1 ? -1 : 0,
      batches: [],
      createTimestampMs: nowMs,
      writeTimestampMs: nowMs,
    });
    return { records: [record], response: done };
  }

  write(key: SharePartitionKey, write: StateWrite): ShareDecision<object> {
    const known = this.#states.get(idOf(key)) ?? null;
    if (key.partition < 0) return refused(ErrorCode.INVALID_REQUEST, messages.negativePartition);
    if (known === null) return refused(ErrorCode.INVALID_REQUEST, messages.notInitializedForWrite);
    if (write.leaderEpoch !== -1 && known.leaderEpochMax > write.leaderEpoch) {
      return refused(ErrorCode.FENCED_LEADER_EPOCH, messages.fencedLeaderEpoch);
    }
    if (write.stateEpoch !== -1 && known.stateEpochMax > write.stateEpoch) {
      return refused(ErrorCode.FENCED_STATE_EPOCH, messages.fencedStateEpoch);
    }
    if (!this.#exists(key)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, messages.unknownPartition);
    return { records: [this.#recordOf(known, write, known.leaderEpoch)], response: done };
  }

  /**
   * A new leader of the partition reads what its predecessors wrote and makes its epoch known, so that their late
   * writes are fenced. `needsProof`: whether this coordinator still leads is shown by a record that gets committed.
   */
  read(
    key: SharePartitionKey,
    leaderEpoch: number,
    needsProof: boolean,
  ): ShareDecision<{ readonly state: ShareState }> {
    const state = this.#states.get(idOf(key)) ?? null;
    if (key.partition < 0) return refused(ErrorCode.INVALID_REQUEST, messages.negativePartition);
    if (state === null) return refused(ErrorCode.INVALID_REQUEST, messages.notInitializedForRead);
    if (leaderEpoch !== -1 && state.leaderEpochMax > leaderEpoch) {
      return refused(ErrorCode.FENCED_LEADER_EPOCH, messages.fencedLeaderEpoch);
    }
    if (!this.#exists(key)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, messages.unknownPartition);
    const response = { ...done, state };
    const isKnown = leaderEpoch === -1 || state.leaderEpochMax === leaderEpoch;
    if (isKnown && !needsProof) return { records: [], response };
    const { stateEpoch, startOffset, deliveryCompleteCount } = state;
    const write = { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches: [] };
    return {
      records: [this.#recordOf(state, write, leaderEpoch === -1 ? state.leaderEpoch : leaderEpoch)],
      response,
    };
  }

  summary(key: SharePartitionKey): ShareDecision<{ readonly state: ShareState | null }> {
    if (key.partition < 0) return refused(ErrorCode.INVALID_REQUEST, messages.negativePartition);
    if (!this.#exists(key)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, messages.unknownPartition);
    return { records: [], response: { ...done, state: this.#states.get(idOf(key)) ?? null } };
  }

  delete(key: SharePartitionKey): ShareDecision<object> {
    if (key.partition < 0) return refused(ErrorCode.INVALID_REQUEST, messages.negativePartition);
    if (!this.#exists(key)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, messages.unknownPartition);
    return { records: this.#states.has(idOf(key)) ? [stateTombstone(key)] : [], response: done };
  }

  // ── housekeeping ──

  /** Topics are gone, and with them all that groups have read of them. */
  tombstonesOf(topicIds: ReadonlySet<string>): ShareCoordinatorRecord[] {
    const gone = [...this.#states.values()].filter(({ key }) => topicIds.has(key.topicId));
    return gone.map(({ key }) => stateTombstone(key));
  }

  /** Snapshots of what nobody has written for long, so that the log before them can go. */
  coldSnapshots(): ShareCoordinatorRecord[] {
    const { clock, config } = this.#surroundings;
    const nowMs = clock.wallMs();
    const states = [...this.#states.values()];
    // Once everything is at rest, no further snapshot would let go of anything.
    if (states.every((state) => state.createTimestampMs !== state.writeTimestampMs)) return [];
    return states
      .filter((state) => nowMs - state.writeTimestampMs >= config.coldPartitionSnapshotIntervalMs)
      .map((state) =>
        snapshotRecord(state.key, { ...state, snapshotEpoch: state.snapshotEpoch + 1, writeTimestampMs: nowMs }),
      );
  }

  /** What stands before it in the log is said again behind it; 0: nothing is. */
  get redundantBefore(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { snapshotOffset } of this.#states.values()) least = Math.min(least, snapshotOffset);
    return least === Number.POSITIVE_INFINITY ? this.#tombstoneOffset : least;
  }

  #exists({ topicId, partition }: SharePartitionKey): boolean {
    return this.#surroundings.image().topics.byId.get(topicId)?.partitions.has(partition) === true;
  }

  #recordOf(state: ShareState, write: StateWrite, leaderEpoch: number): ShareCoordinatorRecord {
    const { config, clock } = this.#surroundings;
    const { deliveryCompleteCount, stateBatches } = write;
    if (state.updateCount < config.snapshotUpdateRecordsPerSnapshot) {
      return updateRecord(state.key, {
        snapshotEpoch: state.snapshotEpoch,
        leaderEpoch,
        startOffset: write.startOffset,
        deliveryCompleteCount,
        batches: combineStateBatches([], stateBatches, write.startOffset),
      });
    }
    const startOffset = write.startOffset === -1 ? state.startOffset : write.startOffset;
    const nowMs = clock.wallMs();
    return snapshotRecord(state.key, {
      snapshotEpoch: state.snapshotEpoch + 1,
      stateEpoch: state.stateEpoch,
      leaderEpoch,
      startOffset,
      deliveryCompleteCount,
      batches: combineStateBatches(state.batches, stateBatches, startOffset),
      createTimestampMs: nowMs,
      writeTimestampMs: nowMs,
    });
  }
}

function idOf({ groupId, topicId, partition }: SharePartitionKey): string {
  return shareCoordinatorKey(groupId, topicId, partition);
}

function refused(errorCode: number, errorMessage: string): { records: never[]; response: Refusal } {
  return { records: [], response: { errorCode, errorMessage } };
}
