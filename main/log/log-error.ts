// Errors of the log, all expected by someone above: a refused append, an offset that is not there, a directory
// that cannot be used. Disk failures pass through as DiskError.

import type { Offset } from '../core/ids.ts';
import type { RecordError } from '../records/errors.ts';

/** An append or request was refused; `errorCode` is the protocol's and goes to the client as it is. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly errorCode: number;
  readonly recordErrors: readonly RecordError[];
  constructor(errorCode: number, message: string, recordErrors: readonly RecordError[] = []) {
    super(message);
    this.errorCode = errorCode;
    this.recordErrors = recordErrors;
  }
}

/** Reading before the log start or beyond the end. */
export class OffsetOutOfRange extends Error {
  override readonly name = 'OffsetOutOfRange';
  readonly offset: number;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  constructor(name: string, offset: number, logStartOffset: Offset, logEndOffset: Offset) {
    super(`${name}: offset ${offset} is outside ${logStartOffset} to ${logEndOffset}`);
    this.offset = offset;
    this.logStartOffset = logStartOffset;
    this.logEndOffset = logEndOffset;
  }
}

/** A follower was handed records that do not continue its log. */
export class UnexpectedAppendOffset extends Error {
  override readonly name = 'UnexpectedAppendOffset';
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly logEndOffset: Offset;
  constructor(message: string, firstOffset: number, lastOffset: number, logEndOffset: Offset) {
    super(message);
    this.firstOffset = firstOffset;
    this.lastOffset = lastOffset;
    this.logEndOffset = logEndOffset;
  }
}

/** A log directory cannot be used: foreign, of another node or cluster, not writable, in use. Says the way out. */
export class LogDirectoryError extends Error {
  override readonly name = 'LogDirectoryError';
}
