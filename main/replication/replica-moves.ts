// Replicas on their way from one log directory of this broker to another (KIP-113): the future log copies the current
// one, piece by piece between other work, until it has all; the controller is told where the replica is going to be
// (KIP-858); then the future log takes the current one's place in one step.
//
// copying → asked (caught up, the controller is being told) → accepted → done. Any → cancelled.

import type { PartitionId, TopicId } from '../core/ids.ts';
import { present } from '../core/assert.ts';
import type { LogDirectories } from '../log/log-directories.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { DiskError, type Clock, type Timer } from '../runtime/runtime.ts';
import type { ReplicationThrottle } from './contract.ts';
import type { Partition } from './partition.ts';

/** Tells the controller in which directory a replica is; tries until it hears that it was accepted. */
export type DirectoryAssignments = {
  assign(topicId: TopicId, partition: PartitionId, directoryId: string, onAccepted: () => void): void;
};

/** Copied in one event: some 2 ms. */
const pieceBytesMax = 1024 * 1024;

type Move = {
  readonly partition: Partition;
  readonly future: PartitionLog;
  state: 'copying' | 'asked' | 'accepted';
  isAligned: boolean;
  timer: Timer | null;
};

export type ReplicaMovesOptions = {
  readonly clock: Clock;
  readonly logs: LogDirectories;
  readonly assignments: DirectoryAssignments;
  /** `replica.alter.log.dirs.io.max.bytes.per.second`; null: as fast as it goes. */
  readonly throttle: Pick<ReplicationThrottle, 'record' | 'waitMs'> | null;
  readonly onDiskError: (error: DiskError) => void;
};

export class ReplicaMoves {
  readonly #options: ReplicaMovesOptions;
  readonly #moves = new Map<Partition, Move>();

  constructor(options: ReplicaMovesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#moves.size;
  }

  futureOf(partition: Partition): PartitionLog | null {
    return this.#moves.get(partition)?.future ?? null;
  }

  begin(partition: Partition, future: PartitionLog): void {
    const move: Move = { partition, future, state: 'copying', isAligned: false, timer: null };
    this.#moves.set(partition, move);
    this.#soon(move);
  }

  /** The future log stays where it is: whoever calls this decides what becomes of it. */
  cancel(partition: Partition): void {
    const move = this.#moves.get(partition);
    if (move === undefined) return;
    move.timer?.cancel();
    this.#moves.delete(partition);
    if (move.state === 'copying') return;
    // The controller may believe that the replica has moved.
    const directory = this.#options.logs.directoryOf(partition.log);
    const { topicId, partition: index } = partition;
    if (directory !== null && !partition.isClosed) {
      this.#options.assignments.assign(topicId, index, directory.meta.directoryId, () => undefined);
    }
  }

  /** The current log lost its tail: the copy of it must go, too. */
  truncated(partition: Partition): void {
    const move = this.#moves.get(partition);
    if (move !== undefined) move.isAligned = false;
  }

  close(): void {
    for (const { timer } of this.#moves.values()) timer?.cancel();
    this.#moves.clear();
  }

  #soon(move: Move, delayMs = 0): void {
    const { clock } = this.#options;
    move.timer?.cancel();
    const run = (): void => {
      move.timer = null;
      this.#run(move);
    };
    move.timer = delayMs === 0 ? clock.soon(run) : clock.at(clock.monotonicMs() + delayMs, run);
  }

  #run(move: Move): void {
    if (this.#moves.get(move.partition) !== move) return;
    const waitMs = this.#options.throttle?.waitMs() ?? 0;
    if (waitMs > 0) return this.#soon(move, waitMs);
    try {
      this.#step(move);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#options.onDiskError(error);
    }
  }

  #step(move: Move): void {
    const { partition, future } = move;
    const { log } = partition;
    if (!move.isAligned) align(future, log);
    move.isAligned = true;
    this.#copy(future, log);
    if (future.logEndOffset < log.logEndOffset) return this.#soon(move);
    if (move.state === 'accepted') return this.#finish(move);
    if (move.state === 'asked') return;
    move.state = 'asked';
    const directory = present(this.#options.logs.directoryOf(future), `directory of the future ${future.name}`);
    this.#options.assignments.assign(partition.topicId, partition.partition, directory.meta.directoryId, () => {
      if (move.state !== 'asked') return;
      move.state = 'accepted';
      this.#soon(move);
    });
  }

  #copy(future: PartitionLog, log: PartitionLog): void {
    if (future.logEndOffset < log.logEndOffset) {
      const { records } = log.read(future.logEndOffset, pieceBytesMax, 'log-end', true);
      for (const each of records) {
        future.appendAsFollower(each);
        this.#options.throttle?.record(each.length);
      }
    }
    future.updateHighWatermark(log.highWatermark);
    if (log.logStartOffset > future.logStartOffset && log.logStartOffset <= future.highWatermark) {
      future.incrementLogStartOffset(log.logStartOffset);
    }
  }

  #finish({ partition, future }: Move): void {
    this.#moves.delete(partition);
    partition.replaceLog(this.#options.logs.replaceByFuture(partition.log, future));
  }
}

/** Cuts the future log where it parts from the current one, by leader epochs, as a follower does. */
function align(future: PartitionLog, log: PartitionLog): void {
  for (;;) {
    const epoch = future.latestEpoch;
    const known = epoch === null ? null : log.endOffsetForEpoch(epoch);
    const isCopy = known !== null && future.logEndOffset > log.logStartOffset;
    if (epoch === null || !isCopy || future.logStartOffset > log.logEndOffset) {
      if (future.logEndOffset !== log.logStartOffset) future.truncateFullyAndStartAt(log.logStartOffset);
      return;
    }
    const ours = future.endOffsetForEpoch(known.epoch);
    const end = Math.min(known.endOffset, ours?.endOffset ?? future.logStartOffset);
    if (!future.truncateTo(end) && future.latestEpoch === epoch) return;
  }
}
