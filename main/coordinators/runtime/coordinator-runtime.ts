// All partitions of one internal topic that this broker leads, each with its replicated state machine. Elections and
// resignations come from the metadata publisher; operations name the partition they belong to.

import { toPartitionId, type LeaderEpoch } from '../../core/ids.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { CoordinatorRecordShape } from '../../protocol/coordinator-record-frame.ts';
import {
  CoordinatorPartition,
  type CoordinatorPartitionOptions,
  type EndTransaction,
  type Settle,
  type TransactionTerms,
} from './coordinator-partition.ts';
import type { Decision, StateMachine } from './state-machine.ts';

export class CoordinatorRuntime<R extends CoordinatorRecordShape, M extends StateMachine<R>> {
  readonly #options: CoordinatorPartitionOptions<R, M>;
  readonly #partitions = new Map<number, CoordinatorPartition<R, M>>();
  #isClosed = false;

  constructor(options: CoordinatorPartitionOptions<R, M>) {
    this.#options = options;
  }

  /** This broker leads the partition since `leaderEpoch`: loads it, unless it only stays leader in a later epoch. */
  onElection(partition: number, leaderEpoch: LeaderEpoch): void {
    if (this.#isClosed) return;
    const known = this.#partitions.get(partition);
    if (known !== undefined) {
      if (leaderEpoch <= known.leaderEpoch) return;
      if (known.state === 'active' || known.state === 'loading') {
        known.leaderEpoch = leaderEpoch;
        return;
      }
      known.close();
    }
    const fresh = new CoordinatorPartition(toPartitionId(partition), leaderEpoch, this.#options);
    this.#partitions.set(partition, fresh);
    fresh.load();
  }

  /** Another broker leads since `leaderEpoch`; null: the partition is gone from here. */
  onResignation(partition: number, leaderEpoch: LeaderEpoch | null): void {
    const known = this.#partitions.get(partition);
    if (known === undefined || (leaderEpoch !== null && leaderEpoch < known.leaderEpoch)) return;
    this.#partitions.delete(partition);
    known.close();
  }

  write<Response>(partition: number, operation: (machine: M) => Decision<R, Response>, settle: Settle<Response>): void {
    const known = this.#partitions.get(partition);
    if (known === undefined) settle(ErrorCode.NOT_COORDINATOR, null);
    else known.write(operation, settle);
  }

  read<Response>(partition: number, look: (machine: M) => Response, settle: Settle<Response>): void {
    const known = this.#partitions.get(partition);
    if (known === undefined) settle(ErrorCode.NOT_COORDINATOR, null);
    else known.read(look, settle);
  }

  /** A batch of its own inside a client's transaction; see CoordinatorPartition. */
  writeInTransaction<Response>(
    partition: number,
    terms: TransactionTerms,
    operation: (machine: M) => Decision<R, Response>,
    settle: Settle<Response>,
  ): void {
    const known = this.#partitions.get(partition);
    if (known === undefined) settle(ErrorCode.NOT_COORDINATOR, null);
    else known.writeInTransaction(terms, operation, settle);
  }

  /** Ends a client's transaction in this partition. */
  endTransaction(partition: number, marker: EndTransaction, settle: (errorCode: number) => void): void {
    const known = this.#partitions.get(partition);
    if (known === undefined) settle(ErrorCode.NOT_COORDINATOR);
    else known.endTransaction(marker, settle);
  }

  /** The newest state of an active partition, for a look that decides nothing. */
  machine(partition: number): M | null {
    return this.#partitions.get(partition)?.machine ?? null;
  }

  /** Epoch since which this broker leads the partition; null when it doesn't. */
  leaderEpoch(partition: number): LeaderEpoch | null {
    return this.#partitions.get(partition)?.leaderEpoch ?? null;
  }

  /** Partitions led by this broker, loaded or not. */
  get partitions(): number[] {
    return [...this.#partitions.keys()];
  }

  isLoading(): boolean {
    for (const { state } of this.#partitions.values()) if (state === 'loading') return true;
    return false;
  }

  /** The states of all active partitions. */
  *machines(): Generator<M> {
    for (const { machine } of this.#partitions.values()) if (machine !== null) yield machine;
  }

  close(): void {
    this.#isClosed = true;
    for (const partition of this.#partitions.values()) partition.close();
    this.#partitions.clear();
  }
}
