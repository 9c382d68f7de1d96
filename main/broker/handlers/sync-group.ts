// SyncGroup, versions 0 to 5. KIP-345 (static members), 559 (protocol type and name are checked).

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/sync-group.ts';
import type { Writable } from '../../protocol/schema.ts';

const protocolFieldsFrom = 5;

export function createSyncGroupHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<SyncGroupRequest, Writable<SyncGroupResponse>> {
  return (context, request) => {
    const lacksProtocol = request.protocolType === null || request.protocolName === null;
    if (context.apiVersion >= protocolFieldsFrom && lacksProtocol) {
      return { errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL };
    }
    return groups.syncGroup(request);
  };
}
