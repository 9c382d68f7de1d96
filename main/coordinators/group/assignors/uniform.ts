// The uniform assignor where all members subscribe to the same topics: numbers of partitions differ by one at most,
// and what a member has it keeps as far as that allows. Other groups: uniform-mixed.ts.

import type { TopicPartitions } from '../consumer-group-member.ts';
import { addPartition, type AssignmentSpec, type MutablePartitions } from './assignor.ts';
import { assignUniformMixed } from './uniform-mixed.ts';

export function assignUniform(spec: AssignmentSpec): Map<string, TopicPartitions> {
  return spec.isHomogeneous ? assignHomogeneous(spec) : assignUniformMixed(spec);
}

function assignHomogeneous({ members, partitionCount }: AssignmentSpec): Map<string, TopicPartitions> {
  const topicIds = members[0]?.subscribedTopicIds ?? new Set<string>();
  const counts = new Map([...topicIds].map((topicId) => [topicId, partitionCount(topicId)]));
  let total = 0;
  for (const count of counts.values()) total += count;
  const quota = Math.floor(total / Math.max(1, members.length));
  const extraCount = total % Math.max(1, members.length);

  const isTaken = new Map([...counts].map(([topicId, count]) => [topicId, new Uint8Array(count)]));
  const targets = new Map<string, MutablePartitions>();
  const unfilled: { target: MutablePartitions; room: number }[] = [];
  for (const [index, { memberId, target: before }] of members.entries()) {
    let room = quota + (index < extraCount ? 1 : 0);
    const target: MutablePartitions = new Map();
    for (const [topicId, partitions] of before) {
      const taken = isTaken.get(topicId);
      if (taken === undefined) continue;
      for (const partition of partitions) {
        if (room === 0) break;
        if (taken[partition] !== 0) continue;
        taken[partition] = 1;
        addPartition(target, topicId, partition);
        room--;
      }
    }
    targets.set(memberId, target);
    if (room > 0) unfilled.push({ target, room });
  }

  let next = unfilled.shift();
  for (const [topicId, taken] of isTaken) {
    for (let partition = 0; partition < taken.length; partition++) {
      if (taken[partition] !== 0 || next === undefined) continue;
      addPartition(next.target, topicId, partition);
      if (--next.room === 0) next = unfilled.shift();
    }
  }
  return targets;
}
