// ShareGroupDescribe: a share group as administrators see it.

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { ShareGroupDescribeResponse } from '../../../protocol/messages/share-group-describe.ts';
import type { Writable } from '../../../protocol/schema.ts';
import type { Group } from '../group-registry.ts';
import { ShareGroup } from './share-group.ts';

export type DescribedShareGroup = NonNullable<Writable<ShareGroupDescribeResponse>['groups']>[number];

const assignorName = 'simple';

export function describeShareGroup(group: Group | null, groupId: string, image: MetadataImage): DescribedShareGroup {
  if (!(group instanceof ShareGroup)) {
    const errorMessage = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a share group.`;
    return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
  }
  const members = [...group.members.values()].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  return {
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName,
    members: members.map((member) => ({
      memberId: member.memberId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      assignment: {
        topicPartitions: [...member.assigned].flatMap(([topicId, partitions]) => {
          const topicName = image.topics.byId.get(topicId)?.name;
          if (topicName === undefined) return [];
          return [{ topicId, topicName, partitions: [...partitions].sort((a, b) => a - b) }];
        }),
      },
    })),
  };
}
