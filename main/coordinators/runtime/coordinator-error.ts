// An operation that a coordinator refuses, with the protocol's error code, and how errors of the log become answers.

import { ErrorCode, errorName } from '../../protocol/errors.ts';

export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  readonly code: number;

  constructor(code: number, message: string = errorName(code)) {
    super(message);
    this.code = code;
  }
}

/** What a client is told about an error of the log below: it knows coordinators, not partitions and replicas. */
export function responseErrorCode(code: number): number {
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return code;
  }
}
