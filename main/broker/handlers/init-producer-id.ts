// InitProducerId (22), versions 0-5, for idempotent producers without transactions. Transactional ones need the
// transaction coordinator, which is not there yet: they are refused for good, so that no client waits for it.

import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../protocol/messages/init-producer-id.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ProducerIds } from '../producer-ids.ts';

type Answer = Writable<InitProducerIdResponse>;

export function createInitProducerIdHandler(deps: {
  readonly producerIds: ProducerIds;
  /** Serves requests with a transactional id. */
  readonly transactional?: (context: RequestContext, request: InitProducerIdRequest) => Answer | Promise<Answer>;
}) {
  return async (context: RequestContext, request: InitProducerIdRequest): Promise<Answer> => {
    const hasId = request.producerId !== -1;
    const hasEpoch = request.producerEpoch !== -1;
    if (hasId !== hasEpoch || request.transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST };
    if (request.transactionalId !== null) {
      return deps.transactional?.(context, request) ?? { errorCode: ErrorCode.UNSUPPORTED_VERSION };
    }
    const producerId = await deps.producerIds.next();
    // Retriable: the next attempt finds a block, or a controller.
    if (producerId === null) return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS };
    return { errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  };
}
