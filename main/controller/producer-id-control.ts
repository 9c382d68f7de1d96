// Hands out blocks of producer ids to brokers. Pure.

import { ErrorCode } from '../protocol/errors.ts';
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/messages/allocate-producer-ids.ts';
import { checkBrokerEpoch } from './cluster-control.ts';
import { ApiError, type ControllerView, type Decision } from './decision.ts';

/** Ids in one block. */
export const producerIdBlockSize = 1000;

export function allocateProducerIds(
  view: ControllerView,
  request: AllocateProducerIdsRequest,
): Decision<AllocateProducerIdsResponse> {
  const { brokerId, brokerEpoch } = request;
  checkBrokerEpoch(view, brokerId, brokerEpoch);
  const producerIdStart = Math.max(0, view.image.nextProducerId);
  const nextProducerId = producerIdStart + producerIdBlockSize;
  if (!Number.isSafeInteger(nextProducerId)) {
    throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, 'Exhausted all producerIds.');
  }
  return {
    records: [{ name: 'ProducerIdsRecord', version: 0, value: { brokerId, brokerEpoch, nextProducerId } }],
    response: {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      producerIdStart,
      producerIdLen: producerIdBlockSize,
    },
  };
}
