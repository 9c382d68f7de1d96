// Heartbeat, versions 0 to 4. KIP-345 (static members).

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type { HeartbeatRequest, HeartbeatResponse } from '../../protocol/messages/heartbeat.ts';
import type { Writable } from '../../protocol/schema.ts';

export function createHeartbeatHandler({
  groups,
}: {
  readonly groups: GroupCoordinator;
}): Handler<HeartbeatRequest, Writable<HeartbeatResponse>> {
  return (_context, request) => groups.heartbeat(request);
}
