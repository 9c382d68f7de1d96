// Appends as the leader for a produce request: each partition is written, then acks=all waits in one object for all
// of its partitions. One promise per request that must wait, none for the others.

import { ErrorCode } from '../protocol/errors.ts';
import { LogError } from '../log/log-error.ts';
import type { AppendOrigin, VerificationGuard } from '../log/log-types.ts';
import { DiskError, type Clock } from '../runtime/runtime.ts';
import type { CommitWait } from './commit-waits.ts';
import { ReplicationError } from './contract.ts';
import type { Deadline, DeadlineQueue } from './deadlines.ts';
import type { Partition } from './partition.ts';

export type AppendTarget = {
  /** Or the error code that says why it can't be had. */
  readonly partition: Partition | number;
  readonly records: Buffer;
  /** Of a transaction's first batch here: the coordinator has confirmed that it is open. */
  readonly verificationGuard?: VerificationGuard | null;
};

/** A row of the produce response. `errorMessage` only where Kafka gives one. */
export type AppendOutcome = {
  errorCode: number;
  errorMessage: string | null;
  baseOffset: number;
  logAppendTimeMs: number;
  logStartOffset: number;
  recordErrors: readonly { readonly batchIndex: number; readonly batchIndexErrorMessage: string }[];
};

export type AppendTerms = {
  readonly acks: number;
  readonly timeoutMs: number;
  readonly origin: AppendOrigin;
  /** Of end-of-transaction markers. */
  readonly transactionVersion?: number;
};

const noRecordErrors: AppendOutcome['recordErrors'] = [];

export function failedAppend(
  errorCode: number,
  errorMessage: string | null = null,
  logStartOffset = -1,
): AppendOutcome {
  return { errorCode, errorMessage, baseOffset: -1, logAppendTimeMs: -1, logStartOffset, recordErrors: noRecordErrors };
}

/** Writes all targets, in order; the outcomes keep it. */
export class Appends {
  private readonly clock: Clock;
  private readonly deadlines: DeadlineQueue;
  private readonly onAppended: (bytes: number, messages: number) => void;
  private readonly onStorageError: (partition: Partition, error: DiskError) => void;

  constructor(options: {
    readonly clock: Clock;
    readonly deadlines: DeadlineQueue;
    readonly onAppended: (bytes: number, messages: number) => void;
    readonly onStorageError: (partition: Partition, error: DiskError) => void;
  }) {
    this.clock = options.clock;
    this.deadlines = options.deadlines;
    this.onAppended = options.onAppended;
    this.onStorageError = options.onStorageError;
  }

  append(targets: readonly AppendTarget[], terms: AppendTerms): AppendOutcome[] | Promise<AppendOutcome[]> {
    const outcomes: AppendOutcome[] = [];
    let wait: AppendWait | null = null;
    for (const target of targets) {
      const outcome = this.appendOne(target, terms);
      outcomes.push(outcome.row);
      if (terms.acks !== -1 || outcome.endOffset < 0 || typeof target.partition === 'number') continue;
      wait ??= new AppendWait(outcomes, this.deadlines);
      target.partition.whenCommitted(wait.addPart(outcome.row, outcome.endOffset));
    }
    if (wait === null || wait.openCount === 0) return outcomes;
    return wait.start(this.clock.monotonicMs() + terms.timeoutMs);
  }

  private appendOne(
    target: AppendTarget,
    terms: AppendTerms,
  ): { readonly row: AppendOutcome; readonly endOffset: number } {
    const { partition, records } = target;
    if (typeof partition === 'number') return { row: failedAppend(partition), endOffset: -1 };
    const { counters } = partition;
    counters.produceRequests++;
    try {
      const { origin, transactionVersion = 0 } = terms;
      const { verificationGuard = null } = target;
      const result = partition.appendAsLeader(records, terms.acks, { origin, verificationGuard, transactionVersion });
      if (!result.isDuplicate) {
        counters.bytesIn += result.validBytes;
        counters.messagesIn += result.recordCount;
        this.onAppended(result.validBytes, result.recordCount);
      }
      const row: AppendOutcome = {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        baseOffset: result.firstOffset,
        logAppendTimeMs: result.logAppendTimeMs,
        logStartOffset: result.logStartOffset,
        recordErrors: noRecordErrors,
      };
      return { row, endOffset: result.lastOffset + 1 };
    } catch (error) {
      const row = this.refused(partition, error);
      if (!isClientsAffair(row.errorCode)) counters.failedProduceRequests++;
      if (row.errorCode === ErrorCode.MESSAGE_TOO_LARGE) counters.bytesRejected += records.length;
      return { row, endOffset: -1 };
    }
  }

  private refused(partition: Partition, error: unknown): AppendOutcome {
    if (error instanceof DiskError) {
      this.onStorageError(partition, error);
      return failedAppend(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    if (error instanceof ReplicationError) {
      return failedAppend(error.code, null, isClientsAffair(error.code) ? -1 : partition.log.logStartOffset);
    }
    if (!(error instanceof LogError)) throw error;
    const { errorCode, recordErrors } = error;
    // Only errors of single records carry words to the client.
    const message = recordErrors.length > 0 ? error.message : null;
    const row = failedAppend(errorCode, message, isClientsAffair(errorCode) ? -1 : partition.log.logStartOffset);
    row.recordErrors = recordErrors.map((each) => ({
      batchIndex: each.batchIndex,
      batchIndexErrorMessage: each.message,
    }));
    return row;
  }
}

/** What Kafka answers without the log start offset and without counting a failed request. */
function isClientsAffair(errorCode: number): boolean {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.UNKNOWN_TOPIC_ID:
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.CORRUPT_MESSAGE:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return true;
    default:
      return false;
  }
}

/** One acks=all request that waits for its partitions' high watermarks. */
class AppendWait {
  openCount = 0;
  private readonly outcomes: AppendOutcome[];
  private readonly deadlines: DeadlineQueue;
  private parts: AppendPart[] = [];
  private deadline: Deadline | null = null;
  private resolve: ((outcomes: AppendOutcome[]) => void) | null = null;

  constructor(outcomes: AppendOutcome[], deadlines: DeadlineQueue) {
    this.outcomes = outcomes;
    this.deadlines = deadlines;
  }

  addPart(row: AppendOutcome, requiredOffset: number): AppendPart {
    const part = new AppendPart(this, row, requiredOffset);
    this.parts.push(part);
    this.openCount++;
    return part;
  }

  start(deadlineMs: number): Promise<AppendOutcome[]> {
    this.deadline = this.deadlines.schedule(deadlineMs, () => this.expire());
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  partSettled(): void {
    this.openCount--;
    if (this.openCount > 0 || this.resolve === null) return;
    if (this.deadline !== null) this.deadlines.cancel(this.deadline);
    this.resolve(this.outcomes);
    this.parts = [];
  }

  private expire(): void {
    this.deadline = null;
    for (const part of this.parts) if (!part.isSettled) part.settle(ErrorCode.REQUEST_TIMED_OUT);
  }
}

class AppendPart implements CommitWait {
  readonly requiredOffset: number;
  isSettled = false;
  private readonly wait: AppendWait;
  private readonly row: AppendOutcome;

  constructor(wait: AppendWait, row: AppendOutcome, requiredOffset: number) {
    this.wait = wait;
    this.row = row;
    this.requiredOffset = requiredOffset;
  }

  settle(errorCode: number): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.row.errorCode = errorCode;
    this.wait.partSettled();
  }
}
