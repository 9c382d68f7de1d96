// DeleteGroups, versions 0 to 2 (KIP-229).

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '../../protocol/messages/delete-groups.ts';
import type { Writable } from '../../protocol/schema.ts';

export function createDeleteGroupsHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<DeleteGroupsRequest, Writable<DeleteGroupsResponse>> {
  return (_context, request) => groups.deleteGroups(request.groupsNames);
}
