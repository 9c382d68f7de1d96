// What the server-side assignors of consumer groups are given and give back. Pure and deterministic: members come
// sorted by id, so that every coordinator would come to the same result.

import type { TopicPartitions } from '../consumer-group-member.ts';

export type AssignedMember = {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Of topics that exist. */
  readonly subscribedTopicIds: ReadonlySet<string>;
  /** Its target so far. */
  readonly target: TopicPartitions;
};

export type AssignmentSpec = {
  readonly members: readonly AssignedMember[];
  /** All members subscribe to the same topics. */
  readonly isHomogeneous: boolean;
  readonly partitionCount: (topicId: string) => number;
};

/** Targets by member id. */
export type Assignor = (spec: AssignmentSpec) => Map<string, TopicPartitions>;

export type MutablePartitions = Map<string, Set<number>>;

export function addPartition(target: MutablePartitions, topicId: string, partition: number): void {
  const partitions = target.get(topicId);
  if (partitions === undefined) target.set(topicId, new Set([partition]));
  else partitions.add(partition);
}
