// LeaveGroup, versions 0 to 5. KIP-345 (several members, also by instance id), 800 (reasons).

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages/leave-group.ts';
import type { Writable } from '../../protocol/schema.ts';

const severalMembersFrom = 3;

export function createLeaveGroupHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<LeaveGroupRequest, Writable<LeaveGroupResponse>> {
  return (context, request) => {
    const { groupId, memberId, members } = request;
    if (context.apiVersion >= severalMembersFrom) return groups.leaveGroup(groupId, members);
    const answer = groups.leaveGroup(groupId, [{ memberId, groupInstanceId: null, reason: null }]);
    return answer instanceof Promise ? answer.then(ofOneMember) : ofOneMember(answer);
  };
}

/** Before version 3 the one member's error is the answer's own. */
function ofOneMember({ errorCode, members }: Writable<LeaveGroupResponse>): Writable<LeaveGroupResponse> {
  const isFine = errorCode === undefined || errorCode === ErrorCode.NONE;
  return { errorCode: isFine ? (members?.[0]?.errorCode ?? ErrorCode.NONE) : errorCode };
}
