// The assignor of share groups (KIP-932, Kafka's SimpleAssignor): every partition is given to as many members as it
// takes so that every member has one, and each member to about as many partitions. What a member has it keeps as far
// as that allows. Pure and deterministic.

import type { TopicPartitions } from '../consumer-group-member.ts';
import { addPartition, type MutablePartitions } from './assignor.ts';

export type SharingMember = {
  readonly memberId: string;
  /** Of topics that exist. */
  readonly subscribedTopicIds: ReadonlySet<string>;
  /** Its target so far. */
  readonly target: TopicPartitions;
};

type Slot = { readonly topicId: string; readonly partition: number; readonly holders: Set<Share> };
type Share = { readonly memberId: string; readonly wanted: number; readonly slots: Set<Slot> };

/** Targets by member id. `assignable`: partitions, by topic id, whose state is initialized. */
export function assignSimple(
  members: readonly SharingMember[],
  assignable: TopicPartitions,
  isHomogeneous: boolean,
): Map<string, TopicPartitions> {
  const targets = new Map<string, MutablePartitions>(members.map(({ memberId }) => [memberId, new Map()]));
  const topicIds = new Set(members.flatMap(({ subscribedTopicIds }) => [...subscribedTopicIds]));
  if (isHomogeneous) shareOut(members, topicIds, assignable, targets);
  else {
    for (const topicId of topicIds) {
      const subscribed = members.filter(({ subscribedTopicIds }) => subscribedTopicIds.has(topicId));
      shareOut(subscribed, new Set([topicId]), assignable, targets);
    }
  }
  return targets;
}

/** All partitions of the topics among members that subscribe to all of them. */
function shareOut(
  members: readonly SharingMember[],
  topicIds: ReadonlySet<string>,
  assignable: TopicPartitions,
  targets: ReadonlyMap<string, MutablePartitions>,
): void {
  const slots: Slot[] = [...topicIds].flatMap((topicId) =>
    [...(assignable.get(topicId) ?? [])]
      .sort((a, b) => a - b)
      .map((partition) => ({ topicId, partition, holders: new Set<Share>() })),
  );
  if (slots.length === 0 || members.length === 0) return;
  const holdersPerSlot = Math.ceil(members.length / slots.length);
  const perMember = (holdersPerSlot * slots.length) / members.length;
  const shares: Share[] = members.map(({ memberId }, index) => ({
    memberId,
    wanted: Math.ceil(perMember * (index + 1)) - Math.ceil(perMember * index),
    slots: new Set(),
  }));
  keepWhatFits(members, shares, slots, holdersPerSlot);
  fill(shares, slots, holdersPerSlot);
  for (const { memberId, slots: own } of shares) {
    const target = targets.get(memberId);
    if (target !== undefined) for (const { topicId, partition } of own) addPartition(target, topicId, partition);
  }
}

function keepWhatFits(
  members: readonly SharingMember[],
  shares: readonly Share[],
  slots: readonly Slot[],
  holdersPerSlot: number,
): void {
  for (const [index, share] of shares.entries()) {
    const before = members[index]?.target;
    for (const slot of slots) {
      if (share.slots.size >= share.wanted) break;
      if (slot.holders.size >= holdersPerSlot || before?.get(slot.topicId)?.has(slot.partition) !== true) continue;
      give(share, slot);
    }
  }
}

/** In turn to those that have too few. */
function fill(shares: readonly Share[], slots: readonly Slot[], holdersPerSlot: number): void {
  let unfilled = shares.filter((share) => share.slots.size < share.wanted);
  let next = 0;
  for (const slot of slots) {
    let tried = 0;
    while (slot.holders.size < holdersPerSlot && tried < unfilled.length) {
      const share = unfilled[next % unfilled.length];
      if (share === undefined) return;
      if (slot.holders.has(share)) {
        next++;
        tried++;
        continue;
      }
      give(share, slot);
      tried = 0;
      if (share.slots.size < share.wanted) next++;
      else {
        const at = next % unfilled.length;
        unfilled = unfilled.filter((each) => each !== share);
        next = at;
      }
    }
  }
}

function give(share: Share, slot: Slot): void {
  share.slots.add(slot);
  slot.holders.add(share);
}
