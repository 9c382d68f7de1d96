// ConsumerGroupDescribe, versions 0 to 1 (KIP-848, 1099: which protocol a member speaks). Without an authorizer every
// operation is allowed.

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '../../protocol/messages/consumer-group-describe.ts';
import type { Writable } from '../../protocol/schema.ts';
import { groupOperations, operationsNotAsked } from './authorized-operations.ts';
import { servesConsumerGroups } from './group-protocols.ts';

export function createConsumerGroupDescribeHandler({
  groups,
  image,
}: {
  readonly groups: GroupCoordinator;
  readonly image: () => MetadataImage;
}): Handler<ConsumerGroupDescribeRequest, Writable<ConsumerGroupDescribeResponse>> {
  return async (_context, request) => {
    if (!servesConsumerGroups(image())) {
      const errorCode = ErrorCode.UNSUPPORTED_VERSION;
      return { groups: request.groupIds.map((groupId) => ({ groupId, errorCode })) };
    }
    const described = await Promise.all(request.groupIds.map((groupId) => groups.describeConsumerGroup(groupId)));
    return {
      groups: described.map((group) => {
        const isFine = group.errorCode === undefined || group.errorCode === ErrorCode.NONE;
        const tellsOperations = isFine && request.includeAuthorizedOperations;
        return { ...group, authorizedOperations: tellsOperations ? groupOperations : operationsNotAsked };
      }),
    };
  };
}
