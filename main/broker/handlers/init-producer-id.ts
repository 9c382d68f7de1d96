// InitProducerId (22), versions 0-5. Without a transactional id any broker answers, from its block of producer ids;
// with one its transaction coordinator does. KIP-98, 360 (a producer asks for the next epoch), 588.

import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../protocol/messages/init-producer-id.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ProducerIds } from '../producer-ids.ts';
import { fencedCode } from './end-txn.ts';

const fencedFrom = 4;

export function createInitProducerIdHandler({
  producerIds,
  transactions,
}: {
  readonly producerIds: ProducerIds;
  readonly transactions: TransactionCoordinator;
}): Handler<InitProducerIdRequest, Writable<InitProducerIdResponse>> {
  return async ({ apiVersion }, request) => {
    const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request;
    const hasId = producerId !== -1;
    if (hasId !== (producerEpoch !== -1)) return { errorCode: ErrorCode.INVALID_REQUEST };
    if (transactionalId !== null) {
      const expected = hasId ? { producerId, producerEpoch } : null;
      const answer = await transactions.initProducerId({ transactionalId, timeoutMs, expected });
      return { ...answer, errorCode: fencedCode(answer.errorCode, apiVersion, fencedFrom) };
    }
    const freshId = await producerIds.next();
    // Retriable: the next attempt finds a block, or a controller.
    if (freshId === null) return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS };
    return { errorCode: ErrorCode.NONE, producerId: freshId, producerEpoch: 0 };
  };
}
