// What the share coordinator knows of one share partition: where delivery begins, and how far it has come beyond.
// Immutable; records make the next one.

import type { ShareCoordinatorRecord } from '../../protocol/messages/share-coordinator-records.ts';
import { combineStateBatches, type StateBatch } from './state-batches.ts';

export type SharePartitionKey = { readonly groupId: string; readonly topicId: string; readonly partition: number };

export type ShareState = {
  readonly key: SharePartitionKey;
  /** Counts the snapshots. */
  readonly snapshotEpoch: number;
  /** Epoch of the group that initialized the partition last: who writes with an older one is fenced. */
  readonly stateEpoch: number;
  /** Of the share partition's leader that wrote last. */
  readonly leaderEpoch: number;
  /** −1: where the group's `share.auto.offset.reset` says. */
  readonly startOffset: number;
  /** Records at or beyond the start that are done with; −1 when unknown. */
  readonly deliveryCompleteCount: number;
  readonly batches: readonly StateBatch[];
  /** Of the first snapshot since something changed. */
  readonly createTimestampMs: number;
  readonly writeTimestampMs: number;
  // ── not in the records ──
  /** The highest there were; a record may carry less. */
  readonly leaderEpochMax: number;
  readonly stateEpochMax: number;
  /** Updates since the last full snapshot. */
  readonly updateCount: number;
  /** What stands before it in the log says nothing new about this partition. */
  readonly snapshotOffset: number;
};

const recordVersion = 0;
const tombstoneVersion = -1;

/** The state after `record`; null when it is gone. */
export function stateAfter(
  before: ShareState | null,
  record: ShareCoordinatorRecord,
  offset: number,
  updatesPerSnapshot: number,
): ShareState | null {
  const { key } = record;
  if (record.value === null) return null;
  if (record.name === 'ShareUpdate') {
    const { value } = record;
    const startOffset = value.startOffset === -1 ? (before?.startOffset ?? -1) : value.startOffset;
    const leaderEpoch = value.leaderEpoch === -1 ? (before?.leaderEpoch ?? -1) : value.leaderEpoch;
    return {
      key,
      snapshotEpoch: before?.snapshotEpoch ?? value.snapshotEpoch,
      stateEpoch: before?.stateEpoch ?? 0,
      leaderEpoch,
      startOffset,
      deliveryCompleteCount: value.deliveryCompleteCount,
      batches: combineStateBatches(before?.batches ?? [], value.stateBatches, startOffset),
      createTimestampMs: before?.createTimestampMs ?? 0,
      writeTimestampMs: before?.writeTimestampMs ?? 0,
      leaderEpochMax: Math.max(before?.leaderEpochMax ?? value.leaderEpoch, value.leaderEpoch),
      stateEpochMax: before?.stateEpochMax ?? 0,
      updateCount: (before?.updateCount ?? 0) + 1,
      snapshotOffset: before?.snapshotOffset ?? offset,
    };
  }
  const { value } = record;
  const updateCount = before?.updateCount ?? 0;
  return {
    key,
    snapshotEpoch: value.snapshotEpoch,
    stateEpoch: value.stateEpoch,
    leaderEpoch: value.leaderEpoch,
    startOffset: value.startOffset,
    deliveryCompleteCount: value.deliveryCompleteCount,
    batches: value.stateBatches,
    createTimestampMs: value.createTimestamp,
    writeTimestampMs: value.writeTimestamp,
    leaderEpochMax: Math.max(before?.leaderEpochMax ?? value.leaderEpoch, value.leaderEpoch),
    stateEpochMax: Math.max(before?.stateEpochMax ?? value.stateEpoch, value.stateEpoch),
    updateCount: updateCount >= updatesPerSnapshot ? 0 : updateCount,
    snapshotOffset: offset,
  };
}

type Snapshot = Pick<
  ShareState,
  | 'snapshotEpoch'
  | 'stateEpoch'
  | 'leaderEpoch'
  | 'startOffset'
  | 'deliveryCompleteCount'
  | 'batches'
  | 'createTimestampMs'
  | 'writeTimestampMs'
>;

export function snapshotRecord(key: SharePartitionKey, state: Snapshot): ShareCoordinatorRecord {
  return {
    name: 'ShareSnapshot',
    key: plain(key),
    valueVersion: recordVersion,
    value: {
      snapshotEpoch: state.snapshotEpoch,
      stateEpoch: state.stateEpoch,
      leaderEpoch: state.leaderEpoch,
      startOffset: state.startOffset,
      deliveryCompleteCount: state.deliveryCompleteCount,
      createTimestamp: state.createTimestampMs,
      writeTimestamp: state.writeTimestampMs,
      stateBatches: state.batches,
    },
  };
}

type Update = Pick<ShareState, 'snapshotEpoch' | 'leaderEpoch' | 'startOffset' | 'deliveryCompleteCount' | 'batches'>;

export function updateRecord(key: SharePartitionKey, state: Update): ShareCoordinatorRecord {
  return {
    name: 'ShareUpdate',
    key: plain(key),
    valueVersion: recordVersion,
    value: {
      snapshotEpoch: state.snapshotEpoch,
      leaderEpoch: state.leaderEpoch,
      startOffset: state.startOffset,
      deliveryCompleteCount: state.deliveryCompleteCount,
      stateBatches: state.batches,
    },
  };
}

export function stateTombstone(key: SharePartitionKey): ShareCoordinatorRecord {
  return { name: 'ShareSnapshot', key: plain(key), valueVersion: tombstoneVersion, value: null };
}

function plain({ groupId, topicId, partition }: SharePartitionKey): SharePartitionKey {
  return { groupId, topicId, partition };
}
