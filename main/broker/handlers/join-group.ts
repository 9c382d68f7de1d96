// JoinGroup, versions 0 to 9. KIP-62 (rebalance time-out), 134 (initial delay), 345 (static members), 394 (known
// member ids), 559 (protocol in the answer), 800 (reasons), 814 (static leaders keep the assignment).

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import type { Writable } from '../../protocol/schema.ts';
import { clientIdentity } from './client-identity.ts';

const nullableProtocolNameFrom = 7;

export function createJoinGroupHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<JoinGroupRequest, Writable<JoinGroupResponse>> {
  return (context, request) => {
    // Version 0 had one time-out for both.
    const rebalanceTimeoutMs = context.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs;
    const answer = groups.joinGroup(clientIdentity(context), { ...request, rebalanceTimeoutMs });
    return answer instanceof Promise
      ? answer.then((response) => complete(response, context.apiVersion))
      : complete(answer, context.apiVersion);
  };
}

function complete(response: Writable<JoinGroupResponse>, apiVersion: number): Writable<JoinGroupResponse> {
  // Refusals say nothing of a protocol, which is not the same as saying that there is none.
  const { protocolName = '' } = response;
  return { ...response, protocolName: apiVersion < nullableProtocolNameFrom ? (protocolName ?? '') : protocolName };
}
