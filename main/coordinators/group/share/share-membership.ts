// Who belongs to a share group (KIP-932): leaving, being let go when a session is over, and the deadlines of members.

import { ErrorCode } from '../../../protocol/errors.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import { consumerTimers } from '../consumer-timers.ts';
import type { GroupContext } from '../group-context.ts';
import { type GroupDecision, nothing } from '../group-records.ts';
import { type MetadataHashes, subscriptionOf } from '../group-subscription.ts';
import { shareGroupSettings } from './share-group-config.ts';
import { asSubscriber, type ShareGroupMember } from './share-group-member.ts';
import { shareEpochRecord, shareMemberTombstones } from './share-group-records.ts';
import { ShareGroup } from './share-group.ts';

/** After a member could not be taken out. */
const fenceRetryMs = 500;

export class ShareMembership {
  readonly #context: GroupContext;
  readonly #hashes: MetadataHashes;

  constructor(context: GroupContext, hashes: MetadataHashes) {
    this.#context = context;
    this.#hashes = hashes;
  }

  refuseIfFull(group: ShareGroup, memberId: string): void {
    const { maxSize } = this.#context.config.share;
    if (group.members.size < maxSize || group.members.has(memberId)) return;
    throw new CoordinatorError(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      `The share group has reached its maximum capacity of ${maxSize} members.`,
    );
  }

  /** Takes a member out; the group begins a new epoch. */
  remove(group: ShareGroup, { memberId }: ShareGroupMember, reason: string): GroupDecision<null> {
    const { groupId } = group;
    const gone = { kind: 'group.memberRemoved', groupId, memberId, reason } as const;
    group.lastEvent = this.#context.journal.record(gone, group.lastEvent);
    const rest = [...group.members.values()].filter((member) => member.memberId !== memberId);
    const { topicNames } = subscriptionOf(rest.map(asSubscriber), new Map());
    const hash = this.#hashes.of(topicNames, this.#context.image());
    const epoch = group.epoch + 1;
    const entry = { kind: 'group.rebalancing', groupId, generation: epoch, reason } as const;
    group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
    return {
      records: [...shareMemberTombstones(groupId, memberId), shareEpochRecord(groupId, epoch, hash)],
      response: null,
    };
  }

  // ── deadlines ──

  get #timers() {
    return consumerTimers(this.#context.timers);
  }

  /** The member lives. */
  touch(groupId: string, memberId: string, timeoutMs = this.#sessionTimeoutMs(groupId)): void {
    this.#timers.session(groupId, memberId, timeoutMs, () => this.#removeLater(groupId, memberId, timeoutMs));
  }

  #sessionTimeoutMs(groupId: string): number {
    return shareGroupSettings(this.#context.config.share, this.#context.image(), groupId).sessionTimeoutMs;
  }

  #removeLater(groupId: string, memberId: string, timeoutMs: number): void {
    this.#context.run(() => {
      const group = this.#context.groups.get(groupId);
      const member = group instanceof ShareGroup ? group.members.get(memberId) : undefined;
      if (!(group instanceof ShareGroup) || member === undefined) return nothing;
      return {
        ...this.remove(group, member, `no heartbeat within ${timeoutMs} ms`),
        // It could not be written down: the member is still there, and must not stay for ever.
        onSettled: (errorCode) => {
          if (errorCode !== ErrorCode.NONE) this.touch(groupId, memberId, fenceRetryMs);
        },
      };
    });
  }

  /** After a load: everyone gets a full session to find this coordinator. */
  loaded(group: ShareGroup): void {
    for (const memberId of group.members.keys()) this.touch(group.groupId, memberId);
  }

  /** The group is no longer ours, or no longer this. */
  unloaded(group: ShareGroup): void {
    for (const memberId of group.members.keys()) this.#timers.cancelAll(group.groupId, memberId);
  }
}
