// ConsumerGroupDescribe: a consumer group as administrators see it.

import { ErrorCode } from '../../protocol/errors.ts';
import type { ConsumerGroupDescribeResponse } from '../../protocol/messages/consumer-group-describe.ts';
import type { Writable } from '../../protocol/schema.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { GroupContext } from './group-context.ts';
import type { Group } from './group-registry.ts';
import { preferredAssignor } from './target-assignment.ts';

export type DescribedConsumerGroup = NonNullable<Writable<ConsumerGroupDescribeResponse>['groups']>[number];

const memberType = { classic: 0, consumer: 1 } as const;

export function describeConsumerGroup(
  group: Group | null,
  groupId: string,
  { config, image }: Pick<GroupContext, 'config' | 'image'>,
): DescribedConsumerGroup {
  if (!(group instanceof ConsumerGroup)) {
    const errorMessage = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`;
    return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
  }
  const { byId } = image().topics;
  const named = (partitions: Iterable<readonly [string, Iterable<number>]>) => ({
    topicPartitions: [...partitions].flatMap(([topicId, indexes]) => {
      const topicName = byId.get(topicId)?.name;
      if (topicName === undefined) return [];
      return [{ topicId, topicName, partitions: [...indexes].sort((a, b) => a - b) }];
    }),
  });
  return {
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(group.members.values(), config.groupConsumerAssignors[0] ?? ''),
    members: [...group.members.values()].sort(byMemberId).map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex === '' ? null : member.subscribedTopicRegex,
      assignment: named([...member.assigned].map(([topicId, epochs]) => [topicId, epochs.keys()] as const)),
      targetAssignment: named(group.targetFor(member)),
      memberType: member.classic === null ? memberType.consumer : memberType.classic,
    })),
  };
}

function byMemberId(a: { readonly memberId: string }, b: { readonly memberId: string }): number {
  return a.memberId < b.memberId ? -1 : 1;
}
