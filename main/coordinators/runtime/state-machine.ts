// What a coordinator is to the runtime: a state machine whose state is a log. Operations decide, records change
// state, answers wait until the records are committed.

import type { CoordinatorRecordShape } from '../../protocol/coordinator-record-frame.ts';
import type { KeyedTimers } from './keyed-timers.ts';

/** What an operation wants: records to append, and the answer to give once they are committed. */
export type Decision<Record, Response> = {
  readonly records: readonly Record[];
  readonly response: Response;
  /**
   * False for records that only note down what the state holds already, or will hold once `onSettled` has run.
   * Default true: the state follows from replaying the records.
   */
  readonly isReplayed?: boolean;
  /** The records are committed (code 0) or failed with the log's error code; before the answer goes out. */
  readonly onSettled?: (errorCode: number) => void;
};

export type StateMachine<R extends CoordinatorRecordShape> = {
  /** Applies a record at `offset`; producer id −1 outside transactions. Appended, but not yet committed. */
  replay(record: R, offset: number, producerId: number): void;
  /** `offset`: where the marker stands. */
  replayEndTransactionMarker(producerId: number, type: 'COMMIT' | 'ABORT', offset: number): void;
  /** Everything below `offset` is committed: it can be shown, and never has to be taken back. */
  commitUpTo(offset: number): void;
  /** Takes back all records at or beyond `offset`: they could not be appended. */
  revertFrom(offset: number): void;
  /** All of the log is replayed; from here on timers may run. */
  onLoaded(): void;
  /** This broker no longer leads the partition: whoever waits inside the state is told to look elsewhere. */
  onUnloaded(): void;
};

/** What the runtime gives to the state machine of one partition. */
export type MachineServices<Record, M> = {
  readonly partition: number;
  readonly timers: KeyedTimers;
  /** Runs `operation` like a request; its failure is the operation's own business. For timers. */
  readonly run: (operation: (machine: M) => Decision<Record, null>) => void;
  /** Offset that the next record of the running operation gets. */
  readonly nextOffset: () => number;
};

export type MachineFactory<R extends CoordinatorRecordShape, M extends StateMachine<R>> = (
  services: MachineServices<R, M>,
) => M;
