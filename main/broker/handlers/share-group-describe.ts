// ShareGroupDescribe, version 1 (KIP-932). Without an authorizer every operation is allowed.

import type { ShareGroups } from '../../coordinators/group/share/share-groups.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from '../../protocol/messages/share-group-describe.ts';
import type { Writable } from '../../protocol/schema.ts';
import { groupOperations, operationsNotAsked } from './authorized-operations.ts';

export function createShareGroupDescribeHandler(
  door: () => ShareGroups | { readonly errorCode: number },
): Handler<ShareGroupDescribeRequest, Writable<ShareGroupDescribeResponse>> {
  return async (_context, { groupIds, includeAuthorizedOperations }) => {
    const shares = door();
    const described = groupIds.map(async (groupId) => {
      if ('errorCode' in shares) return { groupId, ...shares };
      if (groupId === '') return { groupId, errorCode: ErrorCode.INVALID_GROUP_ID as number };
      const group = await shares.describe(groupId);
      const isFine = group.errorCode === undefined || group.errorCode === ErrorCode.NONE;
      const tellsOperations = isFine && includeAuthorizedOperations;
      return { ...group, authorizedOperations: tellsOperations ? groupOperations : operationsNotAsked };
    });
    return { groups: await Promise.all(described) };
  };
}
