// Brings one member of a consumer group nearer to its target (KIP-848): first it gives up what is no longer its own,
// then it gets what nobody holds any more. A member stays at its epoch until it has given up what it must.
// stable → unrevoked (told to give up) → stable or unreleased (waits for others) → stable.

import { ErrorCode } from '../../protocol/errors.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import {
  atEpoch,
  type ConsumerGroupMember,
  noPartitions,
  type OwnedPartitions,
  type TopicPartitions,
} from './consumer-group-member.ts';

/** What the member says it holds; null: it did not say. */
export type ReportedPartitions = readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null;

export type ReconcileInput = {
  readonly member: ConsumerGroupMember;
  readonly targetEpoch: number;
  readonly target: TopicPartitions;
  readonly subscribedTopicIds: ReadonlySet<string>;
  /** Its subscription changed with this request: what it holds must follow at once. */
  readonly hasSubscriptionChanged: boolean;
  readonly isOwned: (topicId: string, partition: number) => boolean;
  readonly reported: ReportedPartitions;
};

/** The member as it is next; the same object when nothing moves. */
export function reconcile(input: ReconcileInput): ConsumerGroupMember {
  const { member, targetEpoch, hasSubscriptionChanged, reported } = input;
  switch (member.state) {
    case 'stable':
      if (member.memberEpoch !== targetEpoch) return advance(input, member.memberEpoch);
      return hasSubscriptionChanged ? dropUnsubscribed(input) : member;
    case 'unrevoked':
      if (!stillHolds(reported, member.pendingRevocation)) return advance(input, member.memberEpoch);
      return hasSubscriptionChanged ? dropUnsubscribed(input) : member;
    case 'unreleased':
      return advance(input, member.memberEpoch);
    case 'unknown':
      // Written by a newer Kafka: it has to begin again, without partitions.
      if (reported === null || reported.length > 0) {
        throw new CoordinatorError(
          ErrorCode.FENCED_MEMBER_EPOCH,
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        );
      }
      return advance(input, targetEpoch);
  }
}

/** Who does not say what it holds may hold anything. */
function stillHolds(reported: ReportedPartitions, revoked: OwnedPartitions): boolean {
  if (reported === null) return true;
  return reported.some(({ topicId, partitions }) => {
    const pending = revoked.get(topicId);
    return pending !== undefined && partitions.some((partition) => pending.has(partition));
  });
}

/** Only what is no longer subscribed to goes: less work than a whole step, and never a step further. */
function dropUnsubscribed({ member, subscribedTopicIds, reported }: ReconcileInput): ConsumerGroupMember {
  const gone = [...member.assigned].filter(([topicId]) => !subscribedTopicIds.has(topicId));
  if (gone.length === 0) return member;
  const assigned = new Map([...member.assigned].filter(([topicId]) => subscribedTopicIds.has(topicId)));
  const pendingRevocation = new Map(member.pendingRevocation);
  for (const [topicId, partitions] of gone) {
    pendingRevocation.set(topicId, new Map([...(pendingRevocation.get(topicId) ?? []), ...partitions]));
  }
  const moved = atEpoch(member, member.memberEpoch);
  return stillHolds(reported, pendingRevocation)
    ? { ...moved, state: 'unrevoked', assigned, pendingRevocation }
    : { ...moved, assigned };
}

function advance(input: ReconcileInput, memberEpoch: number): ConsumerGroupMember {
  const { member, target, targetEpoch, subscribedTopicIds, isOwned, reported } = input;
  const kept = new Map<string, Map<number, number>>();
  const toRevoke = new Map<string, Map<number, number>>();
  const toAssign: (readonly [topicId: string, partitions: readonly number[]])[] = [];
  let isWaiting = false;
  for (const topicId of new Set([...target.keys(), ...member.assigned.keys()])) {
    const wanted = subscribedTopicIds.has(topicId) ? target.get(topicId) : undefined;
    const held = member.assigned.get(topicId);
    for (const [partition, epoch] of held ?? []) {
      const part = wanted?.has(partition) === true ? kept : toRevoke;
      let epochs = part.get(topicId);
      if (epochs === undefined) part.set(topicId, (epochs = new Map()));
      epochs.set(partition, epoch);
    }
    const missing = [...(wanted ?? [])].filter((partition) => held?.has(partition) !== true);
    // What the member itself is giving up is free for it.
    const ownRevoked = member.pendingRevocation.get(topicId);
    const free = missing.filter((partition) => !isOwned(topicId, partition) || ownRevoked?.has(partition) === true);
    if (free.length < missing.length) isWaiting = true;
    if (free.length > 0) toAssign.push([topicId, free]);
  }
  if (toRevoke.size > 0 && stillHolds(reported, toRevoke)) {
    return { ...atEpoch(member, memberEpoch), state: 'unrevoked', assigned: kept, pendingRevocation: toRevoke };
  }
  for (const [topicId, partitions] of toAssign) {
    const epochs = kept.get(topicId) ?? new Map<number, number>();
    for (const partition of partitions) epochs.set(partition, targetEpoch);
    kept.set(topicId, epochs);
  }
  const state = isWaiting ? 'unreleased' : 'stable';
  return { ...atEpoch(member, targetEpoch), state, assigned: kept, pendingRevocation: noPartitions };
}
