// ShareAcknowledge, versions 1 to 2 (KIP-932, 1222): what a member of a share group says of records it was given.

import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '../../protocol/messages/share-acknowledge.ts';
import type { Writable } from '../../protocol/schema.ts';
import { servesShareGroups } from './group-protocols.ts';
import { shareAccess, withCurrentLeaders, type ShareFetchDependencies } from './share-fetch.ts';

export function createShareAcknowledgeHandler({
  shares,
  replicas,
  image,
  access,
}: ShareFetchDependencies): Handler<ShareAcknowledgeRequest, Writable<ShareAcknowledgeResponse>> {
  return async (context, request) => {
    if (!servesShareGroups(image())) return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
    const response = await shares.requests.acknowledge(request, context, shareAccess(access, context));
    return withCurrentLeaders(replicas, context.listenerName, response);
  };
}
