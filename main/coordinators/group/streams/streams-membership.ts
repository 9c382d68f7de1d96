// Who belongs to a streams group (KIP-1071): leaving, being let go when a session is over or tasks are not given up,
// and the deadlines of members.

import { ErrorCode } from '../../../protocol/errors.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import { consumerTimers } from '../consumer-timers.ts';
import type { GroupContext } from '../group-context.ts';
import { type GroupDecision, nothing } from '../group-records.ts';
import { streamsGroupSettings } from './streams-group-config.ts';
import type { StreamsGroupMember } from './streams-group-member.ts';
import { streamsEpochRecord, streamsMemberTombstones } from './streams-group-records.ts';
import { StreamsGroup } from './streams-group.ts';

/** After a member could not be taken out. */
const fenceRetryMs = 500;

export class StreamsMembership {
  readonly #context: GroupContext;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  refuseIfFull(group: StreamsGroup): void {
    const { maxSize } = this.#context.config.streams;
    if (group.members.size < maxSize) return;
    throw new CoordinatorError(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      `The streams group has reached its maximum capacity of ${maxSize} members.`,
    );
  }

  /** Takes a member out; the group begins a new epoch. */
  remove(group: StreamsGroup, { memberId }: StreamsGroupMember, reason: string): GroupDecision<null> {
    const { groupId } = group;
    const gone = { kind: 'group.memberRemoved', groupId, memberId, reason } as const;
    group.lastEvent = this.#context.journal.record(gone, group.lastEvent);
    return {
      records: [
        ...streamsMemberTombstones(groupId, memberId),
        streamsEpochRecord(groupId, { ...group, epoch: this.nextEpoch(group, reason) }),
      ],
      response: null,
    };
  }

  /** `reason` is for who watches. */
  nextEpoch(group: StreamsGroup, reason: string): number {
    const { groupId } = group;
    const generation = group.epoch + 1;
    const entry = { kind: 'group.rebalancing', groupId, generation, reason } as const;
    group.lastEvent = this.#context.journal.record(entry, group.lastEvent);
    return generation;
  }

  // ── deadlines ──

  get #timers() {
    return consumerTimers(this.#context.timers);
  }

  /** The member lives. */
  touch(groupId: string, memberId: string, timeoutMs = this.#sessionTimeoutMs(groupId)): void {
    this.#timers.session(groupId, memberId, timeoutMs, () =>
      this.#removeLater(groupId, memberId, `no heartbeat within ${timeoutMs} ms`),
    );
  }

  #sessionTimeoutMs(groupId: string): number {
    return streamsGroupSettings(this.#context.config.streams, this.#context.image(), groupId).sessionTimeoutMs;
  }

  /** It has as long as this to give up tasks. */
  awaitRevocation(groupId: string, { memberId, memberEpoch, rebalanceTimeoutMs }: StreamsGroupMember): void {
    this.#timers.rebalance(groupId, memberId, rebalanceTimeoutMs, () => {
      const group = this.#context.groups.get(groupId);
      const member = group instanceof StreamsGroup ? group.members.get(memberId) : undefined;
      if (member?.memberEpoch !== memberEpoch) return;
      this.#removeLater(groupId, memberId, `did not give up its tasks within ${rebalanceTimeoutMs} ms`);
    });
  }

  endRevocation(groupId: string, memberId: string): void {
    this.#timers.cancelRebalance(groupId, memberId);
  }

  #removeLater(groupId: string, memberId: string, reason: string): void {
    this.#context.run(() => {
      const group = this.#context.groups.get(groupId);
      const member = group instanceof StreamsGroup ? group.members.get(memberId) : undefined;
      if (!(group instanceof StreamsGroup) || member === undefined) return nothing;
      return {
        ...this.remove(group, member, reason),
        // It could not be written down: the member is still there, and must not stay for ever.
        onSettled: (errorCode) => {
          if (errorCode !== ErrorCode.NONE) this.touch(groupId, memberId, fenceRetryMs);
        },
      };
    });
  }

  /** After a load: everyone gets a full session to find this coordinator. */
  loaded(group: StreamsGroup): void {
    for (const member of group.members.values()) {
      this.touch(group.groupId, member.memberId);
      if (member.state === 'unrevoked') this.awaitRevocation(group.groupId, member);
    }
  }

  /** The group is no longer ours, or no longer this. */
  unloaded(group: StreamsGroup): void {
    for (const memberId of group.members.keys()) this.#timers.cancelAll(group.groupId, memberId);
  }
}
