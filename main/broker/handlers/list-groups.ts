// ListGroups, versions 0 to 5. KIP-518 (by state), 848 (by type). Lists the groups that this broker coordinates.

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/messages/list-groups.ts';
import type { Writable } from '../../protocol/schema.ts';

export function createListGroupsHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<ListGroupsRequest, Writable<ListGroupsResponse>> {
  return (_context, request) => groups.listGroups(request);
}
