// What a heartbeat makes of a member of a streams group, on its way through the steps (KIP-1071).

import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { StreamsGroupMember } from './streams-group-member.ts';
import type { StreamsGroup } from './streams-group.ts';
import type { Status } from './topology.ts';

/** A member before and after what a request says, with the records of it and what the member will be told so far. */
export type StreamsProgress = {
  readonly group: StreamsGroup;
  readonly before: StreamsGroupMember;
  readonly after: StreamsGroupMember;
  readonly records: GroupCoordinatorRecord[];
  readonly status: Status[];
};
