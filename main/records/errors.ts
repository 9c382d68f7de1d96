// The one error type of this module: bytes that are not what they claim to be. It carries Kafka's error code,
// so that a handler can answer with it as it is.

import { ErrorCode } from '../protocol/errors.ts';

/** What is wrong with one record of a batch; the produce response carries these (KIP-467). */
export type RecordError = { readonly batchIndex: number; readonly message: string };

export class RecordsError extends Error {
  override readonly name = 'RecordsError';
  readonly errorCode: number;
  readonly recordErrors: readonly RecordError[];
  constructor(errorCode: number, message: string, recordErrors: readonly RecordError[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.errorCode = errorCode;
    this.recordErrors = recordErrors;
  }
}

export function corruptRecord(message: string): RecordsError {
  return new RecordsError(ErrorCode.CORRUPT_MESSAGE, message);
}

export function invalidRecord(message: string, cause?: unknown): RecordsError {
  return new RecordsError(ErrorCode.INVALID_RECORD, message, [], cause);
}
