// Computes the target assignment of a consumer group by the assignor that most members ask for, and the records of
// what changes.

import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { Assignor } from './assignors/assignor.ts';
import { assignRange } from './assignors/range.ts';
import { assignUniform } from './assignors/uniform.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerGroupMember, emptyTarget, sameTarget, type TopicPartitions } from './consumer-group-member.ts';
import { targetAssignmentRecord, targetEpochRecord } from './consumer-group-records.ts';
import { topicIdsOf, topicNamesOf } from './group-subscription.ts';

const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', assignUniform],
  ['range', assignRange],
]);

export type TargetInput = {
  readonly group: ConsumerGroup;
  /** As they will be, the change of this request included. */
  readonly members: readonly ConsumerGroupMember[];
  readonly isHomogeneous: boolean;
  readonly epoch: number;
  readonly assignorName: string;
  readonly image: MetadataImage;
  readonly nowMs: number;
};

export type NewTarget = {
  readonly records: GroupCoordinatorRecord[];
  readonly targets: ReadonlyMap<string, TopicPartitions>;
};

/** Names that a member may ask for, of those configured; custom classes of Kafka's are not served. */
export function knownAssignors(configured: readonly string[]): string[] {
  const names = configured.filter((name) => assignors.has(name));
  return names.length > 0 ? names : [...assignors.keys()];
}

/** The one that most members ask for. */
export function preferredAssignor(members: Iterable<ConsumerGroupMember>, fallback: string): string {
  const votes = new Map<string, number>();
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1);
  }
  let winner: string | null = null;
  for (const [name, count] of votes) if (winner === null || count > (votes.get(winner) ?? 0)) winner = name;
  return winner ?? fallback;
}

export function computeTarget(input: TargetInput): NewTarget {
  const { group, members, isHomogeneous, epoch, assignorName, image, nowMs } = input;
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assign = assignors.get(assignorName) ?? assignUniform;
  const targets = assign({
    members: sorted.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      subscribedTopicIds: topicIdsOf(topicNamesOf(member, group.regexes), image),
      target: group.targetFor(member),
    })),
    isHomogeneous,
    partitionCount: (topicId) => image.topics.byId.get(topicId)?.partitions.size ?? 0,
  });
  const records: GroupCoordinatorRecord[] = [];
  for (const { memberId } of sorted) {
    const before = group.targets.get(memberId);
    const after = targets.get(memberId) ?? emptyTarget;
    if (before === undefined || !sameTarget(before, after)) {
      records.push(targetAssignmentRecord(group.groupId, memberId, after));
    }
  }
  records.push(targetEpochRecord(group.groupId, epoch, nowMs));
  return { records, targets };
}
