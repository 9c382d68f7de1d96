// DescribeGroups, versions 0 to 6. KIP-345 (instance ids), 430 (authorized operations), 1043 (an error for groups
// that are not there or of another type). Without an authorizer every operation is allowed.

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeGroupsRequest, DescribeGroupsResponse } from '../../protocol/messages/describe-groups.ts';
import type { Writable } from '../../protocol/schema.ts';
import { groupOperations, operationsNotAsked } from './authorized-operations.ts';

export function createDescribeGroupsHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<DescribeGroupsRequest, Writable<DescribeGroupsResponse>> {
  return async (context, request) => {
    const described = await Promise.all(
      request.groups.map((groupId) => groups.describeGroup(groupId, context.apiVersion)),
    );
    return {
      groups: described.map((group) => {
        const isFine = group.errorCode === undefined || group.errorCode === ErrorCode.NONE;
        const tellsOperations = isFine && request.includeAuthorizedOperations;
        return { ...group, authorizedOperations: tellsOperations ? groupOperations : operationsNotAsked };
      }),
    };
  };
}
