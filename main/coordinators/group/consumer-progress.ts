// What a request makes of a member of a consumer group, on its way through the steps of a heartbeat.

import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerGroupMember } from './consumer-group-member.ts';

/** A member before and after what a request says, with the records of it so far. */
export type Progress = {
  readonly group: ConsumerGroup;
  readonly before: ConsumerGroupMember;
  readonly after: ConsumerGroupMember;
  readonly records: GroupCoordinatorRecord[];
};
