// StreamsGroupDescribe, version 0 (KIP-1071). Without an authorizer every operation is allowed.

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '../../protocol/messages/streams-group-describe.ts';
import type { Writable } from '../../protocol/schema.ts';
import { groupOperations, operationsNotAsked } from './authorized-operations.ts';
import { servesStreamsGroups } from './group-protocols.ts';

export type StreamsGroupDescribeDependencies = {
  readonly groups: GroupCoordinator;
  readonly image: () => MetadataImage;
};

export function createStreamsGroupDescribeHandler({
  groups,
  image,
}: StreamsGroupDescribeDependencies): Handler<StreamsGroupDescribeRequest, Writable<StreamsGroupDescribeResponse>> {
  return async (_context, { groupIds, includeAuthorizedOperations }) => {
    const refused = (errorCode: number) => ({ groups: groupIds.map((groupId) => ({ groupId, errorCode })) });
    if (!servesStreamsGroups(image())) return refused(ErrorCode.UNSUPPORTED_VERSION);
    const { streams } = groups;
    if (streams === null) return refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const described = groupIds.map(async (groupId) => {
      const group = await streams.describe(groupId);
      const isFine = group.errorCode === undefined || group.errorCode === ErrorCode.NONE;
      const tellsOperations = isFine && includeAuthorizedOperations;
      return { ...group, authorizedOperations: tellsOperations ? groupOperations : operationsNotAsked };
    });
    return { groups: await Promise.all(described) };
  };
}
