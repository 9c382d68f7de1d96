// The range assignor: each topic's partitions in consecutive ranges, members in order of instance id, then member id.
// Topics with as many partitions and the same members are split alike, which joins rely on. Not sticky.

import type { TopicPartitions } from '../consumer-group-member.ts';
import type { AssignedMember, AssignmentSpec } from './assignor.ts';

type TopicShare = {
  readonly partitionCount: number;
  memberCount: number;
  /** Members that get one more than the others, and have not come yet. */
  extraCount: number;
  nextPartition: number;
};

export function assignRange({ members, partitionCount }: AssignmentSpec): Map<string, TopicPartitions> {
  const shares = new Map<string, TopicShare>();
  for (const { subscribedTopicIds } of members) {
    for (const topicId of subscribedTopicIds) {
      const share = shares.get(topicId);
      if (share === undefined) {
        const count = partitionCount(topicId);
        shares.set(topicId, { partitionCount: count, memberCount: 1, extraCount: 0, nextPartition: 0 });
      } else share.memberCount++;
    }
  }
  for (const share of shares.values()) share.extraCount = share.partitionCount % share.memberCount;
  const targets = new Map<string, TopicPartitions>();
  for (const { memberId, subscribedTopicIds } of [...members].sort(byInstanceThenMember)) {
    const target = new Map<string, Set<number>>();
    for (const topicId of subscribedTopicIds) {
      const share = shares.get(topicId);
      const partitions = share === undefined ? [] : takeRange(share);
      if (partitions.length > 0) target.set(topicId, new Set(partitions));
    }
    targets.set(memberId, target);
  }
  return targets;
}

function takeRange(share: TopicShare): number[] {
  const quota = Math.floor(share.partitionCount / share.memberCount) + (share.extraCount > 0 ? 1 : 0);
  if (share.extraCount > 0) share.extraCount--;
  const start = share.nextPartition;
  const end = Math.min(start + quota, share.partitionCount);
  share.nextPartition = end;
  return Array.from({ length: end - start }, (_, index) => start + index);
}

function byInstanceThenMember(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return a.instanceId < b.instanceId ? -1 : 1;
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return a.memberId < b.memberId ? -1 : 1;
}
