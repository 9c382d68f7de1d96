// What every decision of the controller sees and gives: pure functions from a view of the newest metadata and a
// request to records and a response. Nothing changes until the records are replayed.

import { ErrorCode } from '../protocol/errors.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { Random } from '../runtime/runtime.ts';
import type { BrokerHeartbeats } from './broker-heartbeats.ts';

/** A request that is refused as a whole, with the protocol's error code. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** This node does not (or no longer) lead the metadata quorum. */
export function notControllerError(activeControllerId: number | null): ApiError {
  const where =
    activeControllerId === null
      ? 'No controller appears to be active.'
      : `The active controller appears to be node ${activeControllerId}.`;
  return new ApiError(ErrorCode.NOT_CONTROLLER, where);
}

export type ControllerView = {
  /** The newest image, with what is appended and not yet committed. */
  readonly image: MetadataImage;
  readonly settings: BrokerSettings;
  readonly clusterId: string;
  readonly random: Random;
  readonly heartbeats: BrokerHeartbeats;
  /** Monotonic. */
  readonly nowMs: number;
  /** Where the next record will stand in the metadata log. */
  readonly nextOffset: number;
  /** Counts partitions that are about to be made or removed; refuses when the client has used up its quota. */
  readonly useMutations?: (count: number) => void;
};

export type Decision<Response> = {
  readonly records: readonly MetadataRecord[];
  readonly response: Response;
};

/** One part of a response: an error code and what a person may read of it. */
export type PartError = { readonly errorCode: number; readonly errorMessage: string | null };

export const noError: PartError = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Runs one part of a request; a refusal becomes that part's error. */
export function attempt(action: () => void): PartError {
  try {
    action();
    return noError;
  } catch (error) {
    if (error instanceof ApiError) return { errorCode: error.code, errorMessage: error.message };
    throw error;
  }
}

/** Most records that one user request may make (Kafka's limit too): the batch must fit the log. */
export const recordsPerRequestMax = 10_000;

export function refuseTooManyRecords(count: number): void {
  if (count > recordsPerRequestMax) {
    throw new ApiError(ErrorCode.POLICY_VIOLATION, 'Unable to perform excessively large batch operation.');
  }
}

export { ErrorCode };
